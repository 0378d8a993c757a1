// Files that are either the old ones or the new ones, never half: written beside their place and renamed over it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir {

/// How a file is put in its place.
struct WriteOptions {
  mode_t mode = 0600;                    ///< set before the first byte is written
  bool durable = true;                   ///< fsync file and directory; leave out on a tmpfs
  bool replace = true;                   ///< false: kConflict when something of that name is there
  gid_t group = static_cast<gid_t>(-1);  ///< -1: as the file system gives it
};

/// Writes `content` to `path` so that a reader, a crash or a full disk sees the old file or the new one.
/// The temporary file is `.<name>.<pid>.tmp` in the same directory and is gone again after an error.
[[nodiscard]] Result<void> write_file(const std::string& path, std::string_view content,
                                      const WriteOptions& options = {});

/// Reads a regular file whole (O_NOFOLLOW), refusing one of more than `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 64U << 20U);

/// fsyncs a directory, so that a rename in it survives a power loss.
[[nodiscard]] Result<void> sync_directory(const std::string& path);

/// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

/// Reads `fd` to its end, or until there are more than `limit` bytes: the caller looks which. `complaint` and `name`
/// are what the error of a read says.
[[nodiscard]] Result<std::string> read_all(int fd, std::string_view complaint, const std::string& name,
                                           std::size_t limit);

/// Writes all bytes, going on after short writes and EINTR; errno tells why when it returns false.
[[nodiscard]] bool write_all(int fd, std::string_view bytes) noexcept;

}  // namespace aegir
