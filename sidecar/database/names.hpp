// Names of databases and of their users: made from a site's uri, and the rules for those that others made.
#pragma once

#include <string>
#include <string_view>

namespace aegir::database {

/// What name_for() makes is at most this long: MySQL's limit for a user, and the same name serves for both.
inline constexpr std::size_t kLongestName = 32;

/// The `number`th name (1, 2, …) for the database and user of a site: shop.example becomes shop_example,
/// shop_example_2, …; lower-case letters, digits and underscores, at most kLongestName, the same each time. What of a
/// long uri is cut off is replaced by a digest of all of it. Never a name that MariaDB keeps for itself, and none that
/// begins with test_: a server's first set-up may let everybody into databases called so.
[[nodiscard]] std::string name_for(std::string_view uri, unsigned number);

/// Whether it can name a site's database: as the registry has it, and none of MariaDB's own.
[[nodiscard]] bool is_site_database(std::string_view name);

/// Whether it can name a site's user: as the registry has it, and none of MariaDB's own.
[[nodiscard]] bool is_site_user(std::string_view user);

/// Whether it can be the host of an account: a host name, an address, a network or a pattern with '%'.
[[nodiscard]] bool is_account_host(std::string_view host);

}  // namespace aegir::database
