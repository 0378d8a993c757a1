// What people are told about sites that share their slot: one sentence, the same wherever such a site is shown.
#pragma once

#include <optional>
#include <string>

#include "compiler/registry/model.hpp"

namespace aegir::registry {

/// Nothing for a site that is alone in its slot. `block` is the site's.
[[nodiscard]] std::optional<std::string> sharing_warning(const Site& site, const Block& block);

}  // namespace aegir::registry
