// What each worker process holds: the site map that it follows.
#pragma once

#include <memory>
#include <span>

#include "compiler/map/answer.hpp"
#include "compiler/map/reader.hpp"
#include "ngx_aegir/ngx.hpp"

namespace aegir::ngx {

/// init_process: opens the map and makes the worker's memory, which holds the key, unreadable for other processes of
/// its user (nginx allows that, and it survives setuid).
ngx_int_t start_worker(ngx_cycle_t* cycle) noexcept;
/// exit_process.
void stop_worker(ngx_cycle_t* cycle) noexcept;

/// The newest good state of the map; null when there was none yet.
[[nodiscard]] std::shared_ptr<const map::Snapshot> current_snapshot() noexcept;
/// Opens credentials, those of busy sites from memory.
[[nodiscard]] bool open_credentials(const map::SiteView& site, std::span<char> plain,
                                    map::CredentialFields& fields) noexcept;
/// Published states that this worker refused.
[[nodiscard]] std::uint64_t map_refusals() noexcept;

}  // namespace aegir::ngx
