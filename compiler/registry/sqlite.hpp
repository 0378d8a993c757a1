// A thin cover over SQLite's C interface: one connection, prepared statements kept by their text, rows read in place,
// SQLite's codes turned into ours. Only compiler/registry uses it; a Connection is used from one thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::registry {

/// The path of a registry that lives in memory and is gone with its Store.
inline constexpr std::string_view kMemory = ":memory:";

using Blob = std::span<const unsigned char>;

/// Text that is bound as NULL when it is empty (an optional reference).
struct OrNull {
  std::string_view text;
};

/// A prepared statement in use: bound, then stepped through its rows. Goes back to its Connection when destroyed.
class Query {
 public:
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  /// True: the next row can be read. False: there are no more.
  [[nodiscard]] Result<bool> next();

  /// Columns of the present row, counted from 0. Views are valid until the next call of next().
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] Blob blob(int column) const;
  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  friend class Connection;
  Query(class Connection& connection, std::string_view sql, sqlite3_stmt* statement, int problem)
      : connection_(&connection), sql_(sql), statement_(statement), problem_(problem) {}
  void bind(int index, std::int64_t value) { note(sqlite3_bind_int64(statement_, index, value)); }
  void bind(int index, std::string_view value);
  void bind(int index, Blob value);
  void bind(int index, OrNull value) {
    if (value.text.empty()) {
      note(sqlite3_bind_null(statement_, index));
    } else {
      bind(index, value.text);
    }
  }
  void note(int code) {
    if (code != SQLITE_OK && problem_ == SQLITE_OK) problem_ = code;
  }

  class Connection* connection_;
  std::string_view sql_;
  sqlite3_stmt* statement_;
  int problem_;  ///< of preparing or binding; told by next()
};

/// One connection to a connection file.
class Connection {
 public:
  /// `flags` as for sqlite3_open_v2().
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const std::string& path, int flags);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Binds `values` (integers, enums, text, Blob, OrNull) to ?1, ?2 … of `sql`, which must live as long as the
  /// Connection. Text and blobs are not copied: they must live until the Query has ended.
  template <class... Values>
  [[nodiscard]] Query query(std::string_view sql, const Values&... values) {
    Query result = prepare(sql);
    int index = 0;
    (bind_one(result, ++index, values), ...);
    return result;
  }
  /// Runs a statement that returns no rows.
  template <class... Values>
  [[nodiscard]] Result<void> run(std::string_view sql, const Values&... values) {
    Query started = query(sql, values...);
    const Result<bool> row = started.next();
    if (!row) return std::unexpected<Error>(row.error());
    return {};
  }
  /// Runs several statements that need no values.
  [[nodiscard]] Result<void> script(const std::string& sql);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

 private:
  friend class Query;
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  [[nodiscard]] Query prepare(std::string_view sql);
  [[nodiscard]] std::unexpected<Error> failure(int code) const;

  template <class Value>
  static void bind_one(Query& query, int index, const Value& value) {
    if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>) {
      query.bind(index, static_cast<std::int64_t>(value));
    } else {
      query.bind(index, value);
    }
  }

  sqlite3* handle_;
  std::string path_;
  std::unordered_map<std::string_view, std::vector<sqlite3_stmt*>> idle_;
};

/// All rows of `query`, each as `make` makes it.
template <class Make>
auto collect(Query query, Make make) -> Result<std::vector<decltype(make(query))>> {
  std::vector<decltype(make(query))> all;
  for (;;) {
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return all;
    all.push_back(make(query));
  }
}

/// Rolls back when it is destroyed before commit().
class Transaction {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite };
  [[nodiscard]] static Result<Transaction> begin(Connection& connection, Kind kind);
  Transaction(Transaction&& other) noexcept : connection_(other.connection_) { other.connection_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace aegir::registry
