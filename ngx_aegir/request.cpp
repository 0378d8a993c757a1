#include "ngx_aegir/request.hpp"

#include <strings.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <new>

#include "compiler/map/http_auth.hpp"
#include "ngx_aegir/acme.hpp"
#include "ngx_aegir/conf.hpp"
#include "ngx_aegir/location.hpp"
#include "ngx_aegir/platforms.hpp"
#include "ngx_aegir/worker.hpp"

namespace aegir::ngx {
namespace {

using namespace std::string_view_literals;

/// Ends Kept. This also marks its memory among the cleanups of the request's pool: r->ctx, the usual place, is wiped
/// by every internal redirect.
void end_kept(void* kept) noexcept { give_back(static_cast<Kept*>(kept)->copies); }

bool add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  auto* const header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header == nullptr) return false;
  *header = {};
  header->hash = 1;
  header->key = str(name);
  header->value = str(value);
  return true;
}

/// Sets Location as it is: nginx would put scheme, host and port of its own before a path if it knew of it
/// (headers_out.location).
bool add_location(ngx_http_request_t* r, std::span<const std::string_view> pieces) noexcept {
  const std::string_view location = join(r, pieces);
  return location.data() != nullptr && add_header(r, "Location"sv, location);
}

/// The socket's peer, whatever headers or the PROXY protocol say.
bool peer_is_in(ngx_http_request_t* r, ngx_array_t* networks) noexcept {
  if (networks == nullptr) return false;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const peer = reinterpret_cast<sockaddr*>(&address);
  return getpeername(r->connection->fd, peer, &size) == 0 && ngx_cidr_match(peer, networks) == NGX_OK;
}

bool is(const ngx_table_elt_t& header, std::string_view lower_case_name) noexcept {
  return header.key.len == lower_case_name.size() &&
         std::memcmp(header.lowcase_key, lower_case_name.data(), lower_case_name.size()) == 0;
}

/// Reads the headers that matter, and empties the probe's token, so that neither PHP nor a log gets it.
void read_headers(ngx_http_request_t* r, const ServerConf& conf, map::Request& request) noexcept {
  bool proto_seen = false;
  bool proto_https = true;
  for (ngx_list_part_t* part = &r->headers_in.headers.part; part != nullptr; part = part->next) {
    for (auto& header : std::span(static_cast<ngx_table_elt_t*>(part->elts), part->nelts)) {
      if (is(header, "x-aegir-probe"sv)) {
        if (request.token.empty()) request.token = view(header.value);
        header.value = str(""sv);
      } else if (is(header, "x-forwarded-proto"sv)) {
        proto_seen = true;
        const std::string_view proto = view(header.value);
        proto_https = proto_https && proto.size() == 5 && strncasecmp(proto.data(), "https", 5) == 0;
      }
    }
  }
  if (!request.token.empty()) request.probe_peer = peer_is_in(r, conf.probe_peers);
  if (!request.secure && proto_seen && proto_https) request.secure = peer_is_in(r, conf.trusted_proxies);
}

std::string_view between(const u_char* begin, const u_char* end) noexcept {
  return {reinterpret_cast<const char*>(begin), static_cast<std::size_t>(end - begin)};
}

/// "GET http://a.example?x" has no path at all; RFC 9110 §4.2.3 makes it "/". nginx does so for the path that it
/// serves, not for $request_uri. False: no memory.
bool complete_target(ngx_http_request_t* r) noexcept {
  const std::string_view sent = view(r->unparsed_uri);
  if (sent.starts_with('/')) return true;
  r->unparsed_uri = str(join(r, std::array{"/"sv, sent}));
  return r->unparsed_uri.data != nullptr;
}

/// The request as route_host() takes it. `scheme` backs a view of it.
map::Request describe(ngx_http_request_t* r, const ServerConf& conf, std::array<char, 8>& scheme) noexcept {
  map::Request request;
  if (r->host_start != nullptr && r->host_end != nullptr) {  // absolute form
    request.authority = between(r->host_start, r->port_end != nullptr ? r->port_end : r->host_end);
    const std::string_view sent = view(r->schema).substr(0, scheme.size());
    for (std::size_t i = 0; i < sent.size(); ++i) scheme[i] = static_cast<char>(ngx_tolower(sent[i]));
    request.uri_scheme = {scheme.data(), sent.size()};
  } else if (r->headers_in.host != nullptr) {
    request.authority = view(r->headers_in.host->value);
  }
  request.raw_target = view(r->unparsed_uri);
  request.path = view(r->uri);
  request.secure_connection = r->connection->ssl != nullptr;
  request.secure = request.secure_connection;
  request.service = map::kServiceNginx;
  request.https_port = static_cast<std::uint16_t>(conf.https_port);
  request.now = static_cast<std::uint64_t>(ngx_time());
  read_headers(r, conf, request);
  return request;
}

