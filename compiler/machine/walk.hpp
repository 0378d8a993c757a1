// Everything in a tree, by descriptors: each step follows no link, is bounded, and writes only what differs.
//
// What is there stays as open as it is; what is missing of `Rules` is added. So what a person made can't break a site
// by being closed, and nothing that a person opened is closed again, except what would let somebody in who must not be.
#pragma once

#include <functional>
#include <string_view>

#include "compiler/machine/privilege.hpp"
#include "compiler/machine/tree.hpp"

namespace aegir::machine {

/// What holds for everything in a tree.
struct Rules {
  Identity owner;
  /// Whose things are given to `owner`. Without it nothing is given away: what is not `owner`'s is an error.
  std::function<bool(uid_t)> adopts = {};
  /// Whose files and folders in the tree are given to `owner` although the others can't read them; without it, those of
  /// everybody whom it adopts. Who may write a folder can move into it what he can't read.
  std::function<bool(uid_t)> adopts_closed = {};
  mode_t directories = 0;  ///< least mode, with setgid
  mode_t files = 0;        ///< least mode; who may read may also execute what somebody may execute
  /// Only aegir and its group may write; no setuid, setgid (files) and sticky bits: for code, which tenants must not be
  /// able to change and people must.
  bool closed_to_others = false;
  bool only_owners = false;               ///< look at owners alone
  std::span<const AclEntry> guests = {};  ///< least entries of access lists; directories hand them on
  std::function<bool(id_t)> barred = {};  ///< ids that may have no entry in an access list
  /// Groups whose things are left and told, with all that is in them: a site's directory among code is the one of a
  /// platform inside of this one, and its settings are not code.
  std::function<bool(gid_t)> secluded = {};
  bool special_files = false;  ///< sockets and fifos may lie there
  /// Names to leave alone, with all below: the path from the top of the tree, without a slash at its beginning.
  std::function<bool(std::string_view)> leave = {};
};

/// Puts right what is in `top`, with `top` itself. Links are left as they are: to give one to somebody would let it
/// lead to whatever is theirs. Goes on after an error, so that one bad file doesn't keep the rest from being put right,
/// and returns the first, with the number of the others. Refuses hard links (what has another name elsewhere could be
/// anybody's), special files, and other file systems; only where something is to be changed.
[[nodiscard]] Result<void> ensure_tree(const Directory& top, const Rules& rules, Done& done);

/// The same without `top` itself.
[[nodiscard]] Result<void> ensure_below(const Directory& top, const Rules& rules, Done& done);

/// The same for `top` alone.
[[nodiscard]] Result<void> ensure_top(const Directory& top, const Rules& rules, Done& done);

}  // namespace aegir::machine
