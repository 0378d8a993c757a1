#include "compiler/machine/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <ctime>

namespace aegir::machine {
namespace {

constexpr std::size_t kLargest = 16U << 20U;

std::string path_of(const Directory& parent, const std::string& name) {
  return (parent.path == "/" ? "" : parent.path) + '/' + name;
}

std::unexpected<Error> in_its_place(const std::string& path, std::string_view expected) {
  return fail_at(path, Code::kConflict, "found something else than " + std::string(expected),
                 "look at what it is, move it away, and run the command again");
}

struct Present {
  std::string content;
  struct stat status{};
};

/// With the content, or with no more than `head` bytes of it.
Result<std::optional<Present>> look(const Directory& parent, const std::string& name, uid_t owner,
                                    std::optional<std::size_t> head = {}) {
  const std::string path = path_of(parent, name);
  const Fd file(::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::optional<Present>();
    if (errno == ELOOP) return in_its_place(path, "a file of its own");
    return fail_errno("the file can't be opened", path, errno);
  }
  Present present;
  if (::fstat(file.get(), &present.status) != 0) return fail_errno("the file can't be examined", path, errno);
  if (!S_ISREG(present.status.st_mode)) return in_its_place(path, "a file");
  if (present.status.st_nlink != 1) return in_its_place(path, "a file without another hard link");
  if (present.status.st_uid != owner && present.status.st_uid != 0) {
    return in_its_place(path, "a file of uid " + std::to_string(owner) + " or root");
  }
  Result<std::string> content = read_all(file.get(), "the file can't be read", path, head.value_or(kLargest));
  if (!content) return pass(content);
  if (head) content->resize(std::min(content->size(), *head));
  if (content->size() > kLargest) return fail_at(path, Code::kInvalid, "larger than 16 MiB");
  present.content = *std::move(content);
  return present;
}

/// A name beside `name` that nobody else uses.
std::string temporary_of(const std::string& name) { return '.' + name + '.' + std::to_string(::getpid()) + ".tmp"; }

Result<void> write_beside(const Fd& file, const std::string& path, std::string_view content, const WantedFile& wanted,
                          const struct stat* old) {
  if (::fchown(file.get(), wanted.owner, wanted.group) != 0) {
    return fail_errno("the owner can't be set", path, errno);
  }
  if (::fchmod(file.get(), wanted.mode) != 0) return fail_errno("the mode can't be set", path, errno);
  if (!write_all(file.get(), content)) return fail_errno("the file can't be written", path, errno);
  struct stat now{};
  if (::fstat(file.get(), &now) != 0) return fail_errno("the file can't be examined", path, errno);
  if (old != nullptr && now.st_mtim.tv_sec <= old->st_mtim.tv_sec) {
    const timespec later{old->st_mtim.tv_sec + 1, 0};
    const std::array times{later, later};
    if (::futimens(file.get(), times.data()) != 0) return fail_errno("the time can't be set", path, errno);
  }
  if (wanted.durable && ::fsync(file.get()) != 0) return fail_errno("the file can't be synced", path, errno);
  return {};
}

}  // namespace

Result<std::optional<std::string>> read_file_in(const Directory& parent, const std::string& name, uid_t owner) {
  Result<std::optional<Present>> present = look(parent, name, owner);
  if (!present) return pass(present);
  if (!*present) return std::optional<std::string>();
  return std::move((*present)->content);
}

Result<std::optional<std::string>> read_head_in(const Directory& parent, const std::string& name, uid_t owner,
                                                std::size_t most) {
  Result<std::optional<Present>> present = look(parent, name, owner, most);
  if (!present) return pass(present);
  if (!*present) return std::optional<std::string>();
  return std::move((*present)->content);
}

Result<void> install_file(const Directory& parent, const std::string& name, std::string_view content,
                          const WantedFile& wanted, Done& done) {
  Result<std::optional<Present>> present = look(parent, name, wanted.owner);
  if (!present) return pass(present);
  if (*present && (*present)->content == content) {
    return ensure_file(parent, name, wanted.owner, wanted.group, wanted.mode, done);
  }
  const std::string path = path_of(parent, name);
  const std::string temporary = temporary_of(name);
  (void)::unlinkat(parent.fd.get(), temporary.c_str(), 0);  // of a process of this number that was killed
  const Fd file(
      ::openat(parent.fd.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail_errno("the file can't be created", path_of(parent, temporary), errno);
  Result<void> written = write_beside(file, path, content, wanted, *present ? &(*present)->status : nullptr);
  if (written && ::renameat(parent.fd.get(), temporary.c_str(), parent.fd.get(), name.c_str()) != 0) {
    written = fail_errno("the file can't be put in its place", path, errno);
  }
  if (!written) {
    (void)::unlinkat(parent.fd.get(), temporary.c_str(), 0);
    return written;
  }
  if (wanted.durable && ::fsync(parent.fd.get()) != 0) {
    return fail_errno("the directory can't be synced", parent.path, errno);
  }
  done.push_back(path + ": written");
  return {};
}

Result<void> install_link(const Directory& parent, const std::string& name, const std::string& target, uid_t owner,
                          gid_t group, Done& done) {
  const std::string path = path_of(parent, name);
  std::array<char, PATH_MAX> present{};
  const ssize_t size = ::readlinkat(parent.fd.get(), name.c_str(), present.data(), present.size());
  if (size < 0 && errno == EINVAL) return in_its_place(path, "a symbolic link");
  if (size < 0 && errno != ENOENT) return fail_errno("the link can't be read", path, errno);
  if (size >= 0 && std::string_view(present.data(), static_cast<std::size_t>(size)) == target) return {};
  const std::string temporary = temporary_of(name);
  (void)::unlinkat(parent.fd.get(), temporary.c_str(), 0);
  if (::symlinkat(target.c_str(), parent.fd.get(), temporary.c_str()) != 0) {
    return fail_errno("the link can't be made", path, errno);
  }
  if (::fchownat(parent.fd.get(), temporary.c_str(), owner, group, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::renameat(parent.fd.get(), temporary.c_str(), parent.fd.get(), name.c_str()) != 0) {
    const int error_number = errno;
    (void)::unlinkat(parent.fd.get(), temporary.c_str(), 0);
    return fail_errno("the link can't be put in its place", path, error_number);
  }
  done.push_back(path + ": leads to " + target);
  return {};
}

Result<void> remove_file(const Directory& parent, const std::string& name, Done& done) {
  const std::string path = path_of(parent, name);
  if (::unlinkat(parent.fd.get(), name.c_str(), 0) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("can't be removed", path, errno);
  }
  done.push_back(path + ": removed");
  return {};
}

Result<Listing> Listing::begin(const Directory& directory) {
  const int fd = ::openat(directory.fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Listing listing(fd < 0 ? nullptr : ::fdopendir(fd));
  if (!listing.stream_) {
    const int error_number = errno;
    if (fd >= 0) (void)::close(fd);
    return fail_errno("the directory can't be listed", directory.path, error_number);
  }
  return listing;
}

std::optional<std::string> Listing::next() {
  while (const dirent* const entry = ::readdir(stream_.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return std::string(name);
  }
  return std::nullopt;
}

Result<std::vector<std::string>> names_in(const Directory& directory) {
  Result<Listing> listing = Listing::begin(directory);
  if (!listing) return pass(listing);
  std::vector<std::string> names;
  while (std::optional<std::string> name = listing->next()) names.push_back(*std::move(name));
  std::ranges::sort(names);
  return names;
}

}  // namespace aegir::machine
