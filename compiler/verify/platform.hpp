// What Verify does with a platform: the owners and modes of its code, the files that Drupal and Drush read, and its
// rules in the web servers, from its .htaccess as it is now. Plain values, as in server.hpp.
#pragma once

#include "compiler/verify/lint.hpp"
#include "compiler/verify/server.hpp"

namespace aegir::verify {

/// `uris` are the platform's sites, `profiles` what they can be installed with. Like verify_servers(), of which it is
/// the part that reads this platform's .htaccess.
[[nodiscard]] Result<Told> verify_platform(const Config& config, const Accounts& accounts, const emit::Model& model,
                                           const registry::Platform& platform, const std::vector<std::string>& uris,
                                           const std::vector<std::string>& profiles, const PhpVersions& versions,
                                           machine::Done& done);

}  // namespace aegir::verify
