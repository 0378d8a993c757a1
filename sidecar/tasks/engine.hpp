// The queue: which task may begin, and the threads that work on them. Everything it knows stands in the registry too,
// so that it can be killed at any moment: the next one takes up what is open.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "sidecar/tasks/locks.hpp"
#include "sidecar/tasks/reserve.hpp"
#include "sidecar/tasks/shared_store.hpp"
#include "sidecar/tasks/verb.hpp"
#include "sidecar/tasks/work.hpp"

namespace aegir::tasks {

/// May be used from any thread.
class Engine : private Lender {
 public:
  struct Options {
    unsigned parallel = 4;       ///< so many tasks are worked on at a time
    OnJournal on_journal = {};   ///< for tests
    Reserve* reserve = nullptr;  ///< of the registry's disk; must outlive the engine
  };

  Engine(SharedStore& store, std::vector<std::unique_ptr<Verb>> verbs, Options options);
  /// Begins nothing new, and waits for the steps that are at work. Their tasks stay open.
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes up what is open, first what was begun before; then works. Once, before everything else.
  [[nodiscard]] Result<void> start();

  [[nodiscard]] const std::vector<std::unique_ptr<Verb>>& verbs() const { return verbs_; }
  /// kNotFound names the verbs that there are for that kind.
  [[nodiscard]] Result<const Verb*> find(registry::ObjectKind kind, std::string_view verb) const;

  /// Looks at the registry for what else may keep a request out of the queue, and may find the task's site.
  using Look = std::function<Result<void>(registry::Store& store, registry::NewTask& task)>;
  /// Puts a request into the queue (registry::Tasks::enqueue()), when check() has nothing against it. That is asked
  /// only when it becomes a task of its own: what was asked for before is answered whatever has become of its object
  /// since.
  [[nodiscard]] Result<registry::Tasks::Queued> enqueue(const registry::NewTask& task, const Look& look = {});
  /// Whether a request could be queued now: what `look` and its verb say.
  [[nodiscard]] Result<void> check(registry::Store& store, registry::NewTask& task, const Look& look) const;
  /// A queued task ends at once, one that is processed is undone. kConflict when it is committed, or has ended.
  [[nodiscard]] Result<void> cancel(std::uint64_t id);
  /// What is tried again and again, since it must succeed, is tried once more now, and left as it is when it fails: the
  /// task goes on without it. kConflict: the task is at nothing of that sort.
  [[nodiscard]] Result<void> skip(std::uint64_t id, const std::string& actor);
  /// Asks again for what has ended without success.
  [[nodiscard]] Result<registry::Tasks::Queued> retry(std::uint64_t id, const std::string& actor);
  /// While it is paused, nothing begins; what has begun goes on.
  [[nodiscard]] Result<void> pause(bool paused);

  /// The secret that a task hands to who asked for it, once and within ten minutes of its end. Nothing: it has none, or
  /// it was taken.
  [[nodiscard]] std::optional<std::string> take_handout(std::uint64_t id);

  /// `told` hears the ids of tasks of which something has changed, in any thread, and returns at once.
  using Told = std::function<void(std::uint64_t id)>;
  [[nodiscard]] std::uint64_t subscribe(Told told);
  /// When it returns, `told` is not called any more.
  void unsubscribe(std::uint64_t subscription);

 private:
  using Clock = std::chrono::steady_clock;

  /// A task that is open.
  struct Entry {
    registry::Task task;
    const Verb* verb = nullptr;
    Locks own;     ///< what it holds alone, from its begin to its end
    Locks shared;  ///< what it holds only while it is at work
    Saga saga;
    std::shared_ptr<Work> work;  ///< once it is begun
    Clock::time_point due;       ///< when it is to be gone on with
    bool at_work = false;        ///< a thread has it, or the next free one will
    bool resumed = false;        ///< not for the first time
    std::optional<Clock::time_point> unreadable_since;
  };
  using Order = std::pair<std::int64_t, std::uint64_t>;  ///< negative priority, id

  [[nodiscard]] bool lend(const Locks& locks) override;
  void take_back(const Locks& locks) override;
  void admit(registry::Task task);
  [[nodiscard]] Result<Locks> locks_of(const Entry& entry);
  static void divide(Locks locks, Entry& entry);
  [[nodiscard]] static bool is_momentary(Entry& entry, const Error& error);
  void work_on(Entry& entry);
  [[nodiscard]] Result<bool> may_follow(const registry::Task& task);
  void schedule();
  void resume();
  void serve();
  [[nodiscard]] std::optional<std::chrono::milliseconds> process(Entry& entry);
  void tick();
  void tell(std::uint64_t id);

  SharedStore& store_;
  const std::vector<std::unique_ptr<Verb>> verbs_;
  const Options options_;

  std::mutex mutex_;  ///< for what follows; taken before the store, never while it is held
  std::condition_variable changed_;
  bool stopping_ = false;
  bool paused_ = false;
  std::map<Order, std::unique_ptr<Entry>> waiting_;
  std::map<std::uint64_t, std::unique_ptr<Entry>> begun_;
  std::deque<Entry*> ready_;    ///< of begun_, for a thread
  std::size_t at_work_ = 0;     ///< how many of begun_ are
  LockTable held_;              ///< by what was begun
  LockTable wanted_;            ///< by what has to wait for what is at work
  bool is_unreadable_ = false;  ///< what waits could not be looked at
  struct Handout {
    std::string secret;
    Clock::time_point until;
  };
  std::map<std::uint64_t, Handout> handouts_;
  std::vector<std::jthread> threads_;

  std::mutex told_mutex_;
  std::map<std::uint64_t, Told> told_;
  std::uint64_t subscriptions_ = 0;
};

}  // namespace aegir::tasks
