// A raw HTTP/1.x client: it sends exactly the bytes it is given and reads one response at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/live/harness/net.hpp"

namespace aegir::live {

/// One response. `status` is 0 when what came was no HTTP response (nothing at all, or HTTP/0.9: then it is
/// in `body`).
struct Response {
  int status = 0;
  std::string version;  ///< "HTTP/1.1"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;       ///< decoded when it came in chunks
  bool complete = false;  ///< the body was as long as announced, or ended by the close of the connection
  std::string raw;        ///< the bytes of the head

  /// The first header of that name (any case); nothing when it is not there.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// header(), or an empty view.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
};

/// One connection. Reading throws std::runtime_error after kPatience of silence.
class Connection {
 public:
  /// Throws std::runtime_error when nobody listens.
  explicit Connection(const Endpoint& endpoint);

  void send(std::string_view bytes);
  /// No more will be sent (FIN).
  void finish();
  /// The next response, after any 1xx. `head`: the answer to HEAD, which has no body.
  [[nodiscard]] Response read(bool head = false);
  /// send() and read().
  [[nodiscard]] Response request(std::string_view bytes);
  /// Whether the server has closed (waits for it, up to `patience`); false also when it sent something else.
  [[nodiscard]] bool closed(Milliseconds patience = kPatience);
  /// All bytes until the server closes.
  [[nodiscard]] std::string drain();

 private:
  [[nodiscard]] bool fill();
  [[nodiscard]] bool line(std::string& out);
  void take(std::size_t size, Response& response);

  Fd fd_;
  std::string buffer_;
};

/// Sends the bytes over a connection of their own and reads one response. "HEAD " at the start is understood.
[[nodiscard]] Response ask(const Endpoint& endpoint, std::string_view bytes);

/// "GET <target> HTTP/1.1", Host, "Connection: close", then the given header lines (each without its end).
[[nodiscard]] std::string get(std::string_view host, std::string_view target,
                              const std::vector<std::string>& headers = {});

/// A body in chunks of these sizes, with the header that says so: all of a POST that follows its Host.
[[nodiscard]] std::string in_chunks(const std::vector<std::size_t>& sizes, char filled_with);

}  // namespace aegir::live
