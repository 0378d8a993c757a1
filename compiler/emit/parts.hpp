// What the emitters share: what they demand of names and paths before they build other names and paths from them, and
// how an address is written.
#pragma once

#include <string>
#include <string_view>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::emit {

/// A name that becomes part of a path or a section header: [a-z0-9_-]{1,32}.
[[nodiscard]] inline Result<void> check_name(std::string_view name, std::string_view field) {
  constexpr std::size_t kLongest = 32;
  if (!name.empty() && name.size() <= kLongest &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos) {
    return {};
  }
  return fail(Code::kInvalid, std::string(field) + " must be 1 to 32 of a-z, 0-9, '_' and '-'");
}

/// An absolute path to which names and wildcards can be added: none of its bytes means something to Apache's
/// <Directory> (*, ?, [, \), and no part of it is empty or a dot.
[[nodiscard]] inline Result<void> check_path(std::string_view path, std::string_view field) {
  const std::string slash = std::string(path) + '/';
  if (path.size() > 1 && path.front() == '/' && slash.find("//") == std::string::npos &&
      slash.find("/./") == std::string::npos && slash.find("/../") == std::string::npos &&
      path.find_first_of("*?[]\\") == std::string_view::npos) {
    return {};
  }
  return fail(Code::kInvalid,
              std::string(field) + " must be an absolute path without '.', '..', '//', '*', '?', '[', ']' and '\\'");
}

/// "127.0.0.1:80", "[::1]:80"; without an address `any` and the port, or the port alone when `any` is empty.
[[nodiscard]] inline std::string address_of(const Listen& listen, std::string_view any) {
  const bool v6 = listen.address.find(':') != std::string::npos;
  std::string address = listen.address.empty() ? std::string(any) : v6 ? '[' + listen.address + ']' : listen.address;
  if (!address.empty()) address += ':';
  return address + std::to_string(listen.port);
}

}  // namespace aegir::emit
