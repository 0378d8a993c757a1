#include "sidecar/api/listener.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace aegir::api {
namespace {

constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: what the socket calls are made of
}

/// Refuses a name that is in use.
Result<void> look(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<void>() : fail_errno("the API socket can't be looked at", path, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail_at(path, Code::kConflict, "is no socket", "move it away: the API's socket belongs here");
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return fail_errno("no socket can be made", path, errno);
  const sockaddr_un address = address_of(path);
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return fail_at(path, Code::kBusy, "another process serves the API here",
                   "end it first: is aegird running already?");
  }
  return errno == ECONNREFUSED || errno == ENOENT ? Result<void>()
                                                  : fail_errno("the API socket can't be asked", path, errno);
}

}  // namespace

Result<Listener> Listener::open(const std::string& path) {
  const std::string temporary = path + "." + std::to_string(::getpid());
  if (temporary.size() > kLongest) {
    return fail_at(path, Code::kInvalid, "the path is too long for a socket",
                   "set run_dir in aegir.conf to a shorter path: the kernel takes " + std::to_string(kLongest) +
                       " bytes with a process id behind");
  }
  if (Result<void> free = look(path); !free) return pass(free);
  Listener listener{Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), path};
  if (!listener.socket) return fail_errno("no socket can be made", path, errno);
  (void)::unlink(temporary.c_str());
  const sockaddr_un address = address_of(temporary);
  constexpr mode_t kEverybody = 0666;  // the peer's credentials decide
  if (::bind(listener.socket.get(), generic(address), sizeof address) != 0) {
    return fail_errno("the API socket can't be made", path, errno);
  }
  if (::chmod(temporary.c_str(), kEverybody) != 0 || ::listen(listener.socket.get(), SOMAXCONN) != 0 ||
      ::lstat(temporary.c_str(), &listener.status) != 0 || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    (void)::unlink(temporary.c_str());
    return fail_errno("the API socket can't be made", path, reason);
  }
  return listener;
}

void Listener::remove() const {
  struct stat now{};
  if (::lstat(path.c_str(), &now) == 0 && now.st_ino == status.st_ino && now.st_dev == status.st_dev) {
    (void)::unlink(path.c_str());
  }
}

}  // namespace aegir::api
