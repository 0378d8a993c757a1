#include "ngx_aegir/conf.hpp"

#include <new>
#include <string>

namespace aegir::ngx {
namespace {

template <class T>
T* create(ngx_conf_t* cf) noexcept {
  return static_cast<T*>(ngx_pcalloc(cf->pool, sizeof(T)));
}

/// The field of a configuration that a directive is about.
template <class T>
T& field(void* conf, const ngx_command_t* command) noexcept {
  return *reinterpret_cast<T*>(static_cast<char*>(conf) + command->offset);
}

ngx_str_t argument(const ngx_conf_t* cf, ngx_uint_t number) noexcept {
  return static_cast<ngx_str_t*>(cf->args->elts)[number];
}

MainConf& main_of(ngx_conf_t* cf) noexcept {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_aegir_module));
}

char* error() noexcept { return static_cast<char*>(NGX_CONF_ERROR); }

char* const kDuplicate = const_cast<char*>("is duplicate");

/// Wipes and ends an object that lives in a pool.
template <class T>
void destroy(void* object) noexcept {
  static_cast<T*>(object)->~T();
}

bool read_keys(ngx_conf_t* cf, MainConf& main) {
  Result<KeyRing> keys = KeyRing::read(std::string(view(main.key_file)));
  if (!keys) {
    const Error& error = keys.error();
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "aegir_key: %V: %s%s%s", &main.key_file, error.message.c_str(),
                       error.hint.empty() ? "" : "; ", error.hint.c_str());
    return false;
  }
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(cf->pool, sizeof(KeyRing));
  if (cleanup == nullptr) return false;
  main.keys = new (cleanup->data) KeyRing(*keys);
  cleanup->handler = destroy<KeyRing>;
  return true;
}

void free_shared(void* memory) noexcept { ngx_shm_free(static_cast<ngx_shm_t*>(memory)); }

bool make_counters(ngx_conf_t* cf, MainConf& main) noexcept {
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_shm_t));
  if (cleanup == nullptr) return false;
  auto* const memory = new (cleanup->data) ngx_shm_t{};
  memory->size = sizeof(map::Counters);
  memory->name = str("aegir_counters");
  memory->log = cf->log;
  if (ngx_shm_alloc(memory) != NGX_OK) return false;
  cleanup->handler = free_shared;
  main.counters = new (memory->addr) map::Counters{};
  return true;
}

}  // namespace

void* create_main_conf(ngx_conf_t* cf) noexcept { return create<MainConf>(cf); }

void* create_server_conf(ngx_conf_t* cf) noexcept {
  auto* const conf = create<ServerConf>(cf);
  if (conf == nullptr) return nullptr;
  conf->enabled = NGX_CONF_UNSET;
  conf->https_port = NGX_CONF_UNSET_UINT;
  conf->probe_peers = static_cast<ngx_array_t*>(NGX_CONF_UNSET_PTR);
  conf->trusted_proxies = static_cast<ngx_array_t*>(NGX_CONF_UNSET_PTR);
  return conf;
}

char* merge_server_conf(ngx_conf_t* cf, void* parent, void* child) noexcept {
  const auto& above = *static_cast<const ServerConf*>(parent);
  auto& conf = *static_cast<ServerConf*>(child);
  ngx_conf_merge_value(conf.enabled, above.enabled, 0);
  ngx_conf_merge_uint_value(conf.https_port, above.https_port, 443);
  ngx_conf_merge_ptr_value(conf.probe_peers, above.probe_peers, nullptr);
  ngx_conf_merge_ptr_value(conf.trusted_proxies, above.trusted_proxies, nullptr);
  ngx_conf_merge_str_value(conf.acme_root, above.acme_root, "");
  if (conf.enabled == 1 && conf.platform != 0) {
    ngx_conf_log_error(
        NGX_LOG_EMERG, cf, 0,
        "\"aegir\" and \"aegir_platform\" stand in one server: the one decides about hosts, the other is "
        "entered by requests that are decided");
    return error();
  }
  return NGX_CONF_OK;
}

