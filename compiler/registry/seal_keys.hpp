// The keys that a registry is sealed with. The table seal_key has a row for each one that a row of a site may be sealed
// with: its id, and a text that all know, sealed with it. So a registry that is opened with another key says so at
// once, before something is sealed that would open with none of the old rows' key.
#pragma once

#include "compiler/core/secret_box.hpp"
#include "compiler/registry/sqlite.hpp"

namespace aegir::registry {

/// Refuses (kInvalid) a ring that does not open the proof of each key that something is sealed with. With `may_write`
/// the ring's current key, which seals from now on, gets its row, and what the ring's other key has sealed is sealed
/// anew with the current one, after which the other loses its row: so a rotation ends with the first command that
/// writes. It goes in transactions of 1,000 rows, and the next writing open goes on after a crash. Models, change log
/// and sequence stay as they are. An empty ring seals and opens nothing, and is let through.
[[nodiscard]] Result<void> check_seal_keys(Connection& connection, const KeyRing& key, bool may_write);

}  // namespace aegir::registry
