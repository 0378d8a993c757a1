#include "sidecar/tasks/engine.hpp"

#include <algorithm>

#include "compiler/core/utf8.hpp"

namespace aegir::tasks {

using registry::Task;
using registry::TaskState;

namespace {

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::minutes kHandout{10};
/// Until what could not be read is read again.
constexpr std::chrono::milliseconds kWhenUnreadable{1000};
/// A task that can't be looked at for so long is not begun any more.
constexpr std::chrono::minutes kUnreadable{10};
/// What another version has begun waits for the next start.
constexpr std::chrono::hours kWhenOthers{24 * 365};

std::string name_of(std::uint64_t id) { return "task " + std::to_string(id); }

}  // namespace

Engine::Engine(SharedStore& store, std::vector<std::unique_ptr<Verb>> verbs, Options options)
    : store_(store), verbs_(std::move(verbs)), options_(std::move(options)) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  threads_.clear();
}

Result<void> Engine::start() {
  Result<std::vector<Task>> open = store_.with([&](registry::Store& store) -> Result<std::vector<Task>> {
    const Result<bool> paused = store.tasks().is_paused();
    if (!paused) return std::unexpected<Error>(paused.error());
    paused_ = *paused;
    return store.tasks().open();
  });
  if (!open) return pass(open);
  const std::lock_guard lock(mutex_);
  for (Task& task : *open) admit(std::move(task));
  schedule();
  for (unsigned n = 0; n < options_.parallel; ++n) threads_.emplace_back([this] { serve(); });
  threads_.emplace_back([this] { tick(); });
  return {};
}

Result<const Verb*> Engine::find(registry::ObjectKind kind, std::string_view verb) const {
  std::string names;
  for (const std::unique_ptr<Verb>& each : verbs_) {
    if (each->kind() != kind) continue;
    if (each->name() == verb) return each.get();
    names += (names.empty() ? "" : ", ") + each->name();
  }
  return fail(Code::kNotFound, std::string("there is no verb ") + printable(verb) + " for a " + object_name(kind, {}),
              names.empty() ? "" : "ask for one of: " + names);
}

Result<registry::Tasks::Queued> Engine::enqueue(const registry::NewTask& task, const Look& look) {
  const Result<const Verb*> verb = find(task.kind, task.verb);
  const bool collapses = !verb || (*verb)->collapses();
  std::optional<Task> queued;
  Result<registry::Tasks::Queued> result = store_.with([&](registry::Store& store) -> Result<registry::Tasks::Queued> {
    registry::Tasks tasks = store.tasks();
    registry::Tasks::Queued put;
    // In one transaction: what is refused was never there, and what is queued is known here too.
    Result<void> done = tasks.together([&]() -> Result<void> {
      Result<registry::Tasks::Queued> queueing = tasks.enqueue(task, collapses);
      if (!queueing) return pass(queueing);
      put = *queueing;
      if (put.second) return {};
      Result<std::optional<Task>> row = tasks.find(put.id);
      if (!row) return pass(row);
      if (Result<void> good = check(store, **row, look); !good) return good;
      queued = std::move(*row);
      return queued->site == task.site ? Result<void>() : tasks.set_site(put.id, queued->site);
    });
    if (done) return put;
    queued.reset();
    return pass(done);
  });
  if (!queued) return result;
  {
    const std::lock_guard lock(mutex_);
    admit(*std::move(queued));
    schedule();
  }
  changed_.notify_all();
  tell(result->id);
  return result;
}

Result<void> Engine::check(registry::Store& store, registry::NewTask& task, const Look& look) const {
  if (Result<void> good = look ? look(store, task) : Result<void>(); !good) return good;
  const Result<const Verb*> verb = find(task.kind, task.verb);
  return verb ? (*verb)->check(task, store) : std::unexpected<Error>(verb.error());
}

