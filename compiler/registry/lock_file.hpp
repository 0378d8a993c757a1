// The lock of the registry's one writer: an flock on a file beside it, which holds the pid of who has it.
#pragma once

#include <string>

#include "compiler/core/atomic_file.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::registry {

/// Takes the lock; it is given back when the descriptor is closed or the process ends. kBusy names the holder, at the
/// end of `patience`, or at once when that is aegird-worker and patience is not for it. The file is made when it is
/// missing (0600) and stays.
[[nodiscard]] Result<Fd> take_lock(const std::string& path, const Patience& patience);

}  // namespace aegir::registry
