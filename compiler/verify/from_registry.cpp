#include "compiler/verify/from_registry.hpp"

#include <utility>

#include "compiler/publish/https.hpp"

namespace aegir::verify {

Result<emit::Model> read_model(registry::Store& store, const PeoplesSites& peoples) {
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  Result<std::vector<registry::Block>> blocks = store.blocks();
  if (!blocks) return pass(blocks);
  emit::Model model{*std::move(servers), *std::move(platforms), *std::move(blocks)};
  Result<void> read = store.each_site([&](const registry::Site& site) -> Result<void> {
    if (site.body_limit != 0 || peoples.with_local.contains(site.uri)) {
      model.own_sites.push_back({site.uri, site.platform, site.body_limit});
    }
    if (peoples.certified.contains(site.uri)) {
      std::vector<std::string> names = {site.uri};
      for (const registry::Alias& alias : site.aliases) names.push_back(alias.host);
      model.certified_sites.push_back({site.uri, std::move(names)});
    }
    if (publish::is_by_https_alone(site)) model.https_sites.push_back({site.uri, site.platform});
    return {};
  });
  if (!read) return pass(read);
  return model;
}

Result<emit::Model> read_model(registry::Store& store, const Config& config) {
  const Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return std::unexpected(servers.error());
  std::vector<std::string> names;
  for (const registry::Server& server : *servers) names.push_back(server.name);
  const Result<PeoplesSites> peoples = peoples_sites(config, names);
  if (!peoples) return std::unexpected(peoples.error());
  return read_model(store, *peoples);
}

Result<PhpVersions> php_of(registry::Store& store, const registry::Platform& platform,
                           const std::vector<std::string>& uris) {
  Result<std::vector<registry::Block>> blocks = store.blocks();
  if (!blocks) return pass(blocks);
  std::set<std::string> names;
  for (const std::string& uri : uris) {
    Result<std::optional<registry::Site>> site = store.find_site(uri);
    if (!site) return pass(site);
    if (site->has_value() && !(*site)->block.empty()) names.insert((*site)->block);
  }
  PhpVersions versions;
  for (const registry::Block& block : *blocks) {
    if (names.empty() ? block.server == platform.server : names.contains(block.name))
      versions.insert(block.php_version);
  }
  return versions;
}

}  // namespace aegir::verify
