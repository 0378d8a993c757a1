// aegird-worker, as aegird starts it: uid aegir for good, with the socket as descriptor 3 and next to nothing else.
#pragma once

#include <sys/types.h>

#include <string>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::monitor {

/// The descriptor that is the worker's end of the socket.
inline constexpr int kWorkersChannel = 3;

/// Executes `program` (a path) with `--config config_file` as aegir, with aegir's groups. It can gain no privileges,
/// has standard output and errors of this process, and is killed when this process ends. The caller must be root and
/// have one thread. kNotFound, kPermission when there is no such program.
[[nodiscard]] Result<pid_t> start_worker(const Config& config, const Accounts& accounts, const std::string& program,
                                         const std::string& config_file, const Fd& channel);

/// Tells the worker to end, which has lost its socket, kills it when it does not for some seconds, and returns its exit
/// status as machine::exit_status() says it.
[[nodiscard]] Result<int> end_worker(pid_t worker);

/// Makes this process the one aegird of a configuration, for as long as the descriptor is open and the process lives;
/// children have no part in it. kBusy names the other one.
[[nodiscard]] Result<Fd> be_the_only_one(const Config& config);

}  // namespace aegir::monitor
