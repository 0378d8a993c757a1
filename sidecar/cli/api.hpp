// aegird's API as the commands use it: JSON in and out, problems as errors of ours, a task watched to its end through
// every restart of aegird.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "compiler/cli/outcome.hpp"
#include "sidecar/cli/http.hpp"

namespace aegir::client {

using Json = nlohmann::ordered_json;
using cli::Errors;
using cli::Outcome;
using Reply = std::expected<Json, Errors>;

/// May be used from several threads.
class Api {
 public:
  explicit Api(std::string socket) : socket_(std::move(socket)) {}

  [[nodiscard]] const std::string& socket() const { return socket_; }
  [[nodiscard]] Reply get(const std::string& target) const;
  /// With a key of its own, so that asking again after a broken connection, which this does, makes no second task.
  [[nodiscard]] Reply post(const std::string& target, const Json& body) const;
  /// All pages of a list: the members `list` of each, with the next page asked for by `cursor`.
  [[nodiscard]] Reply all(const std::string& target, const std::string& list, const std::string& cursor) const;

  /// Hears each event of a task: "log", "step", "state".
  using OnEvent = std::function<void(const std::string& name, const Json& data)>;
  /// Watches a task until it has ended: its last state. Nothing: interrupted. A connection that breaks is made again,
  /// and goes on behind the last line that was heard; kBusy when aegird stays away.
  [[nodiscard]] std::expected<std::optional<Json>, Errors> watch(std::uint64_t task, const OnEvent& on_event) const;

 private:
  [[nodiscard]] Reply ask(const Ask& ask) const;
  std::string socket_;
};

/// A text of an answer; empty when it has none of that name.
[[nodiscard]] std::string text_at(const Json& object, const char* key);
/// A name as a part of a path or a query.
[[nodiscard]] std::string encoded(std::string_view text);

}  // namespace aegir::client
