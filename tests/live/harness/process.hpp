// Programs that a test starts: one that runs until it is told to end, or one that is run to its end.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/live/harness/net.hpp"

namespace aegir::live {

/// What to start. The environment is PATH and LANG=C and what is named here, nothing else.
struct Command {
  std::vector<std::string> argv;         ///< argv[0] is looked up in PATH
  std::vector<std::string> environment;  ///< "NAME=value"
  std::string output;                    ///< file for stdout and stderr
  std::string directory;                 ///< working directory; empty: the test's
};

/// A running child of the test. It gets SIGTERM when the thread that started it ends, so that a test that
/// crashes leaves no server behind. The destructor kills what still runs.
class Process {
 public:
  /// Throws std::runtime_error when it can't be started at all. (A program that is not there exits with 127.)
  explicit Process(const Command& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running();
  /// Only to this process, and only while it has not been waited for.
  void signal(int number) const;
  /// The exit status (128 + signal for a killed one), or nothing when it still runs after `patience`.
  [[nodiscard]] std::optional<int> wait(Milliseconds patience = kPatience);
  /// SIGKILL to it and to its children, as they are now.
  void kill_tree();

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
  std::optional<int> status_;
};

/// Children of a process, in order of their pids.
[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);
/// The command line of a process (its title, when it set one); empty when it is gone.
[[nodiscard]] std::string command_line(pid_t pid);

/// The end of a program that was run: status as in Process::wait(), stdout and stderr together.
struct Finished {
  int status = -1;
  std::string output;
};

/// Runs a command to its end. Throws std::runtime_error when it takes longer than `patience`.
[[nodiscard]] Finished run(const std::vector<std::string>& argv, const std::vector<std::string>& environment = {},
                           Milliseconds patience = kPatience);

}  // namespace aegir::live
