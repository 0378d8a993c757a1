#include "ngx_aegir/worker.hpp"

#include <sys/prctl.h>

#include <optional>
#include <string>

#include "compiler/map/credential_memo.hpp"
#include "ngx_aegir/conf.hpp"

namespace aegir::ngx {
namespace {

/// One for each process; filled between start_worker() and stop_worker().
std::optional<map::LiveMap> live_map;
std::optional<map::CredentialMemo> memo;

void log_refusal(void* /*context*/, const char* message) noexcept {
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "aegir: %s", message);
}

}  // namespace

ngx_int_t start_worker(ngx_cycle_t* cycle) noexcept try {
  const auto* conf = static_cast<const MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_aegir_module));
  if (conf == nullptr || !conf->used) return NGX_OK;
  if (prctl(PR_SET_DUMPABLE, 0) != 0) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno, "aegir: prctl(PR_SET_DUMPABLE) failed");
    return NGX_ERROR;
  }
  live_map.emplace(std::string(view(conf->map_directory)), log_refusal, nullptr);
  memo.emplace(*conf->keys);
  (void)current_snapshot();  // opened before the first request waits for it
  return NGX_OK;
} catch (...) {
  ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "aegir: out of memory");
  return NGX_ERROR;
}

void stop_worker(ngx_cycle_t* /*cycle*/) noexcept {
  memo.reset();
  live_map.reset();
}

std::shared_ptr<const map::Snapshot> current_snapshot() noexcept {
  return live_map ? live_map->snapshot(static_cast<std::uint64_t>(ngx_time())) : nullptr;
}

bool open_credentials(const map::SiteView& site, std::span<char> plain, map::CredentialFields& fields) noexcept {
  return memo && memo->open(site, plain, fields);
}

std::uint64_t map_refusals() noexcept { return live_map ? live_map->refusals() : 0; }

}  // namespace aegir::ngx
