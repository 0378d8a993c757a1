#include "compiler/machine/tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>

#include "compiler/machine/look.hpp"

namespace aegir::machine {
namespace {

constexpr mode_t kPermissions = 07777;

std::string octal(mode_t mode) {
  char text[8];
  (void)std::snprintf(text, sizeof text, "%04o", mode & kPermissions);
  return text;
}

std::string child_path(const Directory& parent, std::string_view name) {
  return (parent.path == "/" ? "" : parent.path) + '/' + std::string(name);
}

std::string parent_path(const std::string& path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }

const char* kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFLNK:
      return "a symbolic link";
    case S_IFDIR:
      return "a directory";
    case S_IFREG:
      return "a file";
    default:
      return "a special file";
  }
}

std::string owned(std::string what, uid_t owner) { return std::move(what) + " of uid " + std::to_string(owner); }

Result<void> check_owner(const struct stat& status, const std::string& path, uid_t owner, std::optional<uid_t> adopt) {
  if (status.st_uid == 0 || status.st_uid == owner || status.st_uid == adopt) return {};
  return in_the_way(path, describe_found(status), owned("a directory", owner));
}

// The path in `path`, first component first.
std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    if (const std::string_view part = path.substr(0, end); !part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return parts;
}

Result<void> check_trusted(const struct stat& status, const std::string& path, std::span<const uid_t> owners) {
  if (status.st_uid != 0 && std::ranges::find(owners, status.st_uid) == owners.end()) {
    return fail_at(path, Code::kPermission,
                   "belongs to uid " + std::to_string(status.st_uid) + ", who could exchange it",
                   owners.empty() ? "give it to root" : "give it to root or aegir");
  }
  const mode_t writable = owners.empty() ? S_IWGRP | S_IWOTH : S_IWOTH;
  if ((status.st_mode & writable) != 0 && (status.st_mode & S_ISVTX) == 0) {
    return fail_at(path, Code::kPermission, "is writable by others (mode " + octal(status.st_mode) + ")",
                   "take that permission away (chmod)");
  }
  return {};
}

Result<Fd> reopen(int fd, const std::string& path) {
  Fd directory(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail_errno("the directory can't be opened", path, errno);
  return directory;
}

// The names that a link stands for, before those that were still to go.
Result<std::vector<std::string>> follow(int link, const std::string& path, const std::vector<std::string>& rest,
                                        bool& absolute) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
  if (size <= 0) return fail_errno("the link can't be read", path, errno);
  const std::string_view text(target.data(), static_cast<std::size_t>(size));
  absolute = text.front() == '/';
  std::vector<std::string> parts = components(text);
  parts.insert(parts.end(), rest.begin(), rest.end());
  return parts;
}

Result<void> bring_about(const Directory& directory, const struct stat& status, const Wanted& wanted, Done& done) {
  if (Result<void> ok = set_owner(directory, status, wanted.owner, wanted.group, done); !ok) return ok;
  if (Result<void> ok = set_mode(directory, status.st_mode, wanted.mode, done); !ok) return ok;
  Result<bool> changed = ensure_acl(directory.fd.get(), directory.path, wanted.mode, wanted.acl, wanted.inherit);
  if (!changed) return pass(changed);
  if (*changed) done.push_back(directory.path + ": access list");
  return {};
}

}  // namespace

std::unexpected<Error> in_the_way(const std::string& path, const std::string& found, const std::string& expected) {
  return fail_at(path, Code::kConflict, "found " + found + ", expected " + expected,
                 "look at what it is, move it away, and run the command again");
}

std::string describe_found(const struct stat& status) { return owned(kind_of(status.st_mode), status.st_uid); }

Result<void> set_owner(const Directory& at, const struct stat& now, uid_t owner, gid_t group, Done& done) {
  if (now.st_uid == owner && now.st_gid == group) return {};
  if (!OnlyLook::holds() && ::fchownat(at.fd.get(), "", owner, group, AT_EMPTY_PATH) != 0) {
    return fail_errno("the owner can't be set", at.path, errno);
  }
  done.push_back(at.path + ": owner " + std::to_string(now.st_uid) + ":" + std::to_string(now.st_gid) + " -> " +
                 std::to_string(owner) + ":" + std::to_string(group));
  return {};
}

Result<void> set_mode(const Directory& at, mode_t now, mode_t mode, Done& done) {
  if ((now & kPermissions) == mode) return {};
  // fchmod() refuses an O_PATH descriptor.
  if (!OnlyLook::holds() && ::chmod(("/proc/self/fd/" + std::to_string(at.fd.get())).c_str(), mode) != 0) {
    return fail_errno("the mode can't be set", at.path, errno);
  }
  done.push_back(at.path + ": mode " + octal(now) + " -> " + octal(mode));
  return {};
}

