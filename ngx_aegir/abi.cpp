#include "ngx_aegir/abi.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace aegir::ngx {
namespace {

using namespace std::string_view_literals;

struct Field {
  std::string_view name;
  std::size_t offset;
};

/// Directives of the core whose tables hold the offset of their field, as the server was built.
constexpr std::array kDirectives = {
    Field{"merge_slashes"sv, offsetof(ngx_http_core_srv_conf_t, merge_slashes)},
    Field{"absolute_redirect"sv, offsetof(ngx_http_core_loc_conf_t, absolute_redirect)},
    Field{"open_file_cache_errors"sv, offsetof(ngx_http_core_loc_conf_t, open_file_cache_errors)},
    Field{"types_hash_bucket_size"sv, offsetof(ngx_http_core_loc_conf_t, types_hash_bucket_size)},
};

/// Variables of the core whose `data` is the offset of a field of the request.
constexpr std::array kVariables = {
    Field{"http_host"sv, offsetof(ngx_http_request_t, headers_in.host)},
    Field{"http_cookie"sv, offsetof(ngx_http_request_t, headers_in.cookies)},
    Field{"uri"sv, offsetof(ngx_http_request_t, uri)},
    Field{"args"sv, offsetof(ngx_http_request_t, args)},
    Field{"request_uri"sv, offsetof(ngx_http_request_t, unparsed_uri)},
    Field{"limit_rate"sv, offsetof(ngx_http_request_t, limit_rate)},
};

bool directive_is_at(const Field& field) noexcept {
  for (const ngx_command_t* command = ngx_http_core_module.commands; command->name.len != 0; ++command) {
    if (view(command->name) == field.name) return command->offset == field.offset;
  }
  return false;
}

bool variable_is_at(ngx_conf_t* cf, const Field& field) noexcept {
  const auto* main =
      static_cast<const ngx_http_core_main_conf_t*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  const ngx_array_t& keys = main->variables_keys->keys;
  for (const auto& key : std::span(static_cast<const ngx_hash_key_t*>(keys.elts), keys.nelts)) {
    if (view(key.key) == field.name) return static_cast<const ngx_http_variable_t*>(key.value)->data == field.offset;
  }
  return false;
}

ngx_int_t refuse(ngx_conf_t* cf, std::string_view field) noexcept {
  const ngx_str_t name = str(field);
  ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "ngx_http_aegir_module was built for " AEGIR_NGINX_ABI
                " and this nginx keeps \"%V\" in another place: install the module that was built for this nginx",
                &name);
  return NGX_ERROR;
}

}  // namespace

ngx_int_t check_abi(ngx_conf_t* cf) noexcept {
  for (const Field& field : kDirectives) {
    if (!directive_is_at(field)) return refuse(cf, field.name);
  }
  for (const Field& field : kVariables) {
    if (!variable_is_at(cf, field)) return refuse(cf, field.name);
  }
  return NGX_OK;
}

}  // namespace aegir::ngx
