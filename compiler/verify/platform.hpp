// What Verify does with a platform: the owners and modes of its code, the files that Drupal and Drush read, and its
// rules in the web servers, from its .htaccess as it is now. Plain values, as in server.hpp.
#pragma once

#include "compiler/verify/server.hpp"
#include "compiler/verify/texts.hpp"

namespace aegir::verify {

/// Like verify_servers(), of which it is the part that reads this platform's .htaccess.
[[nodiscard]] Result<Told> verify_platform(const Config& config, const Accounts& accounts, const emit::Model& model,
                                           const PlatformFacts& facts, machine::Done& done);

}  // namespace aegir::verify
