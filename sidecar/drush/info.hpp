// The files in which a module, theme or profile says what it is: <name>.info.yml of Drupal 8 and later (YAML, read with
// libyaml, which knows all of its ways to write a text), <name>.info of Drupal 7 and Backdrop.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir::drush {

/// The top-level keys that have a plain text; lists and nested values are left out.
using Info = std::map<std::string, std::string, std::less<>>;

/// Reads an .info.yml. kInvalid with line and column for what is no YAML, is no mapping, or has a key twice.
[[nodiscard]] Result<Info> parse_info_yml(std::string_view text, std::string_view file);

/// Reads an .info as Drupal 7 does: lines `key = value`, the value bare or in quotes and then over several lines;
/// `key[…] = value` belongs to a list; what is no such line says nothing.
[[nodiscard]] Info parse_info(std::string_view text);

/// Whether the file says yes: TRUE, true or 1.
[[nodiscard]] bool says_yes(const Info& info, std::string_view key);

}  // namespace aegir::drush
