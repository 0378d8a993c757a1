#include "mod_aegir_apache/php.hpp"

#include <array>
#include <cstring>

#include "compiler/map/answer.hpp"
#include "mod_aegir_apache/body.hpp"
#include "mod_aegir_apache/request.hpp"
#include "mod_aegir_apache/tenant_file.hpp"

namespace aegir::apache {
namespace {

using namespace std::string_view_literals;

/// What a file's place says about it. Where the file lies decides, not the path that was asked for: an index, a
/// fallback, negotiation or a rewriting rule may have chosen another one since.
[[nodiscard]] map::PathDecision judge_file(const request_rec* request, const Visit& visit) noexcept {
  const std::string_view file = view(request->filename);
  if (!file.starts_with('/')) return {};  // "redirect:" and "proxy:" of mod_rewrite: no file yet, or none at all
  const std::string_view docroot(visit.docroot);
  const map::SiteView& site = visit.decision.site;
  if (file.size() > docroot.size() && file.starts_with(docroot) && file[docroot.size()] == '/') {
    return map::route_path(site, file.substr(docroot.size()), {}, false);
  }
  // An Alias, or a docroot that is not written as the file system has it: no file of this site's users runs either.
  map::PathDecision decision;
  for (std::size_t at = file.find("/sites/"sv); at != std::string_view::npos && !decision.static_only;
       at = file.find("/sites/"sv, at + 1)) {
    decision.static_only = map::route_path(site, file.substr(at), {}, false).static_only;
  }
  return decision;
}

/// Gives PHP a variable. Without a look at those that are there: mod_proxy_fcgi lets the last one of a name win.
void add(request_rec* request, const char* name, const char* value) noexcept {
  apr_table_addn(request->subprocess_env, name, value);
}

/// mod_proxy_fcgi writes every variable into the error log at trace8, whoever set the level and where.
void hush(request_rec* request, int fcgi_module) noexcept {
  if (ap_get_request_module_loglevel(request, fcgi_module) < APLOG_TRACE8) return;
  ap_logconf* const quiet = ap_new_log_config(request->pool, request->log);
  quiet->level = request->log == nullptr ? request->server->log.level : request->log->level;
  ap_set_module_loglevel(request->pool, quiet, fcgi_module, APLOG_TRACE7);
  request->log = quiet;
}

/// Gives PHP the credentials of its site; false after a fault, which is counted and logged.
[[nodiscard]] bool hand_over_credentials(request_rec* request, const map::SiteView& site, Shared& shared) noexcept {
  if (site.sealed.empty()) return true;
  char* const plain = static_cast<char*>(apr_palloc(request->pool, site.sealed.size()));
  map::CredentialFields fields;
  shared.counters->decrypts.fetch_add(1, std::memory_order_relaxed);
  if (!shared.memo->open(site, {plain, site.sealed.size()}, fields)) {
    shared.counters->faults.fetch_add(1, std::memory_order_relaxed);
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, request,
                  "the credentials of %s can't be opened with the keys that this server has read; next: reload it if "
                  "the key file is newer, else put that back from its backup, or aegirc publish --rebuild",
                  copy(request->pool, site.host));
    return false;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) add(request, c_string(map::kCredentialNames[i]), fields[i].data());
  return true;
}

/// What httpd would give PHP as the client wrote it. Not sooner: redirects that httpd makes of rewriting rules must
/// name the port that the client came by.
void settle_target(request_rec* request, const Visit& visit) noexcept {
  // SERVER_PORT, which httpd takes from the Host header.
  request->parsed_uri.port = request->connection->local_addr->port;
  request->parsed_uri.port_str = apr_itoa(request->pool, request->parsed_uri.port);
  // REQUEST_URI, which httpd cuts out of the request line, with scheme and host if they are there.
  if (visit.absolute) {
    request->the_request =
        apr_pstrcat(request->pool, request->method, " ", visit.raw_target.data(), " ", request->protocol, nullptr);
  }
}

/// Whether httpd would send the file as it is: no handler but its own, which a type of content stands for, too.
[[nodiscard]] bool is_sent_as_file(const request_rec* request) noexcept {
  if (request->finfo.filetype == APR_DIR) return false;
  const std::string_view handler = view(request->handler);
  if (handler == kFileHandler) return true;
  const std::string_view type = view(request->content_type);
  if (!type.starts_with(handler) || handler.starts_with("application/x-httpd-"sv)) return false;
  return type.size() == handler.size() || type[handler.size()] == ';' || type[handler.size()] == ' ';
}

/// Whether one of the server's own modules answers for what is no file: mod_dir and mod_autoindex for a folder,
/// mod_rewrite for an address that it has changed.
[[nodiscard]] bool is_servers_own(const request_rec* request) noexcept {
  const std::string_view handler = view(request->handler);
  return handler == DIR_MAGIC_TYPE || handler == "redirect-handler"sv;
}

/// Lets the server send a file, or find that there is none. Its type must choose no handler: who writes an .htaccess
/// names types as he likes ("proxy:unix:…").
[[nodiscard]] int send_file(request_rec* request) noexcept {
  if (request->finfo.filetype == APR_REG && std::string_view(request->method) != "GET"sv && request->header_only == 0) {
    ap_allow_standard_methods(request, REPLACE_ALLOW, M_GET, -1);
    return HTTP_METHOD_NOT_ALLOWED;
  }
  request->handler = kFileHandler;
  return DECLINED;
}

/// A platform's .htaccess chooses among PHP and files. All else is the server's: its status shows every site, a proxy
/// reaches every site's socket, and a program would run as the server's user.
[[nodiscard]] int refuse_handler(const request_rec* request) noexcept {
  ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, request,
                "the handler '%s' is not obeyed where sites are served: a platform has files and aegir-php",
                request->handler);
  return HTTP_FORBIDDEN;
}

