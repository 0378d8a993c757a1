#include "tests/crash/sidecar/small_disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "compiler/core/atomic_file.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::sidecar {
namespace {

constexpr const char* kBallast = "/.ballast";

void copy(const std::string& from, const std::string& to) {
  const live::Finished done = live::run({"cp", "-a", from + "/.", to});
  if (done.status != 0) throw std::runtime_error(from + ": can't be copied: " + done.output);
}

}  // namespace

void own_mounts() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    throw std::runtime_error(std::string("mounts of its own: ") + std::strerror(errno));
  }
}

SmallDisk::SmallDisk(std::string folder, std::size_t bytes) : folder_(std::move(folder)) {
  const live::TempDir kept;
  copy(folder_, kept.path());
  const std::string size = "size=" + std::to_string(bytes);
  if (::mount("tmpfs", folder_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, size.c_str()) != 0) {
    throw std::runtime_error(folder_ + ": nothing can be mounted there: " + std::strerror(errno));
  }
  copy(kept.path(), folder_);
}

SmallDisk::~SmallDisk() { (void)::umount2(folder_.c_str(), MNT_DETACH); }

void SmallDisk::fill() {
  const Fd file(::open((folder_ + kBallast).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  off_t size = 0;
  for (struct statvfs status{}; ::fstatvfs(file.get(), &status) == 0 && status.f_bfree > 0;) {
    const auto free = static_cast<off_t>(status.f_bfree * status.f_frsize);
    // What others take meanwhile is taken.
    if (::fallocate(file.get(), 0, size, free) == 0) size += free;
  }
}

void SmallDisk::empty() { (void)::unlink((folder_ + kBallast).c_str()); }

}  // namespace aegir::sidecar
