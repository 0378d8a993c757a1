// Questions to aegird over its socket: HTTP/1.1, a connection for each, from the program's side.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::client {

/// Whether somebody has pressed Ctrl-C (or sent SIGTERM). Everything that waits ends then.
class Interrupt {
 public:
  /// From now on the signals no longer end the process. Once, before threads are started.
  static void watch();
  [[nodiscard]] static bool happened() noexcept;
  /// A descriptor that is readable once it has happened; -1 before watch().
  [[nodiscard]] static int fd() noexcept;
  /// Waits so long, or until it happens.
  static void sleep(int milliseconds);
};

struct Ask {
  std::string method = "GET";
  std::string target;
  std::string body = {};  ///< JSON
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// Hears the status and a piece of the body as soon as it is there; false: enough.
using OnPiece = std::function<bool(unsigned status, std::string_view piece)>;

/// How an exchange has ended.
enum class Ending : std::uint8_t {
  kWhole,
  kEnough,
  kBroken,  ///< the connection ended before the answer did; the question may have been heard
  kSilent,  ///< the same, before a byte of it came
  kInterrupted
};

/// Why there was no exchange. kNotFound: nobody listens; kPermission: the socket may not be opened, or the service has
/// shut the door; else something else.
/// Asks once. kBusy: nobody listens; kPermission: the socket may not be opened.
[[nodiscard]] Result<Ending> exchange(const std::string& socket, const Ask& ask, const OnPiece& on_piece);

}  // namespace aegir::client
