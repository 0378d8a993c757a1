// Drush's aliases: Aegir's contexts in Aegir's own form for Drush 8, and files of YAML for Drush 9 and later.
#include "compiler/core/host_name.hpp"
#include "compiler/emit/php_text.hpp"

namespace aegir::emit {
namespace {

constexpr std::string_view kMark = "# Written by aegirc from the registry. Changes are lost.\n";

std::string alias(const std::string& name, php::Array properties) {
  return "<?php\n" + std::string(kMark) + "$aliases[" + php(name) + "] = " + php(php::Value{std::move(properties)}) +
         ";\n";
}

std::string server_name(std::string_view server) { return "@server_" + std::string(server); }

php::Value text(std::string value) { return {std::move(value)}; }

}  // namespace

std::string alias_file(std::string_view context) { return std::string(context) + ".alias.drushrc.php"; }

std::string server_alias(const Config& config, const registry::Server& server) {
  php::Array properties = {
      {"context_type", text("server")},
      {"remote_host", text(server.host)},
      {"aegir_root", text(config.aegir_root)},
      {"script_user", text(config.aegir_user)},
      {"backup_path", text(config.aegir_root + "/backups")},
      {"config_path", text(server_config_dir(config, server.name))},
      {"include_path", text(config.config_dir + "/includes")},
      {"clients_path", text(config.aegir_root + "/clients")},
  };
  // Aegir 3's servers have one web service; the first stands for it.
  if (!server.web.empty()) {
    const registry::WebService& web = server.web.front();
    properties.push_back({"http_service_type", text(web.kind == registry::kNginx ? "nginx" : "apache")});
    properties.push_back({"http_port", {std::int64_t{web.http_port}}});
    properties.push_back({"web_group", text(config.web_group)});
  }
  if (server.database) {
    properties.push_back({"db_service_type", text(server.database->type)});
    properties.push_back({"db_port", {std::int64_t{server.database->port}}});
  }
  return alias("server_" + server.name, std::move(properties));
}

std::string platform_alias(const registry::Platform& platform) {
  return alias("platform_" + platform.name, {
                                                {"context_type", text("platform")},
                                                {"server", text(server_name(platform.server))},
                                                {"web_server", text(server_name(platform.server))},
                                                {"root", text(platform.docroot)},
                                                {"make_working_copy", {false}},
                                            });
}

std::string site_alias(const SiteFacts& facts) {
  const registry::Site& site = facts.site;
  php::Array aliases;
  for (const registry::Alias& each : site.aliases) {
    aliases.push_back({php::Key(static_cast<std::int64_t>(aliases.size())), text(each.host)});
  }
  const std::string& db_server = site.database.server.empty() ? facts.platform.server : site.database.server;
  return alias(site.uri, {
                             {"context_type", text("site")},
                             {"platform", text("@platform_" + facts.platform.name)},
                             {"server", text(server_name(facts.platform.server))},
                             {"db_server", text(server_name(db_server))},
                             {"uri", text(site.uri)},
                             {"root", text(facts.platform.docroot)},
                             {"site_path", text(site_path(facts))},
                             {"site_enabled", {site.state == registry::SiteState::kEnabled}},
                             {"language", text(site.language)},
                             {"client_name", text(site.client)},
                             {"aliases", {std::move(aliases)}},
                             {"redirection", site.redirect_to.empty() ? php::Value{false} : text(site.redirect_to)},
                             {"cron_key", text(site.cron_key)},
                             {"profile", text(site.profile)},
                         });
}

std::string site_yml_file(std::string_view uri) { return dotless_host(uri) + ".site.yml"; }

Result<std::string> site_yml(const SiteFacts& facts) {
  const char* const scheme = facts.site.https == registry::Https::kRequired ? "https://" : "http://";
  Result<std::string> root = yaml(facts.platform.docroot);
  if (!root) return fail(Code::kInvalid, "platform " + facts.platform.name + ": docroot " + root.error().message);
  Result<std::string> uri = yaml(scheme + facts.site.uri);
  if (!uri) return fail(Code::kInvalid, "site's uri " + uri.error().message);
  return std::string(kMark) + "prod:\n  root: " + *root + "\n  uri: " + *uri + '\n';
}

Result<std::string> drush_yml(std::string_view alias_path) {
  Result<std::string> path = yaml(alias_path);
  if (!path) return fail(Code::kInvalid, "the folder of Drush's aliases " + path.error().message);
  return std::string(kMark) + "drush:\n  paths:\n    alias-path:\n      - " + *path + '\n';
}

}  // namespace aegir::emit
