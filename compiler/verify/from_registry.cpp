#include "compiler/verify/from_registry.hpp"

#include <utility>

#include "compiler/publish/https.hpp"
#include "compiler/registry/packages.hpp"

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

Result<PlatformFacts> facts_of(registry::Store& store, const registry::Platform& platform) {
  PlatformFacts facts;
  facts.platform = platform;
  Result<std::vector<std::string>> uris = store.uris_on(platform.id);
  if (!uris) return pass(uris);
  facts.uris = *std::move(uris);
  Result<registry::Codebase> codebase = store.codebase(platform.id);
  if (!codebase) return pass(codebase);
  facts.codebase = *std::move(codebase);
  Result<PhpVersions> versions = php_of(store, platform, facts.uris);
  if (!versions) return pass(versions);
  facts.versions = *std::move(versions);
  return facts;
}

Result<void> add_packages(registry::Store& store, emit::SiteFacts& facts,
                          const std::function<Result<const registry::Codebase*>()>& codebase) {
  const Result<std::vector<registry::Package>> own = store.own_packages(facts.site.id);
  if (!own) return std::unexpected<Error>(own.error());
  if (own->empty()) return {};
  const Result<const registry::Codebase*> brought = codebase();
  if (!brought) return std::unexpected<Error>(brought.error());
  facts.core_version = (*brought)->version;
  facts.packages = registry::packages_of(*own, (*brought)->packages, facts.site.profile);
  return {};
}

}  // namespace aegir::verify
