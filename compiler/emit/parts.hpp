// What the emitters share: what they demand of names and paths before they build other names and paths from them, and
// how an address is written.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/emit/text.hpp"

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

/// Whether a person's file is left out, since its server refuses it.
[[nodiscard]] inline bool is_left_out(const Surroundings& surroundings, std::string_view path) {
  return std::ranges::any_of(surroundings.people,
                             [&](const PersonsFile& file) { return file.left_out && file.path == path; });
}

/// Includes the *.conf files of `folder` (with a slash at its end): all by a pattern or, when one is left out, the
/// others by name. `before` and `after` make a directive that does not mind when there is no such file.
inline void include_people(Text& text, Literal before, std::string_view folder, Literal after,
                           const Surroundings& surroundings) {
  std::vector<const PersonsFile*> files;
  for (const PersonsFile& file : surroundings.people) {
    if (file.path.starts_with(folder) && file.path.find('/', folder.size()) == std::string::npos) {
      files.push_back(&file);
    }
  }
  if (std::ranges::none_of(files, &PersonsFile::left_out)) {
    text.line(before, Value{std::string(folder) + "*.conf", "config_dir"}, after);
    return;
  }
  for (const PersonsFile* file : files) {
    if (file->left_out) {
      text.line("# Left out, since the server refuses it: ", Value{file->path, "config_dir"});
    } else {
      // As a pattern, which may match nothing.
      text.line(before, Value{file->path.substr(0, file->path.size() - 1) + "[f]", "config_dir"}, after);
    }
  }
}

}  // namespace aegir::emit
