#include "compiler/registry/sqlite.hpp"

#include <utility>

namespace aegir::registry {

Query::Query(Query&& other) noexcept
    : connection_(other.connection_),
      sql_(other.sql_),
      statement_(std::exchange(other.statement_, nullptr)),
      problem_(other.problem_) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  connection_->idle_[sql_].push_back(statement_);
}

void Query::bind(int index, std::string_view value) {
  // A view without memory would bind NULL.
  note(sqlite3_bind_text64(statement_, index, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_STATIC,
                           SQLITE_UTF8));
}

void Query::bind(int index, Blob value) {
  note(sqlite3_bind_blob64(statement_, index, value.empty() ? "" : static_cast<const void*>(value.data()), value.size(),
                           SQLITE_STATIC));
}

Result<bool> Query::next() {
  if (problem_ != SQLITE_OK) return connection_->failure(problem_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->failure(code);
}

std::string_view Query::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Blob Query::blob(int column) const {
  const auto* bytes = static_cast<const unsigned char*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<Connection> connection(new Connection(handle, path));
  if (code != SQLITE_OK) return connection->failure(code);
  // Another writer of ours is kept away by the lock file; this is for a person's sqlite3 shell or a backup.
  sqlite3_busy_timeout(handle, 5000);
  return connection;
}

Connection::~Connection() {
  for (auto& [sql, statements] : idle_) {
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  }
  sqlite3_close(handle_);
}

Query Connection::prepare(std::string_view sql) {
  std::vector<sqlite3_stmt*>& idle = idle_[sql];
  if (!idle.empty()) {
    sqlite3_stmt* statement = idle.back();
    idle.pop_back();
    return {*this, sql, statement, SQLITE_OK};
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  return {*this, sql, statement, code};
}

Result<void> Connection::script(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

std::unexpected<Error> Connection::failure(int code) const {
  const std::string reason = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return fail_at(path_, Code::kCorrupt, "the registry is damaged (" + reason + ")",
                     "move this file away, with its -wal and -shm, and bring back the last export with "
                     "`aegirc import --replace FILE`");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail_at(path_, Code::kBusy, "another program holds the registry's file (" + reason + ")",
                     "end that program (`fuser` names it) and run the command again");
    case SQLITE_FULL:
      return fail_at(path_, Code::kIo, "no space is left for the registry (" + reason + ")",
                     "free some space on its file system and run the command again");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return fail_at(path_, Code::kPermission, "the registry can't be used (" + reason + ")",
                     "check owner and mode of this file and of its directory");
    case SQLITE_IOERR:
      return fail_at(path_, Code::kIo, "reading or writing the registry failed (" + reason + ")",
                     "check the disk and the kernel's log");
    default:
      return fail_at(path_, Code::kInternal, "the registry refused a statement (" + reason + ")",
                     "this is a mistake in the program: please report it with this message");
  }
}

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
  const Result<void> begun = connection.run(kind == Kind::kRead ? "BEGIN" : "BEGIN IMMEDIATE");
  if (!begun) return std::unexpected<Error>(begun.error());
  return Transaction(connection);
}

Transaction::~Transaction() {
  // SQLite has rolled back by itself after some errors (disk full, I/O).
  if (connection_ == nullptr || !connection_->in_transaction()) return;
  [[maybe_unused]] const Result<void> done = connection_->run("ROLLBACK");  // closing rolls back too
}

Result<void> Transaction::commit() {
  Result<void> done = connection_->run("COMMIT");
  if (done) connection_ = nullptr;
  return done;
}

}  // namespace aegir::registry
