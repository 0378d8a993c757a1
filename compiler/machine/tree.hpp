// Directories by descriptor: every step follows no link, and says what is in the way instead of going round it.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/error.hpp"
#include "compiler/machine/acl.hpp"

namespace aegir::machine {

/// What was done, one line each, for the person who asked for it. Empty: everything was already so.
using Done = std::vector<std::string>;

/// The first error of several steps, all of which are taken.
class Steps {
 public:
  void take(Result<void> result) {
    if (first_ && !result) first_ = std::move(result);
  }
  template <class T>
  void take(const Result<T>& result) {
    if (!result) take(Result<void>(std::unexpected(result.error())));
  }
  [[nodiscard]] bool fine() const { return first_.has_value(); }
  [[nodiscard]] Result<void> end() { return std::move(first_); }

 private:
  Result<void> first_;
};

/// An open directory and how to name it in a message.
struct Directory {
  Fd fd;
  std::string path;
};

/// What a directory is to be like.
struct Wanted {
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;  ///< with setgid
  std::span<const AclEntry> acl = {};
  bool inherit = false;  ///< `acl` also for what is made in it
};

/// Opens the directory `path`. Every directory on the way, and it itself, must be owned by root or by one of `owners`,
/// and writable by others only with the sticky bit; without `owners` also not by a group. A link is followed only when
/// it is root's. So nobody but these can put another directory in its place.
[[nodiscard]] Result<Directory> open_directory(const std::string& path, std::span<const uid_t> owners = {});

/// Opens `name` in `parent`, making it (0700, the caller's) when it is missing. Refuses (kConflict) what is no
/// directory, and one that belongs neither to root, nor to `owner`, nor to `adopt`.
[[nodiscard]] Result<Directory> open_or_make(const Directory& parent, const std::string& name, uid_t owner, Done& done,
                                             std::optional<uid_t> adopt = std::nullopt);

/// Opens `name` in `parent`, making it when it is missing, and gives it owner, mode and access list. Refuses
/// (kConflict) what is no directory, and one that belongs neither to root, nor to `wanted.owner`, nor to `adopt`.
/// Needs root, except in a directory of one's own.
[[nodiscard]] Result<Directory> ensure_directory(const Directory& parent, const std::string& name, const Wanted& wanted,
                                                 Done& done, std::optional<uid_t> adopt = std::nullopt);

/// What ensure_directory() would refuse at `path`, by a look alone. What is not there is fine.
[[nodiscard]] Result<void> look_at_directory(const std::string& path, uid_t owner,
                                             std::optional<uid_t> adopt = std::nullopt);

/// ensure_directory() for a whole path: what is missing on the way is made root's 0755, the last as wanted.
[[nodiscard]] Result<Directory> ensure_path(const std::string& path, const Wanted& wanted, Done& done,
                                            std::span<const uid_t> owners = {});

/// When a file of that name is there: gives it owner, group and mode, and no access list. Refuses what is no regular
/// file, has hard links, or belongs neither to `owner` nor to root (whose editor may have put a new file into the old
/// one's place).
[[nodiscard]] Result<void> ensure_file(const Directory& parent, const std::string& name, uid_t owner, gid_t group,
                                       mode_t mode, Done& done);

// The single steps, for whoever walks a tree. `at` may be an O_PATH descriptor, and of a file too.

/// Gives owner and group, and says so in `done`.
[[nodiscard]] Result<void> set_owner(const Directory& at, const struct stat& now, uid_t owner, gid_t group, Done& done);

/// Gives the mode, and says so in `done`.
[[nodiscard]] Result<void> set_mode(const Directory& at, mode_t now, mode_t mode, Done& done);

/// "a directory of uid 7", for messages.
[[nodiscard]] std::string describe_found(const struct stat& status);

/// kConflict: what was found at `path`, and that a person has to look at it.
[[nodiscard]] std::unexpected<Error> in_the_way(const std::string& path, const std::string& found,
                                                const std::string& expected);

}  // namespace aegir::machine
