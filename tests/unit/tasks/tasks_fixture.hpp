// A small world for sagas: steps that make and remove files, or do whatever a test says.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "sidecar/tasks/engine.hpp"
#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::tasks {

using registry::need;
using registry::NewTask;
using registry::ObjectKind;
using registry::Task;
using registry::TaskState;

/// A verb whose parts a test gives.
class TestVerb final : public Verb {
 public:
  TestVerb(std::string name, std::function<Saga(const Task&)> saga, Hold hold = Hold::kAlone)
      : name_(std::move(name)), saga_(std::move(saga)), hold_(hold) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] ObjectKind kind() const override { return ObjectKind::kSite; }
  [[nodiscard]] std::chrono::seconds patience() const override { return patience_; }
  [[nodiscard]] bool collapses() const override { return collapses_; }
  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store&) const override {
    if (check_) return check_(task);
    if (task.object == "refused.example") return fail(Code::kInvalid, "it is refused", "ask for another");
    return {};
  }
  [[nodiscard]] Result<Locks> locks(const NewTask& task, registry::Store&) const override {
    if (locks_) return locks_(task);
    return Locks{{"site " + task.object, hold_}};
  }
  [[nodiscard]] Saga saga(const Task& task) const override { return saga_(task); }

  std::chrono::seconds patience_{3600};
  bool collapses_ = true;
  std::function<Result<void>(const NewTask&)> check_;
  std::function<Result<Locks>(const NewTask&)> locks_;

 private:
  std::string name_;
  std::function<Saga(const Task&)> saga_;
  Hold hold_;
};

inline Step step(std::string name, std::function<Result<void>(Work&)> run,
                 std::function<Result<void>(Work&)> undo = {}) {
  return {std::move(name), std::move(run), std::move(undo)};
}
inline Commit empty_commit() {
  return {"commit", [](Work&, registry::Store&, registry::Writer&) -> Result<void> { return {}; }};
}

inline NewTask task_for(const std::string& verb, const std::string& object) {
  NewTask task;
  task.verb = verb;
  task.object = object;
  task.request = "{}";
  task.actor = "tester";
  return task;
}

/// An engine on a registry in a file, that can be taken away and made anew.
class Queue {
 public:
  using Verbs = std::function<std::vector<std::unique_ptr<Verb>>()>;

  explicit Queue(Verbs verbs, Engine::Options options = {}) : verbs_(std::move(verbs)), options_(std::move(options)) {
    restart();
  }

  // Its threads tell us of changes until it is gone.
  ~Queue() { engine.reset(); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void restart() {
    engine.reset();
    store.reset();
    store = std::make_unique<SharedStore>(
        need(registry::Store::open(directory.file("r.sqlite"), registry::Store::Mode::kCreate, registry::test_key())));
    engine = std::make_unique<Engine>(*store, verbs_(), options_);
    (void)engine->subscribe([this](std::uint64_t) {
      const std::lock_guard lock(mutex_);
      ++changes_;
      changed_.notify_all();
    });
    need(engine->start());
  }

  std::uint64_t ask(const NewTask& task) { return need(engine->enqueue(task)).id; }

  Task find(std::uint64_t id) {
    return *need(store->with([&](registry::Store& open) { return open.tasks().find(id); }));
  }

  /// Waits until `is_so` of the task.
  template <class Condition>
  Task wait(std::uint64_t id, Condition is_so) {
    for (;;) {
      std::uint64_t seen = 0;
      {
        const std::lock_guard lock(mutex_);
        seen = changes_;
      }
      Task task = find(id);
      if (is_so(task)) return task;
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, std::chrono::seconds(20), [&] { return changes_ != seen; })) {
        throw std::runtime_error("task " + std::to_string(id) + " stands still");
      }
    }
  }
  Task end(std::uint64_t id) {
    return wait(id, [](const Task& task) { return !registry::is_open(task.state); });
  }

  std::vector<std::string> log(std::uint64_t id) {
    std::vector<std::string> texts;
    for (const registry::LogLine& line :
         need(store->with([&](registry::Store& open) { return open.tasks().log(id, 0, 1000); }))) {
      texts.push_back(line.text);
    }
    return texts;
  }

  registry::TempDirectory directory;
  std::unique_ptr<SharedStore> store;
  std::unique_ptr<Engine> engine;

 private:
  Verbs verbs_;
  Engine::Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t changes_ = 0;
};

/// What several threads do, in order.
class Record {
 public:
  void add(const std::string& what) {
    const std::lock_guard lock(mutex_);
    all_.push_back(what);
    changed_.notify_all();
  }
  std::vector<std::string> all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  void wait_for(const std::string& what) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20),
                           [&] { return std::ranges::find(all_, what) != all_.end(); })) {
      throw std::runtime_error("it never came to " + what);
    }
  }
  /// Waits until something was added since the last call.
  void wait_for_next() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(1), [&] { return all_.size() != seen_; });
    seen_ = all_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
  std::size_t seen_ = 0;
};

/// A door that tasks wait at until it is opened.
class Door {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace aegir::tasks
