// nginx: the server block of a platform, that of one site which differs from it, and what its PHP locations include.
#include "compiler/emit/emit.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/nginx_rules.hpp"
#include "compiler/emit/parts.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/emit/text.hpp"

namespace aegir::emit {
namespace {

// What PHP gets to know of its site, from the module. HTTP_HOST is the host that was accepted, never the raw header,
// with the port that the client named, since Drupal builds links from it. HTTP_X_AEGIR_PROBE: the token of a probe.
constexpr Literal kSite = R"(fastcgi_pass aegir_fpm;
fastcgi_param SERVER_NAME $aegir_host;
fastcgi_param REQUEST_URI $request_uri;
fastcgi_param HTTPS $aegir_https if_not_empty;
fastcgi_param HTTP_HOST $aegir_http_host;
fastcgi_param AEGIR_SITE $aegir_site;
fastcgi_param AEGIR_SITE_DIR $aegir_site_dir;
fastcgi_param AEGIR_HOST $aegir_host;
fastcgi_param AEGIR_PROBE $aegir_probe if_not_empty;
fastcgi_param PHP_ADMIN_VALUE $aegir_php_admin_value;
fastcgi_param db_type $aegir_db_type if_not_empty;
fastcgi_param db_name $aegir_db_name if_not_empty;
fastcgi_param db_user $aegir_db_user if_not_empty;
fastcgi_param db_passwd $aegir_db_passwd if_not_empty;
fastcgi_param db_host $aegir_db_host if_not_empty;
fastcgi_param db_port $aegir_db_port if_not_empty;)";

/// The block of a platform, or of one site on it.
Result<std::string> block(const Config& config, const registry::Platform& platform, const OwnSite* site,
                          const Surroundings& surroundings) {
  if (Result<void> ok = check_name(platform.name, "a platform's name"); !ok) return pass(ok);
  const std::string field = "platform " + platform.name + ": docroot";
  if (Result<void> ok = check_path(platform.docroot, field); !ok) return pass(ok);
  const std::string folder = server_config_dir(config, platform.server) + "/nginx/";
  std::string local = nginx_local_pattern(config, platform);
  if (is_left_out(surroundings, folder + "platform.d/" + platform.name + ".local.conf")) local.clear();
  const std::string php = nginx_php_path(config, platform.server);
  registry::Platform rules = platform;
  Text text(nginx);
  if (site == nullptr) {
    text.line(
        "# Written by aegirc from the registry. Changes are lost: what you add belongs into <platform>.local.conf.");
    text.line("# No listener leads here: requests come from the catch-all server, once the module knows their site.");
    text.line("server {");
    text.line("    aegir_platform ", platform.id, ";");
  } else {
    if (site->body_limit != 0) rules.body_limit = site->body_limit;
    const std::string own = folder + own_site_local(site->uri);
    const std::vector<std::string> whose = {std::to_string(platform.id), site->uri};
    text.line("# Written by aegirc from the registry. Changes are lost: what you add belongs into <uri>.local.conf.");
    text.line("# No listener leads here: requests come from the catch-all server, once the module knows their site.");
    text.line("server {");
    text.line("    aegir_platform ", Values{whose, "site"}, ";");
    if (is_left_out(surroundings, own)) {
      text.line("    # Left out, since the server refuses it: ", Value{own, "config_dir"});
    } else {
      text.line("    include ", Value{may_be_missing(own), "config_dir"}, ";");
    }
  }
  nginx_rules(text, config, rules,
              {{platform.docroot, field},
               {php, "config_dir"},
               {local, "config_dir"},
               "/sites/$aegir_site_dir/files/$aegir_host.robots.txt /sites/$aegir_site_dir/files/robots.txt"});
  text.line("}");
  return std::move(text).take();
}

}  // namespace

std::string nginx_php_path(const Config& config, std::string_view server) {
  return server_config_dir(config, server) + "/nginx/php.conf";
}

Result<std::string> nginx_php() {
  Text text(nginx);
  text.line(
      "# Written by aegirc. Changes are lost. What a location includes whose scripts PHP runs: those of platforms,");
  text.line("# and yours in <platform>.local.conf.");
  text.line(kNginxPhp);
  text.line(kSite);
  return std::move(text).take();
}

Result<std::string> nginx_platform(const Config& config, const registry::Platform& platform,
                                   const Surroundings& surroundings) {
  return block(config, platform, nullptr, surroundings);
}

Result<std::string> nginx_site(const Config& config, const registry::Platform& platform, const OwnSite& site,
                               const Surroundings& surroundings) {
  return block(config, platform, &site, surroundings);
}

}  // namespace aegir::emit
