// Two small sites on one platform behind an Apache that a test configures as it likes. What stands in for PHP is a
// responder that prints each parameter it was sent, so that nothing hides.
#pragma once

#include <string>
#include <vector>

#include "tests/live/behaviour/recorder.hpp"
#include "tests/live/harness/http.hpp"
#include "tests/live/harness/map_fixture.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {

inline constexpr const char* kSecret = "secret-of-a";  ///< A's password

class Fleet {
 public:
  Fleet();

  /// Lines of the configuration.
  struct Lines {
    std::string main = {};                  ///< outside of everything
    std::string host = {};                  ///< in the catch-all
    std::string platform = {};              ///< in the platform's <Directory>
    std::string files = {};                 ///< in the <Directory> of all sites' files
    std::vector<std::string> modules = {};  ///< to be loaded
    std::string log_level = "notice";
  };
  [[nodiscard]] std::string config(const Lines& lines) const;
  void start(const Lines& lines);

  /// A request of its own connection to the catch-all.
  [[nodiscard]] Response get(const std::string& host, const std::string& target,
                             const std::vector<std::string>& headers = {}) const;
  /// A line of the status endpoint: figure("aegir_decrypts_total").
  [[nodiscard]] std::uint64_t figure(const std::string& name) const;
  [[nodiscard]] Response status() const;

  [[nodiscard]] std::string path(const std::string& name) const { return root_.path(name); }
  [[nodiscard]] std::string platform() const { return root_.path("platform"); }
  /// Below A's files/.
  [[nodiscard]] std::string file(const std::string& name) const { return platform() + "/sites/a.test/files/" + name; }

  TempDir root_;
  MapFixture map;
  MapContent content;
  Port port;
  ApacheServer apache;

 private:
  Recorder recorder_;
};

/// How many lines of `text` begin with `start`.
[[nodiscard]] int lines_with(const std::string& text, const std::string& start);

}  // namespace aegir::live
