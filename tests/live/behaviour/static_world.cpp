// The world's sites in their static form: what the emitters write for them, served by servers without our modules.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "compiler/emit/static.hpp"
#include "tests/live/behaviour/world.hpp"

namespace aegir::live {

namespace {

namespace fs = std::filesystem;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return *std::move(result);
}

registry::SiteState state_of(map::SiteState state) {
  if (state == map::SiteState::kDisabled) return registry::SiteState::kDisabled;
  return state == map::SiteState::kMaintenance ? registry::SiteState::kMaintenance : registry::SiteState::kEnabled;
}

registry::Https https_of(map::Https https) {
  if (https == map::Https::kRequired) return registry::Https::kRequired;
  return https == map::Https::kAllowed ? registry::Https::kAllowed : registry::Https::kNone;
}

/// The site as the registry has it.
registry::Site site_of(const map::SiteRecord& record) {
  registry::Site site;
  site.uri = record.host;
  site.platform = "p1";
  site.state = state_of(record.state);
  site.https = https_of(record.https);
  site.former_uris = record.former;
  site.php = {record.memory_limit, record.upload_max_filesize, record.post_max_size, record.max_execution_time};
  if (!record.auth.empty()) site.http_auth = {kUser, kPassword, "Staging"};
  return site;
}

/// What administrators have added, in both forms of the table.
constexpr const char* kNginxLocal = R"(location /error-document/ {
  error_page 404 /index.php;
}
)";
constexpr const char* kApacheOther = R"(<VirtualHost 127.0.0.1:@port@>
  ServerName static.test
  ServerAlias static.a.test
  Redirect gone /
</VirtualHost>
<Directory "@docroot@/error-document">
  FallbackResource disabled
  ErrorDocument 404 /index.php
</Directory>
)";
constexpr const char* kNginxOther = R"(server {
  listen 127.0.0.1:@port@;
  server_name static.test static.a.test;
  location / {
    return 410;
  }
}
)";

}  // namespace

void World::start_static(Kind kind) {
  auto front = std::make_unique<Front>();
  front->kind = kind;
  front->has_module = false;
  const std::string prefix = root_.path(std::string("static-") + to_string(kind));
  ConfigResult config = parse_config("prefix = " + prefix + "\nacme_root = " + root_.path("acme") +
                                         "\nlog_dir = " + prefix + "/log\ntrusted_proxies = " + kTrustedProxy +
                                         "\napache_listen = 127.0.0.1:" + front->port.text() +
                                         "\nnginx_listen = 127.0.0.1:" + front->port.text() + "\n",
                                     "static");
  if (!config) throw std::runtime_error(describe(config.error().front()));

  registry::Server server;
  server.name = "local";
  registry::WebService web;
  web.kind = kind == Kind::kNginx ? registry::kNginx : registry::kApache;
  web.https_port = kHttpsPort;
  registry::Platform platform;
  platform.name = "p1";
  platform.server = "local";
  platform.docroot = docroot();
  platform.cms = registry::Cms::kOther;
  std::vector<registry::Site> sites;
  for (const map::SiteRecord& record : content_.sites) {
    if (record.key == record.host && (record.services & web.kind) != 0) sites.push_back(site_of(record));
  }
  std::vector<emit::StaticSite> all;
  for (const registry::Site& site : sites) {
    const map::SiteRecord& record = *std::ranges::find(content_.sites, site.uri, &map::SiteRecord::key);
    std::vector<emit::StaticName> names = {{site.uri, record.target}};
    for (const map::AliasRecord& alias : record.aliases) {
      const std::string wildcard = alias.key.starts_with('.') ? "*" : "";
      names.push_back({wildcard + alias.key, alias.target});
    }
    const map::Credentials& plain = credentials_[site.uri];
    all.push_back({site,
                   platform,
                   names,
                   {plain.type, plain.name, plain.user, plain.password, plain.host, plain.port},
                   record.socket,
                   content_.console});
  }
  const std::vector<emit::File> files = must(kind == Kind::kNginx ? emit::static_nginx(*config, server, web, all)
                                                                  : emit::static_apache(*config, server, web, all));
  for (const emit::File& file : files) {
    put(file.path, file.content);
    // As an installation would: the passwords of visitors are the web server's to read.
    const mode_t mode = file.path.ends_with("@users") ? 0644 : file.mode;
    if (chmod(file.path.c_str(), mode) != 0) throw std::runtime_error(file.path);
  }
  fs::create_directories(config->log_dir);
  const std::string folder = server_config_dir(*config, "local") + (kind == Kind::kNginx ? "/nginx/" : "/apache/");
  if (kind == Kind::kNginx) {
    put(folder + "platform.d/p1.local.conf", kNginxLocal);
    put(folder + "vhost.d/other.conf", filled(kNginxOther, *front));
    auto nginx = std::make_unique<NginxServer>();
    nginx->start(nginx->frame({.http = "log_not_found off;\ninclude " + folder + "static.conf;", .module = false}),
                 {front->port.endpoint()});
    front->server = std::move(nginx);
  } else {
    auto apache = std::make_unique<ApacheServer>();
    put(folder + "vhost.d/other.conf", filled(kApacheOther, *front));
    apache->start(apache->frame({.main = "Include " + folder + "static.conf\n",
                                 .module = false,
                                 .modules = {"authn_core", "authn_file", "authz_user", "authz_host", "auth_basic"}}),
                  {front->port.endpoint()});
    front->server = std::move(apache);
  }
  static_fronts_.push_back(std::move(front));
}

}  // namespace aegir::live
