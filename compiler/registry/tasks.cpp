#include "compiler/registry/tasks.hpp"

#include <array>
#include <chrono>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/sqlite.hpp"

namespace aegir::registry {
namespace {

/// "SELECT … FROM task " and how it goes on; made once for each place.
std::string select(std::string_view rest) {
  return "SELECT id, verb, kind, object, site, request, actor, priority, after, retry_of, state, version, created, "
         "started, ended, cancel_asked, verdict, message, result FROM task " +
         std::string(rest);
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::uint64_t number(const Query& row, int column) { return static_cast<std::uint64_t>(row.integer(column)); }

Task task_row(const Query& row) {
  Task task;
  task.id = number(row, 0);
  task.verb = row.text(1);
  task.kind = static_cast<ObjectKind>(row.integer(2));
  task.object = row.text(3);
  task.site = number(row, 4);
  task.request = row.text(5);
  task.actor = row.text(6);
  task.priority = static_cast<std::int32_t>(row.integer(7));
  task.after = number(row, 8);
  task.retry_of = number(row, 9);
  task.state = static_cast<TaskState>(row.integer(10));
  task.version = static_cast<std::uint32_t>(row.integer(11));
  task.created = row.integer(12);
  task.started = row.integer(13);
  task.ended = row.integer(14);
  task.cancel_asked = row.integer(15) != 0;
  task.verdict = static_cast<TaskState>(row.integer(16));
  task.message = row.text(17);
  task.result = row.text(18);
  return task;
}

/// The first column of the first row of `query`; 0 when there is none.
Result<std::uint64_t> first_number(Query query) {
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  return *row ? number(query, 0) : 0;
}

std::unexpected<Error> no_task(std::uint64_t id) {
  return fail(Code::kNotFound, "there is no task " + std::to_string(id), "see `aegir task list`");
}

/// Runs `body` in a transaction: the one that is open, or one of its own.
template <class Body>
std::invoke_result_t<const Body&> writing(Connection& connection, const Body& body) {
  if (connection.in_transaction()) return body();
  Result<Transaction> transaction = Transaction::begin(connection, Transaction::Kind::kWrite);
  if (!transaction) return pass(transaction);
  std::invoke_result_t<const Body&> result = body();
  if (!result) return result;
  if (Result<void> done = transaction->commit(); !done) return pass(done);
  return result;
}

}  // namespace

Result<void> Tasks::together(const std::function<Result<void>()>& body) { return writing(*connection_, body); }

Result<Tasks::Queued> Tasks::enqueue(const NewTask& task, bool collapses) {
  for (const std::string* text : {&task.verb, &task.object, &task.actor, &task.key}) {
    if (find_control_or_bad_utf8(*text) == std::string::npos) continue;
    return fail(Code::kInvalid, "a task can't hold " + printable(*text), "write it without control characters");
  }
  const auto insert = [&]() -> Result<Queued> {
    if (collapses) {
      const Result<std::uint64_t> queued = first_number(connection_->query(
          "SELECT id FROM task WHERE state = 0 AND verb = ?1 AND kind = ?2 AND object = ?3 AND request = ?4 "
          "AND after = ?5 AND actor = ?6 AND cancel_asked = 0",
          task.verb, task.kind, task.object, task.request, task.after, task.actor));
      if (!queued) return std::unexpected<Error>(queued.error());
      if (*queued != 0) return Queued{*queued, true};
    }
    if (task.after != 0) {
      const Result<std::uint64_t> before =
          first_number(connection_->query("SELECT id FROM task WHERE id = ?1", task.after));
      if (!before) return std::unexpected<Error>(before.error());
      if (*before == 0) return no_task(task.after);
    }
    Result<void> done = connection_->run(
        "INSERT INTO task (verb, kind, object, site, request, actor, priority, after, retry_of, state, version, "
        "created, started, ended, cancel_asked, verdict, message, result) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, ?10, 0, 0, 0, 1, '', '')",
        task.verb, task.kind, task.object, task.site, task.request, task.actor, task.priority, task.after,
        task.retry_of, now());
    if (!done) return pass(done);
    const Result<std::uint64_t> id = first_number(connection_->query("SELECT last_insert_rowid()"));
    if (!id) return std::unexpected<Error>(id.error());
    return Queued{*id, false};
  };
  return writing(*connection_, [&]() -> Result<Queued> {
    if (task.key.empty()) return insert();
    const Result<std::uint64_t> same =
        first_number(connection_->query("SELECT task FROM task_key WHERE key = ?1", task.key));
    if (!same) return std::unexpected<Error>(same.error());
    if (*same != 0) return Queued{*same, true};
    Result<Queued> queued = insert();
    if (!queued) return queued;
    Result<void> kept = connection_->run("INSERT INTO task_key (key, task) VALUES (?1, ?2)", task.key, queued->id);
    if (!kept) return pass(kept);
    return queued;
  });
}

Result<std::optional<Task>> Tasks::find(std::uint64_t id) {
  static const std::string sql = select("WHERE id = ?1");
  Query query = connection_->query(sql, id);
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  return *row ? std::optional(task_row(query)) : std::nullopt;
}

Result<std::vector<Task>> Tasks::list(const TaskFilter& filter) {
  const std::int64_t below = filter.below == 0 ? INT64_MAX : static_cast<std::int64_t>(filter.below);
  const int state = filter.state ? static_cast<int>(*filter.state) : -1;
  // A statement each, so that SQLite takes the index that fits.
  if (filter.site != 0) {
    static const std::string of_site =
        select("WHERE site = ?1 AND id < ?2 AND (?3 < 0 OR state = ?3) ORDER BY id DESC LIMIT ?4");
    return collect(connection_->query(of_site, filter.site, below, state, filter.limit), task_row);
  }
  if (filter.kind && !filter.object.empty()) {
    static const std::string of_object =
        select("WHERE kind = ?1 AND object = ?2 AND id < ?3 AND (?4 < 0 OR state = ?4) ORDER BY id DESC LIMIT ?5");
    return collect(connection_->query(of_object, *filter.kind, filter.object, below, state, filter.limit), task_row);
  }
  if (filter.kind) {
    static const std::string of_kind =
        select("WHERE kind = ?1 AND id < ?2 AND (?3 < 0 OR state = ?3) ORDER BY id DESC LIMIT ?4");
    return collect(connection_->query(of_kind, *filter.kind, below, state, filter.limit), task_row);
  }
  if (filter.state) {
    static const std::string of_state = select("WHERE state = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    return collect(connection_->query(of_state, state, below, filter.limit), task_row);
  }
  static const std::string all = select("WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
  return collect(connection_->query(all, below, filter.limit), task_row);
}

Result<std::vector<Task>> Tasks::open() {
  static const std::string sql = select("WHERE state <= 1 ORDER BY priority DESC, id");
  return collect(connection_->query(sql), task_row);
}

Result<std::vector<std::uint64_t>> Tasks::count() {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(TaskState::kCancelled) + 1);
  Query query = connection_->query("SELECT state, count(*) FROM task GROUP BY state");
  for (;;) {
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return counts;
    counts.at(number(query, 0)) = number(query, 1);
  }
}

Result<void> Tasks::start(std::uint64_t id, std::uint32_t version) {
  return writing(*connection_, [&]() -> Result<void> {
    const Result<std::uint64_t> started =
        first_number(connection_->query("UPDATE task SET state = 1, version = ?2, started = ?3 "
                                        "WHERE id = ?1 AND state = 0 RETURNING id",
                                        id, version, now()));
    if (!started) return std::unexpected<Error>(started.error());
    if (*started == 0) return fail(Code::kConflict, "task " + std::to_string(id) + " is not queued");
    return {};
  });
}

Result<void> Tasks::set_site(std::uint64_t id, std::uint64_t site) {
  return connection_->run("UPDATE task SET site = ?2 WHERE id = ?1", id, site);
}

Result<void> Tasks::begin_undo(std::uint64_t id, TaskState verdict, std::string_view message) {
  return connection_->run("UPDATE task SET verdict = ?2, message = ?3 WHERE id = ?1", id, verdict, message);
}

Result<void> Tasks::end(std::uint64_t id, TaskState state, std::string_view message, std::string_view result) {
  return writing(*connection_, [&]() -> Result<void> {
    const Result<std::uint64_t> ended =
        first_number(connection_->query("UPDATE task SET state = ?2, message = ?3, result = ?4, ended = ?5 "
                                        "WHERE id = ?1 AND state <= 1 RETURNING id",
                                        id, state, message, result, now()));
    if (!ended) return std::unexpected<Error>(ended.error());
    if (*ended == 0) return fail(Code::kConflict, "task " + std::to_string(id) + " has ended already");
    return {};
  });
}

Result<void> Tasks::ask_cancel(std::uint64_t id) {
  const Result<std::optional<Task>> task = find(id);
  if (!task) return std::unexpected<Error>(task.error());
  if (!task->has_value()) return no_task(id);
  if (!is_open((*task)->state)) {
    return fail(Code::kConflict, "task " + std::to_string(id) + " has ended already", "nothing is left to cancel");
  }
  return connection_->run("UPDATE task SET cancel_asked = 1 WHERE id = ?1 AND state <= 1", id);
}

Result<std::vector<StepRow>> Tasks::steps(std::uint64_t id) {
  return collect(connection_->query(
                     "SELECT number, name, state, memo, warning FROM task_step WHERE task = ?1 ORDER BY number", id),
                 [](const Query& row) {
                   return StepRow{static_cast<std::uint32_t>(row.integer(0)), std::string(row.text(1)),
                                  static_cast<StepState>(row.integer(2)), std::string(row.text(3)),
                                  std::string(row.text(4))};
                 });
}

Result<void> Tasks::put_step(std::uint64_t id, const StepRow& step) {
  return connection_->run(
      "INSERT INTO task_step (task, number, name, state, memo, warning) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
      "ON CONFLICT (task, number) DO UPDATE SET state = ?4, memo = ?5, warning = ?6",
      id, step.number, step.name, step.state, step.memo, step.warning);
}

Result<void> Tasks::add_log(std::uint64_t id, std::vector<LogLine>& lines) {
  return writing(*connection_, [&]() -> Result<void> {
    for (LogLine& line : lines) {
      const Result<std::uint64_t> row = first_number(
          connection_->query("INSERT INTO task_log (task, time, level, step, text) VALUES (?1, ?2, ?3, ?4, ?5) "
                             "RETURNING id",
                             id, line.time, line.level, line.step, line.text));
      if (!row) return std::unexpected<Error>(row.error());
      line.id = *row;
    }
    return {};
  });
}

Result<std::vector<LogLine>> Tasks::log(std::uint64_t id, std::uint64_t after, std::size_t limit) {
  return collect(
      connection_->query(
          "SELECT id, time, level, step, text FROM task_log WHERE task = ?1 AND id > ?2 ORDER BY id LIMIT ?3", id,
          after, limit),
      [](const Query& row) {
        return LogLine{number(row, 0), row.integer(1), static_cast<LogLevel>(row.integer(2)), std::string(row.text(3)),
                       std::string(row.text(4))};
      });
}

Result<std::size_t> Tasks::forget_log(std::int64_t time, std::size_t limit) {
  return writing(*connection_, [&]() -> Result<std::size_t> {
    // Lines stand in the order of time, so only the first of them are looked at.
    if (Result<void> done = connection_->run("DELETE FROM task_log WHERE time < ?1 AND id IN (SELECT id FROM task_log "
                                             "ORDER BY id LIMIT ?2)",
                                             time, limit);
        !done) {
      return pass(done);
    }
    const Result<std::uint64_t> gone = first_number(connection_->query("SELECT changes()"));
    if (!gone) return std::unexpected<Error>(gone.error());
    return static_cast<std::size_t>(*gone);
  });
}

Result<bool> Tasks::is_paused() {
  const Result<std::uint64_t> paused = first_number(connection_->query("SELECT paused FROM queue"));
  if (!paused) return std::unexpected<Error>(paused.error());
  return *paused != 0;
}

Result<void> Tasks::pause(bool paused) {
  return connection_->run(
      "INSERT INTO queue (only_row, paused) VALUES (1, ?1) ON CONFLICT (only_row) DO UPDATE SET paused = ?1", paused);
}

}  // namespace aegir::registry
