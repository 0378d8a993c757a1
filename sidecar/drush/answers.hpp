// What the calls have in common, and nobody else needs.
#pragma once

#include "sidecar/drush/calls.hpp"

namespace aegir::drush {

/// kConflict unless an answer, with the members "site" and `database_key`, is of this site's directory and database.
[[nodiscard]] Result<void> check_is_this_site(const Command& command, const Members& members,
                                              std::string_view database_key);

/// What facts_source() and inventory_source() print, checked.
[[nodiscard]] Result<Facts> read_facts(const Command& command, const registry::Node& node);

/// PHP inside the site: php-eval of Drush, eval of bee.
[[nodiscard]] process::Program evaluation(const Site& site, std::string_view source, Milliseconds patience,
                                          const Progress& progress = {});

}  // namespace aegir::drush
