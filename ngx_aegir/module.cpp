// What nginx is told about the module: tables only.
#include "ngx_aegir/abi.hpp"
#include "ngx_aegir/conf.hpp"
#include "ngx_aegir/platforms.hpp"
#include "ngx_aegir/request.hpp"
#include "ngx_aegir/status.hpp"
#include "ngx_aegir/upstream.hpp"
#include "ngx_aegir/variables.hpp"
#include "ngx_aegir/worker.hpp"

namespace aegir::ngx {
namespace {

ngx_int_t prepare(ngx_conf_t* cf) noexcept {
  return check_abi(cf) == NGX_OK && add_variables(cf) == NGX_OK && add_upstream(cf) ? NGX_OK : NGX_ERROR;
}

bool add_handler(ngx_conf_t* cf, ngx_http_phases phase, ngx_http_handler_pt handler) noexcept {
  auto* core = static_cast<ngx_http_core_main_conf_t*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  auto* const place = static_cast<ngx_http_handler_pt*>(ngx_array_push(&core->phases[phase].handlers));
  if (place == nullptr) return false;
  *place = handler;
  return true;
}

/// The last handler of a phase runs first: decide() before the server's rewrite rules.
ngx_int_t complete(ngx_conf_t* cf) noexcept {
  if (finish_conf(cf) != NGX_OK) return NGX_ERROR;
  return add_handler(cf, NGX_HTTP_SERVER_REWRITE_PHASE, decide) && add_handler(cf, NGX_HTTP_PREACCESS_PHASE, confirm)
             ? NGX_OK
             : NGX_ERROR;
}

ngx_http_module_t context = {
    prepare,             // preconfiguration
    complete,            // postconfiguration
    create_main_conf,    //
    nullptr,             // init main configuration
    create_server_conf,  //
    merge_server_conf,   //
    nullptr,             // create location configuration
    merge_location_conf,
};

constexpr ngx_uint_t kMain = NGX_HTTP_MAIN_CONF;
constexpr ngx_uint_t kServer = NGX_HTTP_SRV_CONF;
constexpr ngx_uint_t kLocation = NGX_HTTP_LOC_CONF;

ngx_command_t commands[] = {
    {ngx_string("aegir_map"), kMain | NGX_CONF_TAKE1, set_path, NGX_HTTP_MAIN_CONF_OFFSET,
     offsetof(MainConf, map_directory), nullptr},
    {ngx_string("aegir_key"), kMain | NGX_CONF_TAKE1, set_path, NGX_HTTP_MAIN_CONF_OFFSET, offsetof(MainConf, key_file),
     nullptr},
    {ngx_string("aegir_configuration"), kMain | NGX_CONF_TAKE1, set_configuration, NGX_HTTP_MAIN_CONF_OFFSET,
     offsetof(MainConf, configuration), nullptr},
    {ngx_string("aegir"), kServer | NGX_CONF_TAKE1, set_enabled, NGX_HTTP_SRV_CONF_OFFSET, 0, nullptr},
    {ngx_string("aegir_platform"), kServer | NGX_CONF_TAKE12, set_platform, NGX_HTTP_SRV_CONF_OFFSET, 0, nullptr},
    {ngx_string("aegir_probe_peer"), kMain | kServer | NGX_CONF_1MORE, set_networks, NGX_HTTP_SRV_CONF_OFFSET,
     offsetof(ServerConf, probe_peers), nullptr},
    {ngx_string("aegir_trusted_proxy"), kMain | kServer | NGX_CONF_1MORE, set_networks, NGX_HTTP_SRV_CONF_OFFSET,
     offsetof(ServerConf, trusted_proxies), nullptr},
    {ngx_string("aegir_https_port"), kMain | kServer | NGX_CONF_TAKE1, set_port, NGX_HTTP_SRV_CONF_OFFSET,
     offsetof(ServerConf, https_port), nullptr},
    {ngx_string("aegir_acme_root"), kMain | kServer | NGX_CONF_TAKE1, set_path, NGX_HTTP_SRV_CONF_OFFSET,
     offsetof(ServerConf, acme_root), nullptr},
    {ngx_string("aegir_status"), kLocation | NGX_CONF_NOARGS, set_status, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    ngx_null_command};

char name[] = "ngx_http_aegir_module";

}  // namespace
}  // namespace aegir::ngx

#define AEGIR_EXPORT __attribute__((visibility("default")))

extern "C" {

ngx_module_t ngx_http_aegir_module = {NGX_MODULE_V1,
                                      &aegir::ngx::context,
                                      aegir::ngx::commands,
                                      NGX_HTTP_MODULE,
                                      nullptr,  // init master
                                      nullptr,  // init module
                                      aegir::ngx::start_worker,
                                      nullptr,  // init thread
                                      nullptr,  // exit thread
                                      aegir::ngx::stop_worker,
                                      nullptr,  // exit master
                                      NGX_MODULE_V1_PADDING};

AEGIR_EXPORT ngx_module_t* ngx_modules[] = {&ngx_http_aegir_module, nullptr};
AEGIR_EXPORT char* ngx_module_names[] = {aegir::ngx::name, nullptr};
AEGIR_EXPORT char* ngx_module_order[] = {nullptr};
}
