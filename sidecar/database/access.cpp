// Who gets in: the gate's half, passwords, and a site's own log-in.
#include "sidecar/database/accounts.hpp"
#include "sidecar/database/quote.hpp"
#include "sidecar/database/server.hpp"

namespace aegir::database {
namespace {

/// A connection for a change of a user that has accounts, and these.
struct Change {
  Connection connection;
  std::vector<AccountRow> accounts;
};

Result<Change> change_of(const Admin& admin, const std::string& user) {
  if (Result<void> good = check_user(user); !good) return pass(good);
  Result<Connection> connection = begin_change(admin, user);
  if (!connection) return pass(connection);
  Result<std::vector<AccountRow>> accounts = site_accounts_of(*connection, user);
  if (!accounts) return pass(accounts);
  if (accounts->empty()) {
    return fail_at(connection->place(), Code::kNotFound, "there is no account '" + user + "'",
                   "verify the site; if its database is gone as well, restore it from a backup or delete it");
  }
  return Change{std::move(*connection), std::move(*accounts)};
}

}  // namespace

Result<std::size_t> Server::connections(const std::string& user) const {
  if (Result<void> good = check_user(user); !good) return pass(good);
  Result<Connection> connection = Connection::as_admin(admin_);
  if (!connection) return pass(connection);
  const Result<Rows> rows =
      connection->rows("SELECT ID FROM information_schema.PROCESSLIST WHERE BINARY USER = " + quoted_text(user),
                       "look for the connections of '" + user + "'");
  if (!rows) return std::unexpected<Error>(rows.error());
  return rows->size();
}

Result<void> Server::close(const std::string& user, std::chrono::milliseconds patience) const {
  Result<Change> change = change_of(admin_, user);
  if (!change) return pass(change);
  return lock_out(change->connection, user, change->accounts, patience);
}

Result<void> Server::reopen(const std::string& user) const {
  Result<Change> change = change_of(admin_, user);
  if (!change) return pass(change);
  return change->connection.run("ALTER USER " + listed(user, change->accounts) + " ACCOUNT UNLOCK",
                                "unlock account '" + user + "'");
}

Result<void> Server::accept(const std::string& user, const std::vector<std::string>& passwords) const {
  std::string ways;
  for (const std::string& password : passwords) {
    if (password.empty()) return fail(Code::kInvalid, "a site's database account needs a password");
    ways += (ways.empty() ? " IDENTIFIED VIA " : " OR ") + std::string("mysql_native_password USING ") +
            quoted_text(password_hash(password));
  }
  if (ways.empty()) return fail(Code::kInvalid, "a site's database account needs a password");
  Result<Change> change = change_of(admin_, user);
  if (!change) return pass(change);
  std::string list;
  for (const AccountRow& account : change->accounts) {
    list += (list.empty() ? "" : ", ") + quoted_account(user, account.host) + ways;
  }
  return change->connection.run("ALTER USER " + list, "change the password of '" + user + "'");
}

Result<void> try_login(const Login& login) {
  const Result<Connection> connection = Connection::as_site(login);
  if (!connection) return std::unexpected<Error>(connection.error());
  return {};
}

}  // namespace aegir::database
