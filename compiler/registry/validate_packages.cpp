// The rules for what a codebase brings and a site has. Names, titles and versions come from code that anybody wrote.
#include <algorithm>
#include <string>
#include <tuple>

#include "compiler/core/path.hpp"
#include "compiler/registry/rules.hpp"

namespace aegir::registry {
namespace {

constexpr std::size_t kMostPackages = 20000;
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestText = 4096;

void package_name(Rules& rules, const std::string& field, std::string_view value) {
  if (!rules.text(field, value, kLongestName)) return;
  if (value.empty() || value.contains('/')) rules.refuse(field, printable(value) + " can't name a package");
}

void inner_path(Rules& rules, const std::string& field, std::string_view value) {
  if (!rules.text(field, value, kLongestText)) return;
  if (!is_plain_path('/' + std::string(value))) {
    rules.refuse(field, printable(value) + " is no path below the docroot",
                 "write it from the docroot: core/modules/…");
  }
}

auto key_of(const Package& package) { return std::tie(package.kind, package.name, package.path); }

/// `own`: a package without a path is the platform's.
void packages(Rules& rules, const std::string& field, const std::vector<Package>& all, bool own) {
  if (all.size() > kMostPackages) rules.refuse(field, "has more than " + std::to_string(kMostPackages) + " packages");
  const Package* previous = nullptr;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Package& package = all[i];
    const std::string at = field + '/' + std::to_string(i);
    package_name(rules, at + "/name", package.name);
    (void)rules.text(at + "/title", package.title, kLongestText);
    (void)rules.text(at + "/version", package.version, kLongestText);
    if (!own || !package.path.empty()) inner_path(rules, at + "/path", package.path);
    if (previous != nullptr && key_of(*previous) >= key_of(package)) {
      rules.refuse(at, "comes after " + printable(previous->name) + "; packages are sorted by kind, name and path, " +
                           "each once");
    }
    previous = &package;
  }
}

}  // namespace

Problems validate(const std::vector<Package>& own) {
  Rules rules;
  packages(rules, "packages", own, true);
  return rules.take();
}

Problems validate(const Codebase& codebase) {
  Rules rules;
  (void)rules.text("codebase/version", codebase.version, kLongestName);
  if (codebase.version.empty()) rules.refuse("codebase/version", "is empty", "take the whole codebase out");
  const Profile* previous = nullptr;
  for (const Profile& profile : codebase.profiles) {
    const std::string field = "codebase/profiles/" + profile.name;
    package_name(rules, field, profile.name);
    (void)rules.text(field + "/title", profile.title, kLongestText);
    (void)rules.text(field + "/description", profile.description, kLongestText);
    (void)rules.text(field + "/version", profile.version, kLongestText);
    inner_path(rules, field + "/path", profile.path);
    for (const std::string& language : profile.languages)
      (void)rules.text(field + "/languages", language, kLongestName);
    if (previous != nullptr && previous->name >= profile.name) {
      rules.refuse(field, "comes after " + printable(previous->name) + "; profiles are sorted, each once");
    }
    previous = &profile;
  }
  packages(rules, "codebase/packages", codebase.packages, false);
  return rules.take();
}

}  // namespace aegir::registry
