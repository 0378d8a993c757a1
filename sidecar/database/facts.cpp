// What stands on a server.
#include <algorithm>
#include <charconv>
#include <map>

#include "sidecar/database/accounts.hpp"
#include "sidecar/database/names.hpp"
#include "sidecar/database/quote.hpp"
#include "sidecar/database/server.hpp"

namespace aegir::database {

Result<std::string> Server::version() const {
  const Result<Connection> connection = Connection::as_admin(admin_);
  if (!connection) return std::unexpected<Error>(connection.error());
  return connection->version();
}

Result<std::string> Server::identity() const {
  Result<Connection> connection = Connection::as_admin(admin_);
  if (!connection) return pass(connection);
  Result<Rows> rows =
      connection->rows("SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir)", "ask the server which one it is");
  if (!rows) return pass(rows);
  return std::move(rows->front().front());
}

Result<bool> Server::exists(const std::string& name) const {
  if (Result<void> good = check_database(name); !good) return pass(good);
  Result<Connection> connection = Connection::as_admin(admin_);
  if (!connection) return pass(connection);
  Result<std::optional<std::string>> comment = comment_of(*connection, name);
  if (!comment) return pass(comment);
  return comment->has_value();
}

Result<std::uint64_t> Server::size(const std::string& name) const {
  if (Result<void> good = check_database(name); !good) return pass(good);
  Result<Connection> connection = Connection::as_admin(admin_);
  if (!connection) return pass(connection);
  const Result<Rows> rows = connection->rows(
      "SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = " +
          quoted_text(name),
      "measure database '" + name + "'");
  if (!rows) return std::unexpected<Error>(rows.error());
  const std::string& text = rows->front().front();
  std::uint64_t bytes = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), bytes);
  return bytes;
}

Result<Inventory> Server::inventory() const {
  constexpr std::string_view kDoing = "list databases and accounts";
  Result<Connection> connection = Connection::as_admin(admin_);
  if (!connection) return pass(connection);
  const Result<Rows> databases = connection->rows(
      "SELECT SCHEMA_NAME, SCHEMA_COMMENT FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME", kDoing);
  if (!databases) return std::unexpected<Error>(databases.error());
  const Result<Rows> grants = connection->rows("SELECT User, Host, Db FROM mysql.db", kDoing);
  if (!grants) return std::unexpected<Error>(grants.error());
  const Result<Rows> users = connection->rows(
      "SELECT User, Host, COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) FROM mysql.global_priv "
      "WHERE JSON_VALUE(Priv, '$.is_role') IS NULL AND COALESCE(JSON_VALUE(Priv, '$.access'), 0) = 0 "
      "ORDER BY User, Host",
      kDoing);
  if (!users) return std::unexpected<Error>(users.error());

  Inventory inventory;
  for (const auto& row : *databases) {
    if (!is_site_database(row[0])) continue;
    const std::string_view comment = row[1];
    inventory.databases.push_back(
        {row[0], std::string(comment.starts_with(kMarkPrefix) ? comment.substr(kMarkPrefix.size()) : "")});
  }
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> rights;
  for (const auto& row : *grants) {
    rights[{row[0], row[1]}].push_back(row[2].contains('%') ? row[2] : unescaped_pattern(row[2]));
  }
  for (const auto& row : *users) {
    if (!is_site_user(row[0])) continue;
    Inventory::User& user = inventory.users.emplace_back(row[0], row[1], row[2] == "1", rights[{row[0], row[1]}]);
    std::ranges::sort(user.databases);
  }
  return inventory;
}

}  // namespace aegir::database
