// Packages from where they are to where the registry has them: the steps and parts of commits that several verbs share.
//
// What a step has read for the commit stays in memory: a task that was cut off before its commit is undone, so that
// both run in one process, and a journal would keep what the registry is to have for ever.
#pragma once

#include <memory>
#include <optional>

#include "sidecar/tasks/saga.hpp"
#include "sidecar/verbs/services.hpp"

namespace aegir::verbs {

/// What an installed site has said of itself; nothing when it could not be asked.
using ReadSite = std::shared_ptr<std::optional<drush::Inventory>>;

/// Asks the site of the task. One that can't answer is an error when its packages are `needed`, else a warning: they
/// stay as they were known.
[[nodiscard]] tasks::Step packages_step(Services& services, ReadSite read, bool needed);
/// The part of the commit: packages, and the profile that the site was installed with. `site` is as the transaction has
/// it, and may have been changed by it.
[[nodiscard]] Result<void> record_packages(registry::Store& store, registry::Writer& writer, registry::Site site,
                                           const ReadSite& read);
/// Writes a site's drushrc.php with what the registry has of packages. What is found beside that, a verify tells.
[[nodiscard]] Result<void> write_drushrc(Services& services, tasks::Work& work, const std::string& uri);
/// The same as a step after the commit.
[[nodiscard]] tasks::Step drushrc_step(Services& services, std::string uri);

}  // namespace aegir::verbs
