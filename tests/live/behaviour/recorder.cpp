#include "tests/live/behaviour/recorder.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace aegir::live {

namespace {

constexpr std::size_t kHeader = 8;
enum Type : std::uint8_t { kEndRequest = 3, kParams = 4, kStdin = 5, kStdout = 6 };

/// Exactly `size` bytes, or nothing when the other side closed.
std::optional<std::string> take(int fd, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t got = 0; got < size;) {
    const ssize_t n = recv(fd, bytes.data() + got, size - got, 0);
    if (n <= 0) return std::nullopt;
    got += static_cast<std::size_t>(n);
  }
  return bytes;
}

std::uint8_t byte(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

/// FastCGI 1.0 §3.4: one byte, or four with the highest bit set.
std::size_t length(std::string_view& bytes) {
  std::size_t value = byte(bytes, 0);
  const std::size_t used = value < 128 ? 1 : 4;
  if (used == 4) {
    value =
        (value & 127U) << 24U | std::size_t{byte(bytes, 1)} << 16U | std::size_t{byte(bytes, 2)} << 8U | byte(bytes, 3);
  }
  bytes.remove_prefix(used);
  return value;
}

std::string as_lines(std::string_view params) {
  std::string lines;
  while (!params.empty()) {
    const std::size_t name = length(params);
    const std::size_t value = length(params);
    lines += std::string(params.substr(0, name)) + "=" + std::string(params.substr(name, value)) + "\n";
    params.remove_prefix(name + value);
  }
  return lines;
}

std::string record(Type type, std::string_view content) {
  const std::array<char, kHeader> head = {1,
                                          static_cast<char>(type),
                                          0,
                                          1,
                                          static_cast<char>(content.size() >> 8U),
                                          static_cast<char>(content.size() & 255U),
                                          0,
                                          0};
  return std::string(head.data(), head.size()) + std::string(content);
}

void answer(int fd) {
  std::string params;
  for (;;) {
    const auto head = take(fd, kHeader);
    if (!head) return;
    const std::size_t size = std::size_t{byte(*head, 4)} << 8U | byte(*head, 5);
    const auto content = take(fd, size + byte(*head, 6));
    if (!content) return;
    if (byte(*head, 1) == kParams) params += content->substr(0, size);
    if (byte(*head, 1) == kStdin && size == 0) break;
  }
  const std::string body = "Content-Type: text/plain\r\n\r\n" + as_lines(params);
  (void)write_all(fd, record(kStdout, body) + record(kStdout, {}) + record(kEndRequest, std::string(8, '\0')));
}

}  // namespace

Recorder::Recorder(const std::string& path)
    : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), stop_(eventfd(0, EFD_CLOEXEC)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  if (!listener_ || !stop_ || bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0666) != 0 || listen(listener_.get(), 16) != 0) {
    throw std::runtime_error(path + ": " + std::strerror(errno));
  }
  thread_ = std::thread([this] { serve(); });
}

Recorder::~Recorder() {
  const std::uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void Recorder::serve() const {
  std::array<pollfd, 2> ready = {pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
  while (poll(ready.data(), ready.size(), -1) >= 0 && ready[1].revents == 0) {
    const Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) answer(connection.get());
  }
}

}  // namespace aegir::live
