// HTTP without a socket: which question a request asks of the service, and its answer as status, headers and bytes.
// openapi.json says the same for other programs, and a test holds the two together.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/api/events.hpp"
#include "sidecar/api/service.hpp"

namespace aegir::api {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A request whose body was read whole.
struct Request {
  std::string method;
  std::string target;  ///< as it came: path and query, still encoded
  Headers headers;
  std::string body;
};

struct Answer {
  unsigned status = 200;
  Headers headers;
  std::string body;
  std::unique_ptr<Events> events;  ///< instead of a body: a stream of events
};

/// The description of all this, OpenAPI 3.1.
[[nodiscard]] std::string_view openapi();

/// A path of the API: segments, of which {name} stands for any.
struct Route {
  std::string_view method;
  std::string_view path;
};
[[nodiscard]] std::vector<Route> routes();

/// Answers a request; never throws and never fails, since a failure is an answer too. May be used from any thread.
[[nodiscard]] Answer answer(Service& service, const Actor& actor, const Request& request);

/// An answer of its own for what could not be read as a request: `status` as HTTP has it.
[[nodiscard]] Answer refusal(unsigned status, const Error& error);

}  // namespace aegir::api
