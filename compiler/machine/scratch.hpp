// Web servers that are tried in a sandbox, with files that nobody else has seen yet: would they take this
// configuration? Nothing on the machine changes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/machine/http.hpp"

namespace aegir::machine {

/// How the configuration that is tried differs from what is on disk.
struct Change {
  struct File {
    std::string path;
    std::string content;
  };
  std::vector<File> files;
  std::vector<std::string> removed;
};

/// Asks nginx's parser (Config::nginx_test), in the machine's own network, since it looks host names up. The parser's
/// message and place are the error (kInvalid).
[[nodiscard]] Result<void> try_nginx(const Config& config, const Change& change);

/// A file that httpd is asked about as an .htaccess.
struct Htaccess {
  std::string name;  ///< [a-z0-9_-]
  std::string content;
};

struct ApacheTrial {
  /// Our status is reachable there. false: httpd starts, but its configuration does not include ours.
  bool has_ours = false;
  /// For each Htaccess: nothing, or httpd's message and the line.
  std::vector<std::optional<Error>> htaccess;
};

/// Asks httpd's parser (Config::apache_test), then starts it with its whole unchanged configuration (apache_start) in a
/// network of its own, until it answers; then asks it about each of `htaccess`. These are read by a worker, as the
/// server's unprivileged user, with the AllowOverride of a tenant (everything but ExecCGI and Includes), and nothing of
/// them is obeyed. `status` is where ours answers, `line` a line that is in its answer then.
/// The message of the parser, or of the log when it ends, and the place if there is one, are the error (kInvalid).
[[nodiscard]] Result<ApacheTrial> try_apache(const Config& config, const Change& change, const Question& status,
                                             const std::string& line, const std::vector<Htaccess>& htaccess);

/// Whether `body` has that line.
[[nodiscard]] bool has_line(std::string_view body, std::string_view line);

}  // namespace aegir::machine
