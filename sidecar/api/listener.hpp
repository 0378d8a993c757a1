// The API's socket as a name in the file system.
#pragma once

#include <sys/stat.h>

#include <string>

#include "compiler/core/atomic_file.hpp"

namespace aegir::api {

/// A socket that listens at `path`, open to everybody, not blocking. It takes the place of one that nobody listens to
/// any more, in one rename. kBusy when somebody does; kConflict when something else is there.
struct Listener {
  Fd socket;
  std::string path;
  struct stat status = {};  ///< of the name, to know it again

  [[nodiscard]] static Result<Listener> open(const std::string& path);
  /// Removes the name if it is still this socket's.
  void remove() const;
};

}  // namespace aegir::api
