#include "compiler/emit/drushrc_packages.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace aegir::emit {
namespace {

using registry::Package;
using registry::PackageKind;
using registry::PackagePlace;

constexpr std::int64_t kNotInstalled = -1;  // SCHEMA_UNINSTALLED of Drupal 7

php::Value number(std::int64_t value) { return {value}; }

std::string_view group_of(PackageKind kind) {
  switch (kind) {
    case PackageKind::kModule:
      return "modules";
    case PackageKind::kTheme:
      return "themes";
    case PackageKind::kProfile:
      return "profiles";
    case PackageKind::kLibrary:
      break;
  }
  return "libraries";
}

/// "modules" without its s.
std::string type_of(PackageKind kind) {
  if (kind == PackageKind::kLibrary) return "library";
  const std::string_view group = group_of(kind);
  return std::string(group.substr(0, group.size() - 1));
}

/// The file that names the package to Drupal; of a library its folder, and of what is gone nothing.
std::string file_of(const registry::Platform& platform, const Package& package) {
  if (package.path.empty()) return {};
  std::string folder = platform.docroot + '/' + package.path;
  if (package.kind == PackageKind::kLibrary) return folder;
  const bool seven = platform.cms == registry::Cms::kDrupal7 || platform.cms == registry::Cms::kBackdrop;
  const char* const end = !seven                                  ? ".info.yml"
                          : package.kind == PackageKind::kModule  ? ".module"
                          : package.kind == PackageKind::kProfile ? ".profile"
                                                                  : ".info";
  return folder + '/' + package.name + end;
}

php::Array common(const registry::Platform& platform, const Package& package) {
  php::Array entry;
  entry.push_back({"filename", {file_of(platform, package)}});
  entry.push_back({"name", {package.name}});
  entry.push_back({"type", {type_of(package.kind)}});
  entry.push_back({"version", {package.version}});
  entry.push_back({"info", {php::Array{{"name", {package.title}}, {"version", {package.version}}}}});
  return entry;
}

php::Array core(const std::string& version) {
  const php::Array drupal = {{"short_name", {"drupal"}}, {"version", {version}}, {"description", {""}}};
  return {{"drupal", {drupal}}};
}

void add(php::Array& group, const Package& package, php::Array entry) {
  group.push_back({php::to_key(package.name), {std::move(entry)}});
}

/// 'modules', 'themes', … of one part of a platform.
using Groups = std::map<std::string_view, php::Array>;

php::Array array_of(Groups groups) {
  php::Array array;
  for (auto& [name, packages] : groups) array.push_back({std::string(name), {std::move(packages)}});
  return array;
}

/// The profile that brings it: "shop" of "profiles/shop/modules/x".
std::string profile_of(std::string_view path) {
  constexpr std::string_view kFolder = "profiles/";
  path.remove_prefix(std::min(path.find(kFolder) + kFolder.size(), path.size()));
  return std::string(path.substr(0, path.find('/')));
}

}  // namespace

php::Array site_packages(const SiteFacts& facts) {
  Groups groups = {{"modules", {}}, {"themes", {}}, {"profiles", {}}, {"libraries", {}}};
  for (const Package& package : facts.packages) {
    php::Array entry = common(facts.platform, package);
    const bool in_use = package.enabled || package.kind == PackageKind::kLibrary;
    entry.push_back({"status", number(in_use ? 1 : 0)});
    if (package.kind == PackageKind::kModule || package.kind == PackageKind::kProfile) {
      entry.push_back({"schema_version", number(package.schema ? std::int64_t{*package.schema} : kNotInstalled)});
    }
    if (package.place == PackagePlace::kSite) entry.push_back({"platform", number(-1)});
    add(groups[group_of(package.kind)], package, std::move(entry));
  }
  groups["platforms"] = core(facts.core_version);
  return array_of(std::move(groups));
}

php::Array platform_packages(const registry::Platform& platform, const registry::Codebase& codebase) {
  Groups base = {{"modules", {}}, {"themes", {}}, {"profiles", {}}, {"libraries", {}}};
  Groups shared = {{"modules", {}}, {"themes", {}}, {"libraries", {}}};
  std::map<std::string, Groups> profiles;
  for (const Package& package : codebase.packages) {
    if (package.hidden) continue;
    php::Array entry = common(platform, package);
    if (package.kind != PackageKind::kLibrary) entry.push_back({"basename", {package.name}});
    if (package.schema) entry.push_back({"schema_version", number(*package.schema)});
    const bool of_all = package.place == PackagePlace::kPlatform && package.kind != PackageKind::kProfile;
    Groups& groups = package.place == PackagePlace::kProfile ? profiles[profile_of(package.path)]
                     : of_all                                ? shared
                                                             : base;
    add(groups[group_of(package.kind)], package, std::move(entry));
  }
  base["platforms"] = core(codebase.version);
  php::Array brought;
  for (auto& [name, groups] : profiles) brought.push_back({php::to_key(name), {array_of(std::move(groups))}});
  return {{"base", {array_of(std::move(base))}},
          {"sites-all", {array_of(std::move(shared))}},
          {"profiles", {std::move(brought)}}};
}

}  // namespace aegir::emit
