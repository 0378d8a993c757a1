// Texts that a regular expression matches: how it is seen whether what one pattern closes is closed by others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aegir::emit {

/// Paths that `pattern` matches, one for each way through its alternatives; what is repeated occurs never and once.
/// A pattern that is not anchored gets a letter before it. A look-ahead is taken for true. Nothing when the pattern has
/// what this does not know (back references, counts, a flag), or more than some thousand ways.
[[nodiscard]] std::optional<std::vector<std::string>> samples_of(std::string_view pattern);

}  // namespace aegir::emit
