// Says whether files of the site map are all that FORMAT.md demands: what a publisher asks before it names a file in
// CURRENT, and what `aegirc map verify` prints. (Workers verify only what they use, when they use it.)
#pragma once

#include <cstdint>
#include <string>

#include "compiler/core/error.hpp"
#include "compiler/map/reader.hpp"

namespace aegir::map {

/// What was verified.
struct Verified {
  std::uint64_t generation = 0;
  std::uint64_t names = 0, sites = 0, bytes = 0;
};

/// Verifies one file: digest, every byte that has to be zero, every record and its place in the order, the counts of
/// the header, and that each name is found through the index. kCorrupt names the offset of what is wrong.
[[nodiscard]] Result<Verified> verify_file(const std::string& path);

/// Verifies a map directory: CURRENT, the files it names, and that they fit together (a delta left no name of a site
/// that it replaced, every site has its platform). Names and sites are those that a request can find.
[[nodiscard]] Result<Verified> verify_published(const std::string& directory);

}  // namespace aegir::map
