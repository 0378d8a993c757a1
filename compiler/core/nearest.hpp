// "Did you mean …?" for misspelt keys and names in configuration files and documents.
#pragma once

#include <span>
#include <string_view>

namespace aegir {

/// The candidate that `word` is most likely a misspelling of, or an empty view when none is near: at most two
/// letters inserted, left out, changed or swapped with their neighbour, and fewer than half of the word.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace aegir
