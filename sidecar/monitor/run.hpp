// A program that runs as the uid of a slot: drush, cron, tar, mariadb, rm below files/. All that a customer can change
// is run or read in here, and nowhere else with more rights.
//
// A run has mounts, processes and IPC of its own. It sees the machine's files but for what is nothing to it: aegir's
// state and sockets, the other slots' directories, the other sites of its platform, archives. It can gain no
// privileges, and no process of it is left when it has ended, however it ends.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <set>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/monitor/slot.hpp"

namespace aegir::monitor {

using wire::RunEnd;
using wire::RunOrder;

/// Input, output and errors of a run, which become its descriptors 0, 1 and 2.
using RunFiles = std::array<Fd, 3>;

/// Whether the order makes sense: kInvalid names what does not. The slot is looked at by look_at_slot().
[[nodiscard]] Result<void> check_order(const Config& config, const RunOrder& order);

/// Runs it and waits for its end, which is also the end of all its processes. The calling process is a child of
/// aegird's that does nothing else: root, one thread. SIGTERM to it ends the run. `after_stray`: something of an
/// earlier run may be left, is ended first, and there is no other run of the slot. kPermission with the reason where
/// the kernel lets nobody make namespaces; kNotFound, kPermission when there is no such program; kBusy when a process
/// can't be ended.
[[nodiscard]] Result<RunEnd> run(const Config& config, const RunOrder& order, const RunFiles& files, bool after_stray);

/// Kills what is left of runs of an aegird that was killed: the processes of these uids in other PID namespaces than
/// this one's, and, where there are any, all others of that uid too. Returns the uids of those that are not gone within
/// ten seconds.
[[nodiscard]] Result<std::set<uid_t>> end_stray_runs(uid_t first, uid_t last);

}  // namespace aegir::monitor
