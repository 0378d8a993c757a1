#include "tests/live/database/cutter.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "tests/live/harness/net.hpp"

namespace aegir::database {
namespace {

constexpr int kTick = 20;              // milliseconds until it looks whether it is to end
constexpr std::size_t kHeader = 4;     // three bytes of length, one of sequence
constexpr unsigned char kQuit = 0x01;  // COM_QUIT

Fd listen_on(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd.get(), 16) != 0) {
    throw std::runtime_error(path + ": " + std::strerror(errno));
  }
  return fd;
}

bool readable(int fd, int patience) {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, patience) > 0;
}

}  // namespace

Cutter::Cutter(std::string server_socket)
    : server_socket_(std::move(server_socket)), listener_(listen_on(socket())), thread_([this] { work(); }) {}

Cutter::~Cutter() { ends_ = true; }

void Cutter::arm(unsigned statement, Cut cut, std::function<void()> then) {
  at_ = 0;
  seen_ = 0;
  cut_ = cut;
  then_ = std::move(then);
  at_ = statement;
}

void Cutter::work() {
  while (!ends_) {
    if (!readable(listener_.get(), kTick)) continue;
    const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const Fd server = live::connect_to(live::Endpoint::unix_socket(server_socket_));
    if (client && server) carry(client.get(), server.get());
  }
}

void Cutter::carry(int client, int server) {
  std::string pending;
  mute_ = false;
  hang_ = false;
  std::array<char, 65536> buffer{};
  while (!ends_) {
    std::array<pollfd, 2> fds = {{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), kTick) <= 0) continue;
    if (fds[1].revents != 0) {
      const ssize_t count = ::read(server, buffer.data(), buffer.size());
      if (count <= 0 || mute_ || !write_all(client, std::string_view(buffer.data(), static_cast<std::size_t>(count)))) {
        return;
      }
    }
    if (fds[0].revents != 0) {
      const ssize_t count = ::read(client, buffer.data(), buffer.size());
      if (count <= 0) return;
      pending.append(buffer.data(), static_cast<std::size_t>(count));
      if (!hang_ && !hand_on(pending, server)) return;
    }
  }
}

bool Cutter::hand_on(std::string& pending, int server) {
  while (pending.size() > kHeader) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(pending[i]); };
    const std::size_t size = kHeader + byte(0) + (byte(1) << 8U) + (byte(2) << 16U);
    if (pending.size() < size) return true;
    // Sequence 0 begins a command; what belongs to the log-in has others.
    const bool is_statement = byte(3) == 0 && byte(kHeader) != kQuit;
    const bool is_now = is_statement && ++seen_ == at_;
    const Cut cut = cut_;
    if (is_now) {
      at_ = 0;
      if (then_ && cut == Cut::kBefore) then_();
      if (cut == Cut::kBefore) return false;
      hang_ = cut == Cut::kHang;
      if (hang_) return true;
    }
    if (!write_all(server, std::string_view(pending).substr(0, size))) return false;
    pending.erase(0, size);
    if (!is_now) continue;
    if (cut == Cut::kDuring) return false;
    mute_ = true;
    if (readable(server, 5000) && then_) then_();
  }
  return true;
}

}  // namespace aegir::database
