// What the registry knows of a name beside what the map has: who changed it when and why, and what has become of a name
// that the map does not have.
#pragma once

#include "compiler/cli/answer.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::cli {

/// Sequence, time, who and why of the last change of `key` that the map of this generation can have.
[[nodiscard]] Result<std::string> change_in_words(registry::Store& store, registry::ChangeKind kind,
                                                  const std::string& key, std::uint64_t generation);

/// Adds to `facts` what the registry says of a host that `answer`'s map does not know at all: the site that has it,
/// with its state, or had it, and the change that made it so. Nothing when the registry does not know it either.
[[nodiscard]] Result<void> add_unserved(registry::Store& store, const Answer& answer, Json& facts);

/// Whether a host is well written and `answer`'s map has no record for it, so that only the registry can know it.
[[nodiscard]] bool is_unserved(const Answer& answer);

}  // namespace aegir::cli
