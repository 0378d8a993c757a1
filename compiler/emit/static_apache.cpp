// The static form for Apache. It needs no module of ours; what PHP is given goes by ProxyFCGISetEnvIf and not by
// SetEnv, whose variables an internal redirect would hand on a second time, as REDIRECT_db_passwd.
#include <algorithm>
#include <optional>
#include <set>

#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/emit/static_parts.hpp"
#include "compiler/emit/text.hpp"
#include "compiler/emit/tls.hpp"

namespace aegir::emit {
namespace {

// Refused as the modules do: a method that is none, an absolute URI of another scheme, and a Host that no host name
// fits (HTTP/1.0 with an absolute URI needs none).
constexpr Literal kRefusals = R"re(    RewriteCond %{REQUEST_METHOD} "!^[A-Z_-]+$" [OR]
    RewriteCond %{REQUEST_METHOD} =CONNECT [OR]
    RewriteCond %{REQUEST_SCHEME}|%{THE_REQUEST} "^http\|\S+ (?!(?i:http)://)[A-Za-z][A-Za-z0-9+.-]*://" [OR]
    RewriteCond %{REQUEST_SCHEME}|%{THE_REQUEST} "^https\|\S+ (?!(?i:https)://)[A-Za-z][A-Za-z0-9+.-]*://"
    RewriteRule ^ - [R=400,L]
    RewriteCond "%{THE_REQUEST}|%{HTTP_HOST}" "!^\S+ [A-Za-z]+://.*\|$"
    RewriteCond %{HTTP_HOST} "!^[A-Za-z0-9_.-]+(?::0*(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}))?$"
    RewriteRule ^ - [R=400,L])re";

constexpr Literal kClosed = R"re(    RewriteRule "(?i)^/sites/[^/]+/(?:files|private)/.*\.ph(?:p|t|ar)" - [F,L]
    RewriteRule "^/sites/[^/]+/private(?:/|$)" - [F,L]
    RewriteRule "^/(?:core/)?install\.php(?:/|$)" - [F,L])re";

// What PHP is told of the request, in the modules' words.
constexpr Literal kRequest = R"re(ProxyFCGISetEnvIf "%{tolower:%{SERVER_NAME}} =~ /^(.*?)\.?$/" AEGIR_HOST "$1"
ProxyFCGISetEnvIf "%{tolower:%{SERVER_NAME}} =~ /^(.*?)\.?$/" SERVER_NAME "$1"
ProxyFCGISetEnvIf "%{tolower:%{SERVER_NAME}} =~ /^(.*?)\.?$/" HTTP_HOST "$1"
ProxyFCGISetEnvIf "'%{tolower:%{SERVER_NAME}}|%{HTTP_HOST}' =~ /^(.*?)\.?\|.*:0*([1-9][0-9]*)$/" HTTP_HOST "$1:$2"
ProxyFCGISetEnvIf "'%{tolower:%{SERVER_NAME}}|%{THE_REQUEST}' =~ m#^(.*?)\.?\|\S+ [A-Za-z]+://[^/?\s]*:0*([1-9][0-9]*)[/?\s]#" HTTP_HOST "$1:$2"
ProxyFCGISetEnvIf "%{THE_REQUEST} =~ m#^\S+ [A-Za-z]+://[^/?\s]*(/\S*)#" REQUEST_URI "$1"
ProxyFCGISetEnvIf "%{THE_REQUEST} =~ m#^\S+ [A-Za-z]+://[^/?\s]*(\?\S*)? #" REQUEST_URI "/$1"
ProxyFCGISetEnvIf "reqenv('static_https') == 'on'" HTTPS on
ProxyFCGISetEnvIf "true" !static_https
ProxyFCGISetEnvIf "true" !REMOTE_USER
ProxyFCGISetEnvIf "true" !AUTH_TYPE
SetEnvIf Transfer-Encoding . proxy-sendcl=1)re";

/// Path and query as they were sent, as %1 of the rule that follows; an absolute URI may have no path.
constexpr Literal kSentTarget =
    R"re(    RewriteCond %{THE_REQUEST} "^\S+ (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?\s]*)?(/\S*)")re";
constexpr Literal kSentWithoutPath =
    R"(    RewriteCond %{THE_REQUEST} "^\S+ [A-Za-z][A-Za-z0-9+.-]*://[^/?\s]*(\?\S*)? ")";

