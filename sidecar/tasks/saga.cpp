#include "sidecar/tasks/saga.hpp"

#include <algorithm>
#include <exception>

namespace aegir::tasks {

using registry::LogLevel;
using registry::StepRow;
using registry::StepState;
using registry::TaskState;

/// One call of run_saga(). The rows of the journal are changed in memory first; what is `unsaved_` of them goes into
/// the registry with the next write, so that the end of one step and the begin of the next are one transaction.
class SagaRun {
 public:
  SagaRun(const Saga& saga, std::uint32_t version, Work& work, const OnJournal& on_journal)
      : saga_(saga), version_(version), work_(work), on_journal_(on_journal) {}

  using Pause = std::optional<std::chrono::milliseconds>;

  Pause run() {
    if (is(commit_number(), StepState::kDone)) return finish();
    if (work_.task_.verdict != TaskState::kProcessing) return undo();
    if (work_.task_.state == TaskState::kQueued) return begin();
    // Somebody before us was at work and did not come to the commit.
    const std::string step = work_.journal_.empty() ? "" : " at step '" + work_.journal_.rbegin()->second.name + "'";
    return take_back(TaskState::kError, "the task was interrupted" + step);
  }

 private:
  using Also = std::function<Result<void>(registry::Tasks&)>;

  [[nodiscard]] std::uint32_t commit_number() const { return static_cast<std::uint32_t>(saga_.before.size()); }
  [[nodiscard]] bool is(std::uint32_t number, StepState state) const {
    const auto row = work_.journal_.find(number);
    return row != work_.journal_.end() && row->second.state == state;
  }

  Pause begin() {
    work_.log(LogLevel::kInfo, "begun");
    for (std::uint32_t number = 0; number < commit_number(); ++number) {
      const Step& step = saga_.before[number];
      enter(number, step.name, StepState::kBegun);
      Result<void> done = save(step.name, [&](registry::Tasks& tasks) { return start(tasks); });
      if (!done) return take_back(TaskState::kError, describe(done.error()));
      work_.task_.state = TaskState::kProcessing;
      if (std::optional<Error> stop = reason_to_stop()) return take_back(*stop);
      done = attempt(step.run);
      leave(number, done ? StepState::kDone : StepState::kBegun);
      if (!done) return take_back(failure(step.name, done.error()));
    }
    if (std::optional<Error> stop = reason_to_stop()) return take_back(*stop);
    return commit();
  }

  /// The first write of a task's journal starts it.
  Result<void> start(registry::Tasks& tasks) {
    if (work_.task_.state != TaskState::kQueued) return {};
    return tasks.start(work_.id(), version_);
  }

  Pause commit() {
    const std::string& name = saga_.commit.name;
    enter(commit_number(), name, StepState::kBegun);
    const registry::Actor actor{work_.task_.actor, "task " + std::to_string(work_.id())};
    work_.flush();
    point("before", name);
    Result<std::uint64_t> done = work_.store_.with([&](registry::Store& store) {
      return store.transact(actor, [&](registry::Writer& writer) -> Result<void> {
        registry::Tasks tasks = store.tasks();
        if (Result<void> started = start(tasks); !started) return started;
        if (Result<void> written = attempt([&](Work& work) { return saga_.commit.run(work, store, writer); }); !written)
          return written;
        leave(commit_number(), StepState::kDone);
        return put_rows(tasks);
      });
    });
    if (!done) {
      work_.journal_.erase(commit_number());
      unsaved_.erase(commit_number());
      return take_back(failure(name, done.error()));
    }
    unsaved_.clear();
    work_.task_.state = TaskState::kProcessing;
    point("after", name);
    work_.told_(work_.id());
    return finish();
  }

  /// What comes after the commit.
  Pause finish() {
    work_.committed_ = true;
    work_.settled_ = true;
    const std::uint32_t first = commit_number() + 1;
    for (std::uint32_t number = first; number < first + saga_.after.size(); ++number) {
      if (is(number, StepState::kDone)) continue;
      const Step& step = saga_.after[number - first];
      enter(number, step.name, StepState::kBegun);
      Result<void> done = save(step.name, {});
      if (!done) return again(describe(done.error()));
      done = attempt_or_skip(step.run);
      leave(number, done ? StepState::kDone : StepState::kBegun);
      if (!done) return again("'" + step.name + "' has failed: " + describe(done.error()));
    }
    const std::string warnings = with_warnings({});
    return end(warnings.empty() ? TaskState::kSuccess : TaskState::kWarning, warnings);
  }

  /// `text` and below it, a line each, what the steps warn of.
  [[nodiscard]] std::string with_warnings(std::string text) const {
    for (const auto& [number, row] : work_.journal_) {
      if (!row.warning.empty()) text += (text.empty() ? "" : "\n") + row.warning;
    }
    return text;
  }

  Pause take_back(const Error& error) {
    return take_back(work_.is_cancelled() ? TaskState::kCancelled : TaskState::kError, describe(error));
  }

  Pause take_back(TaskState verdict, const std::string& why) {
    work_.task_.verdict = verdict;
    work_.task_.message = work_.masked(why);
    work_.log(LogLevel::kError, why);
    return undo();
  }

