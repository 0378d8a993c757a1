// The lock of the registry's one writer: an flock on a file beside it, which holds the pid of who has it.
#pragma once

#include <string>

#include "compiler/core/atomic_file.hpp"

namespace aegir::registry {

/// Takes the lock without waiting; it is given back when the descriptor is closed or the process ends. kBusy names the
/// holder. The file is made when it is missing (0600) and stays.
[[nodiscard]] Result<Fd> take_lock(const std::string& path);

}  // namespace aegir::registry
