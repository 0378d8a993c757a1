// What can break beside aegird itself, each at a point of a task and until the task has ended or stands still.
#pragma once

#include <vector>

#include "tests/crash/sidecar/matrix.hpp"

namespace aegir::sidecar {

/// aegird-worker alone, and a child of aegird's or a run alone.
[[nodiscard]] std::vector<Fault> killed_parts(Matrix& matrix);
/// Web servers, PHP and MariaDB down.
[[nodiscard]] std::vector<Fault> servers_down(Matrix& matrix);
/// File systems full.
[[nodiscard]] std::vector<Fault> disks_full(Matrix& matrix);
/// The connection to MariaDB lost at each of the first statements after the point, aegird with it or not.
[[nodiscard]] std::vector<Fault> connections_lost(Matrix& matrix);
/// Drush that fails in all its ways.
[[nodiscard]] std::vector<Fault> drush_faults(Matrix& matrix);

}  // namespace aegir::sidecar
