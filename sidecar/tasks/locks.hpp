// Which objects a task needs, alone or beside others. A task gets its whole set at once or waits, so that no two tasks
// wait for each other.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "compiler/registry/tasks.hpp"

namespace aegir::tasks {

enum class Hold : bool { kShared, kAlone };

/// What an object is called among locks: "site shop.example", "platform d10"; "registry".
[[nodiscard]] std::string object_name(registry::ObjectKind kind, const std::string& object);

/// By object_name().
using Locks = std::map<std::string, Hold, std::less<>>;

/// Who holds what. Not synchronised.
class LockTable {
 public:
  /// Whether all of them could be held beside what is.
  [[nodiscard]] bool are_free(const Locks& locks) const;
  void add(const Locks& locks);
  /// Takes back one add() of the same set.
  void remove(const Locks& locks);

 private:
  struct Held {
    std::size_t shared = 0;
    std::size_t alone = 0;  ///< more than one among what is only waited for
  };
  std::map<std::string, Held, std::less<>> held_;
};

}  // namespace aegir::tasks
