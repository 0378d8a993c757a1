// Child processes of ours: what one tells through a pipe (core/codec.hpp says how), and how it ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "compiler/core/error.hpp"

namespace aegir::machine {

/// Reads until every writer has closed; false when `patience` is over before that.
[[nodiscard]] bool read_to_end(int fd, std::chrono::milliseconds patience, std::string& bytes);

/// Waits for the end of a child process; what waitpid() says of it.
[[nodiscard]] Result<int> wait_for(pid_t child);

/// Of what waitpid() said: the exit status, or 128 + the signal that ended it.
[[nodiscard]] int exit_status(int waited) noexcept;

}  // namespace aegir::machine
