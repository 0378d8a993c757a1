#include "tests/crash/sidecar/points.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace aegir::sidecar {

Points::Points(std::string path) : path_(std::move(path)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) throw std::runtime_error(path_ + ": too long for a socket");
  std::memcpy(address.sun_path, path_.data(), path_.size());
  listener_ = Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  wake_ = Fd(::eventfd(0, EFD_CLOEXEC));
  constexpr int kWaiting = 64;
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: what bind() takes
  // The worker is aegir.
  if (!listener_ || !wake_ || ::bind(listener_.get(), generic, sizeof address) != 0 ||
      ::chmod(path_.c_str(), 0666) != 0 || ::listen(listener_.get(), kWaiting) != 0) {
    throw std::runtime_error(path_ + ": can't be listened on");
  }
  thread_ = std::jthread([this] { serve(); });
}

Points::~Points() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
  (void)::unlink(path_.c_str());
}

void Points::watch(OnPoint on_point) {
  const std::lock_guard lock(mutex_);
  on_point_ = std::move(on_point);
  seen_.clear();
}

std::vector<std::string> Points::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void Points::serve() {
  for (;;) {
    std::array<pollfd, 2> waits{pollfd{.fd = listener_.get(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    if (waits[1].revents != 0) return;
    take();
  }
}

/// Closing the connection lets the task go on.
void Points::take() {
  const Fd caller(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::array<char, 256> name{};
  const ssize_t size = caller ? ::recv(caller.get(), name.data(), name.size(), 0) : 0;
  if (size <= 0) return;
  const std::lock_guard lock(mutex_);
  seen_.emplace_back(name.data(), static_cast<std::size_t>(size));
  if (on_point_) on_point_(static_cast<unsigned>(seen_.size()), seen_.back());
}

}  // namespace aegir::sidecar
