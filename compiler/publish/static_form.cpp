#include "compiler/publish/static_form.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include "compiler/emit/static.hpp"
#include "compiler/emit/static_parts.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/publish/compile.hpp"

namespace aegir::publish {
namespace {

/// One state of a registry.
struct Whole {
  registry::Settings settings;
  std::vector<registry::Server> servers;
  std::vector<registry::Platform> platforms;
  std::vector<registry::Block> blocks;
  std::vector<registry::Site> sites;
};

Result<Whole> read(registry::Store& store) {
  Whole whole;
  Result<registry::Settings> settings = store.settings();
  if (!settings) return pass(settings);
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  Result<std::vector<registry::Block>> blocks = store.blocks();
  if (!blocks) return pass(blocks);
  Result<void> sites = store.each_site([&](const registry::Site& site) -> Result<void> {
    if (site.state != registry::SiteState::kInstalling) whole.sites.push_back(site);
    return {};
  });
  if (!sites) return pass(sites);
  whole.settings = *std::move(settings);
  whole.servers = *std::move(servers);
  whole.platforms = *std::move(platforms);
  whole.blocks = *std::move(blocks);
  return whole;
}

/// What Apache has accepted on this machine, by the names of platforms.
Result<std::map<std::string, std::string>> read_htaccess(const Config& config, const Whole& whole) {
  std::map<std::string, std::string> accepted;
  for (const registry::Platform& platform : whole.platforms) {
    Result<std::string> text = machine::read_config(config, emit::accepted_htaccess_path(config, platform));
    if (text) {
      accepted.emplace(platform.name, *std::move(text));
    } else if (text.error().code != Code::kNotFound && text.error().code != Code::kPermission) {
      return pass(text);
    }
  }
  return accepted;
}

emit::StaticSite static_site(const Config& config, const Whole& whole, const registry::Site& site,
                             const registry::Platform& platform) {
  emit::StaticSite one{site, platform, {}, {}, {}, whole.settings.console_url};
  one.names.push_back({site.uri, std::string(effective_target(site.uri, {}, site.redirect_to))});
  for (const registry::Alias& alias : site.aliases) {
    one.names.push_back({alias.host, std::string(effective_target(alias.host, alias.redirect_to, site.redirect_to))});
  }
  if (!site.block.empty()) one.socket = slot_socket(config, site.block, site.slot);
  const auto server = std::ranges::find(whole.servers, site.database.server, &registry::Server::name);
  if (site.cloaking && server != whole.servers.end() && server->database) {
    one.credentials = {server->database->type, site.database.name,     site.database.user,
                       site.database.password, server->database->host, std::to_string(server->database->port)};
  }
  return one;
}

}  // namespace

Result<std::vector<emit::File>> static_form(registry::Store& store, const Config& config,
                                            const std::vector<emit::Certificate>& certificates) {
  Result<Whole> whole = read(store);
  if (!whole) return pass(whole);
  const Result<std::map<std::string, std::string>> accepted = read_htaccess(config, *whole);
  if (!accepted) return std::unexpected(accepted.error());
  std::vector<emit::File> files;
  for (const registry::Server& server : whole->servers) {
    for (const registry::WebService& web : server.web) {
      std::vector<emit::StaticSite> sites;
      for (const registry::Site& site : whole->sites) {
        const auto platform = std::ranges::find(whole->platforms, site.platform, &registry::Platform::name);
        if (platform == whole->platforms.end() || platform->server != server.name) continue;
        if ((platform->services & web.kind) == 0) continue;
        sites.push_back(static_site(config, *whole, site, *platform));
        if (const auto htaccess = accepted->find(platform->name); htaccess != accepted->end()) {
          sites.back().htaccess = &htaccess->second;
        }
      }
      const auto emitter = web.kind == registry::kNginx ? emit::static_nginx : emit::static_apache;
      Result<std::vector<emit::File>> more = emitter(config, server, web, sites, certificates);
      if (!more) return pass(more);
      std::ranges::move(*more, std::back_inserter(files));
    }
    if (!server.web.empty()) {
      std::ranges::move(emit::certificate_files(config, server, certificates), std::back_inserter(files));
    }
  }
  for (const registry::Block& block : whole->blocks) {
    Result<std::string> text = emit::fpm_block(config, block);
    if (!text) return pass(text);
    files.push_back({emit::fpm_block_path(config, block), 0640, *std::move(text)});
  }
  std::ranges::sort(files, {}, &emit::File::path);
  return files;
}

}  // namespace aegir::publish
