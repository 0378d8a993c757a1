// PHP of ours that runs inside a site, with the site's rights, where no command of Drush or bee says what is needed.
// Each prints one JSON document and nothing else.
#pragma once

#include <string>
#include <string_view>

#include "compiler/registry/model.hpp"

namespace aegir::drush {

/// For php-eval: an object with version, site, database, profile, language, maintenance and cron.
[[nodiscard]] std::string facts_source(registry::Cms cms);
/// The same with "packages", a list of objects with type, name, title, version, path (of its folder), enabled and, of
/// a module that is or was installed, schema. What is hidden is there only when it is enabled.
[[nodiscard]] std::string inventory_source(registry::Cms cms);

/// For bee eval: {"link": …}.
[[nodiscard]] std::string_view backdrop_login_source();
/// For bee eval: {"updates": {…}} with the members of updatedb-status.
[[nodiscard]] std::string_view backdrop_updates_source();
/// For bee eval: {"done": true}.
[[nodiscard]] std::string_view backdrop_cron_source();
[[nodiscard]] std::string_view backdrop_caches_source();

/// For PHP alone, in the docroot; argument: the site's host name. Prints what core-status prints.
[[nodiscard]] std::string backdrop_status_source();
/// The same; arguments: host name, profile, language, site name, site mail, account name, account mail.
[[nodiscard]] std::string backdrop_install_source();

}  // namespace aegir::drush
