// httpd's and APR's headers as C++ can take them, and the bridges between their strings and ours.
#pragma once

// Makes the AP_INIT_* macros check the types of setters, so that no function pointer needs a cast.
#define AP_HAVE_DESIGNATED_INITIALIZER 1

#include <httpd.h>
//
#include <ap_mpm.h>
#include <apr_hash.h>
#include <apr_shm.h>
#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <http_ssl.h>
#include <util_filter.h>

#include <new>
#include <span>
#include <string_view>
#include <utility>

// Declared with its visibility before APLOG_USE_MODULE declares it without: hidden beats the version script.
extern "C" __attribute__((visibility("default"))) module aegir_module;
APLOG_USE_MODULE(aegir);

namespace aegir::apache {

/// A string of the server's; null is empty.
[[nodiscard]] inline std::string_view view(const char* text) noexcept {
  return text == nullptr ? std::string_view{} : std::string_view{text};
}

/// The C string of a constant of ours: a literal, so there is a NUL at its end.
[[nodiscard]] inline const char* c_string(std::string_view constant) noexcept { return constant.data(); }

/// A copy with a NUL at its end, as long-lived as `pool`.
[[nodiscard]] inline char* copy(apr_pool_t* pool, std::string_view text) noexcept {
  return apr_pstrmemdup(pool, text.data(), text.size());
}

/// Copies `text` to `memory` with a NUL at its end, and moves `memory` behind it.
[[nodiscard]] inline char* put(char*& memory, std::string_view text) noexcept {
  char* const begin = memory;
  memory += text.copy(memory, text.size());
  *memory++ = '\0';
  return begin;
}

/// The pieces one after the other, with a NUL at the end.
[[nodiscard]] char* join(apr_pool_t* pool, std::span<const std::string_view> pieces) noexcept;

/// Makes a C++ object that is destroyed with `pool`.
template <class T, class... Args>
[[nodiscard]] T* make(apr_pool_t* pool, Args&&... args) {
  T* const object = new (apr_palloc(pool, sizeof(T))) T(std::forward<Args>(args)...);
  apr_pool_cleanup_register(
      pool, object,
      [](void* data) noexcept -> apr_status_t {
        static_cast<T*>(data)->~T();
        return APR_SUCCESS;
      },
      apr_pool_cleanup_null);
  return object;
}

}  // namespace aegir::apache
