// What a request is answered with: the rules of both modules and of `aegirc lookup`, in one place and free of any
// server. Nothing here allocates, blocks or throws.
//
// A request is decided in two steps. route_host() once, for the request as the client sent it: 400, 404, probe, gate,
// https policy, redirect. route_path() for that request and again for each internal redirect of it: which paths are
// closed, which are moved.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "compiler/core/host_name.hpp"
#include "compiler/map/reader.hpp"

namespace aegir::map {

/// A request as the server knows it. All views must outlive the decision.
struct Request {
  std::string_view authority = {};   ///< Host, or the authority of an absolute URI (which wins), as sent
  std::string_view uri_scheme = {};  ///< scheme of an absolute URI, lower case; empty for the usual form
  std::string_view raw_target = {};  ///< path and query exactly as sent, without scheme and authority
  std::string_view path = {};        ///< decoded, dots and double slashes resolved
  std::string_view token = {};       ///< X-Aegir-Probe; empty: none
  bool secure = false;               ///< https, by the connection or by a trusted proxy's word
  bool secure_connection = false;    ///< the connection itself is TLS
  bool probe_peer = false;           ///< the socket's peer may probe
  std::uint8_t service = 0;          ///< kServiceApache or kServiceNginx
  std::uint16_t https_port = 443;
  std::uint64_t now = 0;  ///< seconds since 1970
};

enum class Verdict : std::uint8_t {
  kServe,        ///< from the site's docroot
  kAcme,         ///< the ACME path: open in every state
  kRedirect,     ///< `status` with Location = the pieces
  kStatus,       ///< answer `status` with no body of ours
  kMaintenance,  ///< 503 with Retry-After
  kDisabled,     ///< 503 with the page "This site has been disabled by the site administrators"
};

/// The answer of route_host(). `site` is filled for every verdict but kStatus.
struct HostDecision {
  Verdict verdict = Verdict::kStatus;
  std::uint16_t status = 404;
  bool probe = false;                          ///< a valid token: the settings may answer it (AEGIR_PROBE)
  std::array<std::string_view, 6> location{};  ///< to be concatenated
  SiteView site;
  HostBuffer host_buffer;             ///< backs `host`
  std::string_view host;              ///< normalised name that was asked for
  std::uint16_t port = 0;             ///< that the client named with it; 0: none
  std::array<char, 8> port_buffer{};  ///< backs a port in `location`
};

/// Decides everything that depends on the name. `snapshot` may be null (no map yet): 503.
void route_host(const Request& request, const Snapshot* snapshot, HostDecision& decision) noexcept;

enum class PathVerdict : std::uint8_t {
  kServe,
  kRewrite,   ///< serve `pieces` concatenated instead of the path (a decoded path)
  kRedirect,  ///< 301, Location = `pieces` (path and query)
  kNotFound,
  kForbidden,
};

/// Which rule decided about a path; for people who ask (`aegirc explain`).
enum class PathRule : std::uint8_t {
  kNone,          ///< no rule of ours: the platform's code answers
  kFiles,         ///< /files/ is sites/<own directory>/files/
  kOwnFiles,      ///< below sites/<own directory>/files/
  kPrivate,       ///< below sites/<own directory>/private/
  kOwnDirectory,  ///< in sites/<own directory>, neither files/ nor private/
  kFormerUri,     ///< files of a former uri of the site
  kSites,         ///< the folder of all sites and what lies directly in it
  kOtherSite,     ///< another site's directory
  kInstaller,     ///< /install.php and /core/install.php are closed
  kUnresolved,    ///< dots or double slashes that nobody has resolved
};

struct PathDecision {
  PathVerdict verdict = PathVerdict::kServe;
  PathRule rule = PathRule::kNone;
  bool static_only = false;  ///< below files/ or private/: no handler may run it, symlinks only of their owner
  std::array<std::string_view, 5> pieces{};
};

/// Decides about a path of `site`. `path` is decoded; `raw_target` as in Request, or empty when `path` is not what the
/// client asked for (an internal redirect, a file that was chosen): then nobody has resolved its dots and slashes, and
/// one that has some is not found. `by_site`: the site's own PHP named the path (X-Accel-Redirect): private/ is open.
/// No rule, index, fallback or error page of a configuration counts as that: a visitor may have steered it.
[[nodiscard]] PathDecision route_path(const SiteView& site, std::string_view path, std::string_view raw_target,
                                      bool by_site) noexcept;

/// Below it lie the answers to challenges of ACME (RFC 8555 §8.3): Verdict::kAcme.
inline constexpr std::string_view kAcmePath = "/.well-known/acme-challenge/";

/// The names of the headers that the modules understand and set.
inline constexpr std::string_view kProbeHeader = "X-Aegir-Probe";
inline constexpr std::string_view kSiteHeader = "X-Aegir-Site";  ///< "<uri>; generation=<n>", to probes only

}  // namespace aegir::map
