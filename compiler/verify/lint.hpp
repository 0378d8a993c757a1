// PHP that people have written and that settings.php, sites.php or drushrc.php include: one syntax error in it, and
// every site that includes it answers 500. Verify asks PHP about each before a visitor does.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/machine/site_files.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::verify {

/// Versions of PHP ("8.2").
using PhpVersions = std::set<std::string>;

/// Asks each of `versions` about a file that is no site's; the first error.
[[nodiscard]] Result<void> lint(const Config& config, const PhpVersions& versions, std::string_view content,
                                const std::string& path);

/// local.settings.php and local.drushrc.php of a site, asked as the site.
[[nodiscard]] std::vector<Error> lint_site(const Config& config, const Accounts& accounts,
                                           const machine::SitePlace& place, const std::string& version);

/// What all sites of a platform include: sites/local.sites.php and sites/all/platform.settings.php.
[[nodiscard]] std::vector<Error> lint_platform(const Config& config, const Accounts& accounts,
                                               const std::string& docroot, const PhpVersions& versions);

/// What all sites include: global.inc.
[[nodiscard]] std::vector<Error> lint_server(const Config& config, const std::vector<registry::Block>& blocks);

}  // namespace aegir::verify
