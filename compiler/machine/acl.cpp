#include "compiler/machine/acl.hpp"

#include <acl/libacl.h>
#include <sys/acl.h>

#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>

namespace aegir::machine {
namespace {

struct FreeAcl {
  void operator()(void* acl) const noexcept { ::acl_free(acl); }
};
using Acl = std::unique_ptr<std::remove_pointer_t<acl_t>, FreeAcl>;

bool add(Acl& acl, acl_tag_t tag, const id_t* id, unsigned permissions) {
  acl_t raw = acl.release();
  acl_entry_t entry = nullptr;
  acl_permset_t set = nullptr;
  const bool made = ::acl_create_entry(&raw, &entry) == 0;  // may move the list
  acl.reset(raw);
  if (!made || ::acl_set_tag_type(entry, tag) != 0 || (id != nullptr && ::acl_set_qualifier(entry, id) != 0) ||
      ::acl_get_permset(entry, &set) != 0) {
    return false;
  }
  for (const acl_perm_t permission : {ACL_READ, ACL_WRITE, ACL_EXECUTE}) {
    if ((permissions & permission) != 0 && ::acl_add_perm(set, permission) != 0) return false;
  }
  return true;
}

Acl make(mode_t mode, std::span<const AclEntry> entries) {
  Acl acl(::acl_init(static_cast<int>(entries.size()) + 4));
  const unsigned group = (mode >> 3U) & 7U;
  bool good = acl && add(acl, ACL_USER_OBJ, nullptr, (mode >> 6U) & 7U) && add(acl, ACL_GROUP_OBJ, nullptr, group) &&
              add(acl, ACL_OTHER, nullptr, mode & 7U) && add(acl, ACL_MASK, nullptr, group);
  for (const AclEntry& entry : entries) {
    const acl_tag_t tag = entry.kind == AclEntry::Kind::kUser ? ACL_USER : ACL_GROUP;
    good = good && add(acl, tag, &entry.id, entry.permissions);
  }
  return good && ::acl_valid(acl.get()) == 0 ? std::move(acl) : nullptr;
}

}  // namespace

Result<bool> ensure_acl(int fd, std::string_view path, mode_t mode, std::span<const AclEntry> entries, bool inherit) {
  const Acl wanted = make(mode, entries);
  if (!wanted) return fail_errno("an access list can't be made", path, errno);
  bool changed = false;
  const Acl access(::acl_get_fd(fd));
  if (!access) return fail_errno("the access list can't be read", path, errno);
  if (::acl_cmp(access.get(), wanted.get()) != 0) {
    if (::acl_set_fd(fd, wanted.get()) != 0) return fail_errno("the access list can't be set", path, errno);
    changed = true;
  }
  if (!inherit) return changed;
  // libacl reaches a default list by path only.
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  const Acl later(::acl_get_file(self.c_str(), ACL_TYPE_DEFAULT));
  if (!later) return fail_errno("the default access list can't be read", path, errno);
  if (::acl_cmp(later.get(), wanted.get()) != 0) {
    if (::acl_set_file(self.c_str(), ACL_TYPE_DEFAULT, wanted.get()) != 0) {
      return fail_errno("the default access list can't be set", path, errno);
    }
    changed = true;
  }
  return changed;
}

}  // namespace aegir::machine
