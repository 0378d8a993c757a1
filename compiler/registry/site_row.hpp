// A site as a row: what is bound and read for the columns kSiteColumns, and how its secrets are sealed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/secret_box.hpp"
#include "compiler/registry/catalog.hpp"
#include "compiler/registry/model.hpp"
#include "compiler/registry/schema.hpp"
#include "compiler/registry/sqlite.hpp"

namespace aegir::registry {

/// What a row of a site is written with: "?1, ?2 …" for all of kSiteColumns.
inline constexpr std::string_view kSiteValues =
    "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, "
    "?25, ?26, ?27";

/// Runs `sql`, in which ?1 to ?27 are the columns of `site` and ?28 is `extra`. `row` names the row for the seal of its
/// secrets ("site/17"). The site's platform must be in the catalog.
[[nodiscard]] Result<void> run_with_site(Connection& connection, std::string_view sql, const Site& site,
                                         const Catalog& catalog, const KeyRing& key, const std::string& row,
                                         std::string_view extra = {});

/// Reads kSiteColumns, the first of which is column `first`, into `site`, whose strings' memory is used again.
[[nodiscard]] Result<void> read_site(const Query& query, int first, const Catalog& catalog, const KeyRing& key,
                                     std::string_view path, std::string_view row, Site& site);

/// The sealed secrets of the row `row`, which key `key_id` of the ring has sealed, sealed anew with its current key.
/// Nothing when they don't open.
[[nodiscard]] std::optional<std::vector<unsigned char>> seal_again(Blob sealed, std::uint32_t key_id,
                                                                   const KeyRing& key, const std::string& row);

/// Names of rows for their seals.
[[nodiscard]] std::string site_row_name(std::uint64_t id);
[[nodiscard]] std::string candidate_row_name(std::string_view token_key);

}  // namespace aegir::registry
