// Which processes a uid has, from /proc, and their end.
#pragma once

#include <sys/types.h>

#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::monitor {

struct Process {
  pid_t pid = 0;
  uid_t uid = 0;
  bool elsewhere = false;  ///< in another PID namespace than this process
};

/// The processes whose real uid is from `first` to `last`. What has ended and only waits for its parent is left out: it
/// holds nothing any more.
[[nodiscard]] Result<std::vector<Process>> processes_of(uid_t first, uid_t last);

/// Kills every process of a uid at once, so that none can get away by forking. They may take a moment to be gone. Needs
/// root.
[[nodiscard]] Result<void> kill_all_of(uid_t uid);

}  // namespace aegir::monitor
