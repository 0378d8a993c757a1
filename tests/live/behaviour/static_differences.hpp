// Where the static form answers otherwise than the modules, and why.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {

struct Difference {
  std::string reason;
  Expect expect;
};

/// Nothing: this row must have the same answer.
[[nodiscard]] std::optional<Difference> difference_of(Kind kind, const Row& row);
/// The rows that have one on some server.
[[nodiscard]] std::vector<std::string> names_of_differences();

}  // namespace aegir::live
