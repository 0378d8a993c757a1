// The static form for nginx. It needs no module of ours; its variables are called static_…, so that both forms can be
// loaded together.
#include <algorithm>
#include <bit>

#include "compiler/emit/escape.hpp"
#include "compiler/emit/nginx_rules.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/emit/static_parts.hpp"
#include "compiler/emit/text.hpp"
#include "compiler/emit/tls.hpp"

namespace aegir::emit {
namespace {

// What a request is, found out once. A Host that no host name fits is refused, as the modules do; so are an absolute
// URI of another scheme, and a fragment. (nginx 1.22 gives a variable only the first of several headers of one name.)
constexpr Literal kShared = R"re(map $uri $static_acme {
    "~^/\.well-known/acme-challenge/" 1;
    default 0;
}
map $request_uri $static_target {
    "~^/" $request_uri;
    default /$request_uri;
}
map "$scheme $request" $static_wrong_scheme {
    "~^http \S+ (?!(?i:http)://)[A-Za-z][A-Za-z0-9+.-]*://" 1;
    "~^https \S+ (?!(?i:https)://)[A-Za-z][A-Za-z0-9+.-]*://" 1;
    "~^\S+ \S+ \S*#" 1;
    "~^\S+ \S+ [A-Za-z]+://[^/?\s]*:(?!0*(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})[/?\s])" 1;
    default 0;
}
map "$request|$http_host" $static_bad_host {
    "~^\S+ [A-Za-z]+://" 0;
    "~\|[A-Za-z0-9_.-]+(?::0*(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}))?$" 0;
    default 1;
}
map "$request|$http_host" $static_port {
    "~^\S+ [A-Za-z]+://[^/?\s]*:0*(?<static_uri_port>[1-9]\d*)[/?\s]" :$static_uri_port;
    "~^\S+ [A-Za-z]+://" "";
    "~:0*(?<static_host_port>[1-9]\d*)$" :$static_host_port;
    default "";
}
map "$https|$static_proxy|$http_x_forwarded_proto" $static_https {
    "~^on" on;
    "~*\|1\|https$" on;
    default "";
})re";

constexpr Literal kSitePhp = R"(fastcgi_param SERVER_NAME $host;
fastcgi_param REQUEST_URI $static_target;
fastcgi_param HTTPS $static_https if_not_empty;
fastcgi_param HTTP_HOST $host$static_port;
fastcgi_param AEGIR_SITE $static_site;
fastcgi_param AEGIR_SITE_DIR $static_site;
fastcgi_param AEGIR_HOST $host;)";

// Of every path of a site, before the platform's rules, and again for internal redirects: what the modules decide.
constexpr Literal kPaths = R"re(    if ($uri ~ "//|/\.\.?(?:/|$)") {
        return 404;  # X-Accel-Redirect: nobody has resolved it
    }
    rewrite ^/files/(.*)$ /sites/$static_site/files/$1;
    if ($uri ~ "^/sites(?:/[^/]*/?)?$") {
        return 404;
    })re";
constexpr Literal kClosed = R"re(    if ($uri ~* "^/sites/[^/]+/(?:files|private)/.*\.ph(?:p|t|ar)") {
        return 403;
    }
    set $static_accel "$upstream_http_x_accel_redirect|$uri";
    if ($static_accel ~ "^\|/sites/[^/]+/private(?:/|$)") {
        return 403;
    }
    set $static_folder "";
    if ($uri ~ "^/sites/[^/]+/files/(?:.*/)?$") {
        set $static_folder 1;
    }
    if (-d $request_filename) {
        set $static_folder "${static_folder}2";
    }
    if ($static_folder = 12) {
        return 403;
    }
    if ($uri ~ "^/(?:core/)?install\.php(?:/|$)") {
        return 403;
    })re";

class Emitter {
 public:
  Emitter(const Config& config, const registry::Server& server, const registry::WebService& web,
          const std::vector<Certificate>& certificates)
      : config_(config),
        server_(server),
        directory_(server_config_dir(config, server.name) + "/nginx/"),
        web_(web),
        certificates_(certificates) {}

