// The web servers of this machine as they run: which kinds there are, where each says what it has, and how it is told
// to read its configuration again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/machine/http.hpp"

namespace aegir::publish {

/// One of the two kinds of server.
struct ServerKind {
  registry::Service service;
  const char* name;    ///< for a person
  const char* folder;  ///< below server_<name>
  const char* program;
  int signal;  ///< that makes it read its configuration again
};
extern const ServerKind kApache;
extern const ServerKind kNginx;

/// The name that an aegir.conf gives its set of files; empty when it gives none.
[[nodiscard]] std::string set_name_in(const ServerKind& kind, std::string_view conf);

/// Whether this is the path of a file below a server's folder for this kind.
[[nodiscard]] bool path_is_of(const ServerKind& kind, const Config& config, std::string_view path);

/// The one server of a kind on this machine, whichever servers of the registry it plays.
class RunningServer {
 public:
  /// Nothing when no server of the model has this kind. `config` must outlive it.
  [[nodiscard]] static std::optional<RunningServer> find(const ServerKind& kind, const Config& config,
                                                         const emit::Model& model);

  [[nodiscard]] const ServerKind& kind() const { return *kind_; }
  /// Where its status answers, to our addresses.
  [[nodiscard]] const machine::Question& status() const { return status_; }
  /// "127.0.0.1 port 80"
  [[nodiscard]] std::string place() const;

  enum class Has : std::uint8_t { kNothing, kOther, kIt };
  /// Asks it once for the set of this name; kNothing: nobody listens there.
  [[nodiscard]] Has has(const std::string& set) const;
  /// Tells it to read its configuration again, and waits until it answers with the set of this name.
  [[nodiscard]] Result<void> reload(const std::string& set) const;

  /// The line that its status has when it has the set of this name.
  [[nodiscard]] static std::string status_line(const std::string& set);

 private:
  RunningServer(const ServerKind& kind, const Config& config) : kind_(&kind), config_(&config) {}
  [[nodiscard]] Has has(const std::string& set, Result<machine::Answer>& answer) const;

  const ServerKind* kind_;
  const Config* config_;
  machine::Question status_;
};

}  // namespace aegir::publish
