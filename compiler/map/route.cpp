#include "compiler/map/route.hpp"

#include <algorithm>
#include <charconv>

namespace aegir::map {
namespace {

using namespace std::string_view_literals;

/// Sets `location` to scheme, host, port and the path and query that were asked for. A bare host keeps the
/// port of the request, since a server that is reached on :8080 is reached there under its other names too; a
/// change to https goes to the https port.
void redirect_to(const Request& request, std::uint16_t port, std::string_view target, HostDecision& decision) noexcept {
  decision.verdict = Verdict::kRedirect;
  decision.status = 301;
  auto& location = decision.location;
  std::size_t used = 0;
  if (target.find("://"sv) == std::string_view::npos) {
    const bool to_https = request.secure || decision.site.https == Https::kRequired;
    location[used++] = to_https ? "https://"sv : "http://"sv;
    location[used++] = target;
    if (to_https && !request.secure) port = request.https_port == 443 ? std::uint16_t{0} : request.https_port;
    if (port != 0) {
      char* const begin = decision.port_buffer.data();
      *begin = ':';
      const auto end = std::to_chars(begin + 1, begin + decision.port_buffer.size(), port).ptr;
      location[used++] = std::string_view(begin, static_cast<std::size_t>(end - begin));
    }
  } else {
    location[used++] = target;
  }
  // "GET http://a.example?x" has no path at all; RFC 9110 §4.2.3 makes it "/".
  if (!request.raw_target.starts_with('/')) location[used++] = "/"sv;
  location[used] = request.raw_target;
}

/// Whether a target is the name that was asked for: a wildcard may redirect to a name that it stands for itself.
bool leads_to(std::string_view target, std::string_view name) noexcept {
  if (const std::size_t scheme = target.find("://"sv); scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    target = target.substr(0, target.find(':'));
  }
  return target == name;
}

/// The gate of a site that is disabled or in maintenance. False when it stands open.
bool gate(HostDecision& decision) noexcept {
  const SiteView& site = decision.site;
  switch (site.state) {
    case SiteState::kEnabled:
      return false;
    case SiteState::kMaintenance:
      decision.verdict = Verdict::kMaintenance;
      decision.status = 503;
      return true;
    case SiteState::kDisabled:
      break;
  }
  if (site.console.empty()) {
    decision.verdict = Verdict::kDisabled;
    decision.status = 503;
  } else {
    decision.verdict = Verdict::kRedirect;
    decision.status = 302;
    decision.location[0] = site.console;
    decision.location[1] = "/hosting/disabled/"sv;
    decision.location[2] = site.host;
  }
  return true;
}

void answer(HostDecision& decision, std::uint16_t status) noexcept {
  decision.verdict = Verdict::kStatus;
  decision.status = status;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Whether an extension is one that some PHP handler somewhere is mapped to, or a backup of such a file,
/// whose source must not show: .php .php5 .phps .php~ .phtml .pht .phar, in any case.
bool is_php_extension(std::string_view extension) noexcept {
  if (extension.size() < 3 || lower(extension[0]) != 'p' || lower(extension[1]) != 'h') return false;
  const char third = lower(extension[2]);
  if (third == 'p' || third == 't') return true;
  return third == 'a' && extension.size() >= 4 && lower(extension[3]) == 'r';
}

/// Whether any segment of `path` has such an extension anywhere: "x.php", "x.php.jpg", "x.php/a".
bool names_php(std::string_view path) noexcept {
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
    if (is_php_extension(path.substr(dot + 1))) return true;
  }
  return false;
}

/// Whether `path` is `file` or `file` with path info.
bool is_script(std::string_view path, std::string_view file) noexcept {
  return path.starts_with(file) && (path.size() == file.size() || path[file.size()] == '/');
}

/// Whether `path` has an empty segment, or one that is "." or "..", so that the rules below would not know what it
/// names: "//sites/other/files/x". A client's path never has, but what a script sends in X-Accel-Redirect is taken as
/// it is.
bool is_unresolved(std::string_view path) noexcept {
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    std::string_view rest = path.substr(slash + 1);
    if (rest.starts_with('/')) return true;
    if (!rest.starts_with('.')) continue;
    rest.remove_prefix(rest.starts_with(".."sv) ? 2 : 1);
    if (rest.empty() || rest.front() == '/') return true;
  }
  return !path.starts_with('/');
}

/// Rules for `rest`, what follows sites/<own directory> (empty or beginning with a slash).
void route_own_directory(std::string_view rest, bool by_site, PathDecision& decision) noexcept {
  if (rest.starts_with("/files/"sv)) {
    decision.rule = PathRule::kOwnFiles;
    decision.static_only = true;
    if (names_php(rest)) decision.verdict = PathVerdict::kForbidden;
  } else if (rest == "/private"sv || rest.starts_with("/private/"sv)) {
    decision.rule = PathRule::kPrivate;
    decision.static_only = true;
    if (!by_site || names_php(rest)) decision.verdict = PathVerdict::kForbidden;
  }
}

}  // namespace

