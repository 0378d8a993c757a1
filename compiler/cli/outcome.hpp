// How a command of a program ends.
#pragma once

#include <expected>
#include <utility>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::cli {

/// Everything that is wrong, to be printed at once.
using Errors = std::vector<Error>;
using Outcome = std::expected<void, Errors>;

/// Ends a command with one error.
template <class T>
[[nodiscard]] std::unexpected<Errors> stop(Result<T>& result) {
  return std::unexpected(Errors{std::move(result.error())});
}
template <class T>
[[nodiscard]] std::unexpected<Errors> stop(std::expected<T, Errors>& result) {
  return std::unexpected(std::move(result.error()));
}

}  // namespace aegir::cli
