// Room on the registry's disk that nobody else gets. A task begins only while it is there, and it is given up when a
// task that has to be undone, or finished after its commit, finds the disk full: so its journal can still be written.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "compiler/core/error.hpp"

namespace aegir::tasks {

/// May be used from any thread.
class Reserve {
 public:
  /// `path` is of a file of its own, on the registry's file system; `bytes` is room for the journals of all tasks that
  /// are at work.
  explicit Reserve(std::string path, std::uint64_t bytes = 4U << 20U) : path_(std::move(path)), bytes_(bytes) {}

  /// Takes the room when it is not taken yet. kBusy: the disk has not this much and as much again.
  [[nodiscard]] Result<void> take();
  /// Gives the room up when the disk has less than this left; whether it did.
  bool give_up_when_full();

 private:
  const std::string path_;
  const std::uint64_t bytes_;
  std::mutex mutex_;
};

}  // namespace aegir::tasks
