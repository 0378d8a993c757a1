// The schema version that a module's code would bring its tables to, without running it.
#pragma once

#include <cstdint>
#include <string>

#include "compiler/registry/model.hpp"

namespace aegir::drush {

/// Reads <folder>/<name>.install: the number of the newest function <name>_update_N, or what
/// <name>_update_last_removed() returns when that is higher, which is what Drupal notes at an installation. Without
/// either 8000 for Drupal 8 and later, and 0 before. To Backdrop 7000 to 8999, Drupal 7's, are older than 1000.
[[nodiscard]] std::uint32_t schema_in(const std::string& folder, const std::string& name, registry::Cms cms);

}  // namespace aegir::drush
