// Apache: one catch-all virtual host, whose sites come from the site map, and one for each site that differs from its
// platform.
#include <algorithm>

#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/emit/text.hpp"
#include "compiler/emit/tls.hpp"

namespace aegir::emit {
namespace {

/// What a virtual host needs that serves sites of the map.
void serve_sites(Text& text, const Config& config, const registry::WebService& web) {
  text.line("    AegirEngine On");
  text.line("    AegirProbePeer ", Values{config.probe_peers, "probe_peers"});
  if (!config.trusted_proxies.empty()) {
    text.line("    AegirTrustedProxy ", Values{config.trusted_proxies, "trusted_proxies"});
  }
  text.line("    AegirHttpsPort ", web.https_port);
  text.line("    AegirAcmeRoot ", Value{config.acme_root, "acme_root"});
  text.line("    UseCanonicalName Off");
  text.line("    # As nginx does it; Drupal has them in its paths.");
  text.line("    AllowEncodedSlashes On");
  text.line("    TraceEnable Off");
  text.line("    CustomLog ", Value{config.log_dir + "/apache-access.log", "log_dir"}, " aegir");
}

/// A virtual host for https. A wildcard is no ServerName.
void https_host(Text& text, const Config& config, const registry::Server& server, const registry::WebService& web,
                const Certificate& certificate, const std::vector<std::string>& hosts) {
  const std::string field = "certificate " + certificate.name;
  const bool first_is_name = !hosts.front().starts_with("*.");
  const std::vector<std::string> others(hosts.begin() + (first_is_name ? 1 : 0), hosts.end());
  text.line("<VirtualHost ", Values{apache_https_addresses(config, web), "apache_listen"}, ">");
  text.line("    ServerName ", Value{first_is_name ? hosts.front() : "wildcard.invalid", field});
  if (!others.empty()) text.line("    ServerAlias ", Values{others, field});
  apache_certificate(text, certificate_path(config, server.name, certificate));
  serve_sites(text, config, web);
  text.line("    LimitRequestBody ", std::uint64_t{registry::kDefaultBodyLimit} << 20U);
  text.line("</VirtualHost>");
}

}  // namespace

void apache_certificate(Text& text, const std::string& path) {
  text.line("    SSLEngine on");
  text.line("    # Chain and key are in it too.");
  text.line("    SSLCertificateFile ", Value{path, "config_dir"});
  text.line("    SSLProtocol -all +TLSv1.2 +TLSv1.3");
  text.line("    <IfModule http2_module>");
  text.line("        Protocols h2 http/1.1");
  text.line("    </IfModule>");
}

Result<std::string> apache_tls(const Config& config, const registry::Server& server, const registry::WebService& web,
                               const std::vector<Certificate>& certificates) {
  Text text(apache);
  text.line("# Written by aegirc. Changes are lost. Certificates come from the folders of config/ssl.d; which site");
  text.line("# answers to a name is the map's business. Apache takes the first one that fits, so wildcards come last.");
  std::vector<std::pair<std::string, const Certificate*>> wildcards;
  for (const Certificate& certificate : certificates) {
    std::vector<std::string> names;
    for (const std::string& host : certificate.hosts) {
      if (host.starts_with("*.")) {
        wildcards.emplace_back(host, &certificate);
      } else {
        names.push_back(host);
      }
    }
    if (!names.empty()) https_host(text, config, server, web, certificate, names);
  }
  std::ranges::stable_sort(wildcards, std::ranges::greater(), [](const auto& each) { return each.first.size(); });
  for (const auto& [host, certificate] : wildcards) https_host(text, config, server, web, *certificate, {host});
  return std::move(text).take();
}

Result<std::string> apache_module(const Config& config) {
  Text text(apache);
  text.line("# Written by aegirc. Changes are lost.");
  text.line("LoadModule aegir_module ", Value{config.apache_module, "apache_module"});
  return std::move(text).take();
}

Result<std::string> apache_server(const Config& config, const registry::Server& server, const registry::WebService& web,
                                  const std::vector<registry::Platform>& platforms, const Model& model) {
  const Surroundings& surroundings = model.surroundings;
  if (Result<void> ok = check_name(server.name, "a server's name"); !ok) return pass(ok);
  if (Result<void> ok = check_path(config.acme_root, "acme_root"); !ok) return pass(ok);
  const std::string directory = server_config_dir(config, server.name) + "/apache/";
  const std::vector<std::string> addresses = apache_addresses(config, web);
  Text text(apache);
  text.line(
      "# Written by aegirc from the registry. Changes are lost: what you add belongs into *.conf files in pre.d,");
  text.line(
      "# vhost.d and post.d beside this file. A virtual host of your own with a ServerName wins over the catch-all.");
  if (!surroundings.apache.empty()) text.line("AegirConfiguration ", Value{surroundings.apache, "configuration"});
  text.line("AegirMap ", Value{config.map_dir, "map_dir"});
  text.line("AegirKey ", Value{config.map_key, "map_key"});
  for (const Listen& listen : config.apache_listen)
    text.line("Listen ", Value{address_of(listen, ""), "apache_listen"});
  if (!surroundings.certificates.empty()) {
    for (const Listen& listen : https_listen(config.apache_listen, web.https_port)) {
      text.line("Listen ", Value{address_of(listen, ""), "apache_listen"}, " https");
    }
  }
  text.line(
      "LogFormat \"%V:%p %h %l %u %t \\\"%r\\\" %>s %O \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\" %{AEGIR_SITE}e\" "
      "aegir");
  text.line("# No request looks for an .htaccess on its way to a docroot either.");
  text.line("<Directory \"/\">");
  text.line("    AllowOverride None");
  text.line("</Directory>");
  include_people(text, "IncludeOptional ", directory + "pre.d/", "", surroundings);
  for (const registry::Platform& platform : platforms) {
    if (Result<void> ok = check_name(platform.name, "a platform's name"); !ok) return pass(ok);
    text.line("Include ", Value{directory + "platform.d/" + platform.name + ".conf", "config_dir"});
  }
  text.line();
  text.line("# Every host name that no other virtual host claims. Apache takes the first one of an address for it.");
  text.line("<VirtualHost ", Values{addresses, "apache_listen"}, ">");
  text.line("    # A name that nobody asks for: without it, it would have the main server's.");
  text.line("    ServerName catch-all.invalid");
  serve_sites(text, config, web);
  text.line("    LimitRequestBody ", std::uint64_t{registry::kDefaultBodyLimit} << 20U);
  text.line("</VirtualHost>");
  text.line();
  if (!surroundings.certificates.empty()) {
    text.line("# The same by https, for every name that no certificate of config/ssl.d is for.");
    https_host(text, config, server, web, surroundings.certificates.front(), {"catch-all.invalid"});
    text.line();
  }
  text.line("<VirtualHost ", Values{addresses, "apache_listen"}, ">");
  text.line("    ServerName ", Value{kStatusHost, "status"});
  text.line("    ServerAlias 127.0.0.1");
  text.line("    # Nothing else: not the default page of a package either.");
  text.line("    RedirectMatch 404 \"^/(?!aegir-status$)\"");
  text.line("    <Location /aegir-status>");
  text.line("        SetHandler aegir-status");
  text.line("        Require ip ", Values{config.probe_peers, "probe_peers"});
  text.line("    </Location>");
  text.line("</VirtualHost>");
  text.line();
  text.line("# Answers to ACME challenges: files and nothing else.");
  text.line("<Directory ", Value{config.acme_root + "/.well-known/acme-challenge", "acme_root"}, ">");
  text.line("    AllowOverride None");
  text.line("    Options None");
  text.line("    Require all granted");
  text.line("</Directory>");
  text.line();
  for (const OwnSite& site : model.own_sites) {
    if (std::ranges::find(platforms, site.platform, &registry::Platform::name) != platforms.end()) {
      text.line("Include ", Value{directory + own_site_file(site.uri), "config_dir"});
    }
  }
  include_peoples_hosts(text, "IncludeOptional ", directory + "vhost.d/", "", model);
  if (!surroundings.certificates.empty()) text.line("Include ", Value{directory + "tls.conf", "config_dir"});
  include_people(text, "IncludeOptional ", directory + "post.d/", "", surroundings);
  return std::move(text).take();
}

Result<std::string> apache_site(const Config& config, const registry::Server& server, const registry::WebService& web,
                                const OwnSite& site, const Surroundings& surroundings) {
  const std::string field = "site " + site.uri;
  const std::string local = server_config_dir(config, server.name) + "/apache/" + own_site_local(site.uri);
  const std::vector<std::string> addresses = apache_addresses(config, web);
  Text text(apache);
  text.line("# Written by aegirc from the registry. Changes are lost: what you add belongs into <uri>.local.conf.");
  text.line("<VirtualHost ", Values{addresses, "apache_listen"}, ">");
  text.line("    # Its aliases come by the catch-all: the module leads all that is the site's here, and nothing else.");
  text.line("    ServerName ", Value{site.uri, field});
  text.line("    AegirSite ", Value{site.uri, field});
  serve_sites(text, config, web);
  if (site.body_limit != 0) {
    text.line("    # In a section that comes after those of the platform.");
    text.line("    <Location \"/\">");
    text.line("        LimitRequestBody ", std::uint64_t{site.body_limit} << 20U);
    text.line("    </Location>");
  }
  if (is_left_out(surroundings, local)) {
    text.line("    # Left out, since the server refuses it: ", Value{local, "config_dir"});
  } else {
    text.line("    IncludeOptional ", Value{local, "config_dir"});
  }
  text.line("</VirtualHost>");
  return std::move(text).take();
}

}  // namespace aegir::emit