void route_host(const Request& request, const Snapshot* snapshot, HostDecision& decision) noexcept {
  if (!request.uri_scheme.empty() && request.uri_scheme != (request.secure_connection ? "https"sv : "http"sv)) {
    return answer(decision, 400);
  }
  // httpd refuses a fragment by itself: no target has one (RFC 9112 §3.2).
  if (request.raw_target.find('#') != std::string_view::npos) return answer(decision, 400);
  const HostAndPort host = normalise_host(request.authority, decision.host_buffer);
  if (host.status == HostStatus::kTooLong) return answer(decision, 404);
  if (host.status != HostStatus::kOk) return answer(decision, 400);
  decision.host = host.name;
  decision.port = host.port;
  if (snapshot == nullptr) return answer(decision, 503);

  if (!request.token.empty() && request.probe_peer) {
    const Lookup probe = snapshot->find_probe(request.token, host.name, request.now, decision.site);
    if (probe == Lookup::kFound && (decision.site.services & request.service) != 0) {
      decision.verdict = Verdict::kServe;
      decision.status = 200;
      decision.probe = true;
      return;
    }
  }

  const Lookup found = snapshot->find_host(host.name, decision.site);
  if (found == Lookup::kFault) return answer(decision, 500);
  if (found == Lookup::kUnknown || (decision.site.services & request.service) == 0) return answer(decision, 404);
  decision.status = 200;
  if (request.path.starts_with(kAcmePath)) {
    decision.verdict = Verdict::kAcme;
    return;
  }
  if (gate(decision)) return;
  if (!decision.site.target.empty() && !leads_to(decision.site.target, host.name)) {
    return redirect_to(request, host.port, decision.site.target, decision);
  }
  if (decision.site.https == Https::kRequired && !request.secure) {
    return redirect_to(request, host.port, host.name, decision);
  }
  decision.verdict = Verdict::kServe;
}

PathDecision route_path(const SiteView& site, std::string_view path, std::string_view raw_target,
                        bool by_site) noexcept {
  PathDecision decision;
  if (raw_target.empty() && is_unresolved(path)) {
    decision.rule = PathRule::kUnresolved;
    decision.verdict = PathVerdict::kNotFound;
    return decision;
  }
  if (path.starts_with("/files/"sv)) {
    decision.verdict = PathVerdict::kRewrite;
    decision.pieces = {"/sites/"sv, site.directory, path};
    route_own_directory(path, by_site, decision);
    decision.rule = PathRule::kFiles;
    return decision;
  }
  if (path.starts_with("/sites/"sv) || path == "/sites"sv) {
    const std::string_view below = path.substr(std::min(path.size(), std::size_t{7}));
    const std::string_view name = below.substr(0, below.find('/'));
    const std::string_view rest = below.substr(name.size());
    if (rest.size() <= 1) {  // the folder of all sites, and what lies in it: no page, no index, no file
      decision.rule = PathRule::kSites;
      decision.verdict = PathVerdict::kNotFound;
    } else if (name == site.directory) {
      decision.rule = PathRule::kOwnDirectory;
      route_own_directory(rest, by_site, decision);
    } else if (rest.starts_with("/files/"sv) && site.has_former(name)) {
      // The rest is taken from the raw target, to be kept byte for byte: it has the same beginning, or
      // nobody's content ever held this link.
      const std::size_t prefix = 7 + name.size();
      if (by_site) {
        decision.verdict = PathVerdict::kRewrite;
        decision.pieces = {"/sites/"sv, site.directory, rest};
        route_own_directory(rest, by_site, decision);
      } else if (raw_target.starts_with(path.substr(0, prefix + 7))) {
        decision.verdict = PathVerdict::kRedirect;
        decision.pieces = {"/sites/"sv, site.directory, raw_target.substr(prefix)};
      } else {
        decision.verdict = PathVerdict::kNotFound;
      }
      decision.rule = PathRule::kFormerUri;
    } else if (name != "all"sv) {
      decision.rule = PathRule::kOtherSite;
      decision.verdict = PathVerdict::kNotFound;
    }
    return decision;
  }
  if (is_script(path, "/install.php"sv) || is_script(path, "/core/install.php"sv)) {
    decision.rule = PathRule::kInstaller;
    decision.verdict = PathVerdict::kForbidden;
  }
  return decision;
}

}  // namespace aegir::map
