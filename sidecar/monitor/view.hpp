// What a run sees of the machine, made of mounts of its own.
#pragma once

#include <string>
#include <string_view>

#include "sidecar/monitor/run.hpp"

namespace aegir::monitor {

/// "a run can't be made", with errno's reason.
[[nodiscard]] std::unexpected<Error> can_not(std::string_view what, const std::string& path);

/// Mounts it, as root in a mount namespace of the run's own. Folders are looked up with the slot's rights, so that a
/// run sees nothing that its uid could not have gone to. Returns the slot's own directory.
[[nodiscard]] Result<Fd> make_view(const Config& config, const RunOrder& order);

}  // namespace aegir::monitor
