#include "compiler/machine/acl.hpp"

#include <acl/libacl.h>
#include <sys/acl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "compiler/machine/look.hpp"

namespace aegir::machine {
namespace {

struct FreeAcl {
  void operator()(void* acl) const noexcept { ::acl_free(acl); }
};
using Acl = std::unique_ptr<std::remove_pointer_t<acl_t>, FreeAcl>;

constexpr unsigned kWrite = 02;

// One line of a list.
struct Line {
  acl_tag_t tag = ACL_UNDEFINED_TAG;
  id_t id = 0;
  unsigned permissions = 0;

  [[nodiscard]] bool named() const noexcept { return tag == ACL_USER || tag == ACL_GROUP; }
};
using Lines = std::vector<Line>;

acl_tag_t tag_of(const AclEntry& entry) { return entry.kind == AclEntry::Kind::kUser ? ACL_USER : ACL_GROUP; }

bool add(Acl& acl, const Line& line) {
  acl_t raw = acl.release();
  acl_entry_t entry = nullptr;
  acl_permset_t set = nullptr;
  const bool made = ::acl_create_entry(&raw, &entry) == 0;  // may move the list
  acl.reset(raw);
  if (!made || ::acl_set_tag_type(entry, line.tag) != 0 ||
      (line.named() && ::acl_set_qualifier(entry, &line.id) != 0) || ::acl_get_permset(entry, &set) != 0) {
    return false;
  }
  return std::ranges::all_of(std::array{ACL_READ, ACL_WRITE, ACL_EXECUTE}, [&](acl_perm_t permission) {
    return (line.permissions & static_cast<unsigned>(permission)) == 0 || ::acl_add_perm(set, permission) == 0;
  });
}

Acl make(const Lines& lines) {
  Acl acl(::acl_init(static_cast<int>(lines.size())));
  const bool good = acl && std::ranges::all_of(lines, [&](const Line& line) { return add(acl, line); });
  return good && ::acl_valid(acl.get()) == 0 ? std::move(acl) : nullptr;
}

Lines lines_of(acl_t acl) {
  Lines lines;
  acl_entry_t entry = nullptr;
  for (int which = ACL_FIRST_ENTRY; ::acl_get_entry(acl, which, &entry) == 1; which = ACL_NEXT_ENTRY) {
    Line line;
    acl_permset_t set = nullptr;
    if (::acl_get_tag_type(entry, &line.tag) != 0 || ::acl_get_permset(entry, &set) != 0) continue;
    for (const acl_perm_t permission : {ACL_READ, ACL_WRITE, ACL_EXECUTE}) {
      if (::acl_get_perm(set, permission) == 1) line.permissions |= static_cast<unsigned>(permission);
    }
    if (line.named()) {
      const std::unique_ptr<void, FreeAcl> id(::acl_get_qualifier(entry));
      if (id) line.id = *static_cast<id_t*>(id.get());
    }
    lines.push_back(line);
  }
  return lines;
}

Lines lines_for(mode_t mode, std::span<const AclEntry> entries) {
  const unsigned group = (mode >> 3U) & 7U;
  Lines lines = {{ACL_USER_OBJ, 0, (mode >> 6U) & 7U}, {ACL_GROUP_OBJ, 0, group}, {ACL_OTHER, 0, mode & 7U}};
  for (const AclEntry& entry : entries) lines.push_back({tag_of(entry), entry.id, entry.permissions});
  if (!entries.empty()) lines.push_back({ACL_MASK, 0, group});
  return lines;
}

Line* find(Lines& lines, acl_tag_t tag, id_t id = 0) {
  const auto found = std::ranges::find_if(
      lines, [&](const Line& line) { return line.tag == tag && (!line.named() || line.id == id); });
  return found == lines.end() ? nullptr : &*found;
}

Lines widened(Lines lines, const LeastAccess& least) {
  const unsigned others = least.mode & 7U;
  const unsigned group = (least.mode >> 3U) & 7U;
  if (least.barred) std::erase_if(lines, [&](const Line& line) { return line.named() && least.barred(line.id); });
  for (const AclEntry& entry : least.entries) {
    if (Line* const there = find(lines, tag_of(entry), entry.id)) {
      there->permissions |= entry.permissions;
    } else {
      lines.push_back({tag_of(entry), entry.id, entry.permissions});
    }
  }
  const bool any_named = std::ranges::any_of(lines, &Line::named);
  if (any_named && find(lines, ACL_MASK) == nullptr) {
    lines.push_back({ACL_MASK, 0, find(lines, ACL_GROUP_OBJ)->permissions});
  }
  for (Line& line : lines) {
    if (line.tag == ACL_USER_OBJ) line.permissions |= (least.mode >> 6U) & 7U;
    if (line.tag == ACL_GROUP_OBJ) line.permissions |= group;
    if (line.named()) line.permissions |= others;
    if (line.tag == ACL_OTHER) line.permissions = (line.permissions | others) & ~(least.others_write ? 0U : kWrite);
    if (line.tag != ACL_MASK) continue;
    line.permissions |= group | others;
    for (const AclEntry& entry : least.entries) line.permissions |= entry.permissions;
  }
  if (const Line* const mask = find(lines, ACL_MASK); mask != nullptr && !any_named) {
    find(lines, ACL_GROUP_OBJ)->permissions &= mask->permissions;
    std::erase_if(lines, [](const Line& line) { return line.tag == ACL_MASK; });
  }
  return lines;
}

// libacl reaches a default list, and what an O_PATH descriptor is for, by path only.
std::string self(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

Result<Acl> read(int fd, std::string_view path, acl_type_t type) {
  Acl acl(::acl_get_file(self(fd).c_str(), type));
  if (!acl) return fail_errno("the access list can't be read", path, errno);
  return acl;
}

Result<bool> write(int fd, std::string_view path, acl_type_t type, const Acl& present, const Acl& wanted) {
  if (!wanted) return fail_errno("an access list can't be made", path, errno);
  if (::acl_cmp(present.get(), wanted.get()) == 0) return false;
  if (OnlyLook::holds()) return true;
  if (::acl_set_file(self(fd).c_str(), type, wanted.get()) != 0) {
    return fail_errno("the access list can't be set", path, errno);
  }
  return true;
}

}  // namespace

Result<bool> ensure_acl(int fd, std::string_view path, mode_t mode, std::span<const AclEntry> entries, bool inherit) {
  const int extended = ::acl_extended_file(self(fd).c_str());
  if (entries.empty() && !inherit && extended <= 0) return false;  // a mode is all there is, or can be
  const Acl wanted = make(lines_for(mode, entries));
  const Result<Acl> access = read(fd, path, ACL_TYPE_ACCESS);
  if (!access) return std::unexpected(access.error());
  const Result<bool> changed = write(fd, path, ACL_TYPE_ACCESS, *access, wanted);
  if (!changed) return changed;
  if (inherit) {
    const Result<bool> handed_on = ensure_default_acl(fd, path, mode, entries);
    if (!handed_on) return handed_on;
    return *changed || *handed_on;
  }
  const Result<Acl> later = read(fd, path, ACL_TYPE_DEFAULT);
  if (!later && later.error().code == Code::kPermission) return changed;  // a file has none
  if (!later) return std::unexpected(later.error());
  if (::acl_entries(later->get()) <= 0) return changed;
  if (OnlyLook::holds()) return true;
  if (::acl_delete_def_file(self(fd).c_str()) != 0) {
    return fail_errno("the default access list can't be taken away", path, errno);
  }
  return true;
}

Result<bool> ensure_default_acl(int fd, std::string_view path, mode_t mode, std::span<const AclEntry> entries) {
  const Result<Acl> present = read(fd, path, ACL_TYPE_DEFAULT);
  if (!present) return std::unexpected(present.error());
  return write(fd, path, ACL_TYPE_DEFAULT, *present, make(lines_for(mode, entries)));
}

bool has_acl(int parent, const char* name) {
  return ::acl_extended_file_nofollow((self(parent) + '/' + name).c_str()) == 1;
}

Result<bool> widen_acl(int fd, std::string_view path, const LeastAccess& least) {
  bool changed = false;
  for (const acl_type_t type : {ACL_TYPE_ACCESS, ACL_TYPE_DEFAULT}) {
    const Result<Acl> present = read(fd, path, type);
    if (!present) {
      if (type == ACL_TYPE_DEFAULT && present.error().code == Code::kPermission) break;  // a file has none
      return std::unexpected(present.error());
    }
    if (::acl_entries(present->get()) <= 0) continue;
    const Result<bool> written = write(fd, path, type, *present, make(widened(lines_of(present->get()), least)));
    if (!written) return written;
    changed = changed || *written;
  }
  return changed;
}

}  // namespace aegir::machine
