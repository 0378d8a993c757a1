// Sites page by page, for who shows them: no page costs more than its own sites.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/registry/store.hpp"

namespace aegir::registry {

/// Which sites to list, in the order of uri and id. What is empty does not restrict.
struct SiteFilter {
  bool deleted = false;       ///< deleted ones, instead of those that are not
  std::string platform = {};  ///< its name, as the next two
  std::string client = {};
  std::optional<SiteState> state = {};
  std::string after_uri = {};  ///< only sites behind this one and, of the same uri, this id: the next page
  std::uint64_t after_id = 0;  ///< see after_uri
  std::size_t limit = 100;
};

/// One page of a registry's sites.
[[nodiscard]] Result<std::vector<Site>> list_sites(Store& store, const SiteFilter& filter);

}  // namespace aegir::registry
