// Compaction: a base and its delta become a new base without a look at the registry.
#pragma once

#include "compiler/core/error.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/writer.hpp"

namespace aegir::map {

/// Writes a base that answers exactly as `snapshot` does, with its generation: byte for byte what a full compile of
/// that state writes. Records are copied as they are, sealed credentials included, in one pass over both files.
/// kCorrupt when a record is broken, or when the delta left a name of a site that it replaced or buried.
[[nodiscard]] Result<Written> merge(const Target& target, const Snapshot& snapshot);

}  // namespace aegir::map
