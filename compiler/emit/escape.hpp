// The only places where a value of the model becomes text of a server's configuration. One function a language: it
// quotes the value so that the server's parser reads exactly this value back, or refuses it (kInvalid) where the
// language has no way to say it. The tests ask the real parsers.
#pragma once

#include <string>
#include <string_view>

#include "compiler/core/error.hpp"
#include "compiler/core/php_literal.hpp"

namespace aegir::emit {

/// One argument of an Apache directive, in double quotes. Refused: control characters, `${` (Apache would put a
/// variable in) and more than 2048 bytes.
[[nodiscard]] Result<std::string> apache(std::string_view value);

/// One argument of an nginx directive, in double quotes. Refused: control characters, `$` (nginx would put a variable
/// in, and has no escape for it) and more than 2048 bytes.
[[nodiscard]] Result<std::string> nginx(std::string_view value);

/// One value of a php-fpm pool file, in double quotes. Refused: nothing at all, control characters, `$` (variables and
/// `$pool`), `"` and `\` (PHP versions differ in what they escape), and more than 1024 bytes.
[[nodiscard]] Result<std::string> fpm(std::string_view value);

/// A literal of PHP as var_export() prints it: a string in single quotes, with NULs joined in between. Nothing is
/// refused: PHP's strings hold any bytes. Never for a comment, which `?>` or a line's end would close.
[[nodiscard]] std::string php(std::string_view value);
/// The same for any value; an array has a line for each element. `indent` is the blanks before its last line.
[[nodiscard]] std::string php(const php::Value& value, std::size_t indent = 0);

/// A scalar of YAML 1.2 in double quotes, on one line. Refused: what is not UTF-8.
[[nodiscard]] Result<std::string> yaml(std::string_view value);

}  // namespace aegir::emit
