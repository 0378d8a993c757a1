// The only file of the program that includes Beast: for its parser alone, since a read must end at Ctrl-C.
#include "sidecar/cli/http.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>  // before Asio 1.74, which uses std::exchange without it

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstring>

#include "compiler/core/atomic_file.hpp"

namespace aegir::client {
namespace {

namespace http = boost::beast::http;
using Problem = boost::system::error_code;

std::atomic<int> interrupt_fd = -1;
std::atomic<bool> interrupted = false;

void on_signal(int) {
  const int kept = errno;
  interrupted = true;
  const std::uint64_t one = 1;
  (void)!::write(interrupt_fd, &one, sizeof one);
  errno = kept;
}

/// Waits until `fd` is ready; false: interrupted first.
bool wait(int fd, short events) {
  for (;;) {
    std::array<pollfd, 2> fds{{{fd, events, 0}, {Interrupt::fd(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return true;  // the read will say why
    if (Interrupt::happened()) return false;
    if (fds[0].revents != 0) return true;
  }
}

Result<Fd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return fail_at(path, Code::kUsage, "the path is too long for a socket", "name a shorter one with --socket");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("no socket can be made", path, errno);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: what connect() takes
  if (::connect(fd.get(), generic, sizeof address) == 0) return fd;
  const int reason = errno;
  if (reason == ENOENT || reason == ECONNREFUSED) {
    return fail_at(path, Code::kBusy, "aegird does not run: nobody listens here",
                   "start it with `systemctl start aegird`, or name another socket with --socket or --config");
  }
  return fail_errno("aegird can't be reached", path, reason);
}

/// False: the other end is gone.
bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR && !Interrupt::happened()) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string text_of(const Ask& ask) {
  std::string text = ask.method + ' ' + ask.target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : ask.headers) text += name + ": " + value + "\r\n";
  if (ask.method == "POST") {
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(ask.body.size()) + "\r\n";
  }
  return text + "\r\n" + ask.body;
}

}  // namespace

void Interrupt::watch() {
  interrupt_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESETHAND;  // the second one ends the process
  (void)::sigaction(SIGINT, &action, nullptr);
  (void)::sigaction(SIGTERM, &action, nullptr);
}

bool Interrupt::happened() noexcept { return interrupted; }
int Interrupt::fd() noexcept { return interrupt_fd; }

void Interrupt::sleep(int milliseconds) {
  pollfd fd{Interrupt::fd(), POLLIN, 0};
  if (!happened()) (void)::poll(&fd, 1, milliseconds);
}

Result<Ending> exchange(const std::string& socket, const Ask& ask, const OnPiece& on_piece) {
  const Result<Fd> fd = connect_to(socket);
  if (!fd) return std::unexpected<Error>(fd.error());
  // When it is not taken, an answer may be there even so, and says why.
  (void)send_all(fd->get(), text_of(ask));
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(boost::none);
  std::string in;
  std::array<char, 65536> piece;
  bool any = false;
  while (!parser.is_done()) {
    if (!wait(fd->get(), POLLIN)) return Ending::kInterrupted;
    const ssize_t size = ::recv(fd->get(), piece.data(), piece.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) {
      return any ? Ending::kBroken : Ending::kSilent;
    }
    any = true;
    in.append(piece.data(), static_cast<std::size_t>(size));
    Problem problem;
    while (!in.empty() && !parser.is_done() && !problem) {
      in.erase(0, parser.put(boost::asio::buffer(in), problem));
    }
    if (problem && problem != http::error::need_more) {
      return fail_at(socket, Code::kInternal, "what answers is not aegird: " + problem.message(),
                     "name aegird's socket with --socket or --config");
    }
    if (!parser.is_header_done()) continue;
    std::string body = std::exchange(parser.get().body(), {});
    if (body.empty() && !parser.is_done()) continue;
    if (!on_piece(parser.get().result_int(), body)) return Ending::kEnough;
  }
  return Ending::kWhole;
}

}  // namespace aegir::client
