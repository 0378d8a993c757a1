// What may be a path, or a part of one: of whatever others have written and root's programs are going to use.
#pragma once

#include <string>
#include <string_view>

namespace aegir {

/// An absolute path below "/", of which no part is empty, "." or "..".
[[nodiscard]] inline bool is_plain_path(std::string_view path) {
  const std::string parts = std::string(path) + '/';
  return path.size() > 1 && path.front() == '/' && !parts.contains("//") && !parts.contains("/./") &&
         !parts.contains("/../");
}

/// One or more of a-z, 0-9, '_' and '-': the bytes of the names that the registry gives to servers, platforms and
/// blocks.
[[nodiscard]] inline bool is_plain_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

}  // namespace aegir
