// The sites that the behaviour table asks for, and the servers that answer: one map, one PHP-FPM, a platform on disk,
// and each server whose module is built, configured by hand as its example shows.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/live/behaviour/recorder.hpp"
#include "tests/live/harness/http.hpp"
#include "tests/live/harness/map_fixture.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {

enum class Kind { kNginx, kApache };
[[nodiscard]] std::string to_string(Kind kind);

/// Addresses that clients come from (Endpoint::from).
inline constexpr const char* kTrustedProxy = "127.0.0.2";
inline constexpr const char* kProbePeer = "127.0.0.3";
inline constexpr std::uint16_t kHttpsPort = 8443;

/// A figure in an answer of the status endpoint. Throws std::runtime_error when it is not there.
[[nodiscard]] std::string figure(const Response& status, const std::string& name);

/// One server of the table.
struct Front {
  Kind kind;
  bool has_module = true;  ///< false: the static form, without status, probes and counters
  std::unique_ptr<Server> server;
  Port port;         ///< HTTP/1
  Port status_port;  ///< the status endpoint, in a server of its own
  Port tls_port;     ///< HTTPS, with a certificate that nobody knows
  Port h2_port;      ///< HTTP/2 without TLS; nginx only

  /// What the status endpoint says now: counter("aegir_decrypts_total").
  [[nodiscard]] std::uint64_t counter(const std::string& name) const;
};

/// One for a test program: it is there from the start of the first test to the end of the last one.
class World {
 public:
  World();

  [[nodiscard]] static World& get();
  /// The servers whose module is built.
  [[nodiscard]] static std::vector<Kind> kinds();

  [[nodiscard]] Front& front(Kind kind);
  /// The same sites in their static form, served without our module.
  [[nodiscard]] Front& static_front(Kind kind);
  [[nodiscard]] MapFixture& map() noexcept { return map_; }
  /// The content that is published at first, to be changed by a test and published again.
  [[nodiscard]] const MapContent& content() const noexcept { return content_; }
  [[nodiscard]] std::string docroot() const { return root_.path("platform"); }
  /// Stops all servers and checks their logs.
  void stop();

 private:
  void make_platform() const;
  void make_certificate() const;
  void make_map();
  /// The text of a configuration, with its words filled in.
  [[nodiscard]] std::string filled(std::string text, const Front& front) const;
  void start(Kind kind);
  void start_static(Kind kind);
  /// Seals the record and keeps what it seals.
  void seal(map::SiteRecord& record, const std::string& name);

  TempDir root_;
  MapFixture map_;
  MapContent content_;
  std::map<std::string, map::Credentials> credentials_;  ///< plain, by host
  FpmServer fpm_;
  Recorder recorder_;
  std::vector<std::unique_ptr<Front>> fronts_;
  std::vector<std::unique_ptr<Front>> static_fronts_;
};

/// Of the site locked.test.
inline constexpr const char* kUser = "ann";
inline constexpr const char* kPassword = "open: sesame";

/// Tokens of probes.
inline constexpr const char* kCandidateToken = "token-of-a-candidate";
inline constexpr const char* kExpiredToken = "token-of-an-expired-candidate";
inline constexpr const char* kPassToken = "token-past-a-gate";

}  // namespace aegir::live
