// The life of a site's database: chosen, made, undone, dropped.
#include <algorithm>

#include "compiler/core/host_name.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/registry/random.hpp"
#include "sidecar/database/accounts.hpp"
#include "sidecar/database/names.hpp"
#include "sidecar/database/quote.hpp"
#include "sidecar/database/server.hpp"

namespace aegir::database {
namespace {

constexpr std::size_t kPasswordLetters = 24;  // 142 bits
constexpr std::size_t kMarkLetters = 16;
constexpr std::string_view kTrial = "aegir_verify_";
constexpr std::size_t kTrialLetters = 12;
constexpr unsigned kMostNames = 1000;
constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(15);
constexpr std::chrono::seconds kDropPatience = std::chrono::minutes(30);  // many tables on a slow disk

/// Everything that a site's own code may want, but EVENT: an event would go on writing behind a gate, since it asks no
/// account to let it in.
constexpr std::string_view kSiteRights =
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, LOCK TABLES, "
    "EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, TRIGGER";

std::string comment_for(const Creation& creation) { return std::string(kMarkPrefix) + creation.mark; }

Result<void> check(const Creation& creation) {
  if (const Result<void> good = check_database(creation.name); !good) return good;
  if (const Result<void> good = check_user(creation.name); !good) return good;
  if (creation.name.size() > kLongestName || creation.password.empty() || creation.mark.empty() ||
      creation.hosts.empty()) {
    return fail(Code::kInternal, "the creation of database '" + creation.name + "' is not as choose() makes one");
  }
  for (const std::string& host : creation.hosts) {
    if (is_account_host(host)) continue;
    return fail(Code::kInvalid, printable(host) + " can't be the host of a database account",
                "name a host or an address of the web server, as the database server sees it");
  }
  return {};
}

/// Whether an account is of this creation: nobody else knows its password.
bool is_of(const AccountRow& account, const Creation& creation) {
  return account.hash == password_hash(creation.password) &&
         std::ranges::find(creation.hosts, account.host) != creation.hosts.end();
}

std::unexpected<Error> not_ours(const Connection& connection, const std::string& what) {
  return fail_at(connection.place(), Code::kConflict, what + " is there and was not made by this task",
                 "run the task again: it takes another name");
}

/// Whether the server has that name in any way that would mix two sites.
Result<bool> is_taken(Connection& connection, const std::string& name) {
  const std::string text = quoted_text(name);
  // A grant to everybody, or one without '%', that matches the name. One of a named account with '%' is an
  // administrator's will, such as of one for backups.
  const Result<Rows> rows =
      connection.rows("SELECT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = " + text +
                          ") OR EXISTS (SELECT 1 FROM mysql.global_priv WHERE User = " + text +
                          ") OR EXISTS (SELECT 1 FROM mysql.db WHERE " + text +
                          " LIKE Db AND (User IN ('', 'PUBLIC') OR Db NOT LIKE '%\\%%'))",
                      "look for the name '" + name + "'");
  if (!rows) return std::unexpected<Error>(rows.error());
  return rows->front().front() != "0";
}

/// The first name for a site that neither registry nor server has.
Result<std::string> free_name(Connection& connection, std::string_view uri, const Taken& taken) {
  for (unsigned number = 1; number <= kMostNames; ++number) {
    std::string name = name_for(uri, number);
    Result<bool> is_gone = taken(name);
    if (is_gone && !*is_gone) is_gone = is_taken(connection, name);
    if (!is_gone) return pass(is_gone);
    if (!*is_gone) return name;
  }
  return fail_at(connection.place(), Code::kConflict,
                 "all names from '" + name_for(uri, 1) + "' to '" + name_for(uri, kMostNames) + "' are taken",
                 "drop what is left of earlier sites, or a grant that opens all of these names");
}

/// Drops a database that the caller has found to be the site's, and looks that it is gone.
Result<void> drop_database(Connection& connection, const std::string& name) {
  const std::string doing = "drop database '" + name + "'";
  if (Result<void> done = connection.run("DROP DATABASE IF EXISTS " + quoted_name(name), doing); !done) return done;
  const Result<std::optional<std::string>> comment = comment_of(connection, name);
  if (!comment) return std::unexpected<Error>(comment.error());
  if (!comment->has_value()) return {};
  return fail_at(connection.place(), Code::kConflict, "database '" + name + "' was dropped and is there again",
                 "find out who makes it, then run the task again");
}

/// Drops accounts of a user; `alone`: it has no others, so that its connections can be ended, too.
Result<void> drop_accounts(Connection& connection, const std::string& user, const std::vector<AccountRow>& accounts,
                           bool alone) {
  if (accounts.empty()) return {};
  if (alone) {
    if (Result<void> done = lock_out(connection, user, accounts, kPatience); !done) return done;
  }
  return connection.run("DROP USER " + listed(user, accounts), "drop account '" + user + "'");
}

/// Whether one of a user's grants is for a database that is there and not `name`.
Result<bool> serves_others(Connection& connection, const std::string& name, const Rows& grants) {
  for (const auto& grant : grants) {
    const std::string other = unescaped_pattern(grant[1]);
    if (other == name) continue;
    if (grant[1].contains('%')) return true;
    const Result<std::optional<std::string>> comment = comment_of(connection, other);
    if (!comment) return std::unexpected<Error>(comment.error());
    if (comment->has_value()) return true;
  }
  return false;
}

/// Takes the rights on `name` from the accounts of a user that other databases need, too. What else they have there,
/// such as EVENT, is not aegird's to take; is_taken() sees to it that it never opens a later database.
Result<void> revoke(Connection& connection, const std::string& name, const std::string& user, const Rows& grants) {
  for (const auto& grant : grants) {
    if (unescaped_pattern(grant[1]) != name) continue;
    const Result<void> done = connection.run("REVOKE " + std::string(kSiteRights) + " ON " + quoted_name(grant[1]) +
                                                 ".* FROM " + quoted_account(user, grant[0]),
                                             "take the rights on database '" + name + "' from '" + user + "'");
    if (!done) return done;
  }
  return {};
}

Admin with_time_to_drop(Admin admin) {
  admin.answer_patience = std::max(admin.answer_patience, kDropPatience);
  return admin;
}

}  // namespace

std::string admin_grant(std::string_view account) {
  return "GRANT " + std::string(kSiteRights) + ", CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO " +
         std::string(account) + " WITH GRANT OPTION";
}

Result<Creation> Server::choose(std::string_view uri, std::vector<std::string> hosts, const Taken& taken) const {
  if (!is_canonical_host(uri)) {
    return fail(Code::kInvalid, printable(uri) + " is no site's uri", "write a host name in lower case");
  }
  if (!crypto_ready()) return fail(Code::kInternal, "this machine gives no randomness");
  Result<Connection> connection = Connection::as_admin(admin_);
  if (!connection) return pass(connection);
  Result<std::string> name = free_name(*connection, uri, taken);
  if (!name) return pass(name);
  Creation creation{std::move(*name), registry::random_word(kPasswordLetters), std::move(hosts),
                    registry::random_word(kMarkLetters)};
  if (Result<void> good = check(creation); !good) return pass(good);
  return creation;
}

Result<void> Server::create(const Creation& creation) const {
  if (const Result<void> good = check(creation); !good) return good;
  Result<Connection> connection = begin_change(admin_, creation.name);
  if (!connection) return pass(connection);

  const Result<std::optional<std::string>> comment = comment_of(*connection, creation.name);
  if (!comment) return std::unexpected<Error>(comment.error());
  if (comment->has_value() && **comment != comment_for(creation)) {
    return not_ours(*connection, "database '" + creation.name + "'");
  }
  const Result<std::vector<AccountRow>> accounts = accounts_of(*connection, creation.name);
  if (!accounts) return std::unexpected<Error>(accounts.error());
  for (const AccountRow& account : *accounts) {
    if (!is_of(account, creation))
      return not_ours(*connection, "account " + quoted_account(creation.name, account.host));
  }

  if (!comment->has_value()) {
    const Result<void> made = connection->run("CREATE DATABASE " + quoted_name(creation.name) +
                                                  " CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci COMMENT " +
                                                  quoted_text(comment_for(creation)),
                                              "create database '" + creation.name + "'");
    if (!made) return made;
  }
  std::vector<AccountRow> all;
  for (const std::string& host : creation.hosts) {
    all.push_back({.host = host});
    if (std::ranges::find(*accounts, host, &AccountRow::host) != accounts->end()) continue;
    const Result<void> made =
        connection->run("CREATE USER " + quoted_account(creation.name, host) + " IDENTIFIED BY PASSWORD " +
                            quoted_text(password_hash(creation.password)),
                        "create account " + quoted_account(creation.name, host));
    if (!made) return made;
  }
  return connection->run("GRANT " + std::string(kSiteRights) + " ON " + grant_pattern(creation.name) + ".* TO " +
                             listed(creation.name, all),
                         "grant rights on database '" + creation.name + "'");
}

Result<void> Server::admit(const std::string& name, const std::string& user, const std::string& password,
                           const std::vector<std::string>& hosts) const {
  if (Result<void> good = check_database(name); !good) return good;
  if (Result<void> good = check_user(user); !good) return good;
  if (password.empty()) return fail(Code::kInvalid, "a site's database account needs a password");
  Result<Connection> connection = begin_change(admin_, user);
  if (!connection) return pass(connection);
  const Result<std::optional<std::string>> comment = comment_of(*connection, name);
  if (!comment) return std::unexpected<Error>(comment.error());
  if (!comment->has_value()) {
    return fail_at(connection->place(), Code::kNotFound, "there is no database '" + name + "'",
                   "restore the site from a backup, or delete it");
  }
  Result<std::vector<AccountRow>> accounts = site_accounts_of(*connection, user);
  if (!accounts) return pass(accounts);
  for (const std::string& host : hosts) {
    if (!is_account_host(host)) return fail(Code::kInvalid, printable(host) + " can't be the host of an account");
    if (std::ranges::find(*accounts, host, &AccountRow::host) == accounts->end()) accounts->push_back({.host = host});
  }
  const std::string hash = quoted_text(password_hash(password));
  for (const AccountRow& account : *accounts) {
    const std::string quoted = quoted_account(user, account.host);
    const std::string doing = "let account " + quoted + " in";
    Result<void> done =
        connection->run("CREATE USER IF NOT EXISTS " + quoted + " IDENTIFIED BY PASSWORD " + hash, doing);
    if (done) {
      done = connection->run(
          "ALTER USER " + quoted + " IDENTIFIED VIA mysql_native_password USING " + hash + " ACCOUNT UNLOCK", doing);
    }
    if (!done) return done;
  }
  return connection->run(
      "GRANT " + std::string(kSiteRights) + " ON " + grant_pattern(name) + ".* TO " + listed(user, *accounts),
      "grant rights on database '" + name + "'");
}

Result<Removed> Server::undo(const Creation& creation) const {
  if (Result<void> good = check(creation); !good) return pass(good);
  Result<Connection> connection = begin_change(with_time_to_drop(admin_), creation.name);
  if (!connection) return pass(connection);
  const Result<std::optional<std::string>> comment = comment_of(*connection, creation.name);
  if (!comment) return std::unexpected<Error>(comment.error());
  const Result<std::vector<AccountRow>> accounts = accounts_of(*connection, creation.name);
  if (!accounts) return std::unexpected<Error>(accounts.error());

  Removed removed;
  std::vector<AccountRow> ours;
  for (const AccountRow& account : *accounts) {
    if (is_of(account, creation)) {
      ours.push_back(account);
    } else {
      removed.left.push_back("account " + quoted_account(creation.name, account.host) +
                             " is somebody else's; it stays");
    }
  }
  if (Result<void> done = drop_accounts(*connection, creation.name, ours, removed.left.empty()); !done) {
    return pass(done);
  }
  removed.accounts = ours.size();
  if (comment->has_value() && **comment == comment_for(creation)) {
    if (Result<void> done = drop_database(*connection, creation.name); !done) return pass(done);
    removed.database = true;
  } else if (comment->has_value()) {
    removed.left.push_back("database '" + creation.name + "' is somebody else's; it stays");
  }
  return removed;
}

Result<Removed> Server::drop(const std::string& name, const std::string& user) const {
  if (Result<void> good = check_database(name); !good) return pass(good);
  if (Result<void> good = check_user(user); !good) return pass(good);
  Result<Connection> connection = begin_change(with_time_to_drop(admin_), user);
  if (!connection) return pass(connection);
  const Result<std::vector<AccountRow>> accounts = site_accounts_of(*connection, user);
  if (!accounts) return std::unexpected<Error>(accounts.error());
  const Result<Rows> grants = connection->rows("SELECT Host, Db FROM mysql.db WHERE User = " + quoted_text(user),
                                               "look for the rights of '" + user + "'");
  if (!grants) return std::unexpected<Error>(grants.error());

  Removed removed;
  const Result<bool> is_shared = serves_others(*connection, name, *grants);
  if (!is_shared) return std::unexpected<Error>(is_shared.error());
  if (*is_shared) {
    if (Result<void> done = revoke(*connection, name, user, *grants); !done) return pass(done);
    removed.left.push_back("account '" + user + "' has rights on other databases, too; it stays");
  } else {
    if (Result<void> done = drop_accounts(*connection, user, *accounts, true); !done) return pass(done);
    removed.accounts = accounts->size();
  }
  const Result<std::optional<std::string>> comment = comment_of(*connection, name);
  if (!comment) return std::unexpected<Error>(comment.error());
  if (Result<void> done = drop_database(*connection, name); !done) return pass(done);
  removed.database = comment->has_value();
  return removed;
}

std::string Server::trial_name() {
  return std::string(kTrial) + content_hash(registry::random_word(kMarkLetters)).substr(0, kTrialLetters);
}

bool Server::is_trial(std::string_view name) {
  return name.starts_with(kTrial) && name.size() == kTrial.size() + kTrialLetters;
}

Result<void> Server::verify(const std::string& trial) const {
  if (!crypto_ready()) return fail(Code::kInternal, "this machine gives no randomness");
  Result<void> made =
      create({trial, registry::random_word(kPasswordLetters), kLocalHosts, registry::random_word(kMarkLetters)});
  if (!made) return made;
  const Result<Removed> removed = drop(trial, trial);
  return removed ? Result<void>() : std::unexpected<Error>(removed.error());
}

}  // namespace aegir::database
