#include "compiler/registry/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "compiler/core/utf8.hpp"

namespace aegir::registry {
namespace {

/// "process 17 (aegird-worker)", as far as it can be known.
std::string holder(int fd) {
  std::array<char, 32> text;
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  if (pid.empty() || pid.find_first_not_of("0123456789") != std::string::npos) return "another process";
  std::array<char, 64> name;
  const Fd comm(::open(("/proc/" + pid + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t length = comm ? ::read(comm.get(), name.data(), name.size()) : 0;
  if (length <= 1) return "process " + pid;
  return "process " + pid + " (" + std::string(name.data(), static_cast<std::size_t>(length) - 1) + ")";
}

}  // namespace

Result<Fd> take_lock(const std::string& path, const Patience& patience) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kBetweenTries{20};  // flock itself can't wait for a time
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno("the registry's lock file can't be opened", path, errno);
  const Clock::time_point end = Clock::now() + patience.longest;
  bool told = false;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return fail_errno("the registry can't be locked", path, errno);
    const std::string process = holder(fd.get());
    const bool is_aegird = process.ends_with(" (aegird-worker)");
    if (Clock::now() >= end || (is_aegird && !patience.for_worker)) {
      return fail_at(path, Code::kBusy, "the registry is being written by " + process,
                     is_aegird ? "ask aegird for it: see `aegir --help`; or end it first, with `systemctl stop aegird`"
                               : "run the command again when that has ended");
    }
    if (!std::exchange(told, true) && patience.on_wait) patience.on_wait(process);
    std::this_thread::sleep_for(kBetweenTries);
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || !write_all(fd.get(), pid)) {
    return fail_errno("the registry's lock file can't be written", path, errno);
  }
  return fd;
}

}  // namespace aegir::registry
