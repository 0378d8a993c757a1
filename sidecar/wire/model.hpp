// The registry's objects as bytes, for orders. Whoever reads them believes nothing: a number that no enumeration has is
// refused here, everything else by who works with it.
#pragma once

#include <tuple>

#include "compiler/core/codec.hpp"
#include "compiler/emit/drupal.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::wire {
template <>
inline constexpr std::uint64_t kLast<registry::Service> = registry::kNginx;
template <>
inline constexpr std::uint64_t kLast<registry::PlatformState> =
    static_cast<std::uint64_t>(registry::PlatformState::kDeleted);
template <>
inline constexpr std::uint64_t kLast<registry::Cms> = static_cast<std::uint64_t>(registry::Cms::kBackdrop);
template <>
inline constexpr std::uint64_t kLast<registry::Isolation> = static_cast<std::uint64_t>(registry::Isolation::kShared);
template <>
inline constexpr std::uint64_t kLast<registry::SiteState> = static_cast<std::uint64_t>(registry::SiteState::kDeleted);
template <>
inline constexpr std::uint64_t kLast<registry::Https> = static_cast<std::uint64_t>(registry::Https::kRequired);
template <>
inline constexpr std::uint64_t kLast<registry::PackageKind> =
    static_cast<std::uint64_t>(registry::PackageKind::kLibrary);
template <>
inline constexpr std::uint64_t kLast<registry::PackagePlace> =
    static_cast<std::uint64_t>(registry::PackagePlace::kSite);
}  // namespace aegir::wire

namespace aegir::registry {

constexpr auto fields(wire::Of<WebService> auto& value) {
  return std::tie(value.kind, value.http_port, value.https_port, value.probe_address);
}
constexpr auto fields(wire::Of<DatabaseService> auto& value) { return std::tie(value.type, value.host, value.port); }
constexpr auto fields(wire::Of<Server> auto& value) {
  return std::tie(value.name, value.host, value.web, value.database);
}
constexpr auto fields(wire::Of<Platform> auto& value) {
  return std::tie(value.id, value.name, value.server, value.docroot, value.services, value.cms, value.state,
                  value.block, value.body_limit, value.drush);
}
constexpr auto fields(wire::Of<Package> auto& value) {
  return std::tie(value.kind, value.name, value.title, value.version, value.schema, value.enabled, value.path,
                  value.place, value.hidden);
}
constexpr auto fields(wire::Of<Profile> auto& value) {
  return std::tie(value.name, value.title, value.description, value.version, value.path, value.hidden, value.languages);
}
constexpr auto fields(wire::Of<Codebase> auto& value) {
  return std::tie(value.version, value.profiles, value.packages);
}
constexpr auto fields(wire::Of<Block> auto& value) {
  return std::tie(value.name, value.server, value.php_version, value.client, value.first_uid, value.slots,
                  value.max_children, value.isolation);
}
constexpr auto fields(wire::Of<PhpLimits> auto& value) {
  return std::tie(value.memory_limit, value.upload_max_filesize, value.post_max_size, value.max_execution_time);
}
constexpr auto fields(wire::Of<Database> auto& value) {
  return std::tie(value.server, value.name, value.user, value.password);
}
constexpr auto fields(wire::Of<Alias> auto& value) { return std::tie(value.host, value.redirect_to); }
constexpr auto fields(wire::Of<HttpAuth> auto& value) { return std::tie(value.user, value.password, value.realm); }
constexpr auto fields(wire::Of<Site> auto& value) {
  return std::tie(value.id, value.uri, value.platform, value.client, value.state, value.profile, value.language,
                  value.https, value.cloaking, value.redirect_to, value.aliases, value.former_uris, value.http_auth,
                  value.cron_key, value.hash_salt, value.key_pages, value.php, value.body_limit, value.database,
                  value.block, value.slot);
}

}  // namespace aegir::registry

namespace aegir::emit {

constexpr auto fields(wire::Of<SiteFacts> auto& value) {
  return std::tie(value.site, value.platform, value.database, value.core_version, value.packages);
}
constexpr auto fields(wire::Of<OwnSite> auto& value) { return std::tie(value.uri, value.platform, value.body_limit); }
constexpr auto fields(wire::Of<CertifiedSite> auto& value) { return std::tie(value.uri, value.names); }
constexpr auto fields(wire::Of<HttpsSite> auto& value) { return std::tie(value.uri, value.platform); }
/// Without the surroundings, which root looks up itself.
constexpr auto fields(wire::Of<Model> auto& value) {
  return std::tie(value.servers, value.platforms, value.blocks, value.own_sites, value.certified_sites,
                  value.https_sites);
}

}  // namespace aegir::emit
