// What a step of a task has at hand: what was asked for, what earlier steps have noted, the task's log, and whether it
// is to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/registry/tasks.hpp"
#include "sidecar/tasks/locks.hpp"
#include "sidecar/tasks/shared_store.hpp"

namespace aegir::tasks {

/// Who can let a task hold more than what it was begun with.
class Lender {
 public:
  virtual ~Lender() = default;
  /// False: another task holds one of them.
  [[nodiscard]] virtual bool lend(const Locks& locks) = 0;
  virtual void take_back(const Locks& locks) = 0;
};

/// Objects that a step holds while this lives.
class Loan {
 public:
  Loan(Lender& lender, Locks locks) : lender_(&lender), locks_(std::move(locks)) {}
  Loan(Loan&& other) noexcept : lender_(std::exchange(other.lender_, nullptr)), locks_(std::move(other.locks_)) {}
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  Loan& operator=(Loan&&) = delete;
  ~Loan() {
    if (lender_ != nullptr) lender_->take_back(locks_);
  }

 private:
  Lender* lender_;
  Locks locks_;
};

/// The work on one task, from its begin to its end, through every pause. Steps run one after the other, in any thread;
/// log(), cancel() and flush() may be called from others meanwhile.
class Work {
 public:
  /// `journal` is what was written of it before. `told` hears, from the thread that did it, that rows or lines of the
  /// task have changed.
  Work(SharedStore& store, registry::Task task, std::vector<registry::StepRow> journal,
       std::function<void(std::uint64_t)> told);

  [[nodiscard]] std::uint64_t id() const { return task_.id; }
  [[nodiscard]] const registry::Task& task() const { return task_; }
  /// What was asked for.
  [[nodiscard]] const nlohmann::json& request() const { return request_; }
  [[nodiscard]] SharedStore& store() { return store_; }

  /// What the present step notes for later ones, for its own repetition and for its undo. Durable once the step is
  /// done, or by keep().
  [[nodiscard]] nlohmann::json& memo() { return memo_; }
  /// Makes memo() durable now: before the step does what can only be undone by who knows it.
  [[nodiscard]] Result<void> keep();
  /// What the step of that name has noted; null when it has not begun.
  [[nodiscard]] nlohmann::json memo_of(std::string_view step) const;

  /// A line of the log, or several. Control bytes are escaped, known secrets masked, and what is longer than 4 KiB cut.
  void log(registry::LogLevel level, std::string_view text);
  /// The step will be done, but a person has to look at this: the task ends in state warning.
  void warn(const Error& error);
  /// Keeps a secret out of the log, messages and results of the task from now on.
  void hide(std::string secret);
  /// What the task hands to who asked; part of a success.
  [[nodiscard]] nlohmann::json& result() { return result_; }
  /// A secret for who asked, who can take it once (Engine::take_handout()): it is in memory alone.
  void hand_out(std::string secret);

  /// Holds these objects too, for a moment: for who goes over many and would keep everybody from all of them. Nothing:
  /// another task is at work on one of them. Not from inside of SharedStore::with().
  [[nodiscard]] std::optional<Loan> borrow(const Locks& locks);
  /// Who lends; before the first step.
  void set_lender(Lender& lender) { lender_ = &lender; }

  /// Whether somebody has cancelled the task. Steps before the commit end early then, with any error.
  [[nodiscard]] bool is_cancelled() const;
  /// While it is kept, a cancel() calls `now`, once: it ends what the step waits for, and what it would begin after.
  /// Not in a step after the commit, nor in an undo: those are not to be ended early.
  class OnCancel {
   public:
    OnCancel(Work& work, std::function<void()> now);
    OnCancel(const OnCancel&) = delete;
    OnCancel& operator=(const OnCancel&) = delete;
    ~OnCancel();

   private:
    Work& work_;
  };
  void cancel();
  /// The step that must succeed is left as it is, with a warning, when it fails once more: `actor` has said so.
  void skip(const std::string& actor);
  /// Whether what is left has to succeed, since the task is committed or is undone.
  [[nodiscard]] bool is_settled() const { return settled_; }
  /// Whether the commit is done: then nothing can be cancelled any more.
  [[nodiscard]] bool is_committed() const { return committed_; }

  /// When the steps before the commit have to be through.
  [[nodiscard]] std::chrono::steady_clock::time_point deadline() const { return deadline_; }
  void set_patience(std::chrono::seconds patience) { deadline_ = std::chrono::steady_clock::now() + patience; }

  /// What hand_out() was given last; empty when there is nothing, or it was taken.
  [[nodiscard]] std::string take_handout();

  /// Writes the lines of the log that are not written yet; what can't be written now waits for the next time.
  void flush();
  /// `text` without secrets.
  [[nodiscard]] std::string masked(std::string text) const;

 private:
  friend class SagaRun;

  /// The present step is this one of the journal now; enter_task(): none.
  void enter(std::uint32_t number);
  void enter_task();
  /// What the present step has noted goes into its row.
  void leave();

  SharedStore& store_;
  registry::Task task_;
  std::function<void(std::uint64_t)> told_;
  Lender* lender_ = nullptr;
  nlohmann::json request_;
  std::map<std::uint32_t, registry::StepRow> journal_;
  std::set<std::uint32_t> unsaved_;  ///< rows of it that the registry does not have
  unsigned failures_ = 0;            ///< of what has to succeed in the end
  std::uint32_t number_ = 0;
  nlohmann::json memo_;
  std::string warning_;  ///< of the present step
  nlohmann::json result_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();

  std::atomic<bool> committed_ = false;
  std::atomic<bool> settled_ = false;  ///< a cancel changes nothing any more: it is committed, or is undone
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> skipped_ = false;
  std::mutex cancel_mutex_;  ///< for the next, and while it is called
  std::function<void()> on_cancel_;

  mutable std::mutex mutex_;  ///< for what follows
  std::string step_;          ///< name of the present one; empty: none
  std::vector<std::string> secrets_;
  std::string handout_;
  std::vector<registry::LogLine> lines_;
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace aegir::tasks
