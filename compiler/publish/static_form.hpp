// A whole registry in its static form (emit/static.hpp): what `aegirc compile --static` writes.
#pragma once

#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::publish {

/// Virtual hosts for every site that the map would have, and the pools that their PHP runs in, sorted by path. Files
/// with credentials and keys have mode 0600. Memory grows with the number of sites.
[[nodiscard]] Result<std::vector<emit::File>> static_form(registry::Store& store, const Config& config,
                                                          const std::vector<emit::Certificate>& certificates = {});

}  // namespace aegir::publish
