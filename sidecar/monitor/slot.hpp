// Slots as aegird itself knows them, from what root has made on disk, and never from what it is told: which uid a slot
// has, whether it exists, and whether it is retired, after which nothing ever runs as its uid again.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/machine/machine.hpp"
#include "sidecar/wire/order.hpp"

namespace aegir::monitor {

using wire::Slot;

/// Whether this slot was made, has this uid and is not retired. kInvalid for what can be none, kNotFound for one that
/// is not there, kConflict for one that is retired or has another uid. Becomes root by itself.
[[nodiscard]] Result<void> look_at_slot(const Config& config, const Slot& slot);
/// The same of one that may be retired: for what is taken away.
[[nodiscard]] Result<void> look_at_used_slot(const Config& config, const Slot& slot);

/// Whether a slot's own directory has the mark of retire_slot(). Needs no more than the slot's uid.
[[nodiscard]] bool is_marked_retired(const Fd& own);

/// machine::prepare_block(), after a look whether the uids are another block's: kConflict. Retired slots stay as they
/// are.
[[nodiscard]] Result<void> make_slots(const Config& config, const Accounts& accounts, const machine::BlockSlots& block,
                                      machine::Done& done);

/// Kills every process of the slot's uid, PHP-FPM's children too, until there is none. kBusy when that takes longer
/// than ten seconds.
[[nodiscard]] Result<void> end_slot(const Config& config, const Slot& slot);

/// end_slot(), then its directories are emptied as its uid, and it is marked so that it is never used again. May be
/// done again.
[[nodiscard]] Result<void> retire_slot(const Config& config, const Slot& slot, machine::Done& done);

/// How many processes the slot's uid has.
[[nodiscard]] Result<std::uint64_t> count_processes(const Config& config, const Slot& slot);

}  // namespace aegir::monitor