  Pause undo() {
    work_.settled_ = true;
    for (std::uint32_t number = commit_number(); number-- > 0;) {
      if (!work_.journal_.contains(number) || is(number, StepState::kUndone)) continue;
      const Step& step = saga_.before[number];
      enter(number, step.name, StepState::kUndoing);
      Result<void> done = save("undo " + step.name, [&](registry::Tasks& tasks) {
        return tasks.begin_undo(work_.id(), work_.task_.verdict, work_.task_.message);
      });
      if (!done) return again(describe(done.error()));
      if (step.undo) {
        work_.log(LogLevel::kInfo, "is undone");
        done = attempt_or_skip(step.undo);
      }
      leave(number, done ? StepState::kUndone : StepState::kUndoing);
      if (!done) return again("'" + step.name + "' can't be undone: " + describe(done.error()));
    }
    return end(work_.task_.verdict, with_warnings(work_.task_.message));
  }

  /// The same as attempt(), for what is tried until it succeeds: a person may want it left.
  Result<void> attempt_or_skip(const std::function<Result<void>(Work&)>& body) {
    Result<void> done = attempt(body);
    const bool skipped = work_.skipped_.exchange(false);
    if (done || !skipped) return done;
    done.error().message = "left as it is: " + done.error().message;
    done.error().hint = "`aegir reconcile` tells what is left, and mends what it can";
    work_.warn(done.error());
    return {};
  }

  /// Why a task that is not committed is not to go on.
  [[nodiscard]] std::optional<Error> reason_to_stop() const {
    if (work_.is_cancelled()) return Error{Code::kConflict, "the task was cancelled", {}, {}};
    if (std::chrono::steady_clock::now() < work_.deadline()) return std::nullopt;
    return Error{Code::kBusy, "the task took too long", {}, "see its log for what it waited for"};
  }

  [[nodiscard]] static Error failure(const std::string& step, Error error) {
    error.message = "'" + step + "' failed: " + error.message;
    return error;
  }

  /// A step of ours that throws (out of memory, JSON of another shape) is a step that failed.
  Result<void> attempt(const std::function<Result<void>(Work&)>& body) {
    try {
      return body(work_);
    } catch (const std::exception& problem) {
      return fail(Code::kInternal, std::string("an exception: ") + problem.what());
    }
  }

  void enter(std::uint32_t number, const std::string& name, StepState state) {
    StepRow& row = work_.journal_[number];
    row.number = number;
    row.name = name;
    row.state = state;
    // What it has said before it is repeated it says again, when it still holds.
    row.warning.clear();
    unsaved_.insert(number);
    work_.enter(number);
  }

  void leave(std::uint32_t number, StepState state) {
    work_.leave();
    work_.journal_.at(number).state = state;
    unsaved_.insert(number);
  }

  Result<void> put_rows(registry::Tasks& tasks) {
    for (const std::uint32_t number : unsaved_) {
      if (Result<void> put = tasks.put_step(work_.id(), work_.journal_.at(number)); !put) return put;
    }
    return {};
  }

  /// Writes the journal and, in the same transaction, what `also` does.
  Result<void> save(const std::string& name, const Also& also) {
    work_.flush();
    point("before", name);
    Result<void> saved = work_.store_.with([&](registry::Store& store) {
      registry::Tasks tasks = store.tasks();
      return tasks.together([&]() -> Result<void> {
        if (also) {
          if (Result<void> done = also(tasks); !done) return done;
        }
        return put_rows(tasks);
      });
    });
    if (!saved) {
      saved.error().message = "the registry can't be written: " + saved.error().message;
      return saved;
    }
    unsaved_.clear();
    point("after", name);
    work_.told_(work_.id());
    return {};
  }

  /// What has failed has to succeed in the end: a pause, that grows with each.
  Pause again(const std::string& why) {
    constexpr std::chrono::seconds kLongest{300};
    const auto pause = std::min(std::chrono::seconds(1U << std::min(work_.failures_, 9U)), kLongest);
    ++work_.failures_;
    work_.log(LogLevel::kWarning, why + "; it is tried again in " + std::to_string(pause.count()) + " s");
    work_.flush();
    return pause;
  }

  Pause end(TaskState state, const std::string& message) {
    const auto level = [](TaskState of) {
      return of == TaskState::kSuccess   ? LogLevel::kSuccess
             : of == TaskState::kWarning ? LogLevel::kWarning
                                         : LogLevel::kError;
    };
    const bool lasts = std::ranges::any_of(
        work_.journal_, [&](const auto& row) { return row.first < commit_number() && saga_.before[row.first].lasts; });
    work_.enter_task();
    work_.log(level(state), state == TaskState::kSuccess   ? "done"
                            : state == TaskState::kWarning ? "done, with warnings"
                            : lasts                        ? "ended; what it had put right stays so"
                                                           : "ended; what it had done is taken back");
    const std::string result =
        work_.result_.is_null() || state > TaskState::kWarning ? "" : work_.masked(work_.result_.dump());
    Result<void> ended =
        save("end", [&](registry::Tasks& tasks) { return tasks.end(work_.id(), state, message, result); });
    if (!ended) return again(describe(ended.error()));
    work_.task_.state = state;
    return std::nullopt;
  }

  void point(const char* when, const std::string& name) const {
    if (on_journal_) on_journal_(std::string(when) + " " + name);
  }

  const Saga& saga_;
  const std::uint32_t version_;
  Work& work_;
  const OnJournal& on_journal_;
  std::set<std::uint32_t>& unsaved_ = work_.unsaved_;
};

std::optional<std::chrono::milliseconds> run_saga(const Saga& saga, std::uint32_t version, Work& work,
                                                  const OnJournal& on_journal) {
  return SagaRun(saga, version, work, on_journal).run();
}

}  // namespace aegir::tasks