Result<void> Engine::cancel(std::uint64_t id) {
  std::shared_ptr<Work> work;
  {
    const std::lock_guard lock(mutex_);
    const auto waits = std::ranges::find(waiting_, id, [](const auto& each) { return each.first.second; });
    if (waits != waiting_.end()) {
      Result<void> ended = store_.with([&](registry::Store& store) {
        return store.tasks().end(id, TaskState::kCancelled, "cancelled before it began", {});
      });
      if (!ended) return ended;
      waiting_.erase(waits);
      schedule();
      tell(id);
      return {};
    }
    const auto begun = begun_.find(id);
    if (begun != begun_.end() && begun->second->work != nullptr && begun->second->work->is_committed()) {
      return fail(Code::kConflict, name_of(id) + " has done its work already; what is left of it has to be done",
                  "see `aegir task show " + std::to_string(id) + "`");
    }
    Result<void> asked = store_.with([&](registry::Store& store) { return store.tasks().ask_cancel(id); });
    if (!asked) return asked;
    if (begun != begun_.end()) {
      begun->second->task.cancel_asked = true;
      work = begun->second->work;
    }
  }
  // What this ends may take its time, and only who cancels waits for it.
  if (work != nullptr) work->cancel();
  tell(id);
  return {};
}

Result<void> Engine::skip(std::uint64_t id, const std::string& actor) {
  const std::lock_guard lock(mutex_);
  const auto begun = begun_.find(id);
  if (begun == begun_.end() || begun->second->work == nullptr || !begun->second->work->is_settled()) {
    const std::string number = std::to_string(id);
    return fail(Code::kConflict, name_of(id) + " is at no step that has to succeed",
                "see `aegir task show " + number + "`; what is not committed can be cancelled");
  }
  begun->second->work->skip(actor);
  begun->second->due = {};
  resume();
  return {};
}

Result<registry::Tasks::Queued> Engine::retry(std::uint64_t id, const std::string& actor) {
  Result<std::optional<Task>> old = store_.with([&](registry::Store& store) { return store.tasks().find(id); });
  if (!old) return pass(old);
  if (!old->has_value()) return fail(Code::kNotFound, "there is no " + name_of(id), "see `aegir task list`");
  if (registry::is_open((*old)->state) || (*old)->state == TaskState::kSuccess) {
    return fail(Code::kConflict, name_of(id) + (registry::is_open((*old)->state) ? " has not ended yet" : " succeeded"),
                "only what ended without success can be tried again");
  }
  registry::NewTask task = **old;
  task.actor = actor;
  task.retry_of = id;
  task.after = 0;
  task.key.clear();
  return enqueue(task);
}

Result<void> Engine::pause(bool paused) {
  const std::lock_guard lock(mutex_);
  Result<void> done = store_.with([&](registry::Store& store) { return store.tasks().pause(paused); });
  if (!done) return done;
  paused_ = paused;
  schedule();
  return {};
}

std::optional<std::string> Engine::take_handout(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(handouts_, [](const auto& each) { return each.second.until < Clock::now(); });
  if (const auto begun = begun_.find(id); begun != begun_.end() && begun->second->work != nullptr) {
    std::string secret = begun->second->work->take_handout();
    return secret.empty() ? std::nullopt : std::optional(std::move(secret));
  }
  auto taken = handouts_.extract(id);
  if (taken.empty()) return std::nullopt;
  return std::move(taken.mapped().secret);
}

std::uint64_t Engine::subscribe(Told told) {
  const std::lock_guard lock(told_mutex_);
  told_.emplace(++subscriptions_, std::move(told));
  return subscriptions_;
}

void Engine::unsubscribe(std::uint64_t subscription) {
  const std::lock_guard lock(told_mutex_);
  told_.erase(subscription);
}

void Engine::tell(std::uint64_t id) {
  const std::lock_guard lock(told_mutex_);
  for (const auto& [subscription, told] : told_) told(id);
}

bool Engine::lend(const Locks& locks) {
  const std::lock_guard lock(mutex_);
  if (!held_.are_free(locks)) return false;
  held_.add(locks);
  return true;
}

void Engine::take_back(const Locks& locks) {
  const std::lock_guard lock(mutex_);
  held_.remove(locks);
  schedule();
}

