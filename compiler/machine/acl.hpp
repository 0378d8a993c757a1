// POSIX access lists, by descriptor (O_PATH is enough). With an access list the group's bits of a mode are only the
// mask of the list, so that a mode alone says little: whoever sets one here looks at the list as well.
#pragma once

#include <sys/types.h>

#include <functional>
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

/// Gives what is behind `fd` exactly the access list made of `mode` and `entries`, none when there are no entries. With
/// `inherit` (directories) the same holds for what is made in it later, else there is no default list. The group's bits
/// of `mode` must be a bound for every entry, since they are the mask. Nothing is written when it already is so; true
/// when something was. `path` is for messages.
[[nodiscard]] Result<bool> ensure_acl(int fd, std::string_view path, mode_t mode, std::span<const AclEntry> entries,
                                      bool inherit = false);

/// Least rights, for lists that people may have added to.
struct LeastAccess {
  mode_t mode = 0;                         ///< at least this for owner, group and others; no named entry has less
                                           ///  than the others, since it would be shut out by name
  std::span<const AclEntry> entries = {};  ///< at least these
  std::function<bool(id_t)> barred = {};   ///< ids that may have no entry
  bool others_write = true;                ///< false: the others may not write
};

/// Whether there is more than a mode: an access list or, on a directory, a default one. `parent` and `name` as for
/// fstatat(); no link is followed. False where the file system knows no lists.
[[nodiscard]] bool has_acl(int parent, const char* name);

/// Widens the access list behind `fd`, and the default one when a directory has one, to `least`; what more was granted
/// stays granted, except to the barred. True when something was written.
[[nodiscard]] Result<bool> widen_acl(int fd, std::string_view path, const LeastAccess& least);

/// Gives a directory the default list made of `mode` and `entries`, which what is made in it gets. True when something
/// was written.
[[nodiscard]] Result<bool> ensure_default_acl(int fd, std::string_view path, mode_t mode,
                                              std::span<const AclEntry> entries);

}  // namespace aegir::machine
