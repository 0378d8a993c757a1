// What a platform offers to new sites, as its last Verify has read it.
#pragma once

#include "compiler/registry/store.hpp"

namespace aegir::verbs {

/// The profile of that name, which can be installed in that language. kInvalid names what there is instead; kConflict
/// when the platform's code was not read yet.
[[nodiscard]] Result<registry::Profile> chosen_profile(registry::Store& store, const registry::Platform& platform,
                                                       const std::string& profile, const std::string& language);

}  // namespace aegir::verbs
