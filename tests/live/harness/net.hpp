// Where a server listens, and ports that nobody else takes while a test runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "compiler/core/atomic_file.hpp"

namespace aegir::live {

using Milliseconds = std::chrono::milliseconds;

/// How long anything of a test may take that takes milliseconds on an idle machine.
inline constexpr Milliseconds kPatience{20000};

/// A TCP port of 127.0.0.1, or a unix socket.
struct Endpoint {
  std::string path;        ///< unix socket; empty for TCP
  std::uint16_t port = 0;  ///< on 127.0.0.1
  std::string from = {};   ///< the client's own address, such as 127.0.0.2; empty: 127.0.0.1

  [[nodiscard]] static Endpoint tcp(std::uint16_t port) { return {{}, port, {}}; }
  [[nodiscard]] static Endpoint unix_socket(std::string path) { return {std::move(path), 0, {}}; }
  [[nodiscard]] std::string describe() const;
};

/// A connected socket, or an empty Fd when nobody listens (errno says why).
[[nodiscard]] Fd connect_to(const Endpoint& endpoint);

/// A free port of 127.0.0.1, given by the kernel. The object holds the port bound (not listening,
/// SO_REUSEADDR), so that the kernel gives it to nobody else, while servers, which set SO_REUSEADDR too, can
/// listen on it.
class Port {
 public:
  Port();
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }
  [[nodiscard]] std::string text() const { return std::to_string(number_); }
  [[nodiscard]] Endpoint endpoint() const { return Endpoint::tcp(number_); }

 private:
  Fd fd_;
  std::uint16_t number_ = 0;
};

/// Asks `done` again and again until it is true or `patience` is over; its last answer. For conditions that
/// no descriptor reports, such as a process that has got other children.
[[nodiscard]] bool eventually(const std::function<bool()>& done, Milliseconds patience = kPatience);

}  // namespace aegir::live
