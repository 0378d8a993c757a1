// A directory with a published map (FORMAT.md "Files of a map directory"), as its one writer sees it: switching
// CURRENT, the shared counter, files that nobody needs any more, and the copy that outlives a reboot.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "compiler/core/error.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/writer.hpp"

namespace aegir::publish {

using Snapshot = std::shared_ptr<const map::Snapshot>;

/// Names of the files that a state consists of, without CURRENT.
[[nodiscard]] std::set<std::string> files_of(const map::Snapshot& state);

/// Whether an error means that a map is lost or damaged: then it is built anew. Everything else (no permission, a newer
/// format, a broken disk) would not get better by writing.
[[nodiscard]] inline bool heals(const Error& error) {
  return error.code == Code::kNotFound || error.code == Code::kCorrupt;
}

/// The counter of a map directory: tells every worker that CURRENT was replaced. Made when it is not there, and anew
/// when what is there is none that workers can use and only its writer can cut short.
class Counter {
 public:
  [[nodiscard]] static Result<Counter> open(const std::string& directory);
  /// Whether it never told of anything yet: workers that run may have mapped the one before, or none. They look at
  /// CURRENT and for the counter once a second.
  [[nodiscard]] bool untold() const noexcept;
  /// Whether the file at its path still is this one.
  [[nodiscard]] bool in_place() const noexcept;
  Counter(Counter&& other) noexcept;
  Counter& operator=(Counter&&) = delete;
  ~Counter();
  void increase() noexcept;

 private:
  Counter(std::string path, std::uint64_t* page, const struct stat& file) noexcept
      : path_(std::move(path)), page_(page), device_(file.st_dev), inode_(file.st_ino) {}
  std::string path_;
  std::uint64_t* page_;
  dev_t device_;
  ino_t inode_;
};

/// Names `state` in CURRENT: one rename. The files must be in their place.
[[nodiscard]] Result<void> switch_current(const map::Target& target, const map::Snapshot& state);

/// Removes files of the map's kinds and temporary ones that are not in `keep`. Only for a directory in which nobody
/// else writes now.
[[nodiscard]] Result<void> sweep(const std::string& directory, const std::set<std::string>& keep);

/// Compares every byte of the files of a state with their digests: about a second for each GiB.
[[nodiscard]] Result<void> verify_digests(const map::Snapshot& state, const std::string& directory);

/// What copy_state() does about files that are there: their names stand for their content, unless they were damaged.
enum class Copy : std::uint8_t { kMissing, kAll };

/// What copy_state() did.
struct Copied {
  std::uint64_t generation = 0;
  std::uint64_t bytes = 0;  ///< of map files that were copied
  bool switched = false;    ///< CURRENT says something else than before
};

/// Makes `to` hold the state that `from` publishes: every byte verified, CURRENT last, older files removed. Reads no
/// registry, so that it may run beside a publisher of `from`.
[[nodiscard]] Result<Copied> copy_state(const std::string& from, const map::Target& to, Copy copy = Copy::kMissing);

}  // namespace aegir::publish