char* merge_location_conf(ngx_conf_t* cf, void* /*parent*/, void* /*child*/) noexcept {
  const auto* conf = static_cast<const ServerConf*>(ngx_http_conf_get_module_srv_conf(cf, ngx_http_aegir_module));
  const auto* core =
      static_cast<const ngx_http_core_loc_conf_t*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  if (!conf->has_sites() || (core->error_log->log_level & NGX_LOG_DEBUG_HTTP) == 0) return NGX_CONF_OK;
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                     "\"aegir\" or \"aegir_platform\" with an error_log at level debug would write the databases' "
                     "passwords to it: use "
                     "level info in this server");
  return error();
}

char* set_enabled(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  if (server.enabled != NGX_CONF_UNSET) return kDuplicate;
  const std::string_view value = view(argument(cf, 1));
  server.by_platform = value == "platforms";
  if (!server.by_platform && value != "on" && value != "off") {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V: it must be \"on\", \"platforms\" or \"off\"", &command->name);
    return error();
  }
  server.enabled = value == "off" ? 0 : 1;
  if (server.enabled == 1) main_of(cf).used = true;
  return NGX_CONF_OK;
}

char* set_path(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept {
  auto& path = field<ngx_str_t>(conf, command);
  if (path.data != nullptr) return kDuplicate;
  path = argument(cf, 1);
  if (path.len == 0) return const_cast<char*>("needs a path");
  if (path.data[0] != '/') return const_cast<char*>("needs an absolute path");
  while (path.len > 1 && path.data[path.len - 1] == '/') --path.len;
  return NGX_CONF_OK;
}

char* set_configuration(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept {
  auto& name = field<ngx_str_t>(conf, command);
  if (name.data != nullptr) return kDuplicate;
  name = argument(cf, 1);
  return map::is_configuration_name(view(name)) ? NGX_CONF_OK : const_cast<char*>("needs 1 to 64 letters and digits");
}

char* set_networks(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept {
  auto*& networks = field<ngx_array_t*>(conf, command);
  if (networks == NGX_CONF_UNSET_PTR) networks = ngx_array_create(cf->pool, 4, sizeof(ngx_cidr_t));
  if (networks == nullptr) return error();
  for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
    ngx_str_t text = argument(cf, i);
    auto* const network = static_cast<ngx_cidr_t*>(ngx_array_push(networks));
    if (network == nullptr) return error();
    const ngx_int_t result = ngx_ptocidr(&text, network);
    if (result == NGX_ERROR) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V: \"%V\" is no address and no network such as 10.0.0.0/8 or fd00::/8",
                         &command->name, &text);
      return error();
    }
    if (result == NGX_DONE) {
      ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "%V: \"%V\" has bits below its mask; they are ignored", &command->name,
                         &text);
    }
  }
  return NGX_CONF_OK;
}

char* set_port(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept {
  auto& port = field<ngx_uint_t>(conf, command);
  if (port != NGX_CONF_UNSET_UINT) return kDuplicate;
  const ngx_str_t text = argument(cf, 1);
  const ngx_int_t number = ngx_atoi(text.data, text.len);
  if (number < 1 || number > 65535) return const_cast<char*>("needs a port from 1 to 65535");
  port = static_cast<ngx_uint_t>(number);
  return NGX_CONF_OK;
}

ngx_int_t finish_conf(ngx_conf_t* cf) noexcept try {
  MainConf& main = main_of(cf);
  if (!main.used) return NGX_OK;
  if (main.map_directory.data == nullptr || main.key_file.data == nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s is missing: \"aegir on\" and \"aegir_status\" need it in http {}",
                       main.map_directory.data == nullptr ? "aegir_map" : "aegir_key");
    return NGX_ERROR;
  }
  return read_keys(cf, main) && make_counters(cf, main) && make_platform_table(cf, main.platforms) ? NGX_OK : NGX_ERROR;
} catch (...) {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "aegir: out of memory");
  return NGX_ERROR;
}

}  // namespace aegir::ngx
