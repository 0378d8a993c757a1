#include "ngx_aegir/status.hpp"

#include "ngx_aegir/conf.hpp"
#include "ngx_aegir/worker.hpp"

namespace aegir::ngx {
namespace {

ngx_int_t send_status(ngx_http_request_t* r) noexcept {
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) return NGX_HTTP_NOT_ALLOWED;
  auto* const memory = static_cast<char*>(ngx_pnalloc(r->pool, map::kStatusSize));
  if (memory == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  const std::shared_ptr<const map::Snapshot> snapshot = current_snapshot();
  ngx_str_t type = str(map::kStatusType);
  ngx_http_complex_value_t body{};
  body.value = str(map::write_status(*main_conf(r).counters, snapshot.get(), map_refusals(), ngx_pid,
                                     view(main_conf(r).configuration),
                                     std::span<char, map::kStatusSize>(memory, map::kStatusSize)));
  return ngx_http_send_response(r, NGX_HTTP_OK, &type, &body);
}

}  // namespace

char* set_status(ngx_conf_t* cf, ngx_command_t* /*command*/, void* /*conf*/) noexcept {
  auto* core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  core->handler = send_status;
  static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_aegir_module))->used = true;
  return NGX_CONF_OK;
}

}  // namespace aegir::ngx
