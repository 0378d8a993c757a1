// The databases of sites on one MariaDB server: names, creation and its undo, drop, the gate's half, facts.
//
// A task dies anywhere, and connections break anywhere; so whose a thing is has to stand where the thing is. A database
// bears the random mark of its creation as its comment from the statement on that makes it; an account is known by its
// random password. Both are journaled before anything is made. What bears neither is never taken over, and never
// dropped by an undo. The database comes first and goes last, so an account of ours never stands without it.
// A change holds a lock of the server's that bears the user's name: a statement that a lost connection left running
// there has ended before the next change of that user begins.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"
#include "sidecar/database/connection.hpp"

namespace aegir::database {

/// What an administrator runs once on a new database server, so that aegird can work there: the rights that it hands on
/// to sites, and those to make accounts and to see and end connections. It needs no others. `account` as GRANT takes
/// it.
[[nodiscard]] std::string admin_grant(std::string_view account = "aegir@localhost IDENTIFIED VIA unix_socket");

/// A database that is to be made, with its user of the same name. choose() makes it; the caller journals it before
/// create() (the password sealed), and hands the same to undo() after any failure.
struct Creation {
  std::string name;
  std::string password;  ///< secret; letters and digits
  std::vector<std::string>
      hosts;         ///< where the site's PHP and drush run, as the server sees it: kLocalHosts, or addresses
  std::string mark;  ///< random letters and digits; no secret
  bool operator==(const Creation&) const = default;
};

/// The hosts of an account that is used on the database server's own machine, by socket or by loopback.
inline const std::vector<std::string> kLocalHosts = {"localhost", "127.0.0.1", "::1"};

/// Says whether the registry has given a name on this server away: to a site, or to a task that is on its way.
using Taken = std::function<Result<bool>(const std::string& name)>;

/// What undo() and drop() took away; both are false and 0 when it was gone before.
struct Removed {
  bool database = false;
  std::size_t accounts = 0;
  std::vector<std::string> left;  ///< what was found under these names and is somebody else's: one sentence each
};

/// What stands on a server, for a comparison with the registry. Without MariaDB's own.
struct Inventory {
  struct Database {
    std::string name;
    std::string mark;  ///< of the creation that made it; empty: not made by create()
    bool operator==(const Database&) const = default;
  };
  struct User {
    std::string user;
    std::string host;
    bool locked = false;
    std::vector<std::string> databases;  ///< on which it has rights, sorted; patterns with '%' as they stand
    bool operator==(const User&) const = default;
  };
  std::vector<Database> databases;  ///< sorted by name
  std::vector<User> users;          ///< sorted by user and host; no roles, none with rights on the whole server
};

/// One server. Holds no connection: each call opens its own, so any number of threads may use one object. Every error
/// names the server in its place, and a next step; none holds a password. kIo and kBusy may be gone on another try, and
/// every call may be repeated; kPermission says that the server does not let aegird in, or not do this.
class Server {
 public:
  explicit Server(Admin admin) : admin_(std::move(admin)) {}

  /// The server's version: whether aegird comes in at all.
  [[nodiscard]] Result<std::string> version() const;
  /// What the server says of itself; the same when two records of the registry lead to one server. A cluster or a proxy
  /// may say another thing each time: so two that differ need not be two.
  [[nodiscard]] Result<std::string> identity() const;

  /// A name for verify() that nobody else has.
  [[nodiscard]] static std::string trial_name();
  /// Whether it is such a name.
  [[nodiscard]] static bool is_trial(std::string_view name);
  /// Proves that sites can be made here: makes a database with an account, both called `trial`, and takes both away.
  /// The caller journals the name first, and has drop() take away what a call that failed may have left.
  [[nodiscard]] Result<void> verify(const std::string& trial) const;

  /// Chooses name, password and mark for a new site; nothing is made. Skips each name_for() that `taken` says is taken,
  /// or that the server has as a database, as an account or role, or in a grant that would let another account in (one
  /// that an earlier database has left behind, or one without escapes). kInvalid for a uri that is no host name,
  /// kConflict when a thousand names are taken.
  [[nodiscard]] Result<Creation> choose(std::string_view uri, std::vector<std::string> hosts, const Taken& taken) const;

  /// Makes database (utf8mb4), accounts, and the grant on that database alone. Goes on where an earlier call was
  /// broken off. kConflict, and nothing of others is touched, when database or user is there and not of this creation.
  [[nodiscard]] Result<void> create(const Creation& creation) const;

  /// Lets a site's user in again, with this password and its rights on the site's database: accounts that are missing
  /// at `hosts` are made, those that are there unlocked. The data stays as it is. kNotFound when there is no such
  /// database, kConflict as drop().
  [[nodiscard]] Result<void> admit(const std::string& name, const std::string& user, const std::string& password,
                                   const std::vector<std::string>& hosts) const;

  /// Takes away what create() has made of it, at whatever point it ended: connections, accounts, database; and looks
  /// that they are gone. What of these names is not of this creation stays, and is named in the answer.
  [[nodiscard]] Result<Removed> undo(const Creation& creation) const;

  /// Drops a site's database and user, whoever has made them: the registry says that they are the site's. The user's
  /// connections are ended and its accounts dropped first; a user that another database needs, too, stays, and loses
  /// its rights on this one. May take minutes. kConflict for a user with rights on the whole server, or aegird's own.
  [[nodiscard]] Result<Removed> drop(const std::string& name, const std::string& user) const;

  /// How many connections the user has.
  [[nodiscard]] Result<std::size_t> connections(const std::string& user) const;

  /// The gate: locks the user's accounts, ends its connections, and waits until the server has none of them any more,
  /// nor one that was logging in when the lock came. kBusy when that takes longer than `patience` (a connection that
  /// rolls back goes when it has); the accounts stay locked. kNotFound when there is no account.
  [[nodiscard]] Result<void> close(const std::string& user,
                                   std::chrono::milliseconds patience = std::chrono::seconds(15)) const;
  /// Unlocks the accounts.
  [[nodiscard]] Result<void> reopen(const std::string& user) const;

  /// Lets the user's accounts in with each of `passwords` (one or two) and no other. A password changes without a
  /// moment in which a request fails: both, publish, then the new one alone.
  [[nodiscard]] Result<void> accept(const std::string& user, const std::vector<std::string>& passwords) const;

  [[nodiscard]] Result<bool> exists(const std::string& name) const;
  /// Bytes of data and indexes as the server estimates them; 0 for a database that is not there.
  [[nodiscard]] Result<std::uint64_t> size(const std::string& name) const;
  [[nodiscard]] Result<Inventory> inventory() const;

 private:
  Admin admin_;
};

/// Whether a site's credentials work: logs in with the database as current one and logs out. The error says what is
/// wrong: password or host, a lock, no right on the database, no such database, no server.
[[nodiscard]] Result<void> try_login(const Login& login);

}  // namespace aegir::database
