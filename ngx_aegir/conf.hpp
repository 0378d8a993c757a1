// What the directives say, and the checks that a configuration must pass before nginx takes it.
#pragma once

#include "compiler/core/secret_box.hpp"
#include "compiler/map/answer.hpp"
#include "ngx_aegir/ngx.hpp"
#include "ngx_aegir/platforms.hpp"

namespace aegir::ngx {

/// http {}. Lives in the configuration's pool.
struct MainConf {
  ngx_str_t map_directory;  ///< aegir_map
  ngx_str_t key_file;       ///< aegir_key
  ngx_str_t configuration;  ///< aegir_configuration: its name, for the status; empty: none
  const KeyRing* keys;      ///< read before the workers are made; wiped with the configuration
  map::Counters* counters;  ///< shared by all workers
  PlatformTable platforms;  ///< the blocks that have aegir_platform
  bool used;                ///< some server or location needs the map
};

/// server {}
struct ServerConf {
  ngx_flag_t enabled;            ///< aegir
  bool by_platform;              ///< "aegir platforms": sites are served by their platform's block or not at all
  std::uint32_t platform;        ///< aegir_platform; 0: this is no platform's block
  ngx_str_t site;                ///< the one site of it that this block is for; empty: all
  ngx_uint_t https_port;         ///< aegir_https_port
  ngx_array_t* probe_peers;      ///< aegir_probe_peer: ngx_cidr_t; null: none
  ngx_array_t* trusted_proxies;  ///< aegir_trusted_proxy: the same
  ngx_str_t acme_root;           ///< aegir_acme_root; empty: none

  /// Requests here are for sites of the map.
  [[nodiscard]] bool has_sites() const noexcept { return enabled == 1 || platform != 0; }
};

void* create_main_conf(ngx_conf_t* cf) noexcept;
void* create_server_conf(ngx_conf_t* cf) noexcept;
char* merge_server_conf(ngx_conf_t* cf, void* parent, void* child) noexcept;
/// Refuses a log at level debug where sites are served: nginx writes every parameter of PHP to it.
char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) noexcept;

/// Setters of directives.
char* set_enabled(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_path(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_configuration(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_networks(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;
char* set_port(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

/// The last step of a configuration: reads the key and makes the counters when something needs them. (Not in
/// init_module: an error there ends the master of a running server, an error here keeps the old configuration.)
ngx_int_t finish_conf(ngx_conf_t* cf) noexcept;

[[nodiscard]] inline MainConf& main_conf(ngx_http_request_t* r) noexcept {
  return *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_aegir_module));
}
[[nodiscard]] inline const ServerConf& server_conf(ngx_http_request_t* r) noexcept {
  return *static_cast<const ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_aegir_module));
}

}  // namespace aegir::ngx