/// Takes a task that is open into the queue, or among what was begun.
void Engine::admit(Task task) {
  auto entry = std::make_unique<Entry>();
  entry->task = std::move(task);
  const Result<const Verb*> verb = find(entry->task.kind, entry->task.verb);
  entry->verb = verb ? *verb : nullptr;
  if (entry->task.state == TaskState::kQueued) {
    waiting_.emplace(Order{-std::int64_t{entry->task.priority}, entry->task.id}, std::move(entry));
    return;
  }
  Result<Locks> locks = locks_of(*entry);
  // What was begun holds at least what it is about.
  divide(locks ? *std::move(locks) : Locks{{object_name(entry->task.kind, entry->task.object), Hold::kAlone}}, *entry);
  held_.add(entry->own);
  entry->resumed = true;
  begun_.emplace(entry->task.id, std::move(entry));
}

Result<Locks> Engine::locks_of(const Entry& entry) {
  if (entry.verb == nullptr) {
    return fail(Code::kNotFound, "this program has no verb " + printable(entry.task.verb));
  }
  return store_.with([&](registry::Store& store) { return entry.verb->locks(entry.task, store); });
}

/// A task that has to wait keeps what it has changed to itself, and leaves to others what it only needs to stay: no
/// other site waits for ever because one can't be finished.
void Engine::divide(Locks locks, Entry& entry) {
  while (!locks.empty()) {
    auto lock = locks.extract(locks.begin());
    (lock.mapped() == Hold::kAlone ? entry.own : entry.shared).insert(std::move(lock));
  }
}

/// Whether it may be readable the next time.
bool Engine::is_momentary(Entry& entry, const Error& error) {
  if (error.code != Code::kIo && error.code != Code::kBusy) return false;
  const auto now = Clock::now();
  if (!entry.unreadable_since) entry.unreadable_since = now;
  return now - *entry.unreadable_since < kUnreadable;
}

/// For the next thread that is free.
void Engine::work_on(Entry& entry) {
  held_.add(entry.shared);
  entry.at_work = true;
  ++at_work_;
  ready_.push_back(&entry);
  changed_.notify_all();
}

/// Whether the task that this one comes after has ended well; nothing when it has not ended.
Result<bool> Engine::may_follow(const Task& task) {
  if (task.after == 0) return true;
  Result<std::optional<Task>> before =
      store_.with([&](registry::Store& store) { return store.tasks().find(task.after); });
  if (!before) return pass(before);
  const TaskState state = before->has_value() ? (*before)->state : TaskState::kError;
  if (registry::is_open(state)) return false;
  if (state == TaskState::kSuccess || state == TaskState::kWarning) return true;
  return fail(Code::kConflict, name_of(task.after) + ", which it comes after, did not succeed",
              "see `aegir task show " + std::to_string(task.after) + "`");
}

/// Goes on with what has paused. Not all threads do so while others wait to begin, and it does not overtake who waits
/// for what it would share.
void Engine::resume() {
  const std::size_t most = std::max(1U, options_.parallel / 2);
  auto resumed = static_cast<std::size_t>(
      std::ranges::count_if(begun_, [](const auto& each) { return each.second->at_work && each.second->resumed; }));
  const auto now = Clock::now();
  for (const auto& [id, entry] : begun_) {
    if (at_work_ >= options_.parallel || resumed >= most || stopping_) return;
    if (entry->at_work || entry->due > now) continue;
    if (!held_.are_free(entry->shared) || !wanted_.are_free(entry->shared)) continue;
    entry->resumed = true;
    ++resumed;
    work_on(*entry);
  }
}

/// Begins what may begin. A task that has to wait for objects keeps them from those behind it, so that none waits for
/// ever; but not when it waits for one that can't be finished, which may last.
void Engine::schedule() {
  resume();
  // Who waits goes on waiting for the same, and what has paused does not overtake him meanwhile.
  if (at_work_ >= options_.parallel && !paused_) return;
  LockTable paused;
  for (const auto& [id, entry] : begun_) {
    if (!entry->at_work) paused.add(entry->own);
  }
  wanted_ = {};
  is_unreadable_ = false;
  for (auto next = waiting_.begin();
       next != waiting_.end() && at_work_ < options_.parallel && !paused_ && !stopping_;) {
    const auto here = next++;
    Entry& entry = *here->second;
    const std::string object = object_name(entry.task.kind, entry.task.object);
    const Locks at_least{{object, Hold::kShared}};
    if (!paused.are_free(at_least) || !wanted_.are_free(at_least)) continue;
    Result<bool> follows = may_follow(entry.task);
    if (follows && !*follows) continue;
    Result<Locks> locks = follows ? locks_of(entry) : Result<Locks>(pass(follows));
    if (!locks && is_momentary(entry, locks.error())) {
      is_unreadable_ = true;
      wanted_.add({{object, Hold::kAlone}});
      continue;
    }
    if (locks && !paused.are_free(*locks)) continue;
    if (locks && !(held_.are_free(*locks) && wanted_.are_free(*locks))) {
      wanted_.add(*locks);
      continue;
    }
    entry.unreadable_since.reset();
    if (locks) {
      divide(*std::move(locks), entry);
    } else {
      // It has nothing to undo: all that is left is to say so.
      entry.task.verdict = TaskState::kError;
      entry.task.message = describe(locks.error());
    }
    held_.add(entry.own);
    work_on(entry);
    begun_.emplace(entry.task.id, std::move(waiting_.extract(here).mapped()));
  }
}

