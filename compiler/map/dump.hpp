// The site map as text, for people, for `aegirc map dump` and for comparisons. Secrets show as digests.
#pragma once

#include <iosfwd>

#include "compiler/core/error.hpp"
#include "compiler/map/reader.hpp"

namespace aegir::map {

/// Writes one file as it is: header, platforms, and each record with its offset, in the order of the file.
[[nodiscard]] Result<void> dump_file(const MapFile& file, std::ostream& out);

/// Writes what a published state answers: one line for each platform and each name, a site followed by its aliases,
/// sites in the order of their names. Says nothing about files and layout, so that the same registry gives the same
/// text, however many publishes and compactions there were.
[[nodiscard]] Result<void> dump_snapshot(const Snapshot& snapshot, std::ostream& out);

}  // namespace aegir::map