/// Makes mod_proxy_fcgi run this request with the site's socket.
[[nodiscard]] int start_php(request_rec* request, const Visit& visit) noexcept {
  Shared& shared = *server_conf(request->server).shared;
  const map::SiteView& site = visit.decision.site;
  if (request->finfo.filetype != APR_REG) return HTTP_NOT_FOUND;
  if (site.socket.empty()) return HTTP_SERVICE_UNAVAILABLE;
  if (shared.fcgi_module < 0) {
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, request, "PHP needs mod_proxy_fcgi, which is not loaded");
    return HTTP_INTERNAL_SERVER_ERROR;  // declining would send the source
  }
  if (const int refused = prepare_body(request, shared.body); refused != OK) return refused;
  if (!hand_over_credentials(request, site, shared)) return HTTP_INTERNAL_SERVER_ERROR;
  hush(request, shared.fcgi_module);
  ap_add_output_filter_handle(shared.sendfile, nullptr, request, request->connection);
  settle_target(request, visit);

  constexpr std::string_view kBefore = "proxy:unix:";
  constexpr std::string_view kAfter = "|fcgi://localhost";
  char* memory =
      static_cast<char*>(apr_palloc(request->pool, map::kPhpLimitsSize + site.directory.size() + 1 + kBefore.size() +
                                                       site.socket.size() + kAfter.size() + 1));
  const std::span<char, map::kPhpLimitsSize> limits(memory, map::kPhpLimitsSize);
  limits[map::write_php_limits(site, limits).size()] = '\0';
  memory += limits.size();
  add(request, "PHP_ADMIN_VALUE", limits.data());
  add(request, "AEGIR_SITE_DIR", put(memory, site.directory));
  add(request, "AEGIR_HOST", visit.decision.host.data());
  if (visit.decision.probe) add(request, "AEGIR_PROBE", "1");
  // mod_ssl has set it, but where it is off: in a site's own virtual host, to which we led the request.
  if (visit.secure) apr_table_setn(request->subprocess_env, "HTTPS", "on");
  // A subrequest for a file, not for a path, did not come through translate_name.
  if (request->main != nullptr) ap_set_document_root(request, visit.docroot);

  request->handler = memory;
  memory += kBefore.copy(memory, kBefore.size());
  memory += site.socket.copy(memory, site.socket.size());
  (void)put(memory, kAfter);
  return DECLINED;
}

/// Redirects from a folder without a slash to the one with it. By path and query alone: mod_dir would write scheme and
/// port out, and it does not know how the client came to the proxy before us.
[[nodiscard]] int add_slash(request_rec* request) noexcept {
  if (request->method_number != M_GET && request->method_number != M_POST) return HTTP_METHOD_NOT_ALLOWED;
  const char* path = request->uri;
  while (path[0] == '/' && path[1] == '/') ++path;  // "//name" would be another host
  const bool query = !view(request->args).empty();
  apr_table_setn(request->headers_out, "Location",
                 apr_pstrcat(request->pool, ap_escape_uri(request->pool, path), query ? "/?" : "/",
                             query ? request->args : "", nullptr));
  return HTTP_MOVED_PERMANENTLY;
}

}  // namespace

void insert_filter(request_rec* request) noexcept {
  const ServerConf& conf = server_conf(request->server);
  if (!conf.engine || conf.shared->includes == nullptr) return;
  for (ap_filter_t* filter = request->output_filters; filter != nullptr; filter = filter->next) {
    if (filter->frec != conf.shared->includes) continue;
    const Visit* const visit = visit_of(request);
    if (visit == nullptr || judge_file(request, *visit).static_only) ap_remove_output_filter(filter);
  }
}

int answer_folder(request_rec* request) noexcept {
  if (request->finfo.filetype != APR_DIR || !server_conf(request->server).engine) return DECLINED;
  const Visit* const visit = visit_of(request);
  if (visit == nullptr) return DECLINED;
  if (!view(request->uri).ends_with('/') && view(request->path_info).empty()) return add_slash(request);
  return judge_file(request, *visit).static_only ? HTTP_FORBIDDEN : DECLINED;
}

int choose_handler(request_rec* request) noexcept {
  const bool php = std::strcmp(request->handler, kPhpHandler) == 0;
  const ServerConf& conf = server_conf(request->server);
  const Visit* const visit = conf.engine ? visit_of(request) : nullptr;
  if (visit == nullptr) {
    if (!php) return DECLINED;
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, request,
                  "SetHandler aegir-php works only in a virtual host with AegirEngine On");
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  const map::PathDecision decision = judge_file(request, *visit);
  if (decision.verdict == map::PathVerdict::kForbidden) return HTTP_FORBIDDEN;
  if (decision.verdict == map::PathVerdict::kNotFound) return HTTP_NOT_FOUND;
  const bool file = is_sent_as_file(request);
  if (decision.static_only) {
    const int sent = file ? send_file(request) : DECLINED;
    return sent == DECLINED ? send_tenant_file(request, visit->docroot) : sent;
  }
  if (file || visit->decision.verdict == map::Verdict::kAcme) return send_file(request);
  if (php) return start_php(request, *visit);
  return is_servers_own(request) ? DECLINED : refuse_handler(request);
}

}  // namespace aegir::apache
