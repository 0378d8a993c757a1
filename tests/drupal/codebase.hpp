// Real codebases of Drupal and Backdrop, as they lie on this machine. They are only ever read: a test works on a copy.
//
// AEGIR_DRUPAL names their docroots, with colons between them, and AEGIR_DRUSH8 the Drush that Drupal 7 needs. Where
// they are unset, /var/cache/aegir-drupal is looked at.
#pragma once

#include <string>
#include <vector>

#include "compiler/registry/model.hpp"

namespace aegir::drupal {

struct Codebase {
  std::string name;     ///< of the folder; a platform's name: "d106"
  std::string docroot;  ///< absolute
  std::string project;  ///< what has to be copied: the docroot, or the composer project around it
  registry::Cms cms = registry::Cms::kOther;
  std::string version;  ///< "10.6.15"
  std::string drush;    ///< drush.php, below `project` or of Drush 8; empty for Backdrop and when there is none
  std::string bee;      ///< bee.php, for Backdrop; empty when there is none

  /// "Drupal 10.6.15" or "Backdrop 1.27.1".
  [[nodiscard]] std::string title() const;
};

/// All of them. Throws std::runtime_error for a folder of AEGIR_DRUPAL that is none.
[[nodiscard]] const std::vector<Codebase>& codebases();

/// Where copies of them go: they have some 100,000 files, which memory takes and gives back in a tenth of a disk's
/// time, where it has room for them.
[[nodiscard]] std::string roomy_folder();

/// One line for a person: which codebases the tests run with, or that there is none and where they were looked for.
[[nodiscard]] std::string describe_codebases();

}  // namespace aegir::drupal
