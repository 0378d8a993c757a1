// Tasks in the registry: what was asked for, its steps' journal and its log. They stand in the registry's own file, so
// that one transaction ends a task's commit step and switches the site (design §4, §9).
//
// A write is one transaction by itself or, inside of Store::transact(), a part of that one. What a task means, in which
// order tasks run and what their steps do is not known here: sidecar/tasks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::registry {

class Connection;

/// What a task is about; stored by its number.
enum class ObjectKind : std::uint8_t { kRegistry, kServer, kPlatform, kClient, kSite, kBlock };

/// The first two are open, the others are ends.
enum class TaskState : std::uint8_t { kQueued, kProcessing, kSuccess, kWarning, kError, kCancelled };
[[nodiscard]] constexpr bool is_open(TaskState state) { return state <= TaskState::kProcessing; }

/// What somebody asks for.
struct NewTask {
  std::string verb;  ///< "install"
  ObjectKind kind = ObjectKind::kSite;
  std::string object;         ///< its name: a uri, the name of a platform …; empty for the registry
  std::uint64_t site = 0;     ///< id of the site when it exists: its history survives a rename
  std::string request;        ///< what the verb wants to know: a JSON object, without secrets
  std::string actor;          ///< who asks
  std::int32_t priority = 0;  ///< higher ones first
  std::uint64_t after = 0;    ///< a task that must have ended well before; 0: none
  std::uint64_t retry_of = 0;
  std::string key;  ///< Idempotency-Key of who asks; a second task with it is the first one. Empty: none; not read
};

/// A task as it stands.
struct Task : NewTask {
  std::uint64_t id = 0;
  TaskState state = TaskState::kQueued;
  std::uint32_t version = 0;  ///< of the verb's list of steps, once it has begun
  std::int64_t created = 0;   ///< milliseconds since 1970, as the next two
  std::int64_t started = 0;   ///< 0: not yet
  std::int64_t ended = 0;     ///< 0: not yet
  bool cancel_asked = false;
  /// How it will end once its steps are undone; kProcessing while nothing is to be undone.
  TaskState verdict = TaskState::kProcessing;
  std::string message;  ///< of an end that is no success: what went wrong, for a person
  std::string result;   ///< of a success: a JSON object, or empty
};

/// How far a step has come. kBegun: it may have done all, a part or nothing of its work; kUndoing likewise.
enum class StepState : std::uint8_t { kBegun, kDone, kUndoing, kUndone };

/// A row of the journal.
struct StepRow {
  std::uint32_t number = 0;  ///< from 0, in the order of the verb's list
  std::string name;
  StepState state = StepState::kBegun;
  std::string memo;     ///< what the step needs to know to be repeated or undone: a JSON object, or empty
  std::string warning;  ///< what a person has to look at, though the step is done; empty: nothing
  bool operator==(const StepRow&) const = default;
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kSuccess, kWarning, kError };

struct LogLine {
  std::uint64_t id = 0;   ///< rises over all tasks
  std::int64_t time = 0;  ///< milliseconds since 1970
  LogLevel level = LogLevel::kInfo;
  std::string step;  ///< name of the step that said it; empty: the task itself
  std::string text;
};

/// Which tasks to list, newest first. What is empty or 0 does not restrict.
struct TaskFilter {
  std::optional<ObjectKind> kind;
  std::string object;
  std::uint64_t site = 0;
  std::optional<TaskState> state;
  std::uint64_t below = 0;  ///< only ids below it: the next page
  std::size_t limit = 50;
};

/// Used from the Store's thread, like the Store.
class Tasks {
 public:
  explicit Tasks(Connection& connection) : connection_(&connection) {}

  /// Runs `body` in one transaction: all that it writes, or nothing when it fails.
  [[nodiscard]] Result<void> together(const std::function<Result<void>()>& body);

  /// Puts a task at the end of the queue. One that was asked for with the same key is returned instead, as is, when
  /// `collapses`, an identical one (verb, object, request, after, actor) that is queued already: `second`. kNotFound:
  /// `after` names none.
  struct Queued {
    std::uint64_t id = 0;
    bool second = false;
  };
  [[nodiscard]] Result<Queued> enqueue(const NewTask& task, bool collapses = true);

  [[nodiscard]] Result<std::optional<Task>> find(std::uint64_t id);
  [[nodiscard]] Result<std::vector<Task>> list(const TaskFilter& filter);
  /// Everything that is queued or processing, in the order in which it may begin. Costs nothing for ended tasks.
  [[nodiscard]] Result<std::vector<Task>> open();
  /// How many tasks there are of each state, by its number.
  [[nodiscard]] Result<std::vector<std::uint64_t>> count();

  /// Queued becomes processing. kConflict when it is not queued.
  [[nodiscard]] Result<void> start(std::uint64_t id, std::uint32_t version);
  /// Tells which site a task is about, once there is one.
  [[nodiscard]] Result<void> set_site(std::uint64_t id, std::uint64_t site);
  /// Notes, before the first step is undone, how it will end and why.
  [[nodiscard]] Result<void> begin_undo(std::uint64_t id, TaskState verdict, std::string_view message);
  /// Ends it; `result` of a success. kConflict when it has ended.
  [[nodiscard]] Result<void> end(std::uint64_t id, TaskState state, std::string_view message, std::string_view result);
  /// Notes that somebody wants it cancelled; kConflict when it has ended.
  [[nodiscard]] Result<void> ask_cancel(std::uint64_t id);

  /// The journal of a task, in order.
  [[nodiscard]] Result<std::vector<StepRow>> steps(std::uint64_t id);
  /// Writes a row of it, new or changed.
  [[nodiscard]] Result<void> put_step(std::uint64_t id, const StepRow& step);

  /// Appends lines, which get their ids. `time` is as given.
  [[nodiscard]] Result<void> add_log(std::uint64_t id, std::vector<LogLine>& lines);
  /// At most `limit` lines of a task with an id above `after`.
  [[nodiscard]] Result<std::vector<LogLine>> log(std::uint64_t id, std::uint64_t after, std::size_t limit);
  /// Removes at most `limit` of the lines that are older than `time`; how many it removed.
  [[nodiscard]] Result<std::size_t> forget_log(std::int64_t time, std::size_t limit);

  /// Whether no task may begin; what is processing goes on.
  [[nodiscard]] Result<bool> is_paused();
  [[nodiscard]] Result<void> pause(bool paused);

 private:
  Connection* connection_;
};

}  // namespace aegir::registry
