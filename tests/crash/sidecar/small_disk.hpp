// A file system of some megabytes in the place of a folder, that can be filled and emptied again.
#pragma once

#include <cstddef>
#include <string>

namespace aegir::sidecar {

/// Mounts from here on are seen by this process and what it starts alone. Throws std::runtime_error. The process must
/// have one thread.
void own_mounts();

class SmallDisk {
 public:
  /// What is in the folder is there afterwards too. Nobody may have it open. Throws std::runtime_error.
  SmallDisk(std::string folder, std::size_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// Until not a byte is free.
  void fill();
  /// As it was.
  void empty();

 private:
  std::string folder_;
};

}  // namespace aegir::sidecar
