#include "tests/live/harness/net.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace aegir::live {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::string Endpoint::describe() const { return path.empty() ? "127.0.0.1:" + std::to_string(port) : path; }

Fd connect_to(const Endpoint& endpoint) {
  Fd fd(socket(endpoint.path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  int failed = 0;
  if (endpoint.path.empty()) {
    const sockaddr_in address = loopback(endpoint.port);
    sockaddr_in own = loopback(0);
    if (!endpoint.from.empty() && (inet_pton(AF_INET, endpoint.from.c_str(), &own.sin_addr) != 1 ||
                                   bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)) {
      throw std::runtime_error(endpoint.from + ": no address of this machine");
    }
    failed = connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.path.size() >= sizeof address.sun_path) throw std::runtime_error(endpoint.path + ": too long");
    std::memcpy(address.sun_path, endpoint.path.data(), endpoint.path.size());
    failed = connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  return failed == 0 ? std::move(fd) : Fd();
}

Port::Port() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (!fd_ || setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error(std::string("no port on 127.0.0.1: ") + std::strerror(errno));
  }
  number_ = ntohs(address.sin_port);
}

bool eventually(const std::function<bool()>& done, Milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return done();
    poll(nullptr, 0, 2);
  }
  return true;
}

}  // namespace aegir::live
