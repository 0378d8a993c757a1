// The steps of which work in a site's directory is made: for who prepares, writes and removes it.
#pragma once

#include "compiler/machine/machine.hpp"

namespace aegir::machine {

/// Whether a place can be a site's at all: its docroot, name and slot (kPermission, kInvalid).
[[nodiscard]] Result<void> check_place(const Config& config, const SitePlace& place);

/// Gives what root or aegir left in the site's data to the site. Only with the kernel's help (links_are_protected()):
/// without it a site could link a file of theirs into its own data, and have it given.
[[nodiscard]] Result<void> hand_over(const Accounts& accounts, const SitePlace& place, const Directory& site,
                                     Done& done);
[[nodiscard]] bool links_are_protected();

/// Opens the site's files/ or private/; nothing when it is not the site's.
[[nodiscard]] std::optional<Directory> open_own(const Directory& site, const SitePlace& place, const char* name);

}  // namespace aegir::machine
