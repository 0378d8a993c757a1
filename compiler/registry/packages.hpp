// A site's packages, as the registry keeps them and as they are shown. A fleet's sites have most of their code in
// common with their platform, so a site keeps a row only for what is its own: what is enabled or has tables, and what
// it has in its own directory. The rest stands once, with the platform.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/registry/model.hpp"

namespace aegir::registry {

/// Of an installed site's packages those that are to be kept. One that the platform's code brings in the same version
/// at the same place is kept without path, place, title and version, and when it is neither enabled nor has a schema
/// not at all. `profile` is the site's: what other profiles bring is none of the site's.
[[nodiscard]] std::vector<Package> own_packages(const std::vector<Package>& of_site,
                                                const std::vector<Package>& of_platform, std::string_view profile);

/// All packages of a site: what own_packages() has kept, made whole from what the platform's code brings now. A package
/// that is enabled while its code is gone has no path. Sorted by kind, name and path.
[[nodiscard]] std::vector<Package> packages_of(const std::vector<Package>& own, const std::vector<Package>& of_platform,
                                               std::string_view profile);

}  // namespace aegir::registry
