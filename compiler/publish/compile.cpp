#include "compiler/publish/compile.hpp"

#include <algorithm>
#include <array>

#include "compiler/registry/validate.hpp"

namespace aegir::publish {
namespace {

map::SiteState state_of(const registry::Site& site) {
  switch (site.state) {
    case registry::SiteState::kDisabled:
      return map::SiteState::kDisabled;
    case registry::SiteState::kMaintenance:
      return map::SiteState::kMaintenance;
    case registry::SiteState::kEnabled:
    case registry::SiteState::kInstalling:  // only as a candidate, which a probe must reach
    case registry::SiteState::kDeleted:
      break;
  }
  return map::SiteState::kEnabled;
}

map::Https https_of(registry::Https https) {
  switch (https) {
    case registry::Https::kNone:
      return map::Https::kNone;
    case registry::Https::kRequired:
      return map::Https::kRequired;
    case registry::Https::kAllowed:
      break;
  }
  return map::Https::kAllowed;
}

map::Cms cms_of(registry::Cms cms) {
  switch (cms) {
    case registry::Cms::kDrupal7:
      return map::Cms::kDrupal7;
    case registry::Cms::kDrupal8:
      return map::Cms::kDrupal8;
    case registry::Cms::kBackdrop:
      return map::Cms::kBackdrop;
    case registry::Cms::kOther:
      break;
  }
  return map::Cms::kOther;
}

std::unexpected<Error> no_key(const registry::Site& site, const Config& config, std::string_view what) {
  return fail_at(
      config.map_key, Code::kNotFound,
      "there is no map key, and " + site.uri + " has " + std::string(what) + " to seal",
      "put it back from its backup; only when there is none `aegirc keygen map`, and then reload the web servers");
}

std::unexpected<Error> dangling(const registry::Site& site, std::string_view kind, const std::string& name) {
  return fail(Code::kCorrupt,
              "site " + site.uri + " names the " + std::string(kind) + " '" + name + "', which is not there",
              "the registry is damaged: restore it from its backup");
}

}  // namespace

std::string_view effective_target(std::string_view name, std::string_view own, std::string_view site_target) {
  const std::string_view target = own.empty() ? site_target : own;
  return registry::host_of_target(target) == name ? std::string_view() : target;
}

Result<Compiler> Compiler::load(registry::Store& store, const Config& config, const KeyRing& keys) {
  Compiler compiler(config, keys);
  Result<registry::Settings> settings = store.settings();
  if (!settings) return pass(settings);
  compiler.settings_ = *std::move(settings);
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  compiler.platforms_ = *std::move(platforms);
  for (const registry::Platform& platform : compiler.platforms_) compiler.platform_ids_[platform.name] = platform.id;
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  for (const registry::Server& server : *servers) {
    if (server.database) compiler.databases_[server.name] = *server.database;
  }
  return compiler;
}

map::PlatformRecord Compiler::platform(const registry::Platform& platform) {
  map::PlatformRecord row;
  row.id = platform.id;
  row.services = 0;
  if (platform.state == registry::PlatformState::kDeleted) return row;
  row.services = platform.services;
  row.cms = cms_of(platform.cms);
  row.name = platform.name;
  row.docroot = platform.docroot;
  return row;
}

std::vector<map::PlatformRecord> Compiler::platforms() const {
  std::vector<map::PlatformRecord> rows;
  for (const registry::Platform& row : platforms_) {
    if (row.state != registry::PlatformState::kDeleted) rows.push_back(platform(row));
  }
  return rows;
}

Result<std::optional<map::SiteRecord>> Compiler::site(const registry::Site& site) const {
  if (site.state == registry::SiteState::kInstalling || site.state == registry::SiteState::kDeleted)
    return std::nullopt;
  return record(site);
}

Result<ProbeRecord> Compiler::candidate(const registry::Candidate& candidate) const {
  const auto expiry = static_cast<std::uint64_t>(std::max<std::int64_t>(candidate.expiry, 0));
  if (!candidate.site) return map::PassRecord{candidate.token_key, candidate.host, expiry};
  Result<map::SiteRecord> site = record(*candidate.site);
  if (!site) return pass(site);
  site->key = candidate.token_key;
  site->expiry = expiry;
  site->aliases.clear();
  return *std::move(site);
}

Result<map::SiteRecord> Compiler::record(const registry::Site& site) const {
  const auto platform = platform_ids_.find(site.platform);
  if (platform == platform_ids_.end()) return dangling(site, "platform", site.platform);
  map::SiteRecord record;
  record.key = record.host = record.directory = site.uri;
  record.state = state_of(site);
  record.https = https_of(site.https);
  record.platform_id = platform->second;
  // A site has no services of its own: its platform's row decides, so that a change there is a change of one row.
  record.services = map::kServiceApache | map::kServiceNginx;
  record.memory_limit = site.php.memory_limit;
  record.upload_max_filesize = site.php.upload_max_filesize;
  record.post_max_size = site.php.post_max_size;
  record.max_execution_time = site.php.max_execution_time;
  if (!site.block.empty()) record.socket = slot_socket(config_, site.block, site.slot);
  record.target = effective_target(site.uri, {}, site.redirect_to);
  record.former = site.former_uris;
  record.key_id = keys_.current_id();
  Result<std::string> authentication = this->authentication(site);
  if (!authentication) return pass(authentication);
  record.auth = *std::move(authentication);
  Result<std::vector<unsigned char>> sealed = seal(site);
  if (!sealed) return pass(sealed);
  record.sealed = *std::move(sealed);
  record.aliases.reserve(site.aliases.size());
  for (const registry::Alias& alias : site.aliases) {
    record.aliases.push_back(
        {map::map_key(alias.host), std::string(effective_target(alias.host, alias.redirect_to, site.redirect_to))});
  }
  // The registry sorts "*.x", the map ".x".
  std::ranges::sort(record.aliases, {}, &map::AliasRecord::key);
  return record;
}

Result<std::vector<unsigned char>> Compiler::seal(const registry::Site& site) const {
  if (!site.cloaking || site.database.server.empty()) return std::vector<unsigned char>{};
  const auto database = databases_.find(site.database.server);
  if (database == databases_.end()) return dangling(site, "database server", site.database.server);
  if (keys_.empty()) return no_key(site, config_, "credentials");
  const registry::DatabaseService& service = database->second;
  return keys_.seal(site.uri, map::encode({service.type, site.database.name, site.database.user, site.database.password,
                                           service.host, std::to_string(service.port)}));
}

Result<std::string> Compiler::authentication(const registry::Site& site) const {
  if (!site.http_auth) return std::string();
  if (keys_.empty()) return no_key(site, config_, "HTTP authentication");
  const std::array<std::string_view, 2> parts = {site.http_auth->user, site.http_auth->password};
  Digest digest;
  if (!keys_.digest(keys_.current_id(), parts, digest)) {
    return fail(Code::kInternal, "the key ring does not hold its own current key");
  }
  std::string text(reinterpret_cast<const char*>(digest.data()), digest.size());
  return text += site.http_auth->realm;
}

}  // namespace aegir::publish