/// Lets nobody in who does not know the site's password; PHP does not get to see it. False: no memory.
bool ask_for_password(ngx_http_request_t* r, map::HostDecision& decision) noexcept {
  if (!add_header(r, "X-Robots-Tag"sv, map::kRobotsTag)) return false;
  std::string_view sent;
  if (ngx_table_elt_t* const authorization = r->main->headers_in.authorization; authorization != nullptr) {
    sent = view(authorization->value);
    authorization->value = str(""sv);
  }
  if (map::is_authorised(*main_conf(r).keys, decision.site, sent)) return true;
  auto* const memory = static_cast<char*>(ngx_pnalloc(r->pool, map::kChallengeSize));
  if (memory == nullptr) return false;
  const std::span<char, map::kChallengeSize> out(memory, map::kChallengeSize);
  if (!add_header(r, "WWW-Authenticate"sv, map::write_challenge(decision.site, out))) return false;
  map::refuse_unauthorised(decision);
  return true;
}

/// First sight of a client's request. Null: no memory.
Kept* decide_host(ngx_http_request_t* r, const ServerConf& conf) noexcept {
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(r->main->pool, sizeof(Kept));
  if (cleanup == nullptr || !complete_target(r->main)) return nullptr;
  auto* const kept = new (cleanup->data) Kept;
  map::HostDecision& decision = kept->decision;
  std::array<char, 8> scheme;
  const map::Request request = describe(r->main, conf, scheme);
  {
    const std::shared_ptr<const map::Snapshot> snapshot = current_snapshot();
    map::route_host(request, snapshot.get(), decision);
    if (map::is_protected(decision) && !ask_for_password(r, decision)) return nullptr;
    if (decision.verdict == map::Verdict::kRedirect && !add_location(r, decision.location)) return nullptr;
    const std::size_t footprint = kept->has_site() ? decision.site.footprint() : 0;
    auto* const memory = static_cast<char*>(ngx_pnalloc(r->main->pool, footprint));
    if (memory == nullptr) return nullptr;
    if (footprint != 0) decision.site.copy_to(memory);
  }
  const map::Outcome outcome = map::outcome_of(decision);
  main_conf(r).counters->count(outcome);
  if (outcome == map::Outcome::kFault) {
    const ngx_str_t host = str(decision.host);
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "the site map's record of %V is broken; next: aegirc publish --rebuild", &host);
  }
  kept->secure = request.secure;
  cleanup->handler = end_kept;
  ngx_http_set_ctx(r->main, kept, ngx_http_aegir_module);
  if (decision.probe) {
    auto* const memory = static_cast<char*>(ngx_pnalloc(r->pool, map::kSiteHeaderSize));
    if (memory == nullptr) return nullptr;
    const std::span<char, map::kSiteHeaderSize> out(memory, map::kSiteHeaderSize);
    if (!add_header(r, map::kSiteHeader, map::write_site_header(decision.site, out))) return nullptr;
  }
  return kept;
}

ngx_int_t send_page(ngx_http_request_t* r, map::Verdict verdict) noexcept {
  if (verdict == map::Verdict::kMaintenance && !add_header(r, "Retry-After"sv, map::kRetryAfter)) return NGX_ERROR;
  ngx_str_t type = str(map::kPageType);
  ngx_http_complex_value_t body{};
  body.value = str(map::page(verdict));
  return ngx_http_send_response(r, NGX_HTTP_SERVICE_UNAVAILABLE, &type, &body);
}

/// Leads a request to the configuration of its site's platform, unless this server has locations of its own for its
/// sites. NGX_DECLINED: it may go on.
ngx_int_t enter(ngx_http_request_t* r, const ServerConf& conf, map::HostDecision& decision) noexcept {
  const map::SiteView& site = decision.site;
  MainConf& main = main_conf(r);
  if (!conf.by_platform || enter_platform(r, main.platforms, site.platform_id, site.host)) return NGX_DECLINED;
  const ngx_str_t host = str(site.host);
  const ngx_str_t name = str(site.platform_name);
  ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                "aegir: %V is on platform %V (%uD), and this nginx has no server block for that; next: aegirc compile, "
                "and reload nginx",
                &host, &name, site.platform_id);
  main.counters->faults.fetch_add(1, std::memory_order_relaxed);
  decision.verdict = map::Verdict::kStatus;
  decision.status = NGX_HTTP_SERVICE_UNAVAILABLE;
  return NGX_HTTP_SERVICE_UNAVAILABLE;
}

