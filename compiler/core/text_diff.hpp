// The difference of two texts as `diff -u` writes it, for people who look before they let something happen.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace aegir {

/// Two texts to be compared, line by line.
struct TextPair {
  std::string_view before, after;
  std::string_view before_name, after_name;  ///< what the two header lines say
};

/// How a line is shown; what is compared is the line itself.
using ShownLine = std::function<std::string(std::string_view line)>;

/// A unified difference with three lines of context; empty when the texts are equal. A changed line that `shown` makes
/// equal to one that it replaces (a secret is masked) ends in " (changed)". Above some thousand differences the middle
/// is shown as replaced whole, so that time and memory stay small.
[[nodiscard]] std::string unified_diff(const TextPair& texts, const ShownLine& shown);

}  // namespace aegir
