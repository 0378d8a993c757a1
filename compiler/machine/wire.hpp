// What a child process of ours tells its parent through a pipe: a text that it was asked for, or an error, whole.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir::machine {

[[nodiscard]] std::string pack(const Result<std::string>& result);

/// kInternal for bytes that are no packed result: the child was killed while it worked.
[[nodiscard]] Result<std::string> unpack(std::string_view bytes);

/// Reads until every writer has closed; false when `patience` is over before that.
[[nodiscard]] bool read_to_end(int fd, std::chrono::milliseconds patience, std::string& bytes);

}  // namespace aegir::machine