/// Whether the site's PHP has sent the client's request here. An internal redirect alone does not tell: try_files and
/// error_page make one of what the client wrote.
bool is_accel_redirect(const ngx_http_request_t* r) noexcept {
  return r == r->main && r->internal != 0 && r->upstream != nullptr &&
         r->upstream->headers_in.x_accel_redirect != nullptr;
}

/// NGX_DECLINED: the host may be served. What was refused stays refused: an error page must not lead into a site.
ngx_int_t refuse(const map::HostDecision& decision) noexcept {
  if (decision.verdict == map::Verdict::kServe) return NGX_DECLINED;
  return decision.verdict == map::Verdict::kAcme ? NGX_HTTP_NOT_FOUND : decision.status;
}

/// NGX_DECLINED: the path may be served.
ngx_int_t refuse(const map::PathDecision& path) noexcept {
  if (path.verdict == map::PathVerdict::kNotFound) return NGX_HTTP_NOT_FOUND;
  if (path.verdict == map::PathVerdict::kForbidden) return NGX_HTTP_FORBIDDEN;
  return NGX_DECLINED;
}

/// Below files/ and private/: a folder that is there has no index and no listing, one that is not there is as missing
/// as a file, which Drupal may make.
ngx_int_t answer_folder(ngx_http_request_t* r) noexcept {
  auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  ngx_str_t path;
  std::size_t root = 0;
  const u_char* const end = ngx_http_map_uri_to_path(r, &path, &root, 0);
  if (end == nullptr) return NGX_ERROR;
  path.len = static_cast<std::size_t>(end - path.data);
  ngx_open_file_info_t found{};
  found.test_only = 1;
  if (ngx_http_set_disable_symlinks(r, core, &path, &found) != NGX_OK) return NGX_ERROR;
  if (ngx_open_cached_file(core->open_file_cache, &path, &found, r->pool) == NGX_OK) return NGX_HTTP_FORBIDDEN;
  const bool missing = found.err == NGX_ENOENT || found.err == NGX_ENOTDIR || found.err == NGX_ENAMETOOLONG;
  return missing ? NGX_HTTP_NOT_FOUND : NGX_HTTP_FORBIDDEN;
}

}  // namespace

Kept* find_kept(ngx_http_request_t* r) noexcept {
  void* const kept = ngx_http_get_module_ctx(r->main, ngx_http_aegir_module);
  if (kept != nullptr) return static_cast<Kept*>(kept);
  for (const ngx_pool_cleanup_t* cleanup = r->main->pool->cleanup; cleanup != nullptr; cleanup = cleanup->next) {
    if (cleanup->handler != end_kept) continue;
    ngx_http_set_ctx(r->main, cleanup->data, ngx_http_aegir_module);
    return static_cast<Kept*>(cleanup->data);
  }
  return nullptr;
}

const map::CredentialFields* credentials_of(ngx_http_request_t* r, Kept& kept) noexcept {
  if (kept.opened || kept.site().sealed.empty()) return kept.credentials;
  kept.opened = true;
  const MainConf& main = main_conf(r);
  if ((r->connection->log->log_level & NGX_LOG_DEBUG_HTTP) != 0) {
    ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                  "aegir: no credentials for PHP while the error log is at level debug: they would be written to it");
  } else {
    main.counters->decrypts.fetch_add(1, std::memory_order_relaxed);
    auto* const fields = static_cast<map::CredentialFields*>(ngx_palloc(r->pool, sizeof(map::CredentialFields)));
    auto* const plain = static_cast<char*>(ngx_pnalloc(r->pool, kept.site().sealed.size()));
    if (fields != nullptr && plain != nullptr &&
        open_credentials(kept.site(), {plain, kept.site().sealed.size()}, *fields)) {
      kept.credentials = fields;
      return fields;
    }
    const ngx_str_t host = str(kept.site().host);
    ngx_log_error(
        NGX_LOG_ERR, r->connection->log, 0,
        "aegir: the credentials of %V can't be opened: they were sealed with another key than aegir_key's, or "
        "the map is damaged; next: reload if the key file is newer, else put that back from its backup, or run "
        "\"aegirc publish --rebuild\"",
        &host);
  }
  main.counters->faults.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

