// The end of a site's directory.
#pragma once

#include <string>

#include "compiler/machine/file.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {

/// Empties a directory with the rights of `identity`, whatever a tenant has put there: no link is followed, no depth
/// and no number is too large. An error names the first that could not be removed; all else is. What is made meanwhile
/// may stay. To be called as root.
[[nodiscard]] Result<void> empty_as(Identity identity, const Directory& top);

/// What remove_site() renames a site's directory to, until all of it is gone.
[[nodiscard]] std::string gone_name(const std::string& uri, uid_t uid);

/// Removes sites/<uri> with everything in it, whatever a tenant has put there. First it is renamed to
/// `sites/.aegir-gone-…`, closed to everybody, so that it is out of sight at once; then files/ and private/ are emptied
/// as the site's uid, the rest as aegir. Nothing for what is not there; may be done again after a kill at any point,
/// and goes on then; best when nothing runs as that uid any more, since what does can go on to write where it
/// is. kConflict when the directory is not the site's own: a person has to look at it. An error names
/// what could not be removed; all else is.
[[nodiscard]] Result<void> remove_site(const Config& config, const Accounts& accounts, const SitePlace& place,
                                       Done& done);

}  // namespace aegir::machine
