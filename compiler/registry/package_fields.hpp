// What platforms bring and sites have, in the registry's document.
#pragma once

#include <vector>

#include "compiler/registry/json_writer.hpp"
#include "compiler/registry/object_reader.hpp"

namespace aegir::registry {

/// As the member "codebase" of a platform; nothing when its code was not read.
void write_codebase(JsonWriter& json, const Codebase& codebase);
/// As the member "packages" of a site; nothing when it has none.
void write_packages(JsonWriter& json, const std::vector<Package>& own);

/// The members that these have written. `node` is their value, of any type; null forgets what was known.
[[nodiscard]] Codebase read_codebase(Diagnostics& diagnostics, const Node& node, const std::string& path);
[[nodiscard]] std::vector<Package> read_packages(Diagnostics& diagnostics, const Node& node, const std::string& path);

}  // namespace aegir::registry
