// Somebody on the machine who looks on while others work: the command line of every process, each environment and file
// that his uid may read, temporary files the moment they are made.
#pragma once

#include <sys/types.h>

#include <string>
#include <tuple>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/codec.hpp"

namespace aegir::sidecar {

/// What was seen, and where: "argv of uid 651000", "environment of uid 651000", "/tmp/x".
struct Sight {
  std::string where;
  std::string bytes;
};
constexpr auto fields(wire::Of<Sight> auto& value) { return std::tie(value.where, value.bytes); }

class Eavesdropper {
 public:
  /// Begins at once, in a process of that uid. `places`: folders to watch with all that is in them, beside /tmp,
  /// /var/tmp and /dev/shm. Root, to whom no file is closed, watches none, and only takes the last look. Throws
  /// std::runtime_error.
  Eavesdropper(uid_t uid, std::vector<std::string> places);
  ~Eavesdropper();
  Eavesdropper(const Eavesdropper&) = delete;
  Eavesdropper& operator=(const Eavesdropper&) = delete;

  /// Ends it after a last look at every file in the places that has changed since it began; all that it has seen.
  [[nodiscard]] std::vector<Sight> end();

 private:
  pid_t child_ = -1;
  Fd alive_;     ///< it ends when this is shut down
  Fd notebook_;  ///< what it writes at its end
};

}  // namespace aegir::sidecar
