// Whether the Drush that a platform names may be run as its sites.
#pragma once

#include <string>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::verbs {

/// Every site must be able to read the file, and none to change it: no site's uid owns it or a folder that it lies in,
/// and not everybody may replace what is there. kPermission or kNotFound name what is wrong.
[[nodiscard]] Result<void> check_drush_path(const Config& config, const std::string& path);

}  // namespace aegir::verbs
