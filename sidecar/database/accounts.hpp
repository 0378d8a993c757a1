// What the server knows of a user, and the steps that several changes share. Inside sidecar/database only.
#pragma once

#include <optional>

#include "sidecar/database/server.hpp"

namespace aegir::database {

/// One account of a user: MariaDB has one for each host.
struct AccountRow {
  std::string host;
  std::string hash = {};     ///< password_hash() of the (first) password that lets it in
  bool is_powerful = false;  ///< has rights on the whole server
};

/// Opens a connection for a change of what belongs to `user`, and holds the server's lock for it until the connection
/// goes. kBusy when somebody has that lock for longer than half of the patience for an answer, or half a minute.
[[nodiscard]] Result<Connection> begin_change(const Admin& admin, const std::string& user);

/// kInvalid for a name that no site's database can have.
[[nodiscard]] Result<void> check_database(const std::string& name);
/// kInvalid for a name that no site's user can have.
[[nodiscard]] Result<void> check_user(const std::string& user);

/// The accounts of a user, by host; no roles.
[[nodiscard]] Result<std::vector<AccountRow>> accounts_of(Connection& connection, const std::string& user);
/// The same, when they are to be changed as a site's. kConflict when one has rights on the whole server or is the one
/// that this connection uses.
[[nodiscard]] Result<std::vector<AccountRow>> site_accounts_of(Connection& connection, const std::string& user);

/// The accounts as a statement lists them: 'shop'@'localhost', 'shop'@'::1'.
[[nodiscard]] std::string listed(const std::string& user, const std::vector<AccountRow>& accounts);

/// A database's comment; nothing when there is no such database.
[[nodiscard]] Result<std::optional<std::string>> comment_of(Connection& connection, const std::string& name);

/// Locks all accounts of a user (there is at least one) and ends its connections, as Server::close() says.
[[nodiscard]] Result<void> lock_out(Connection& connection, const std::string& user,
                                    const std::vector<AccountRow>& accounts, std::chrono::milliseconds patience);

/// What stands before the mark in a database's comment.
inline constexpr std::string_view kMarkPrefix = "aegir:";

}  // namespace aegir::database
