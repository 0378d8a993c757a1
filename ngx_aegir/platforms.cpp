#include "ngx_aegir/platforms.hpp"

#include <bit>
#include <limits>
#include <span>

#include "ngx_aegir/conf.hpp"

namespace aegir::ngx {
namespace {

std::span<ngx_http_core_srv_conf_t*> servers_of(ngx_conf_t* cf) noexcept {
  const auto* core =
      static_cast<const ngx_http_core_main_conf_t*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  return {static_cast<ngx_http_core_srv_conf_t**>(core->servers.elts), core->servers.nelts};
}

const ServerConf& conf_of(const ngx_http_core_srv_conf_t& server) noexcept {
  return *static_cast<const ServerConf*>(server.ctx->srv_conf[ngx_http_aegir_module.ctx_index]);
}

/// Where the block of a platform, or of a site on it, stands or would stand.
PlatformBlock& place(const PlatformTable& table, std::uint32_t id, std::string_view site) noexcept {
  std::uint32_t hash = id;
  for (const char c : site) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;  // FNV
  std::uint32_t at = (hash * 2654435769U) >> table.shift;                               // Fibonacci hashing
  for (;; at = (at + 1) & table.mask) {
    PlatformBlock& block = table.blocks[at];
    if (block.ctx == nullptr || (block.id == id && block.site == site)) return block;
  }
}

}  // namespace

ngx_http_conf_ctx_t* PlatformTable::find(std::uint32_t id, std::string_view site) const noexcept {
  if (blocks == nullptr) return nullptr;
  if (has_sites) {
    if (ngx_http_conf_ctx_t* const own = place(*this, id, site).ctx) return own;
  }
  return place(*this, id, {}).ctx;
}

bool make_platform_table(ngx_conf_t* cf, PlatformTable& table) noexcept {
  std::uint32_t count = 0;
  for (const ngx_http_core_srv_conf_t* const server : servers_of(cf)) count += conf_of(*server).platform != 0 ? 1 : 0;
  if (count == 0) return true;
  const std::uint32_t places = std::bit_ceil(count * 2);
  table.blocks = static_cast<PlatformBlock*>(ngx_pcalloc(cf->pool, places * sizeof(PlatformBlock)));
  if (table.blocks == nullptr) return false;
  table.mask = places - 1;
  table.shift = static_cast<std::uint32_t>(std::countl_zero(table.mask));
  for (const ngx_http_core_srv_conf_t* const server : servers_of(cf)) {
    const ServerConf& conf = conf_of(*server);
    if (conf.platform == 0) continue;
    PlatformBlock& block = place(table, conf.platform, view(conf.site));
    if (block.ctx != nullptr) {
      ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                    "aegir_platform %uD%s%V stands in two server blocks; the second is at %s:%ui", conf.platform,
                    conf.site.len == 0 ? "" : " ", &conf.site, server->file_name, server->line);
      return false;
    }
    block = {conf.platform, view(conf.site), server->ctx};
    table.has_sites |= conf.site.len != 0;
  }
  return true;
}

char* set_platform(ngx_conf_t* cf, ngx_command_t* /*command*/, void* conf) noexcept {
  auto& server = *static_cast<ServerConf*>(conf);
  auto* const core =
      static_cast<ngx_http_core_srv_conf_t*>(ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module));
  if (server.platform != 0) return const_cast<char*>("is duplicate");
  const ngx_str_t text = static_cast<const ngx_str_t*>(cf->args->elts)[1];
  const ngx_int_t id = ngx_atoi(text.data, text.len);
  if (id < 1 || id > std::numeric_limits<std::uint32_t>::max()) return const_cast<char*>("needs a platform's number");
  if (core->listen != 0) return const_cast<char*>("stands in a server that has a \"listen\"; it must have none");
  core->listen = 1;
  server.platform = static_cast<std::uint32_t>(id);
  if (cf->args->nelts == 3) server.site = static_cast<const ngx_str_t*>(cf->args->elts)[2];
  return NGX_CONF_OK;
}

bool enter_platform(ngx_http_request_t* r, const PlatformTable& table, std::uint32_t id,
                    std::string_view site) noexcept {
  ngx_http_conf_ctx_t* const ctx = table.find(id, site);
  if (ctx == nullptr) return false;
  r->srv_conf = ctx->srv_conf;
  r->loc_conf = ctx->loc_conf;
  const auto* core =
      static_cast<const ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  ngx_set_connection_log(r->connection, core->error_log);
  return true;
}

}  // namespace aegir::ngx
