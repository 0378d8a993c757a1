// The one place where names and values become SQL text. What is quoted here can hold any bytes: it stays one name or
// one string. It relies on the sql_mode that connection.cpp sets: a backslash escapes, double quotes make strings.
#pragma once

#include <string>
#include <string_view>

namespace aegir::database {

/// An identifier: `shop`, with backticks doubled.
[[nodiscard]] std::string quoted_name(std::string_view name);

/// A string: 'shop'.
[[nodiscard]] std::string quoted_text(std::string_view value);

/// A database where GRANT and REVOKE want a pattern: one that matches this name alone (`a\_b`; a bare a_b would open
/// axb, too).
[[nodiscard]] std::string grant_pattern(std::string_view name);

/// The same as it stands in mysql.db: a\_b, not quoted.
[[nodiscard]] std::string escaped_pattern(std::string_view name);

/// The name that a row of mysql.db is about: escaped_pattern() undone.
[[nodiscard]] std::string unescaped_pattern(std::string_view pattern);

/// An account: 'shop'@'localhost'.
[[nodiscard]] std::string quoted_account(std::string_view user, std::string_view host);

/// What mysql_native_password keeps of a password: '*' and SHA1(SHA1(password)) in upper-case hexadecimal. Statements
/// carry this, so that no password stands in the server's process list, logs or binary log, nor in a message of its.
[[nodiscard]] std::string password_hash(std::string_view password);

}  // namespace aegir::database
