// What a platform's codebase brings, read from its files alone; nothing of it is run. The codebase is aegir's own, so
// it is read like any file; a broken file is a complaint and no reason to know nothing of the others.
#pragma once

#include <string>
#include <vector>

#include "sidecar/drush/calls.hpp"

namespace aegir::drush {

/// Which CMS lies in a docroot, and its version, as its own source says.
struct Core {
  registry::Cms cms = registry::Cms::kOther;
  std::string version;
  bool operator==(const Core&) const = default;
};

/// kNotFound when neither Drupal (7 and later) nor Backdrop is there.
[[nodiscard]] Result<Core> core_of(const std::string& docroot);

using registry::Profile;

/// All of it.
struct Codebase {
  Core core;
  std::vector<Profile> profiles;        ///< sorted by name; of a name that is twice the one that Drupal takes
  std::vector<Package> packages;        ///< profiles too, and libraries; sorted by kind, name and path
  std::vector<std::string> complaints;  ///< files that can't be read or understood, one line each, harmless
};

/// Reads the codebase in `docroot`, where its Drupal looks: 8 and later not in folders called tests. Sites' own
/// packages (sites/<uri>/) are none of it. kNotFound as core_of().
[[nodiscard]] Result<Codebase> read_codebase(const std::string& docroot);

/// The files with translations of a language for a profile of the codebase: what install() has to be given, absolute.
/// Empty for English and where there is none.
[[nodiscard]] std::vector<std::string> translations_of(const std::string& docroot, const Profile& profile,
                                                       const std::string& language);

/// The folders in libraries/ and sites/all/libraries/, and in those of `more` (relative to the docroot), with the
/// version that their package.json, composer.json or bower.json says. Links are left out.
[[nodiscard]] std::vector<Package> libraries_of(const std::string& docroot, const std::vector<std::string>& more = {});

}  // namespace aegir::drush