/// A value inside an expression of Apache, where some characters mean something.
Result<void> check_expression(std::string_view value, const std::string& field) {
  if (value.find_first_of("%$\\\"") == std::string_view::npos) return {};
  return fail(Code::kInvalid, field +
                                  " contains '%', '$', '\\' or a double quote and can't be written to an expression "
                                  "of Apache; next: choose another, or serve the site with the module");
}

class Emitter {
 public:
  Emitter(const Config& config, const registry::Server& server, const registry::WebService& web,
          const std::vector<Certificate>& certificates)
      : config_(config),
        server_(server),
        directory_(server_config_dir(config, server.name) + "/apache/"),
        web_(web),
        certificates_(certificates) {}

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + name; }

  Result<std::string> shared(std::span<const StaticSite> sites, const std::set<std::string>& platforms,
                             const std::vector<std::string>& wildcards) const {
    Text text(apache);
    text.line(
        "# Written by aegirc from the registry. Changes are lost: what you add belongs into *.conf files in pre.d,");
    text.line("# vhost.d and post.d beside this file.");
    for (const Listen& listen : config_.apache_listen) {
      text.line("Listen ", Value{address_of(listen, ""), "apache_listen"});
    }
    if (!certificates_.empty()) {
      for (const Listen& listen : https_listen(config_.apache_listen, web_.https_port)) {
        text.line("Listen ", Value{address_of(listen, ""), "apache_listen"}, " https");
      }
    }
    text.line("LogFormat \"%V:%p %h %l %u %t \\\"%r\\\" %>s %O \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\" %v\" aegir");
    text.line("TraceEnable Off");
    text.line("IncludeOptional ", Value{path("pre.d/*.conf"), "config_dir"});
    for (const std::string& platform : platforms) {
      text.line("Include ", Value{path("platform.d/" + platform + ".conf"), "config_dir"});
    }
    text.line("<Directory ", Value{config_.acme_root + "/.well-known/acme-challenge", "acme_root"}, ">");
    text.line("    AllowOverride None");
    text.line("    Options SymLinksIfOwnerMatch");
    text.line("    Require all granted");
    text.line("</Directory>");
    text.line("# Names that nobody has. Apache takes the first virtual host of an address for them.");
    const auto nobodys = [&](const Certificate* certificate) {
      open(text, certificate);
      text.line("    ServerName catch-all.invalid");
      text.line("    CustomLog ", Value{config_.log_dir + "/apache-access.log", "log_dir"}, " aegir");
      text.line("    RewriteEngine On");
      text.line(kRefusals);
      text.line("    RewriteRule ^ - [R=404,L]");
      text.line("</VirtualHost>");
    };
    nobodys(nullptr);
    if (!certificates_.empty()) nobodys(&certificates_.front());
    for (const StaticSite& site : sites) {
      text.line("Include ", Value{path("vhost.d/" + site.site.uri), "config_dir"});
    }
    include_peoples_hosts(text, "IncludeOptional ", path("vhost.d/"), "", {});
    for (const std::string& wildcard : wildcards) {
      text.line("Include ", Value{path("vhost.d/" + wildcard), "config_dir"});
    }
    text.line("IncludeOptional ", Value{path("post.d/*.conf"), "config_dir"});
    return std::move(text).take();
  }

  /// The virtual hosts for these names of the site: one for what is served, one for each target.
  Result<std::string> virtual_hosts(const StaticSite& site, const SortedNames& names) const {
    Text text(apache);
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
    Text text(apache);
    text.line("# Written by aegirc from the registry. Changes are lost.");
    text.line("<LocationMatch \"\\.php(?:/|$)\">");
    text.line("    SetHandler ", Value{"proxy:unix:" + site.socket + "|fcgi://localhost", "run_dir"});
    text.line("</LocationMatch>");
    text.line("ProxyFCGISetEnvIf \"true\" AEGIR_SITE ", Value{site.site.uri, field});
    text.line("ProxyFCGISetEnvIf \"true\" AEGIR_SITE_DIR ", Value{site.site.uri, field});
    text.line(kRequest);
    if (const std::optional<std::uint16_t> port = only_port()) {
      text.line("ProxyFCGISetEnvIf \"true\" SERVER_PORT ", *port);
      if (!certificates_.empty()) text.line("ProxyFCGISetEnvIf \"-T %{HTTPS}\" SERVER_PORT ", web_.https_port);
    }
    text.line("ProxyFCGISetEnvIf \"true\" PHP_ADMIN_VALUE \"memory_limit=", limits.memory_limit, "M\\n\\");
    text.line("upload_max_filesize=", limits.upload_max_filesize, "M\\n\\");
    text.line("post_max_size=", limits.post_max_size, "M\\n\\");
    text.line("max_execution_time=", limits.max_execution_time, "\"");
    constexpr std::array<Literal, 6> kNames = {"db_type ",   "db_name ", "db_user ",
                                               "db_passwd ", "db_host ", "db_port "};
    const bool any = std::ranges::any_of(site.credentials, [](const std::string& each) { return !each.empty(); });
    for (std::size_t i = 0; any && i < kNames.size(); ++i) {
      if (Result<void> ok = check_expression(site.credentials[i], field + ": database"); !ok) return pass(ok);
      text.line("ProxyFCGISetEnvIf \"true\" ", kNames[i], Value{site.credentials[i], field + ": database"}, "");
    }
    return std::move(text).take();
  }

 private:
  /// The virtual hosts of these names, by http or with a certificate.
  void hosts(Text& text, const StaticSite& site, const SortedNames& names, const Certificate* certificate) const {
    if (!names.served.empty()) {
      begin(text, site, names.served, certificate);
      if (!gate(text, site)) served(text, site);
      text.line("</VirtualHost>");
    }
    for (const auto& [target, redirected] : names.redirected) {
      begin(text, site, redirected, certificate);
      if (!gate(text, site)) redirect(text, site, target);
      text.line("</VirtualHost>");
    }
  }

  void open(Text& text, const Certificate* certificate) const {
    const std::vector<std::string> addresses =
        certificate == nullptr ? apache_addresses(config_, web_) : apache_https_addresses(config_, web_);
    text.line("<VirtualHost ", Values{addresses, "apache_listen"}, ">");
    if (certificate != nullptr) apache_certificate(text, certificate_path(config_, server_.name, *certificate));
  }

  void begin(Text& text, const StaticSite& site, const std::vector<std::string>& hosts,
             const Certificate* certificate) const {
    const std::string field = "site " + site.site.uri;
    const std::string& docroot = site.platform.docroot;
    const std::vector<std::string> others(hosts.begin() + 1, hosts.end());
    open(text, certificate);
    // A wildcard is no ServerName.
    const bool first_is_wildcard = hosts.front().starts_with("*.");
    text.line("    ServerName ", Value{first_is_wildcard ? "wildcard.invalid" : hosts.front(), field + ": name"});
    if (first_is_wildcard) text.line("    ServerAlias ", Values{hosts, field + ": name"});
    if (!first_is_wildcard && !others.empty()) text.line("    ServerAlias ", Values{others, field + ": name"});
    text.line("    UseCanonicalName Off");
    text.line("    AllowEncodedSlashes On");
    text.line("    DocumentRoot ", Value{docroot, "docroot"});
    text.line("    CustomLog ", Value{config_.log_dir + "/apache-access.log", "log_dir"}, " aegir");
    text.line("    RequestHeader unset Proxy early");
    text.line("    RequestHeader unset X-Aegir-Probe early");
    text.line("    SetEnvIfExpr \"%{HTTPS} == 'on'\" static_https=on");
    for (const std::string& proxy : config_.trusted_proxies) {
      text.line("    SetEnvIfExpr ",
                Value{"-R '" + proxy + "' && tolower(%{HTTP:X-Forwarded-Proto}) == 'https'", "trusted_proxies"},
                " static_https=on");
    }
    text.line("    RewriteEngine On");
    text.line(kRefusals);
    text.line("    RewriteCond ", Value{config_.acme_root + "%{REQUEST_URI}", "acme_root"}, " -f");
    text.line("    RewriteRule ^/\\.well-known/acme-challenge/ ",
              Value{config_.acme_root + "%{REQUEST_URI}", "acme_root"}, " [END]");
    text.line("    RewriteCond ", Value{docroot + "%{REQUEST_URI}", "docroot"}, " !-f");
    text.line("    RewriteRule ^/\\.well-known/acme-challenge/ - [R=404,L]");
    text.line("    RewriteRule ^/\\.well-known/acme-challenge/ ", Value{docroot + "%{REQUEST_URI}", "docroot"},
              " [END]");
  }

  /// False: the site has none.
  static bool gate(Text& text, const StaticSite& site) {
    const registry::SiteState state = site.site.state;
    if (state != registry::SiteState::kDisabled && state != registry::SiteState::kMaintenance) return false;
    const bool maintenance = state == registry::SiteState::kMaintenance;
    if (!maintenance && !site.console.empty()) {
      text.line("    RewriteRule ^ ", Value{site.console + "/hosting/disabled/" + site.site.uri, "console_url"},
                " [R=302,L,QSD]");
      return true;
    }
    text.line("    ErrorDocument 503 ", Value{gate_page(state), "page"});
    if (maintenance) text.line("    Header always set Retry-After 300 \"expr=%{REQUEST_STATUS} == 503\"");
    text.line("    RewriteRule ^ - [R=503,L]");
    return true;
  }

  // `to` ends before the path.
  static void redirect_rules(Text& text, const std::string& to, const std::string& field, Literal condition) {
    for (const bool with_path : {true, false}) {
      if (!condition.view().empty()) text.line(condition);
      text.line(with_path ? kSentTarget : kSentWithoutPath);
      text.line("    RewriteRule ^ ", Value{to + (with_path ? "%1" : "/%1"), field}, " [R=301,L,NE,UnsafeAllow3F]");
    }
  }

  // To a bare host with the port of the request; a change to https goes to the https port.
  void redirect(Text& text, const StaticSite& site, const std::string& target) const {
    const std::string field = "site " + site.site.uri + ": redirect_to";
    if (target.find("://") != std::string::npos) return redirect_rules(text, target, field, "");
    text.line("    RewriteCond %{HTTP_HOST} \":0*([1-9][0-9]*)$\"");
    text.line("    RewriteRule ^ - [E=static_port::%1]");
    redirect_rules(text, "https://" + target + "%{ENV:static_port}", field, "    RewriteCond %{ENV:static_https} =on");
    if (site.site.https == registry::Https::kRequired) {
      redirect_rules(text, "https://" + target + https_port(), field, "");
    } else {
      redirect_rules(text, "http://" + target + "%{ENV:static_port}", field, "");
    }
  }

  /// Where all of the server's addresses are on one port, PHP is told that, whatever port the client named.
  [[nodiscard]] std::optional<std::uint16_t> only_port() const {
    if (config_.apache_listen.empty()) return web_.http_port;
    const std::uint16_t first = config_.apache_listen.front().port;
    const bool all = std::ranges::all_of(config_.apache_listen, [&](const Listen& each) { return each.port == first; });
    return all ? std::optional(first) : std::nullopt;
  }

  [[nodiscard]] std::string https_port() const {
    return web_.https_port == 443 ? std::string() : ":" + std::to_string(web_.https_port);
  }

  void served(Text& text, const StaticSite& site) const {
    const std::string field = "site " + site.site.uri;
    const std::string& docroot = site.platform.docroot;
    const std::string own = as_pattern(site.site.uri);
    const std::string files = "/sites/" + site.site.uri + "/files/";
    if (site.site.https == registry::Https::kRequired) {
      redirect_rules(text, "https://%{SERVER_NAME}" + https_port(), field, "    RewriteCond %{ENV:static_https} !=on");
    }
    text.line("    RewriteRule ^/files/(.*)$ ", Value{files + "$1", field});
    text.line("    RewriteRule ^/sites(?:/[^/]*/?)?$ - [R=404,L]");
    if (!site.site.former_uris.empty()) {
      const std::string former = "^/sites/(?:" + as_patterns(site.site.former_uris) + ")/files/";
      text.line("    RedirectRelative On");
      const std::vector<std::string> from_and_to = {former + "(.*)$", files + "$1"};
      text.line("    RedirectMatch 301 ", Values{from_and_to, field + ": former_uris"});
      text.line("    RewriteRule ", Value{former, field + ": former_uris"}, " - [L]");
    }
    text.line("    RewriteRule ", Value{"^/sites/(?!(?:" + own + "|all)/)", field}, " - [R=404,L]");
    text.line(kClosed);
    text.line("    RewriteCond ", Value{docroot + "$0", "docroot"}, " -d");
    text.line("    RewriteRule ^/sites/[^/]+/files/(?:.*/)?$ - [F,L]");
    text.line("    # Files have no methods but these.");
    text.line("    RewriteCond %{REQUEST_METHOD} !^(?:GET|HEAD)$");
    text.line("    RewriteCond ", Value{docroot + "$0", "docroot"}, " -f");
    text.line("    RewriteRule ^(?!.*\\.php(?:/|$)).* - [R=405,L]");
    text.line("    RewriteCond %{REQUEST_METHOD} !^(?:GET|HEAD|POST)$");
    text.line("    RewriteCond ", Value{docroot + "$0", "docroot"}, " -d");
    text.line("    RewriteRule ^.*[^/]$ - [R=405,L]");
    for (const char* robots : {"%{SERVER_NAME}.robots.txt", "robots.txt"}) {
      text.line("    RewriteCond ", Value{docroot + files + robots, field}, " -f");
      text.line("    RewriteRule ^/robots\\.txt$ ", Value{files + robots, field}, " [PT,L]");
    }
    text.line("    RewriteRule ^/sites/[^/]+/files/.* $0 [PT]");
    const std::uint32_t limit = site.site.body_limit != 0 ? site.site.body_limit : site.platform.body_limit;
    text.line("    LimitRequestBody ", std::uint64_t{limit} << 20U);
    if (site.site.http_auth) authentication(text, site, field);
    text.line("    IncludeOptional ", Value{path(own_site_local(site.site.uri)), "config_dir"});
    if (site.socket.empty()) {
      text.line("    RewriteRule \\.php(?:/|$) - [R=500,L]");
    } else {
      text.line("    Include ", Value{path("vhost.d/" + site.site.uri + "@php"), "config_dir"});
    }
  }

  void authentication(Text& text, const StaticSite& site, const std::string& field) const {
    text.line("    <Location />");
    text.line("        AuthType Basic");
    text.line("        AuthName ", Value{site.site.http_auth->realm, field + ": realm"});
    text.line("        AuthUserFile ", Value{path("vhost.d/" + site.site.uri + "@users"), "config_dir"});
    text.line("        Require valid-user");
    text.line("        RequestHeader unset Authorization");
    text.line("        Header always set X-Robots-Tag noindex");
    text.line("    </Location>");
    text.line("    <Location /.well-known/acme-challenge/>");
    text.line("        Require all granted");
    text.line("    </Location>");
  }

  const Config& config_;
  const registry::Server& server_;
  std::string directory_;
  const registry::WebService& web_;
  const std::vector<Certificate>& certificates_;
};

