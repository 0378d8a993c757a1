// Taking away what install_drush_files() (site_files.hpp) has put down.
#pragma once

#include <string>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/machine/tree.hpp"

namespace aegir::machine {

/// Takes away an alias of Drush's that aegirc has written for a platform or server, by its file's name in .drush;
/// `name` is a plain one. Nothing when there is none, or it is somebody's own.
[[nodiscard]] Result<void> forget_drush_file(const Config& config, const Accounts& accounts, const std::string& name,
                                             Done& done);

}  // namespace aegir::machine
