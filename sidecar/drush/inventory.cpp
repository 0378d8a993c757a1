// The packages of an installed site.
#include <algorithm>
#include <tuple>

#include "sidecar/drush/answers.hpp"
#include "sidecar/drush/codebase.hpp"
#include "sidecar/drush/php.hpp"

namespace aegir::drush {
namespace {

using registry::Node;

constexpr std::size_t kMostPackages = 20000;

/// A path below the docroot, in which nothing leads elsewhere.
bool is_inside(std::string_view path) {
  const std::string parts = '/' + std::string(path) + '/';
  return !path.empty() && !parts.contains("//") && !parts.contains("/./") && !parts.contains("/../");
}

Result<PackageKind> read_kind(const Members& members) {
  const Result<std::string> type = members.text("type", 32);
  if (!type) return std::unexpected(type.error());
  if (*type == "module") return PackageKind::kModule;
  if (*type == "theme" || *type == "theme_engine") return PackageKind::kTheme;
  if (*type == "profile") return PackageKind::kProfile;
  return members.wrong("type", "is neither module nor theme nor profile");
}

Result<Package> read_package(const Command& command, const Node& node) {
  const Members members(command, "a package", node);
  Package package;
  Result<std::string> name = members.text("name", 255);
  if (!name) return pass(name);
  package.name = std::move(*name);
  const Members named(command, "the package '" + command.quote(package.name) + "'", node);
  const Result<PackageKind> kind = read_kind(named);
  if (!kind) return std::unexpected(kind.error());
  package.kind = *kind;
  for (const auto& [key, member] : {std::pair{"title", &Package::title}, std::pair{"version", &Package::version}}) {
    Result<std::string> text = named.text_or_empty(key);
    if (!text) return pass(text);
    package.*member = std::move(*text);
  }
  Result<std::string> path = named.text("path");
  if (!path) return pass(path);
  if (!is_inside(*path)) return named.wrong("path", "leads out of the docroot: '" + command.quote(*path) + "'");
  package.path = std::move(*path);
  package.place = place_of(package.path, command.site().cms);
  const Result<bool> enabled = named.flag("enabled");
  if (!enabled) return std::unexpected(enabled.error());
  package.enabled = *enabled;
  const Node* const schema = node.find("schema");
  if (schema != nullptr && !schema->is(Node::Kind::kNull)) {
    const Result<std::uint64_t> number = named.number("schema");
    if (!number) return std::unexpected(number.error());
    if (*number > UINT32_MAX) return named.wrong("schema", "is too large");
    package.schema = static_cast<std::uint32_t>(*number);
  }
  return package;
}

}  // namespace

PackagePlace place_of(std::string_view path, registry::Cms cms) {
  const auto below = [&](std::string_view folder) { return path.starts_with(folder); };
  if (below("core/")) return PackagePlace::kCore;
  if (below("sites/")) return below("sites/all/") ? PackagePlace::kPlatform : PackagePlace::kSite;
  if (below("profiles/")) {
    const bool in_profile = std::ranges::count(path, '/') > 1 &&
                            (path.contains("/modules/") || path.contains("/themes/") || path.contains("/libraries/"));
    return in_profile ? PackagePlace::kProfile : PackagePlace::kPlatform;
  }
  return cms == registry::Cms::kDrupal7 && (below("modules/") || below("themes/")) ? PackagePlace::kCore
                                                                                   : PackagePlace::kPlatform;
}

Result<Inventory> inventory(process::Runner& runner, const Site& site) {
  const Command command(site, "php-eval");
  const Result<process::Output> output = command.run(runner, evaluation(site, inventory_source(site.cms), kQuick));
  if (!output) return std::unexpected(output.error());
  const Result<registry::Document> document = command.json(output->out);
  if (!document) return std::unexpected(document.error());
  Result<Facts> facts = read_facts(command, document->root());
  if (!facts) return pass(facts);
  Inventory inventory{std::move(*facts), {}};
  const Node* const packages = document->root().find("packages");
  if (packages == nullptr || !packages->is(Node::Kind::kList))
    return command.wrong("its answer has no list of packages");
  if (packages->list().size() > kMostPackages) {
    return command.wrong("its answer has more than " + std::to_string(kMostPackages) + " packages");
  }
  for (const Node& node : packages->list()) {
    Result<Package> package = read_package(command, node);
    if (!package) return pass(package);
    inventory.packages.push_back(std::move(*package));
  }
  std::vector<Package> libraries =
      libraries_of(site.docroot, {"sites/" + site.uri, "profiles/" + inventory.facts.profile});
  std::ranges::move(libraries, std::back_inserter(inventory.packages));
  const auto key = [](const Package& package) { return std::tie(package.kind, package.name, package.path); };
  std::ranges::sort(inventory.packages, {}, key);
  const auto twice = std::ranges::adjacent_find(inventory.packages, [](const Package& a, const Package& b) {
    return a.kind == b.kind && a.name == b.name && a.kind != PackageKind::kLibrary;
  });
  if (twice != inventory.packages.end()) {
    return command.wrong("its answer has the package '" + command.quote(twice->name) + "' twice");
  }
  return inventory;
}

}  // namespace aegir::drush
