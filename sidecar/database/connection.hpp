// A connection to a database server: opened for one call and closed at its end, so that none is found stale and no
// thread shares one. Every wait in it has an end.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"
#include "sidecar/database/failure.hpp"

struct st_mysql;

namespace aegir::database {

/// How aegird comes in as administrator: by unix_socket as the uid it runs as, or by what a file says.
struct Admin {
  std::string server;                              ///< the registry's name of it; for messages
  std::string socket = "/run/mysqld/mysqld.sock";  ///< of a server on this machine
  std::string user = "aegir";                      ///< account with unix_socket authentication
  /// Instead of the two above, a file in the form of my.cnf, whose section [client] names user, password, and host and
  /// port or socket (and ssl-ca, …). A regular file that is root's or the caller's own, and closed to everybody else.
  std::string options_file = {};
  std::chrono::seconds connect_patience{5};
  std::chrono::seconds answer_patience{60};  ///< for a statement; dropping a database takes what it takes, see drop()
};

/// An account as a site uses it.
struct Login {
  std::string host = "localhost";  ///< "localhost" means the socket, as it does to PHP
  std::uint16_t port = 3306;
  std::string socket = {};  ///< empty: where the client library looks for it
  std::string user;
  std::string password;  ///< secret
  std::string database;
};

/// An answer; NULL is an empty text.
using Rows = std::vector<std::vector<std::string>>;

class Connection {
 public:
  /// Connects as administrator and refuses what is no MariaDB of 10.5 or newer (comments on databases). Tries a second
  /// time when the first failed for a reason of the moment. The errors are failure()'s, and those of the options file:
  /// kPermission for one that others can read, kInvalid for one that names no server.
  [[nodiscard]] static Result<Connection> as_admin(const Admin& admin);
  /// Connects as a site.
  [[nodiscard]] static Result<Connection> as_site(const Login& login);

  /// Runs a statement without an answer. `doing` completes "can't …" in an error. Nothing is ever sent twice.
  [[nodiscard]] Result<void> run(const std::string& statement, std::string_view doing);
  /// Runs a statement and takes all of its answer.
  [[nodiscard]] Result<Rows> rows(const std::string& statement, std::string_view doing);

  /// How messages call the server: database server 'local' (/run/mysqld/mysqld.sock).
  [[nodiscard]] const std::string& place() const noexcept { return place_; }
  /// The server's own word for its version.
  [[nodiscard]] std::string version() const;

 private:
  struct Close {
    void operator()(st_mysql* handle) const noexcept;
  };
  using Handle = std::unique_ptr<st_mysql, Close>;

  Connection(Handle handle, Account account, std::string place);
  [[nodiscard]] static Result<Handle> make(std::chrono::seconds connect, std::chrono::seconds answer);
  [[nodiscard]] static Result<Connection> open_admin(const Admin& admin, bool& again);
  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] std::unexpected<Error> failed(std::string_view doing) const;

  Handle handle_;
  Account account_;
  std::string place_;
};

}  // namespace aegir::database
