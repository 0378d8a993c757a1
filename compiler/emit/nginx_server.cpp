// nginx: one catch-all server, whose sites come from the site map and whose rules from the platforms' blocks.
#include <algorithm>

#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {
namespace {

std::vector<std::string> listen_addresses(const Config& config, const registry::WebService& web) {
  if (config.nginx_listen.empty())
    return {address_of({"", web.http_port}, ""), address_of({"", web.http_port}, "[::]")};
  std::vector<std::string> addresses;
  addresses.reserve(config.nginx_listen.size());
  for (const Listen& listen : config.nginx_listen) addresses.push_back(address_of(listen, ""));
  return addresses;
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
  const std::vector<std::string> addresses = listen_addresses(config, web);
  Text text(nginx);
  text.line(
      "# Written by aegirc from the registry. Changes are lost: what you add belongs into *.conf files in pre.d,");
  text.line("# vhost.d and post.d beside this file. A server of your own with a server_name wins over the catch-all.");
  if (!surroundings.nginx.empty()) text.line("aegir_configuration ", Value{surroundings.nginx, "configuration"}, ";");
  text.line("aegir_map ", Value{config.map_dir, "map_dir"}, ";");
  text.line("aegir_key ", Value{config.map_key, "map_key"}, ";");
  text.line("log_format aegir '$host:$server_port $remote_addr - $remote_user [$time_local] \"$request\" $status '");
  text.line("                 '$body_bytes_sent \"$http_referer\" \"$http_user_agent\" $aegir_site';");
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
  text.line("    aegir platforms;");
  text.line("    aegir_probe_peer ", Values{config.probe_peers, "probe_peers"}, ";");
  if (!config.trusted_proxies.empty()) {
    text.line("    aegir_trusted_proxy ", Values{config.trusted_proxies, "trusted_proxies"}, ";");
  }
  text.line("    aegir_https_port ", web.https_port, ";");
  text.line("    aegir_acme_root ", Value{config.acme_root, "acme_root"}, ";");
  text.line("    access_log ", Value{config.log_dir + "/nginx-access.log", "log_dir"}, " aegir;");
  text.line("}");
  text.line();
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
  include_people(text, "include ", directory + "post.d/", ";", surroundings);
  return std::move(text).take();
}

}  // namespace aegir::emit
