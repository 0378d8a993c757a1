// POSIX access lists of directories, by descriptor.
#pragma once

#include <sys/types.h>

#include <span>

#include "compiler/core/error.hpp"

namespace aegir::machine {

/// What one more user or group may do, beside owner, group and the others.
struct AclEntry {
  enum class Kind : unsigned char { kUser, kGroup };
  Kind kind = Kind::kUser;
  id_t id = 0;
  unsigned permissions = 0;  ///< as in a mode: 4 read, 2 write, 1 execute
};

/// Gives the directory behind `fd` the access list made of `mode` and `entries`, and, with `inherit`, the same for what
/// is made in it later. The group's bits of `mode` must be a bound for every entry, since they are the mask. Nothing is
/// written when it already is so; true when something was. `path` is for messages.
[[nodiscard]] Result<bool> ensure_acl(int fd, std::string_view path, mode_t mode, std::span<const AclEntry> entries,
                                      bool inherit);

}  // namespace aegir::machine
