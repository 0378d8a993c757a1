// The end of a site's directory.
#pragma once

#include "compiler/machine/machine.hpp"

namespace aegir::machine {

/// Removes sites/<uri> with everything in it, whatever a tenant has put there. First it is renamed to
/// `sites/.aegir-gone-…`, closed to everybody, so that it is out of sight at once; then files/ and private/ are emptied
/// as the site's uid, the rest as aegir. Nothing for what is not there; may be done again after a kill at any point,
/// and goes on then; best when nothing runs as that uid any more, since what does can go on to write where it
/// is. kConflict when the directory is not the site's own: a person has to look at it. An error names
/// what could not be removed; all else is.
[[nodiscard]] Result<void> remove_site(const Config& config, const Accounts& accounts, const SitePlace& place,
                                       Done& done);

}  // namespace aegir::machine