/// Takes the wildcards out of `names`: each has a file of its own.
std::vector<std::pair<std::string, SortedNames>> split_wildcards(SortedNames& names) {
  std::vector<std::pair<std::string, SortedNames>> wildcards;
  const auto split = [&](std::vector<std::string>& hosts, const std::string* target) {
    for (const std::string& host : hosts) {
      if (!host.starts_with("*.")) continue;
      SortedNames one;
      (target == nullptr ? one.served : one.redirected[*target]).push_back(host);
      wildcards.emplace_back(host.substr(2), std::move(one));
    }
    std::erase_if(hosts, [](const std::string& host) { return host.starts_with("*."); });
  };
  split(names.served, nullptr);
  for (auto& [target, hosts] : names.redirected) split(hosts, &target);
  std::erase_if(names.redirected, [](const auto& each) { return each.second.empty(); });
  return wildcards;
}

}  // namespace

Result<std::vector<File>> static_apache(const Config& config, const registry::Server& server,
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
  std::set<std::string> platforms;
  std::vector<std::string> wildcards;
  for (const StaticSite& site : sites) {
    const std::string& uri = site.site.uri;
    if (Result<void> ok = check_site_names(site); !ok) return pass(ok);
    if (platforms.insert(site.platform.name).second) {
      Surroundings around;
      if (site.htaccess != nullptr) {
        around.accepted.insert(site.platform.name);
        add("platform.d/" + site.platform.name + ".htaccess", 0640, *site.htaccess);
      }
      add("platform.d/" + site.platform.name + ".conf", 0640, apache_platform(config, site.platform, around));
    }
    SortedNames names = sort_names(site);
    for (const auto& [suffix, one] : split_wildcards(names)) {
      wildcards.push_back(uri + "@" + suffix);
      add("vhost.d/" + wildcards.back(), 0640, emitter.virtual_hosts(site, one));
    }
    add("vhost.d/" + uri, 0640, emitter.virtual_hosts(site, names));
    if (!site.socket.empty()) add("vhost.d/" + uri + "@php", 0600, emitter.php(site));
    if (site.site.http_auth) add("vhost.d/" + uri + "@users", 0640, password_line(site.site));
  }
  // The longest first: labels are what counts, and of two that fit one name the longer text has more.
  std::ranges::stable_sort(wildcards, std::ranges::greater(),
                           [](const std::string& name) { return name.size() - name.find('@'); });
  add("static.conf", 0640, emitter.shared(sites, platforms, wildcards));
  if (error) return std::unexpected(*std::move(error));
  return files;
}

}  // namespace aegir::emit
