// Reads the PHP files that Aegir, Drush's users and we ourselves write: drushrc.php and *.alias.drushrc.php. These are
// assignments of literals as var_export() prints them, comments and includes. Nothing is ever executed; whatever is
// outside of this grammar is an error with its line and column:
//
//   file       = "<?php" { comment | assignment | include } [ "?>" ]
//   assignment = place "=" ( literal | place ) ";"
//   place      = "$" name { "[" key "]" }
//   include    = ["@"] ( "include" | "require" ) ["_once"] [ ( "__DIR__" | "dirname(__FILE__)" ) "." ] string ";"
//   literal    = string { "." string } | number | true | false | null | array | "(object)" array
//              | "stdClass::__set_state(" array ")"
//   array      = "array(" ... ")" | "[" ... "]"
//   string     = '...' | "..." without variables
//
// An include may stand in parentheses. A value between places ($_SERVER['db_x'] = $options['db_x']) is not looked up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::php {

struct Element;
using Array = std::vector<Element>;

/// A value as var_export() can print it. The bytes of a string are whatever the file has, not always UTF-8. An object
/// (stdClass) is read as its array.
struct Value {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array> data;
};

/// A key of an array. A string that PHP would take for a number ("12") is one here too.
using Key = std::variant<std::int64_t, std::string>;

struct Element {
  Key key;
  Value value;
};

[[nodiscard]] bool operator==(const Value& left, const Value& right);
[[nodiscard]] bool operator==(const Element& left, const Element& right);

/// One part of a file, in the file's order.
struct Statement {
  enum class Kind : std::uint8_t { kComment, kAssignment, kInclude };
  Kind kind = Kind::kComment;
  std::string text;            ///< as it stands in the file, with a comment that follows on its last line
  std::string variable;        ///< of an assignment: "options"
  std::vector<Key> path;       ///< of an assignment: the keys behind the variable
  std::optional<Value> value;  ///< of an assignment; nothing when it takes another place's value
  std::string file;            ///< of an include: the literal part of its path
  std::uint32_t line = 0;
};

/// The most that parse() reads, in bytes, and how deep arrays may lie in each other.
inline constexpr std::size_t kLargestFile = 8U << 20U;
inline constexpr std::size_t kDeepest = 64;

/// The statements of a file. `file` is for messages only. A text of no bytes has none. kInvalid names the place of the
/// first thing that is outside of the grammar.
[[nodiscard]] Result<std::vector<Statement>> parse(std::string_view text, std::string_view file);

/// What a string is as a key of an array: a number when PHP takes it for one.
[[nodiscard]] Key to_key(std::string_view text);

}  // namespace aegir::php
