// A copy of the machine to try things in: own mounts, network, processes and IPC. Every file is there, and what is
// written goes to memory of the sandbox's own; nothing of the machine is changed, and everything in the sandbox, its
// processes too, is gone when the work in it ends.
//
// It protects the machine from what a server does when it starts with a configuration that root has written. It is no
// prison for a root process that wants to get out.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::machine {

struct Sandbox {
  /// A directory on the machine, 0700 of root, where the sandbox mounts its memory. Two sandboxes may share it.
  std::string directory;
  /// Directories whose files are not there in the sandbox, their folders being: those of logs, since a file that is
  /// appended to is copied whole.
  std::vector<std::string> emptied;
  /// A network of its own, in which every address can be listened on. Without: the machine's.
  bool own_network = true;
};

/// Runs `work` as root in a sandbox, and hands on its result. After `patience` everything in it is killed (kBusy). The
/// caller must have no other threads. kPermission with the reason where the kernel forbids namespaces.
[[nodiscard]] Result<std::string> in_sandbox(const Sandbox& sandbox, const std::function<Result<std::string>()>& work,
                                             std::chrono::milliseconds patience);

// For `work`.

/// A directory of the sandbox's memory that everybody may read.
[[nodiscard]] std::string public_directory(const Sandbox& sandbox);

/// What was appended in the sandbox to any file whose name has "log" in it, at most the last 16 KiB.
[[nodiscard]] std::string new_log_lines(const Sandbox& sandbox);

/// Makes `address` one of this host's, so that it can be connected to. Nothing for a loopback address.
[[nodiscard]] Result<void> own_address(const std::string& address);

}  // namespace aegir::machine