  Result<std::string> shared(std::span<const StaticSite> sites) const {
    Text text(nginx);
    text.line(
        "# Written by aegirc from the registry. Changes are lost: what you add belongs into *.conf files in pre.d,");
    text.line("# vhost.d and post.d beside this file.");
    std::size_t names = 1;
    for (const StaticSite& site : sites) names += site.names.size();
    text.line("server_names_hash_max_size ", std::max<std::size_t>(512, std::bit_ceil(names * 2)), ";");
    text.line("server_names_hash_bucket_size 256;");
    text.line("log_format aegir '$host:$server_port $remote_addr - $remote_user [$time_local] \"$request\" $status '");
    text.line("                 '$body_bytes_sent \"$http_referer\" \"$http_user_agent\" $static_site';");
    text.line("geo $realip_remote_addr $static_proxy {");
    text.line("    default 0;");
    for (const std::string& proxy : config_.trusted_proxies) text.line("    ", Value{proxy, "trusted_proxies"}, " 1;");
    text.line("}");
    text.line(kShared);
    text.line("include ", Value{directory_ + "pre.d/*.conf", "config_dir"}, ";");
    const auto nobodys = [&](const Certificate* certificate) {
      text.line("server {");
      listen(text, certificate, true);
      text.line("    server_name _;");
      text.line("    set $static_site -;");
      refusals(text);
      text.line("    access_log ", Value{config_.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
      text.line("    return 404;");
      text.line("}");
    };
    nobodys(nullptr);
    if (!certificates_.empty()) nobodys(&certificates_.front());
    for (const StaticSite& site : sites) {
      text.line("include ", Value{directory_ + "vhost.d/" + site.site.uri, "config_dir"}, ";");
    }
    include_peoples_hosts(text, "include ", directory_ + "vhost.d/", ";", {});
    text.line("include ", Value{directory_ + "post.d/*.conf", "config_dir"}, ";");
    return std::move(text).take();
  }

  static Result<std::string> shared_php() {
    Text text(nginx);
    text.line("# Written by aegirc. Changes are lost.");
    text.line(kNginxPhp);
    text.line(kSitePhp);
    return std::move(text).take();
  }

  Result<std::string> virtual_hosts(const StaticSite& site) const {
    const SortedNames names = sort_names(site);
    Text text(nginx);
    text.line("# Written by aegirc from the registry. Changes are lost.");
    hosts(text, site, names, nullptr);
    for (const Certificate& certificate : certificates_) {
      hosts(text, site, names_of(names, certificate, certificates_), &certificate);
    }
    return std::move(text).take();
  }

  Result<std::string> php(const StaticSite& site) const {
    const std::string field = "site " + site.site.uri;
    const registry::PhpLimits& limits = site.site.php;
    Text text(nginx);
    text.line("# Written by aegirc from the registry. Changes are lost.");
    text.line("include ", Value{directory_ + "static_php.conf", "config_dir"}, ";");
    if (site.socket.empty()) {
      text.line("return 500;  # the site has no slot");
    } else {
      text.line("fastcgi_pass ", Value{"unix:" + site.socket, "run_dir"}, ";");
    }
    if (site.site.http_auth)
      text.line("fastcgi_param HTTP_AUTHORIZATION \"\" if_not_empty;  # the site's own password");
    text.line("fastcgi_param PHP_ADMIN_VALUE \"memory_limit=", limits.memory_limit, "M");
    text.line("upload_max_filesize=", limits.upload_max_filesize, "M");
    text.line("post_max_size=", limits.post_max_size, "M");
    text.line("max_execution_time=", limits.max_execution_time, "\";");
    constexpr std::array<Literal, 6> kNames = {"db_type ",   "db_name ", "db_user ",
                                               "db_passwd ", "db_host ", "db_port "};
    const bool any = std::ranges::any_of(site.credentials, [](const std::string& each) { return !each.empty(); });
    for (std::size_t i = 0; any && i < kNames.size(); ++i) {
      text.line("fastcgi_param ", kNames[i], Value{site.credentials[i], field + ": database"}, ";");
    }
    return std::move(text).take();
  }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + name; }

 private:
  /// The server blocks of these names, by http or with a certificate.
  void hosts(Text& text, const StaticSite& site, const SortedNames& names, const Certificate* certificate) const {
    const registry::SiteState state = site.site.state;
    if (state == registry::SiteState::kDisabled || state == registry::SiteState::kMaintenance) {
      std::vector<std::string> all = names.served;
      for (const auto& [target, redirected] : names.redirected) {
        all.insert(all.end(), redirected.begin(), redirected.end());
      }
      if (all.empty()) return;
      begin(text, site, all, certificate);
      gate(text, site);
      text.line("}");
      return;
    }
    if (!names.served.empty()) {
      begin(text, site, names.served, certificate);
      served(text, site);
      text.line("}");
    }
    for (const auto& [target, redirected] : names.redirected) {
      begin(text, site, redirected, certificate);
      redirect(text, site, target);
      text.line("}");
    }
  }

  void listen(Text& text, const Certificate* certificate, bool first) const {
    const bool https = certificate != nullptr;
    const Literal end = https ? (first ? Literal(" ssl http2 default_server;") : Literal(" ssl;"))
                              : (first ? Literal(" default_server;") : Literal(";"));
    for (const std::string& address : https ? nginx_https_addresses(config_, web_) : nginx_addresses(config_, web_)) {
      text.line("    listen ", Value{address, "nginx_listen"}, end);
    }
    if (https) nginx_certificate(text, certificate_path(config_, server_.name, *certificate));
  }

  static void refusals(Text& text) {
    text.line("    if ($static_wrong_scheme) {");
    text.line("        return 400;");
    text.line("    }");
    text.line("    if ($static_bad_host) {");
    text.line("        return 400;");
    text.line("    }");
  }

  void begin(Text& text, const StaticSite& site, const std::vector<std::string>& names,
             const Certificate* certificate) const {
    const std::string field = "site " + site.site.uri;
    text.line("server {");
    listen(text, certificate, false);
    text.line("    server_name ", Values{names, field + ": name"}, ";");
    text.line("    set $static_site ", Value{site.site.uri, field}, ";");
    refusals(text);
    text.line("    location ^~ /.well-known/acme-challenge/ {");
    text.line("        auth_basic off;");
    text.line("        root ", Value{config_.acme_root, "acme_root"}, ";");
    text.line("        disable_symlinks if_not_owner ", Word{"from=", {config_.acme_root, "acme_root"}}, ";");
    text.line("        default_type text/plain;");
    text.line("        try_files $uri @static_acme;");
    text.line("    }");
    text.line("    location @static_acme {");
    text.line("        auth_basic off;");
    text.line("        root ", Value{site.platform.docroot, "docroot"}, ";");
    text.line("        disable_symlinks if_not_owner ", Word{"from=", {site.platform.docroot, "docroot"}}, ";");
    text.line("        default_type text/plain;");
    text.line("        try_files $uri =404;");
    text.line("    }");
  }

  void gate(Text& text, const StaticSite& site) const {
    text.line("    access_log ", Value{config_.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
    text.line("    default_type text/html;");
    const bool maintenance = site.site.state == registry::SiteState::kMaintenance;
    if (maintenance) text.line("    add_header Retry-After 300 always;");
    text.line("    if ($static_acme = 0) {");
    if (maintenance || site.console.empty()) {
      text.line("        return 503 ", Value{gate_page(site.site.state), "page"}, ";");
    } else {
      text.line("        return 302 ", Value{site.console + "/hosting/disabled/" + site.site.uri, "console_url"}, ";");
    }
    text.line("    }");
  }

  // To a bare host with the port of the request; a change to https goes to the https port.
  void redirect(Text& text, const StaticSite& site, const std::string& target) const {
    const std::string field = "site " + site.site.uri + ": redirect_to";
    text.line("    access_log ", Value{config_.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
    text.line("    set $static_to ", Value{target, field}, ";");
    if (target.find("://") != std::string::npos) {
      text.line("    if ($static_acme = 0) {");
      text.line("        return 301 $static_to$static_target;");
      text.line("    }");
      return;
    }
    schemes(text, site);
    text.line("    if ($static_acme = 0) {");
    text.line("        return 301 $static_scheme://$static_to$static_to_port$static_target;");
    text.line("    }");
  }

  void schemes(Text& text, const StaticSite& site) const {
    text.line("    set $static_scheme http;");
    text.line("    set $static_to_port $static_port;");
    text.line("    if ($static_https) {");
    text.line("        set $static_scheme https;");
    text.line("    }");
    if (site.site.https != registry::Https::kRequired) return;
    text.line("    if ($static_https = \"\") {");
    text.line("        set $static_scheme https;");
    if (web_.https_port == 443) {
      text.line("        set $static_to_port \"\";");
    } else {
      text.line("        set $static_to_port :", web_.https_port, ";");
    }
    text.line("    }");
  }

  void served(Text& text, const StaticSite& site) const {
    const std::string field = "site " + site.site.uri;
    if (site.site.https == registry::Https::kRequired) {
      schemes(text, site);
      text.line("    set $static_insecure $static_acme$static_https;");
      text.line("    if ($static_insecure = 0) {");
      text.line("        return 301 $static_scheme://$host$static_to_port$static_target;");
      text.line("    }");
    }
    if (site.site.http_auth) {
      text.line("    auth_basic ", Value{site.site.http_auth->realm, field + ": realm"}, ";");
      text.line("    auth_basic_user_file ", Value{path("vhost.d/" + site.site.uri + "@users"), "config_dir"}, ";");
      text.line("    add_header X-Robots-Tag noindex always;");
    }
    text.line(kPaths);
    if (!site.site.former_uris.empty()) {
      const std::string former = "^/sites/(?:" + as_patterns(site.site.former_uris) + ")/files/(.*)";
      text.line("    if ($request_uri ~ ", Value{former, field + ": former_uris"}, ") {");
      text.line("        return 301 /sites/$static_site/files/$1;");
      text.line("    }");
    }
    text.line("    if ($uri ~ ", Value{"^/sites/(?!(?:" + as_pattern(site.site.uri) + "|all)/)", field}, ") {");
    text.line("        return 404;");
    text.line("    }");
    text.line(kClosed);
    const std::string own = path(own_site_local(site.site.uri));
    text.line("    include ", Value{may_be_missing(own), "config_dir"}, ";");
    const std::string local = nginx_local_pattern(config_, site.platform);
    const std::string php = path("vhost.d/" + site.site.uri + "@php");
    registry::Platform platform = site.platform;
    if (site.site.body_limit != 0) platform.body_limit = site.site.body_limit;
    nginx_rules(text, config_, platform,
                {{platform.docroot, "platform " + platform.name + ": docroot"},
                 {php, "config_dir"},
                 {local, "config_dir"},
                 "/sites/$static_site/files/$host.robots.txt /sites/$static_site/files/robots.txt"});
  }

  const Config& config_;
  const registry::Server& server_;
  std::string directory_;
  const registry::WebService& web_;
  const std::vector<Certificate>& certificates_;
};

}  // namespace

Result<std::vector<File>> static_nginx(const Config& config, const registry::Server& server,
                                       const registry::WebService& web, std::span<const StaticSite> sites,
                                       const std::vector<Certificate>& certificates) {
  if (Result<void> ok = check_name(server.name, "a server's name"); !ok) return pass(ok);
  const Emitter emitter(config, server, web, certificates);
  std::vector<File> files;
  std::optional<Error> error;
  const auto add = [&](const std::string& name, mode_t mode, Result<std::string> content) {
    if (content) {
      files.push_back({emitter.path(name), mode, *std::move(content)});
    } else if (!error) {
      error = std::move(content.error());
    }
  };
  add("static.conf", 0640, emitter.shared(sites));
  add("static_php.conf", 0640, Emitter::shared_php());
  for (const StaticSite& site : sites) {
    if (Result<void> ok = check_site_names(site); !ok) return pass(ok);
    if (Result<void> ok = check_path(site.platform.docroot, "platform " + site.platform.name + ": docroot"); !ok) {
      return pass(ok);
    }
    add("vhost.d/" + site.site.uri, 0640, emitter.virtual_hosts(site));
    add("vhost.d/" + site.site.uri + "@php", 0600, emitter.php(site));
    if (site.site.http_auth) add("vhost.d/" + site.site.uri + "@users", 0640, password_line(site.site));
  }
  if (error) return std::unexpected(*std::move(error));
  return files;
}

}  // namespace aegir::emit
