// Programs of the machine, run by us: argv vectors, never a shell; a limit on time and on output.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::machine {

/// How a program ended.
struct Outcome {
  int status = 0;      ///< its exit status, or 128 + the signal that ended it
  std::string output;  ///< stdout and stderr as they came, cut after 64 KiB
};

/// Runs `argv` (argv[0] is an absolute path) as who we are, with no input or that of the descriptor `input`, the
/// environment PATH and LANG=C, and no other descriptor of ours. When it takes longer than `patience`, it and its
/// process group are killed (kBusy); one that we may not kill goes on.
[[nodiscard]] Result<Outcome> run_command(const std::vector<std::string>& argv, std::chrono::milliseconds patience,
                                          int input = -1);

/// Starts `argv` in the same way, with stdout and stderr to `output`, and does not wait for its end.
[[nodiscard]] Result<pid_t> start_command(const std::vector<std::string>& argv, int output, int input = -1);

/// Asks a web server whether it takes its configuration: runs `argv` as root. What it says is the error (kInvalid).
[[nodiscard]] Result<void> test_server(const std::vector<std::string>& argv);

/// What a server's program prints about itself: runs `argv` as root, however it ends.
[[nodiscard]] Result<std::string> ask_server(const std::vector<std::string>& argv);

/// Tells a server to read its configuration again. `program` is the beginning of its process name ("nginx") and
/// `signal` its signal for that; both matter only for a pid file. kNotFound when no such process is there.
[[nodiscard]] Result<void> reload_server(const Reload& reload, std::string_view program, int signal);

}  // namespace aegir::machine
