// A map that is no state of its registry: the registry's file was restored from a backup, or is another one. The map is
// then built anew, and what it still knows of the lost history is kept: "sequence and slot numbers go on above every
// high-water mark found in map, durable copy and on disk" (design §4, last paragraph; the disk is reconcile's).
#pragma once

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/publish/map_directory.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::publish {

/// Whether `state` was made of this registry as it is or was: its id, and a generation that it gave.
[[nodiscard]] Result<bool> knows(registry::Store& store, const map::Snapshot& state);

/// The state that was published last: the live map, or its durable copy when the live one is lost or damaged. Null when
/// that is not known here, or there is none.
[[nodiscard]] Result<Snapshot> last_known(registry::Store& store, const Config& config);

/// Whether take_over() would let a rebuild go on that is not overruled; reads only.
[[nodiscard]] Result<void> may_rebuild(registry::Store& store, const Config& config);

/// Before a rebuild. When the live map or its durable copy is not known: raises the change sequence above it, and
/// retires the slots of its sites, so that no uid is given twice. Refused with kConflict unless `overruled`: a map of
/// another registry with sites when this one has none (nothing is written then); a slot of a site that this registry
/// has given to another site; a slot that this registry can't note, since its block is not there or has fewer slots.
[[nodiscard]] Result<void> take_over(registry::Store& store, const Config& config, bool overruled);

}  // namespace aegir::publish