void Engine::serve() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (ready_.empty()) {
      changed_.wait(lock);
      continue;
    }
    Entry& entry = *ready_.front();
    ready_.pop_front();
    lock.unlock();
    const std::optional<std::chrono::milliseconds> pause = process(entry);
    if (pause && options_.reserve != nullptr) (void)options_.reserve->give_up_when_full();
    lock.lock();
    if (std::string handout = pause ? std::string() : entry.work->take_handout(); !handout.empty()) {
      handouts_.insert_or_assign(entry.task.id, Handout{std::move(handout), Clock::now() + kHandout});
    }
    entry.at_work = false;
    --at_work_;
    held_.remove(entry.shared);
    if (pause) {
      entry.due = Clock::now() + *pause;
    } else {
      held_.remove(entry.own);
      begun_.erase(entry.task.id);
    }
    schedule();
  }
}

std::optional<std::chrono::milliseconds> Engine::process(Entry& entry) {
  if (entry.work == nullptr) {
    Result<std::vector<registry::StepRow>> journal =
        store_.with([&](registry::Store& store) { return store.tasks().steps(entry.task.id); });
    if (!journal) return kWhenUnreadable;
    const bool is_new = entry.task.state == TaskState::kQueued && entry.task.verdict == TaskState::kProcessing;
    if (is_new) {
      // What held when it was asked for may hold no longer.
      Result<void> good = store_.with([&](registry::Store& store) { return entry.verb->check(entry.task, store); });
      if (!good && is_momentary(entry, good.error())) return kWhenUnreadable;
      if (good && options_.reserve != nullptr) good = options_.reserve->take();
      if (!good) {
        entry.task.verdict = TaskState::kError;
        entry.task.message = describe(good.error());
      }
    }
    const std::lock_guard lock(mutex_);
    entry.work =
        std::make_shared<Work>(store_, entry.task, *std::move(journal), [this](std::uint64_t id) { tell(id); });
    entry.work->set_lender(*this);
    if (entry.verb != nullptr) entry.saga = entry.verb->saga(entry.task);
    if (entry.task.cancel_asked) entry.work->cancel();
    if (entry.verb != nullptr) entry.work->set_patience(entry.verb->patience());
  }
  const bool other = entry.task.state == TaskState::kProcessing &&
                     (entry.verb == nullptr || entry.verb->version() != entry.task.version);
  if (other) {
    entry.work->log(registry::LogLevel::kError,
                    "it was begun by another version of aegird-worker, which alone can end it: start that one");
    return kWhenOthers;
  }
  return run_saga(entry.saga, entry.verb == nullptr ? 0 : entry.verb->version(), *entry.work, options_.on_journal);
}

/// Writes logs that wait for more lines, and goes on with what has paused.
void Engine::tick() {
  auto looked = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool idle = begun_.empty() && !is_unreadable_;
    changed_.wait_for(lock, idle ? std::chrono::milliseconds(std::chrono::minutes(1)) : kTick);
    for (const auto& [id, entry] : begun_) {
      if (entry->work != nullptr) entry->work->flush();
    }
    const auto now = Clock::now();
    if (is_unreadable_ && now - looked >= kWhenUnreadable) {
      looked = now;
      schedule();
    } else {
      resume();
    }
  }
}

}  // namespace aegir::tasks
