// Who this process is. aegirc is started as root, works as aegir, and is root again only inside of this folder's
// functions; what lies in a directory that a site's own PHP can write is touched as that site's uid alone.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::machine {

/// A uid with its group, and no other groups.
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Makes the calling process work as aegir from now on, with root kept in reserve (saved uid) for AsRoot.
[[nodiscard]] Result<void> become_aegir(const Accounts& accounts);

/// Root (effective uid and gid) while it lives, then again who it was. The whole process changes: not for programs
/// with other threads at work.
class AsRoot {
 public:
  /// kPermission when the process was not started as root.
  [[nodiscard]] static Result<AsRoot> begin();
  AsRoot(AsRoot&& other) noexcept;
  AsRoot& operator=(AsRoot&&) = delete;
  AsRoot(const AsRoot&) = delete;
  AsRoot& operator=(const AsRoot&) = delete;
  ~AsRoot();

 private:
  AsRoot(uid_t uid, gid_t gid) noexcept : uid_(uid), gid_(gid) {}
  uid_t uid_;
  gid_t gid_;
  bool active_ = true;
};

/// Runs `work` in a child process that is `identity` for good: no other groups, no way back, no new privileges. Hands
/// on its result. The caller must be root and have no other threads. Such a child can be stopped by other processes of
/// its uid, which must hold up nobody else: after `patience` it is killed (kBusy), and for a minute nothing else is
/// done as that uid (kBusy at once), since a run takes several steps for each site.
[[nodiscard]] Result<void> run_as(Identity identity, const std::function<Result<void>()>& work,
                                  std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace aegir::machine