std::string_view join(ngx_http_request_t* r, std::span<const std::string_view> pieces) noexcept {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  char* const memory = static_cast<char*>(ngx_pnalloc(r->pool, size));
  if (memory == nullptr) return {};
  char* end = memory;
  for (const std::string_view piece : pieces) end += piece.copy(end, piece.size());
  return {memory, size};
}

ngx_int_t decide(ngx_http_request_t* r) noexcept {
  const ServerConf& conf = server_conf(r);
  if (!conf.has_sites()) return NGX_DECLINED;
  Kept* kept = find_kept(r);
  if (kept == nullptr) {
    // Only a listener that somebody gave to a platform's block leads there without a decision.
    if (conf.platform != 0) return NGX_HTTP_NOT_FOUND;
    kept = decide_host(r, conf);
    if (kept == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
    const map::Verdict verdict = kept->decision.verdict;
    if (verdict == map::Verdict::kAcme) return serve_acme(r, conf, kept->site().docroot);
    if (verdict == map::Verdict::kMaintenance || verdict == map::Verdict::kDisabled) return send_page(r, verdict);
    // A redirect has the headers that its site's own server adds. Where there is no server for it, it needs none.
    if (verdict == map::Verdict::kRedirect && conf.by_platform) {
      (void)enter_platform(r, main_conf(r).platforms, kept->site().platform_id, kept->site().host);
    }
    if (verdict == map::Verdict::kServe) {
      if (const ngx_int_t entered = enter(r, conf, kept->decision); entered != NGX_DECLINED) return entered;
    }
  }
  if (const ngx_int_t refused = refuse(kept->decision); refused != NGX_DECLINED) return refused;

  const bool by_site = is_accel_redirect(r);
  if (r == r->main) kept->by_site = by_site;
  const std::string_view sent = r->internal != 0 ? std::string_view() : view(r->unparsed_uri);
  const map::PathDecision path = map::route_path(kept->site(), view(r->uri), sent, by_site);
  if (path.verdict == map::PathVerdict::kRedirect) {
    return add_location(r, path.pieces) ? NGX_HTTP_MOVED_PERMANENTLY : NGX_ERROR;
  }
  if (path.verdict == map::PathVerdict::kRewrite) {
    const std::string_view target = join(r, path.pieces);
    if (target.data() == nullptr) return NGX_ERROR;
    r->uri = str(target);
    r->valid_unparsed_uri = 0;
    r->add_uri_to_alias = 0;
    ngx_http_set_exten(r);
  }
  const ngx_int_t refused = refuse(path);
  if (r == r->main) {
    kept->served = refused == NGX_DECLINED ? view(r->uri) : std::string_view();
    kept->served_static_only = path.static_only;
  }
  return refused;
}

ngx_int_t confirm(ngx_http_request_t* r) noexcept {
  if (!server_conf(r).has_sites()) return NGX_DECLINED;
  Kept* const kept = find_kept(r);
  if (kept == nullptr) return NGX_DECLINED;
  if (const ngx_int_t refused = refuse(kept->decision); refused != NGX_DECLINED) return refused;
  // nginx gives a request another path by giving it other memory, and frees none of it before the request's end. With
  // merge_slashes off, in the server whose listener read the path, decide() has taken that for resolved, and it is not.
  const auto* reader = static_cast<const ngx_http_core_srv_conf_t*>(
      r->http_connection->conf_ctx->srv_conf[ngx_http_core_module.ctx_index]);
  const bool same = r == r->main && r->uri.data == str(kept->served).data && r->uri.len == kept->served.size() &&
                    reader->merge_slashes != 0;
  map::PathDecision path;
  if (same) {
    path.static_only = kept->served_static_only;
  } else {
    path = map::route_path(kept->site(), view(r->uri), {}, r == r->main && kept->by_site);
  }
  if (path.verdict == map::PathVerdict::kRewrite) {
    ngx_str_t target = str(join(r, path.pieces));
    if (target.data == nullptr) return NGX_ERROR;
    ngx_http_finalize_request(r, ngx_http_internal_redirect(r, &target, &r->args));
    return NGX_DONE;
  }
  if (const ngx_int_t refused = refuse(path); refused != NGX_DECLINED) return refused;
  const auto* core =
      static_cast<const ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  if (!fit_location(r, kept->site().docroot, path.static_only, kept->copies)) return NGX_ERROR;
  if (!path.static_only || core->named) return NGX_DECLINED;
  // Below files/ and private/ nginx's own static files are all there is. A named location answers for those that are
  // not there.
  r->content_handler = nullptr;
  return view(r->uri).ends_with('/') ? answer_folder(r) : NGX_DECLINED;
}

}  // namespace aegir::ngx