Result<Directory> open_directory(const std::string& path, std::span<const uid_t> owners) {
  constexpr int kMostLinks = 40;
  Directory at{Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)), "/"};
  if (!at.fd) return fail_errno("the directory can't be opened", "/", errno);
  std::vector<std::string> rest = components(path);
  for (int links = 0; !rest.empty();) {
    const std::string name = rest.front();
    rest.erase(rest.begin());
    const std::string here = name == ".." ? parent_path(at.path) : child_path(at, name);
    Fd next(::openat(at.fd.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return fail_errno("the directory can't be opened", here, errno);
    struct stat status{};
    if (::fstat(next.get(), &status) != 0) return fail_errno("the directory can't be examined", here, errno);
    if (S_ISLNK(status.st_mode)) {
      if (status.st_uid != 0) return in_the_way(here, owned("a symbolic link", status.st_uid), "a directory");
      if (++links > kMostLinks) return fail_at(path, Code::kInvalid, "too many symbolic links");
      bool absolute = false;
      Result<std::vector<std::string>> names = follow(next.get(), here, rest, absolute);
      if (!names) return pass(names);
      rest = std::move(*names);
      if (absolute) at = {Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)), "/"};
      continue;
    }
    if (!S_ISDIR(status.st_mode)) return in_the_way(here, kind_of(status.st_mode), "a directory");
    if (Result<void> ok = check_trusted(status, here, owners); !ok) return pass(ok);
    at = {std::move(next), here};
  }
  Result<Fd> fd = reopen(at.fd.get(), at.path);
  if (!fd) return pass(fd);
  return Directory{std::move(*fd), std::move(at.path)};
}

Result<Directory> open_or_make(const Directory& parent, const std::string& name, uid_t owner, Done& done,
                               std::optional<uid_t> adopt) {
  const std::string path = child_path(parent, name);
  const bool made = !OnlyLook::holds() && ::mkdirat(parent.fd.get(), name.c_str(), 0700) == 0;
  if (!made && !OnlyLook::holds() && errno != EEXIST) return fail_errno("the directory can't be made", path, errno);
  if (made) done.push_back(path + ": made");
  Directory directory{Fd(::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                      path};
  struct stat status{};
  if (!directory.fd) {
    const int error_number = errno;
    if (::fstatat(parent.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(status.st_mode)) {
      return in_the_way(path, describe_found(status), "a directory");
    }
    return fail_errno("the directory can't be opened", path, error_number);
  }
  if (::fstat(directory.fd.get(), &status) != 0) return fail_errno("the directory can't be examined", path, errno);
  if (Result<void> ok = check_owner(status, path, owner, adopt); !ok) return pass(ok);
  return directory;
}

Result<Directory> ensure_directory(const Directory& parent, const std::string& name, const Wanted& wanted, Done& done,
                                   std::optional<uid_t> adopt) {
  Result<Directory> directory = open_or_make(parent, name, wanted.owner, done, adopt);
  if (!directory) return directory;
  struct stat status{};
  if (::fstat(directory->fd.get(), &status) != 0) {
    return fail_errno("the directory can't be examined", directory->path, errno);
  }
  if (Result<void> ok = bring_about(*directory, status, wanted, done); !ok) return pass(ok);
  return directory;
}

Result<void> look_at_directory(const std::string& path, uid_t owner, std::optional<uid_t> adopt) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return fail_errno("the directory can't be examined", path, errno);
  }
  if (!S_ISDIR(status.st_mode)) return in_the_way(path, describe_found(status), "a directory");
  return check_owner(status, path, owner, adopt);
}

Result<Directory> ensure_path(const std::string& path, const Wanted& wanted, Done& done,
                              std::span<const uid_t> owners) {
  const std::vector<std::string> names = components(path);
  if (names.empty()) return fail_at(path, Code::kInvalid, "expected an absolute path below /");
  Result<Directory> parent = open_directory("/", owners);
  std::string so_far;
  for (std::size_t i = 0; parent && i + 1 < names.size(); ++i) {
    so_far += '/' + names[i];
    Result<Directory> next = open_directory(so_far, owners);
    if (!next && next.error().code == Code::kNotFound) {
      next = ensure_directory(*parent, names[i], {.owner = 0, .group = 0, .mode = 0755}, done);
    }
    parent = std::move(next);
  }
  if (!parent) return parent;
  return ensure_directory(*parent, names.back(), wanted, done);
}

Result<void> ensure_file(const Directory& parent, const std::string& name, uid_t owner, gid_t group, mode_t mode,
                         Done& done) {
  const std::string path = child_path(parent, name);
  const Directory file{Fd(::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)),
                       path};
  struct stat status{};
  if (!file.fd) {
    const int error_number = errno;
    if (error_number == ENOENT) return {};
    if (::fstatat(parent.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode)) {
      return in_the_way(path, describe_found(status), "a file");
    }
    return fail_errno("the file can't be opened", path, error_number);
  }
  if (::fstat(file.fd.get(), &status) != 0) return fail_errno("the file can't be examined", path, errno);
  if (!S_ISREG(status.st_mode) || (status.st_uid != owner && status.st_uid != 0)) {
    return in_the_way(path, describe_found(status), owned("a file", owner));
  }
  if (status.st_nlink != 1) return in_the_way(path, "a file with another hard link", "one without");
  return bring_about(file, status, {.owner = owner, .group = group, .mode = mode}, done);
}

}  // namespace aegir::machine
