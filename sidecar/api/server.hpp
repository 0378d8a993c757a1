// HTTP/1.1 on a unix socket. Everybody may connect: the kernel says who it is, and the service what he may. A site's
// PHP is shown the door before a byte of it is read.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "sidecar/api/actor.hpp"
#include "sidecar/api/service.hpp"

namespace aegir::api {

struct ServerOptions {
  std::string path;  ///< of the socket, in a directory that only aegir and root can write
  Administrators administrators;
  std::size_t most_connections = 64;  ///< of administrators
  std::size_t most_others = 8;        ///< of everybody else, together
  std::size_t longest_header = std::size_t{16} << 10U;
  std::size_t longest_body = std::size_t{1} << 20U;
  std::chrono::milliseconds patience{30000};        ///< for a whole request, for the next one, for a piece of an answer
  std::chrono::milliseconds others_patience{5000};  ///< the same for everybody else
  std::chrono::milliseconds heartbeat{15000};       ///< of a stream of events without news
};

/// Serves while it lives, in a thread of its own.
class Server {
 public:
  /// `service` must outlive it. kBusy: another process serves there. A socket that a dead one left is replaced;
  /// anything else at that path is refused.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(Service& service, ServerOptions options);
  /// Ends all connections, and removes the socket if it is still ours.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  class Core;  ///< what its connections share

 private:
  explicit Server(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace aegir::api
