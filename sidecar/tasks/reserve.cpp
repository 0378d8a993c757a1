#include "sidecar/tasks/reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "compiler/core/atomic_file.hpp"

namespace aegir::tasks {
namespace {

constexpr std::uint64_t kBlock = 512;  ///< of st_blocks

Result<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs status{};
  const std::string folder = std::filesystem::path(path).parent_path();
  if (::statvfs(folder.c_str(), &status) != 0) return fail_errno("can't be looked at", folder, errno);
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

}  // namespace

Result<void> Reserve::take() {
  const std::lock_guard lock(mutex_);
  struct stat status{};
  if (::lstat(path_.c_str(), &status) == 0 && static_cast<std::uint64_t>(status.st_blocks) * kBlock >= bytes_)
    return {};
  Result<std::uint64_t> free = free_bytes(path_);
  if (!free) return pass(free);
  if (*free < 2 * bytes_) {
    return fail_at(path_, Code::kBusy,
                   "the disk is full: " + std::to_string(*free >> 20U) + " MiB are free, and " +
                       std::to_string((2 * bytes_) >> 20U) + " MiB are needed to be able to take a task back",
                   "free some space on its file system, and ask again");
  }
  const Fd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("can't be made", path_, errno);
  const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes_));
  if (error == 0) return {};
  (void)::unlink(path_.c_str());
  return fail_errno("can't be made", path_, error);
}

bool Reserve::give_up_when_full() {
  const std::lock_guard lock(mutex_);
  const Result<std::uint64_t> free = free_bytes(path_);
  return free && *free < bytes_ && ::unlink(path_.c_str()) == 0;
}

}  // namespace aegir::tasks
