#include "mod_aegir_apache/request.hpp"

#include <array>
#include <optional>

#include "compiler/map/answer.hpp"
#include "compiler/map/http_auth.hpp"
#include "compiler/map/request_path.hpp"
#include "mod_aegir_apache/target.hpp"

namespace aegir::apache {
namespace {

using namespace std::string_view_literals;

/// Variables of ours that an internal redirect would hand on with REDIRECT_ before their names.
constexpr std::array kRedirectedNames = {"REDIRECT_db_type",     "REDIRECT_db_name",        "REDIRECT_db_user",
                                         "REDIRECT_db_passwd",   "REDIRECT_db_host",        "REDIRECT_db_port",
                                         "REDIRECT_AEGIR_SITE",  "REDIRECT_AEGIR_SITE_DIR", "REDIRECT_AEGIR_HOST",
                                         "REDIRECT_AEGIR_PROBE", "REDIRECT_PHP_ADMIN_VALUE"};

/// For the access log; PHP gets it like everything in subprocess_env.
void name_site(request_rec* request, const Visit& visit) noexcept {
  apr_table_addn(request->subprocess_env, "AEGIR_SITE", visit.site);
}

/// What nginx answers before any module sees the request; 0: nothing is wrong.
[[nodiscard]] int refusal(const request_rec* request, const Target& target) noexcept {
  if (request->method_number == M_INVALID && !is_method(view(request->method))) return HTTP_BAD_REQUEST;
  if (!target.valid) return HTTP_BAD_REQUEST;
  const bool not_for_us = request->method_number == M_TRACE || request->method_number == M_CONNECT;
  return not_for_us ? HTTP_METHOD_NOT_ALLOWED : 0;
}

/// Fills what route_host() must know. `token` is taken away from the request: nobody behind us may see it.
[[nodiscard]] map::Request describe_request(request_rec* request, const ServerConf& conf, const Target& target,
                                            std::string_view path, Visit& visit) noexcept {
  conn_rec* const connection = request->connection;
  map::Request asked;
  asked.authority = target.scheme.empty() ? view(apr_table_get(request->headers_in, "Host")) : target.authority;
  asked.uri_scheme = target.scheme;
  asked.raw_target = target.raw;
  asked.path = path;
  asked.service = map::kServiceApache;
  asked.https_port = static_cast<std::uint16_t>(conf.https_port == 0 ? 443 : conf.https_port);
  asked.now = static_cast<std::uint64_t>(apr_time_sec(request->request_time));

  // client_addr is the socket's peer; mod_remoteip changes useragent_addr only.
  asked.secure_connection = ap_ssl_conn_is_ssl(connection) != 0;
  visit.secure = asked.secure_connection;
  if (!asked.secure_connection && conf.trusted_proxies != nullptr) {
    const char* const scheme = apr_table_get(request->headers_in, "X-Forwarded-Proto");
    visit.secure = scheme != nullptr && ap_cstr_casecmp(scheme, "https") == 0 &&
                   contains(conf.trusted_proxies, connection->client_addr);
  }
  asked.secure = visit.secure;

  if (const char* const token = apr_table_get(request->headers_in, c_string(map::kProbeHeader))) {
    asked.token = token;
    asked.probe_peer = contains(conf.probe_peers, connection->client_addr);
    apr_table_unset(request->headers_in, c_string(map::kProbeHeader));
  }
  return asked;
}

/// A candidate's answer is for the one who asked, and says where it comes from.
void mark_probe(request_rec* request, const map::SiteView& site) noexcept {
  std::array<char, map::kSiteHeaderSize> value;
  apr_table_setn(request->err_headers_out, c_string(map::kSiteHeader),
                 copy(request->pool, map::write_site_header(site, value)));
  // Neither into a cache nor out of one.
  request->no_cache = 1;
  apr_table_setn(request->headers_in, "Cache-Control", "no-cache");
}

[[nodiscard]] bool needs_file(const map::HostDecision& decision) noexcept {
  return decision.verdict == map::Verdict::kServe || decision.verdict == map::Verdict::kAcme;
}

/// Prepares the answer to what needs no file. The snapshot must still be held.
void prepare_answer(request_rec* request, const map::HostDecision& decision) noexcept {
  switch (decision.verdict) {
    case map::Verdict::kRedirect:
      apr_table_setn(request->headers_out, "Location", join(request->pool, decision.location));
      return;
    case map::Verdict::kMaintenance:
      apr_table_setn(request->err_headers_out, "Retry-After", c_string(map::kRetryAfter));
      break;
    case map::Verdict::kDisabled:
      break;
    default:
      return;
  }
  // Without this, httpd says that the page is in ISO 8859-1.
  apr_table_setn(request->subprocess_env, "suppress-error-charset", "1");
  ap_custom_response(request, decision.status, c_string(map::page(decision.verdict)));
}

/// Lets go of the site map: what later phases need is copied into the request's pool, in one piece.
void settle(request_rec* request, Visit& visit) noexcept {
  map::SiteView& site = visit.decision.site;
  char* memory =
      static_cast<char*>(apr_palloc(request->pool, site.host.size() + site.docroot.size() + 2 + site.footprint()));
  visit.site = put(memory, site.host);
  visit.docroot = put(memory, site.docroot);
  site.copy_to(memory);
  visit.decision.host_buffer[visit.decision.host.size()] = '\0';
}

/// An internal redirect goes on with the visit that it came from.
void go_on(request_rec* request) noexcept {
  const Visit* const visit = visit_of(request);
  if (visit == nullptr) return;
  for (const char* const name : kRedirectedNames) apr_table_unset(request->subprocess_env, name);
  if (visit->site != nullptr) name_site(request, *visit);
}

/// Lets nobody in who does not know the site's password; neither PHP nor a filter gets to see it.
void ask_for_password(request_rec* request, const KeyRing& keys, map::HostDecision& decision) noexcept {
  apr_table_setn(request->err_headers_out, "X-Robots-Tag", c_string(map::kRobotsTag));
  const std::string_view sent = view(apr_table_get(request->headers_in, "Authorization"));
  apr_table_unset(request->headers_in, "Authorization");
  if (map::is_authorised(keys, decision.site, sent)) return;
  std::array<char, map::kChallengeSize> challenge;
  apr_table_setn(request->err_headers_out, "WWW-Authenticate",
                 copy(request->pool, map::write_challenge(decision.site, challenge)));
  map::refuse_unauthorised(decision);
}

/// Leaves one name in the request, the accepted one: rewriting rules and PHP trust what they find there, and what was
/// sent may be written in many ways or, with an absolute URI, be missing.
void set_host(request_rec* request, const map::Request& asked, const map::HostDecision& decision) noexcept {
  request->hostname = decision.host.data();
  std::array<char, map::kHttpHostSize> value;
  const std::string_view accepted = map::write_http_host(decision, value);
  if (asked.uri_scheme.empty() && asked.authority == accepted) return;  // as most clients send it
  apr_table_setn(request->headers_in, "Host", copy(request->pool, accepted));
}

/// Makes a virtual host's settings hold for the request.
void enter(request_rec* request, server_rec* host) noexcept {
  if (host == nullptr || host == request->server) return;
  request->server = host;
  request->per_dir_config = host->lookup_defaults;
}

/// Asks the site map, and takes along what later phases need of it.
void decide(request_rec* request, const ServerConf& conf, const map::Request& asked, Visit& visit) noexcept {
  map::HostDecision& decision = visit.decision;
  const auto snapshot = conf.shared->live == nullptr ? nullptr : conf.shared->live->snapshot(asked.now);
  map::route_host(asked, snapshot.get(), decision);
  if (map::is_protected(decision)) ask_for_password(request, conf.shared->keys, decision);
  conf.shared->counters->count(map::outcome_of(decision));
  if (decision.verdict == map::Verdict::kStatus) {
    if (decision.status == HTTP_INTERNAL_SERVER_ERROR) {
      ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, request,
                    "the site map's record of %.*s is broken; next: aegirc publish --rebuild",
                    static_cast<int>(decision.host.size()), decision.host.data());
    }
    return;
  }
  // Before any other hook has looked at its settings.
  visit.led_to = host_of(decision.site.host, request->server);
  enter(request, visit.led_to);
  if (!needs_file(decision)) prepare_answer(request, decision);
  settle(request, visit);
  set_host(request, asked, decision);
  name_site(request, visit);
  if (decision.probe) mark_probe(request, decision.site);
}

/// The directory that a request is served from: the ACME root when the answer to a challenge lies there, else the
/// site's.
[[nodiscard]] const char* root_of(const request_rec* request, const ServerConf& conf, const Visit& visit) noexcept {
  if (visit.decision.verdict == map::Verdict::kAcme && conf.acme_root.value != nullptr) {
    apr_finfo_t found;
    const char* const file = apr_pstrcat(request->pool, conf.acme_root.value, request->uri, nullptr);
    if (apr_stat(&found, file, APR_FINFO_TYPE | APR_FINFO_LINK, request->pool) == APR_SUCCESS &&
        found.filetype == APR_REG) {
      return conf.acme_root.value;
    }
  }
  return visit.docroot;
}

/// The site's own robots.txt, of this host name or of all, as a path in the docroot; null when it has none. It goes
/// before the platform's.
[[nodiscard]] char* own_robots(request_rec* request, const Visit& visit) noexcept {
  const std::array names = {std::array{"/"sv, visit.decision.host, ".robots.txt"sv},
                            std::array{"/"sv, "robots.txt"sv, ""sv}};
  for (const auto& name : names) {
    char* const path = join(
        request->pool, std::array{"/sites/"sv, visit.decision.site.directory, "/files"sv, name[0], name[1], name[2]});
    apr_finfo_t found;
    const char* const file = join(request->pool, std::array{std::string_view(visit.docroot), std::string_view(path)});
    if (apr_stat(&found, file, APR_FINFO_TYPE, request->pool) == APR_SUCCESS && found.filetype == APR_REG) return path;
  }
  return nullptr;
}

}  // namespace

