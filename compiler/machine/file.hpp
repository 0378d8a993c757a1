// Files by descriptor of their directory: the old one or the new one, never half, never through a link.
#pragma once

#include <dirent.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/machine/tree.hpp"

namespace aegir::machine {

/// What a file is to be like.
struct WantedFile {
  uid_t owner = 0;
  gid_t group = 0;
  mode_t mode = 0;
  bool durable = false;  ///< wait until the disk has it: for what can't be written anew from the registry
};

/// What lies at `name` in `parent`, of at most 16 MiB; nothing when nothing does. kConflict for what is no regular
/// file, has other hard links, or belongs neither to `owner` nor to root.
[[nodiscard]] Result<std::optional<std::string>> read_file_in(const Directory& parent, const std::string& name,
                                                              uid_t owner);

/// The same of its first `most` bytes, whatever its size: for what others can make as large as they like.
[[nodiscard]] Result<std::optional<std::string>> read_head_in(const Directory& parent, const std::string& name,
                                                              uid_t owner, std::size_t most);

/// Puts a file into its place. One that has that content already keeps its inode and times, and is only given owner and
/// mode. A file that takes another's place has a later second of change than that one had, since PHP's OPcache tells
/// them apart by it. Refuses what read_file_in() refuses.
[[nodiscard]] Result<void> install_file(const Directory& parent, const std::string& name, std::string_view content,
                                        const WantedFile& wanted, Done& done);

/// Puts a symbolic link into its place; one that leads elsewhere is replaced. Refuses what is no link.
[[nodiscard]] Result<void> install_link(const Directory& parent, const std::string& name, const std::string& target,
                                        uid_t owner, gid_t group, Done& done);

/// Takes `name` away; nothing when it is not there. For no directory.
[[nodiscard]] Result<void> remove_file(const Directory& parent, const std::string& name, Done& done);

/// The names in a directory, as they come; reading on needs no right to the directory any more.
class Listing {
 public:
  [[nodiscard]] static Result<Listing> begin(const Directory& directory);
  /// The next one, neither "." nor ".."; nothing at the end.
  [[nodiscard]] std::optional<std::string> next();

 private:
  struct Close {
    void operator()(DIR* stream) const noexcept { (void)::closedir(stream); }
  };
  explicit Listing(DIR* stream) : stream_(stream) {}
  std::unique_ptr<DIR, Close> stream_;
};

/// The names in a directory, sorted.
[[nodiscard]] Result<std::vector<std::string>> names_in(const Directory& directory);

}  // namespace aegir::machine
