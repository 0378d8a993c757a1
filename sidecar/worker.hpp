// aegird-worker, put together: host, registry, map, verbs, queue and API.
#pragma once

#include "compiler/core/config.hpp"
#include "sidecar/tasks/saga.hpp"
#include "sidecar/verbs/services.hpp"

namespace aegir {

/// What tests look at and shorten.
struct WorkerOptions {
  tasks::OnJournal on_journal = {};
  verbs::LongestRun longest_run = {};
};

/// Works until SIGTERM or SIGINT comes, or aegird at the other end of descriptor 3 is gone; then the process ends here
/// and now, as it may at any moment: what is open is taken up by the next one. Returns the exit status of what keeps it
/// from beginning, which it has told on standard error.
[[nodiscard]] int run_worker(const Config& config, WorkerOptions options = {});

}  // namespace aegir