const Visit* visit_of(const request_rec* request) noexcept {
  for (; request != nullptr; request = request->main != nullptr ? request->main : request->prev) {
    const void* const visit = ap_get_module_config(request->request_config, &aegir_module);
    if (visit != nullptr) return static_cast<const Visit*>(visit);
  }
  return nullptr;
}

int post_read_request(request_rec* request) noexcept {
  const ServerConf& conf = server_conf(request->server);
  if (!conf.engine) return DECLINED;
  if (request->prev != nullptr) {
    go_on(request);
    return DECLINED;
  }
  Visit* const visit = new (apr_palloc(request->pool, sizeof(Visit))) Visit;
  ap_set_module_config(request->request_config, &aegir_module, visit);
  visit->came_to = request->server;
  map::HostDecision& decision = visit->decision;
  const Target target = split_target(view(request->unparsed_uri));
  visit->absolute = !target.scheme.empty();
  // "GET http://a.example?x" has no path at all; RFC 9110 §4.2.3 makes it "/".
  visit->raw_target = target.raw.starts_with('/') ? target.raw : join(request->pool, std::array{"/"sv, target.raw});
  int refused = refusal(request, target);
  std::optional<std::string_view> path = map::plain_path(target.raw);
  if (refused == 0 && !path) {
    path = map::resolve_path(target.raw, static_cast<char*>(apr_palloc(request->pool, target.raw.size())));
    if (!path) refused = HTTP_BAD_REQUEST;
  }
  if (refused != 0) {
    decision.status = static_cast<std::uint16_t>(refused);
    conf.shared->counters->count(map::Outcome::kRefused);
    return DECLINED;
  }
  decide(request, conf, describe_request(request, conf, target, *path, *visit), *visit);
  return DECLINED;
}

