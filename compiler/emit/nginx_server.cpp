// nginx: one catch-all server, whose sites come from the site map and whose rules from the platforms' blocks.
#include <algorithm>

#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/emit/text.hpp"
#include "compiler/emit/tls.hpp"

namespace aegir::emit {
namespace {

/// What a server needs that serves sites of the map.
void serve_sites(Text& text, const Config& config, const registry::WebService& web) {
  text.line("    aegir platforms;");
  text.line("    aegir_probe_peer ", Values{config.probe_peers, "probe_peers"}, ";");
  if (!config.trusted_proxies.empty()) {
    text.line("    aegir_trusted_proxy ", Values{config.trusted_proxies, "trusted_proxies"}, ";");
  }
  text.line("    aegir_https_port ", web.https_port, ";");
  text.line("    aegir_acme_root ", Value{config.acme_root, "acme_root"}, ";");
  text.line("    access_log ", Value{config.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
}

/// Longer than what nginx's table of names takes if nobody says more (two pointers go off its 64 bytes).
bool has_long_names(const std::vector<Certificate>& certificates) {
  constexpr std::size_t kLongest = 46;
  return std::ranges::any_of(certificates, [](const Certificate& certificate) {
    return std::ranges::any_of(certificate.hosts, [](const std::string& host) { return host.size() > kLongest; });
  });
}

/// The first server of an address decides for all of them whether there is HTTP/2.
void serve_https(Text& text, const Config& config, const registry::Server& server, const registry::WebService& web,
                 const Certificate& certificate, Literal listen_end) {
  for (const std::string& address : nginx_https_addresses(config, web)) {
    text.line("    listen ", Value{address, "nginx_listen"}, listen_end);
  }
  nginx_certificate(text, certificate_path(config, server.name, certificate));
}

}  // namespace

Result<std::string> nginx_module(const Config& config) {
  Text text(nginx);
  text.line("# Written by aegirc. Changes are lost.");
  text.line("load_module ", Value{config.nginx_module, "nginx_module"}, ";");
  return std::move(text).take();
}

Result<std::string> nginx_server(const Config& config, const registry::Server& server, const registry::WebService& web,
                                 const std::vector<registry::Platform>& platforms, const Model& model) {
  const Surroundings& surroundings = model.surroundings;
  if (Result<void> ok = check_name(server.name, "a server's name"); !ok) return pass(ok);
  const std::string directory = server_config_dir(config, server.name) + "/nginx/";
  const std::vector<std::string> addresses = nginx_addresses(config, web);
  Text text(nginx);
  text.line(
      "# Written by aegirc from the registry. Changes are lost: what you add belongs into *.conf files in pre.d,");
  text.line("# vhost.d and post.d beside this file. A server of your own with a server_name wins over the catch-all.");
  if (!surroundings.nginx.empty()) text.line("aegir_configuration ", Value{surroundings.nginx, "configuration"}, ";");
  text.line("aegir_map ", Value{config.map_dir, "map_dir"}, ";");
  text.line("aegir_key ", Value{config.map_key, "map_key"}, ";");
  text.line("log_format aegir '$host:$server_port $remote_addr - $remote_user [$time_local] \"$request\" $status '");
  text.line("                 '$body_bytes_sent \"$http_referer\" \"$http_user_agent\" $aegir_site';");
  if (has_long_names(surroundings.certificates)) text.line("server_names_hash_bucket_size 512;");
  include_people(text, "include ", directory + "pre.d/", ";", surroundings);
  for (const registry::Platform& platform : platforms) {
    if (Result<void> ok = check_name(platform.name, "a platform's name"); !ok) return pass(ok);
    text.line("include ", Value{directory + "platform.d/" + platform.name + ".conf", "config_dir"}, ";");
  }
  for (const OwnSite& site : model.own_sites) {
    if (std::ranges::find(platforms, site.platform, &registry::Platform::name) != platforms.end()) {
      text.line("include ", Value{directory + own_site_file(site.uri), "config_dir"}, ";");
    }
  }
  text.line();
  text.line("# Every host name that no other server claims.");
  text.line("server {");
  for (const std::string& address : addresses)
    text.line("    listen ", Value{address, "nginx_listen"}, " default_server;");
  text.line("    server_name _;");
  serve_sites(text, config, web);
  text.line("}");
  text.line();
  if (!surroundings.certificates.empty()) {
    text.line("# The same by https, for every name that no certificate of config/ssl.d is for.");
    text.line("server {");
    serve_https(text, config, server, web, surroundings.certificates.front(), " ssl http2 default_server;");
    text.line("    server_name _;");
    serve_sites(text, config, web);
    text.line("}");
    text.line();
  }
  text.line("server {");
  for (const std::string& address : addresses) text.line("    listen ", Value{address, "nginx_listen"}, ";");
  text.line("    server_name ", Value{kStatusHost, "status"}, " 127.0.0.1;");
  text.line("    location / {");
  text.line("        return 404;");
  text.line("    }");
  text.line("    location = /aegir-status {");
  for (const std::string& peer : config.probe_peers) text.line("        allow ", Value{peer, "probe_peers"}, ";");
  text.line("        deny all;");
  text.line("        aegir_status;");
  text.line("    }");
  text.line("}");
  text.line();
  include_peoples_hosts(text, "include ", directory + "vhost.d/", ";", model);
  if (!surroundings.certificates.empty()) text.line("include ", Value{directory + "tls.conf", "config_dir"}, ";");
  include_people(text, "include ", directory + "post.d/", ";", surroundings);
  return std::move(text).take();
}

void nginx_certificate(Text& text, const std::string& path) {
  text.line("    ssl_certificate ", Value{path, "config_dir"}, ";");
  text.line("    ssl_certificate_key ", Value{path, "config_dir"}, ";");
  text.line("    ssl_protocols TLSv1.2 TLSv1.3;");
  text.line("    ssl_session_cache shared:aegir_tls:10m;");
}

Result<std::string> nginx_tls(const Config& config, const registry::Server& server, const registry::WebService& web,
                              const std::vector<Certificate>& certificates) {
  Text text(nginx);
  text.line("# Written by aegirc. Changes are lost. Certificates come from the folders of config/ssl.d; which site");
  text.line("# answers to a name is the map's business.");
  for (const Certificate& certificate : certificates) {
    if (certificate.hosts.empty()) continue;
    text.line("server {");
    serve_https(text, config, server, web, certificate, " ssl;");
    text.line("    server_name ", Values{certificate.hosts, "certificate " + certificate.name}, ";");
    serve_sites(text, config, web);
    text.line("}");
  }
  return std::move(text).take();
}

}  // namespace aegir::emit
