#include "compiler/registry/packages.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace aegir::registry {
namespace {

/// What a site has of a name at most once; of libraries, which Drupal does not know, each folder.
using Key = std::tuple<PackageKind, std::string_view, std::string_view>;

Key key_of(const Package& package) {
  return {package.kind, package.name, package.kind == PackageKind::kLibrary ? std::string_view(package.path) : ""};
}

/// Which of two of a name Drupal takes: the one that lies nearer to the site, which is not the profile's.
int rank(PackagePlace place) {
  switch (place) {
    case PackagePlace::kCore:
      return 0;
    case PackagePlace::kProfile:
      return 1;
    case PackagePlace::kPlatform:
      return 2;
    case PackagePlace::kSite:
      break;
  }
  return 3;
}

/// What of a platform's packages a site with that profile can use.
std::map<Key, const Package*> usable(const std::vector<Package>& of_platform, std::string_view profile) {
  std::map<Key, const Package*> found;
  const std::string folder = "/profiles/" + std::string(profile) + '/';
  for (const Package& package : of_platform) {
    if (package.place == PackagePlace::kProfile && !('/' + package.path).contains(folder)) continue;
    const Package*& taken = found[key_of(package)];
    if (taken == nullptr || rank(taken->place) <= rank(package.place)) taken = &package;
  }
  return found;
}

/// Whether a site has it without having it enabled.
bool is_shown(const Package& package) { return !package.hidden && package.kind != PackageKind::kProfile; }

/// A platform's package as a site has it, not enabled.
Package of_site(const Package& package) {
  Package copy = package;
  copy.schema.reset();
  copy.hidden = false;
  return copy;
}

void sort(std::vector<Package>& packages) {
  std::ranges::sort(packages, {},
                    [](const Package& package) { return std::tie(package.kind, package.name, package.path); });
}

}  // namespace

std::vector<Package> own_packages(const std::vector<Package>& of_site, const std::vector<Package>& of_platform,
                                  std::string_view profile) {
  const std::map<Key, const Package*> brought = usable(of_platform, profile);
  std::vector<Package> own;
  for (const Package& package : of_site) {
    Package kept = package;
    kept.hidden = false;
    const auto found = brought.find(key_of(package));
    if (found != brought.end() && found->second->path == package.path && found->second->version == package.version) {
      if (!package.enabled && !package.schema && is_shown(*found->second)) continue;
      kept = Package{};
      kept.kind = package.kind;
      kept.name = package.name;
      kept.schema = package.schema;
      kept.enabled = package.enabled;
    }
    own.push_back(std::move(kept));
  }
  sort(own);
  return own;
}

std::vector<Package> packages_of(const std::vector<Package>& own, const std::vector<Package>& of_platform,
                                 std::string_view profile) {
  std::map<Key, const Package*> brought = usable(of_platform, profile);
  std::vector<Package> all;
  for (const Package& package : own) {
    const auto found = brought.find(key_of(package));
    if (found == brought.end() || !package.path.empty()) {
      all.push_back(package);
    } else {
      Package& whole = all.emplace_back(of_site(*found->second));
      whole.schema = package.schema;
      whole.enabled = package.enabled;
    }
    if (found != brought.end()) brought.erase(found);
  }
  for (const auto& [key, package] : brought) {
    if (is_shown(*package)) all.push_back(of_site(*package));
  }
  sort(all);
  return all;
}

}  // namespace aegir::registry
