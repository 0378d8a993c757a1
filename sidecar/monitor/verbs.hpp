// The closed list of verbs: what each takes, how it is checked, and who does it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/monitor/run.hpp"
#include "sidecar/wire/channel.hpp"
#include "sidecar/wire/verb.hpp"

namespace aegir::monitor {

/// Does one request in this process, which has been forked for it and is root: the bytes of its Result. `after_stray`
/// as for run().
[[nodiscard]] std::string serve_verb(const Config& config, const Accounts& accounts, wire::Verb verb,
                                     std::string_view order, std::vector<Fd>& fds, bool after_stray);

/// Longer orders of this verb are refused: 1 MiB, but for those that tell of a whole fleet, or of all that a platform
/// brings.
[[nodiscard]] std::size_t longest_order(std::uint64_t verb);

/// The uid that the order of a run names, before anything of it is believed; 0 for what is no such order.
[[nodiscard]] uid_t uid_of_run(std::string_view order);

/// The error that the bytes of a Result say; nothing when they say none.
[[nodiscard]] std::optional<Error> error_in(std::string_view result);

}  // namespace aegir::monitor
