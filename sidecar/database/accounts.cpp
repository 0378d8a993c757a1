#include "sidecar/database/accounts.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "compiler/core/utf8.hpp"
#include "sidecar/database/names.hpp"
#include "sidecar/database/quote.hpp"

namespace aegir::database {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{10};
/// How the server calls a connection that has not said yet, or not proved, who it is.
constexpr std::string_view kLoggingIn = "unauthenticated user";

std::string looking_for(const std::string& user) { return "look for the connections of '" + user + "'"; }

/// The connections that are logging in.
Result<std::set<std::string>> logging_in(Connection& connection, const std::string& user) {
  const Result<Rows> rows = connection.rows(
      "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = " + quoted_text(kLoggingIn), looking_for(user));
  if (!rows) return std::unexpected<Error>(rows.error());
  std::set<std::string> ids;
  for (const auto& row : *rows) ids.insert(row[0]);
  return ids;
}

/// Ends the user's connections until none is left. Of `early`, which were logging in before the user was locked out,
/// one may still become the user's; those that have not got on in half of the time are ended.
Result<void> end_all(Connection& connection, const std::string& user, const std::set<std::string>& early,
                     std::chrono::milliseconds patience) {
  const Clock::time_point begin = Clock::now();
  for (;;) {
    const Result<void> killed =
        connection.run("KILL CONNECTION USER " + quoted_text(user), "end the connections of '" + user + "'");
    if (!killed) return killed;
    const Result<Rows> rows =
        connection.rows("SELECT ID, USER FROM information_schema.PROCESSLIST WHERE BINARY USER IN (" +
                            quoted_text(user) + ", " + quoted_text(kLoggingIn) + ")",
                        looking_for(user));
    if (!rows) return std::unexpected<Error>(rows.error());
    std::size_t left = 0;
    const auto spent = Clock::now() - begin;
    for (const auto& row : *rows) {
      const bool is_early = row[1] == kLoggingIn;
      if (is_early && !early.contains(row[0])) continue;
      ++left;
      if (!is_early || spent < patience / 2) continue;
      Result<void> ended = connection.run("KILL CONNECTION " + row[0], "end a connection that is logging in");
      if (!ended && ended.error().code != Code::kNotFound) return ended;
    }
    if (left == 0) return {};
    if (spent > patience) {
      return fail_at(
          connection.place(), Code::kBusy,
          std::to_string(left) + " connections of '" + user + "' were told to end and are still there",
          "see what they do (SHOW FULL PROCESSLIST; a long change has to be rolled back first), then run the "
          "task again");
    }
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

Result<Connection> begin_change(const Admin& admin, const std::string& user) {
  Result<Connection> connection = Connection::as_admin(admin);
  if (!connection) return connection;
  const std::string seconds = std::to_string(std::clamp<std::int64_t>(admin.answer_patience.count() / 2, 1, 30));
  const Result<Rows> got =
      connection->rows("SELECT GET_LOCK(" + quoted_text(std::string(kMarkPrefix) + user) + ", " + seconds + ")",
                       "take the lock for '" + user + "'");
  if (!got) return std::unexpected<Error>(got.error());
  if (got->size() == 1 && got->front().front() == "1") return connection;
  return fail_at(connection->place(), Code::kBusy, "another change of '" + user + "' is still running there",
                 "wait until it has ended (SHOW FULL PROCESSLIST shows it), then run the task again");
}

Result<void> check_database(const std::string& name) {
  if (is_site_database(name)) return {};
  return fail(Code::kInvalid, printable(name) + " can't be a site's database",
              "a name has 1 to 64 letters, digits, '_', '$' and '-', and is none of MariaDB's own");
}

Result<void> check_user(const std::string& user) {
  if (is_site_user(user)) return {};
  return fail(Code::kInvalid, printable(user) + " can't be a site's database user",
              "a name has 1 to 80 letters, digits, '_', '$' and '-', and is none of MariaDB's own");
}

Result<std::vector<AccountRow>> accounts_of(Connection& connection, const std::string& user) {
  const Result<Rows> rows = connection.rows(
      "SELECT Host, JSON_VALUE(Priv, '$.authentication_string'), JSON_VALUE(Priv, '$.access') <> 0 "
      "FROM mysql.global_priv WHERE User = " +
          quoted_text(user) + " AND JSON_VALUE(Priv, '$.is_role') IS NULL ORDER BY Host",
      "look for the accounts of '" + user + "'");
  if (!rows) return std::unexpected<Error>(rows.error());
  std::vector<AccountRow> accounts;
  for (const auto& row : *rows) accounts.push_back({row[0], row[1], row[2] == "1"});
  return accounts;
}

Result<std::vector<AccountRow>> site_accounts_of(Connection& connection, const std::string& user) {
  Result<std::vector<AccountRow>> accounts = accounts_of(connection, user);
  if (!accounts) return accounts;
  const Result<Rows> own = connection.rows("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)", "ask for its own account");
  if (!own) return std::unexpected<Error>(own.error());
  if (own->front().front() == user || std::ranges::any_of(*accounts, &AccountRow::is_powerful)) {
    return fail_at(connection.place(), Code::kConflict,
                   "account '" + user + "' has rights on the whole server; it is no site's",
                   "give the site a user of its own, and name it in the site's record");
  }
  return accounts;
}

std::string listed(const std::string& user, const std::vector<AccountRow>& accounts) {
  std::string list;
  for (const AccountRow& account : accounts) {
    list += (list.empty() ? "" : ", ") + quoted_account(user, account.host);
  }
  return list;
}

Result<std::optional<std::string>> comment_of(Connection& connection, const std::string& name) {
  const Result<Rows> rows =
      connection.rows("SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = " + quoted_text(name),
                      "look for database '" + name + "'");
  if (!rows) return std::unexpected<Error>(rows.error());
  if (rows->empty()) return std::nullopt;
  return rows->front().front();
}

Result<void> lock_out(Connection& connection, const std::string& user, const std::vector<AccountRow>& accounts,
                      std::chrono::milliseconds patience) {
  const Result<void> locked =
      connection.run("ALTER USER " + listed(user, accounts) + " ACCOUNT LOCK", "lock account '" + user + "'");
  if (!locked) return locked;
  const Result<std::set<std::string>> early = logging_in(connection, user);
  if (!early) return std::unexpected<Error>(early.error());
  return end_all(connection, user, *early, patience);
}

}  // namespace aegir::database
