// nginx's headers for C++, and the bridge between its strings and ours.
#pragma once

extern "C" {
#include <ngx_config.h>
// ngx_core.h needs ngx_config.h before it.
#include <ngx_core.h>
#include <ngx_http.h>
}

#include <string_view>

/// The module itself (module.cpp).
extern "C" ngx_module_t ngx_http_aegir_module;

namespace aegir::ngx {

[[nodiscard]] inline std::string_view view(const ngx_str_t& text) noexcept {
  return {reinterpret_cast<const char*>(text.data), text.len};
}

/// nginx never writes through the strings that it is given here.
[[nodiscard]] inline ngx_str_t str(std::string_view text) noexcept {
  return {text.size(), reinterpret_cast<u_char*>(const_cast<char*>(text.data()))};
}

}  // namespace aegir::ngx
