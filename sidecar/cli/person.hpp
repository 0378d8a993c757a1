// The person at the terminal, if there is one.
#pragma once

#include <string>

#include "compiler/core/error.hpp"

namespace aegir::client {

/// Asks a question that "yes" answers. kUsage when nobody can be asked (standard input is no terminal), with `instead`
/// as the next step; kConflict for any other answer.
[[nodiscard]] Result<void> confirm(const std::string& question, const std::string& instead);

/// A password, typed without being shown; the first line of standard input when that is no terminal. Never an argument:
/// every user of the machine can read those.
[[nodiscard]] Result<std::string> password(const std::string& prompt);

}  // namespace aegir::client
