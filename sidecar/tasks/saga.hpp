// A task as a saga: named steps, each with what takes it back, and one commit among them. What the registry's journal
// says decides what is done next, so that a process that was killed anywhere is followed by one that finishes its work:
// before the commit all steps are undone, after it the rest is done (design §9).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/registry/store.hpp"
#include "sidecar/tasks/work.hpp"

namespace aegir::tasks {

/// Both functions are idempotent: they may have been run before, wholly or in part, by a process that was killed.
struct Step {
  std::string name;
  std::function<Result<void>(Work&)> run;
  /// Takes back whatever run() may have done. Empty: there is nothing to take back.
  std::function<Result<void>(Work&)> undo = {};
  bool lasts = false;  ///< what it has put right stays so, however the task ends: a repair
};

/// The step that switches from the old state to the new one, in one registry transaction; the store is the one that the
/// transaction is of.
struct Commit {
  std::string name;
  std::function<Result<void>(Work&, registry::Store&, registry::Writer&)> run;
};

struct Saga {
  std::vector<Step> before;  ///< each can fail, and all of them are undone then
  Commit commit;
  std::vector<Step> after;  ///< each is tried until it succeeds; never undone
};

/// Hears of each write of the journal, before it is done and after it; the crash tests kill the process there.
using OnJournal = std::function<void(const std::string& point)>;

/// Does what is left of a task. Nothing: it has ended. A time: something failed that must succeed in the end; this
/// function is to be called again with the same `work` after so long. The task is queued or processing.
[[nodiscard]] std::optional<std::chrono::milliseconds> run_saga(const Saga& saga, std::uint32_t version, Work& work,
                                                                const OnJournal& on_journal);

}  // namespace aegir::tasks
