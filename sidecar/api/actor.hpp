// Who asks: what the kernel says of the process at the other end of the socket, and what that account may do.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::api {

/// Who administrates (design §11), and which accounts are those of sites.
struct Administrators {
  uid_t aegir = 0;                    ///< uid aegir; root may everything without being named
  std::string group = "aegir-admin";  ///< whose members may everything too; it need not exist
  uid_t site_first = 1;               ///< uids of PHP slots, first and last; first above last: none
  uid_t site_last = 0;
};

/// Those of a configuration. `aegir` is who aegird-worker runs as.
[[nodiscard]] Administrators administrators_of(const Config& config, uid_t aegir);

/// What somebody may.
enum class Right : std::uint8_t {
  kNothing,  ///< a site's PHP: it gets no answer at all
  kHealth,   ///< may ask whether the service lives
  kAll,
};

/// Somebody who asks.
struct Actor {
  uid_t uid = 0;
  std::string name;  ///< of the account, or "uid 1234"; stands in the registry's audit and at tasks
  Right right = Right::kNothing;
  std::string group;  ///< of the administrators, for a message
};

/// Judges an account. A member of the group is who has it in passwd and group or as `gid`. A site's uid may nothing,
/// whatever groups it is in. Thread-safe; asks the name service, so what is far away (LDAP) takes its time.
[[nodiscard]] Actor judge(uid_t uid, gid_t gid, const Administrators& administrators);

/// Judges who has connected to `socket` (SO_PEERCRED: uid and gid at the time of connect()).
[[nodiscard]] Result<Actor> peer_of(int socket, const Administrators& administrators);

}  // namespace aegir::api