int before_tls(request_rec* request) noexcept {
  if (const Visit* const visit = visit_of(request)) enter(request, visit->came_to);
  return DECLINED;
}

int after_tls(request_rec* request) noexcept {
  if (const Visit* const visit = visit_of(request)) enter(request, visit->led_to);
  return DECLINED;
}

int answer_early(request_rec* request, int lookup) noexcept {
  if (lookup != 0 || !server_conf(request->server).engine) return DECLINED;
  const Visit* const visit = visit_of(request);
  if (visit == nullptr) return HTTP_NOT_FOUND;
  return needs_file(visit->decision) ? DECLINED : visit->decision.status;
}

int translate_name(request_rec* request) noexcept {
  const ServerConf& conf = server_conf(request->server);
  if (!conf.engine) return DECLINED;
  const Visit* const visit = visit_of(request);
  if (visit == nullptr) return HTTP_NOT_FOUND;
  const bool acme = visit->decision.verdict == map::Verdict::kAcme;
  // What is open in every state must not lead to what is not: no index, fallback or rewriting out of it.
  if (acme && !view(request->uri).starts_with(map::kAcmePath)) return HTTP_NOT_FOUND;

  // private/ stays closed: httpd's own redirects (rules, indexes, fallbacks, error pages) are the visitor's to steer.
  const bool from_client = request->prev == nullptr && request->main == nullptr;
  const map::PathDecision decision = map::route_path(visit->decision.site, view(request->uri),
                                                     from_client ? visit->raw_target : std::string_view{}, false);
  switch (decision.verdict) {
    case map::PathVerdict::kServe:
      if (!acme && view(request->uri) == "/robots.txt"sv) {
        if (char* const robots = own_robots(request, *visit)) request->uri = robots;
      }
      break;
    case map::PathVerdict::kRewrite:
      request->uri = join(request->pool, decision.pieces);
      break;
    case map::PathVerdict::kRedirect:
      apr_table_setn(request->headers_out, "Location", join(request->pool, decision.pieces));
      return HTTP_MOVED_PERMANENTLY;
    case map::PathVerdict::kNotFound:
      return HTTP_NOT_FOUND;
    case map::PathVerdict::kForbidden:
      return HTTP_FORBIDDEN;
  }
  ap_set_document_root(request, root_of(request, conf, *visit));
  return DECLINED;
}

}  // namespace aegir::apache
