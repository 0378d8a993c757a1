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
#include <string>
#include <tuple>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/monitor/slot.hpp"

namespace aegir::monitor {

struct RunOrder {
  Slot slot;
  std::vector<std::string> argv;         ///< argv[0] is an absolute path
  std::vector<std::string> environment;  ///< NAME=value; nothing else of the environment is there
  std::string directory;                 ///< absolute, where it starts
  std::string docroot;                   ///< of the platform whose other sites it does not see; empty: of none
  std::vector<std::string> shown;        ///< names of folders in <docroot>/sites/ that it sees
  std::uint64_t patience = 0;            ///< milliseconds, after which it is killed
};

/// Input, output and errors of a run, which become its descriptors 0, 1 and 2.
using RunFiles = std::array<Fd, 3>;

/// How a run ended.
struct RunEnd {
  int status = 0;         ///< exit status, or 128 + the signal that ended it
  bool in_time = true;    ///< false: it was killed when its patience was over
  bool asked = false;     ///< it was killed because somebody ended it
  std::uint64_t cpu = 0;  ///< milliseconds of user and system time, all its processes together
};

constexpr auto fields(RunOrder& value) {
  return std::tie(value.slot, value.argv, value.environment, value.directory, value.docroot, value.shown,
                  value.patience);
}
constexpr auto fields(const RunOrder& value) {
  return std::tie(value.slot, value.argv, value.environment, value.directory, value.docroot, value.shown,
                  value.patience);
}
constexpr auto fields(RunEnd& value) { return std::tie(value.status, value.in_time, value.asked, value.cpu); }
constexpr auto fields(const RunEnd& value) { return std::tie(value.status, value.in_time, value.asked, value.cpu); }

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
