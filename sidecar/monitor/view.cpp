#include "sidecar/monitor/view.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "compiler/machine/file.hpp"

namespace aegir::monitor {
namespace {

bool is_below(std::string_view path, std::string_view directory) {
  return path == directory || (path.starts_with(directory) && path[directory.size()] == '/');
}

/// An empty folder over another one. Everything is done by descriptor: what a path leads to can change meanwhile, and
/// to make a file there would be done with root's rights on the real machine.
class Cover {
 public:
  /// Lays it over the folder that `place` is; `path` is for messages.
  static Result<Cover> lay(const Fd& place, const std::string& path) {
    const Fd files(::fsopen("tmpfs", FSOPEN_CLOEXEC));
    Cover cover{Fd(), path};
    if (files && ::fsconfig(files.get(), FSCONFIG_SET_STRING, "mode", "0711", 0) == 0 &&
        ::fsconfig(files.get(), FSCONFIG_SET_STRING, "size", "1m", 0) == 0 &&
        ::fsconfig(files.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0) {
      cover.fd_ = Fd(::fsmount(files.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    }
    if (!cover.fd_ || ::move_mount(cover.fd_.get(), "", place.get(), "", kByDescriptor) != 0) {
      return can_not("mount", path);
    }
    return cover;
  }

  /// A folder in it.
  [[nodiscard]] Result<Fd> make_folder(const std::string& name) const {
    if (::mkdirat(fd_.get(), name.c_str(), 0711) != 0) return can_not("mkdir", path_ + '/' + name);
    return open(fd_, name);
  }

  /// What `from` is, shown as `name` in `folder`, which is in it.
  Result<void> show(const Fd& from, const Fd& folder, const std::string& name) const {
    struct stat status{};
    if (::fstat(from.get(), &status) != 0) return can_not("stat", path_ + '/' + name);
    const bool made = S_ISDIR(status.st_mode)
                          ? ::mkdirat(folder.get(), name.c_str(), 0711) == 0
                          : Fd(::openat(folder.get(), name.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0444)).get() >= 0;
    if (!made) return can_not("make", path_ + '/' + name);
    Result<Fd> place = open(folder, name);
    if (!place) return pass(place);
    const Fd tree(::open_tree(from.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
    if (!tree || ::move_mount(tree.get(), "", place->get(), "", kByDescriptor) != 0) {
      return can_not("mount", path_ + '/' + name);
    }
    return {};
  }
  Result<void> show(const Fd& from, const std::string& name) const { return show(from, fd_, name); }

  /// From now on nothing can be made in it.
  Result<void> close() const {
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    if (::mount_setattr(fd_.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
      return can_not("mount read-only", path_);
    }
    return {};
  }

 private:
  static constexpr unsigned kByDescriptor = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

  Cover(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  [[nodiscard]] Result<Fd> open(const Fd& folder, const std::string& name) const {
    Fd fd(::openat(folder.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return can_not("open", path_ + '/' + name);
    return fd;
  }

  Fd fd_;
  std::string path_;
};

class View {
 public:
  View(const Config& config, const RunOrder& order) : config_(config), order_(order) {}

  Result<Fd> make() {
    // First, so that nothing of what follows is mounted on the machine.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return can_not("mount", "/");
    if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
      return can_not("mount", "/proc");
    }
    const std::string home = slot_home(config_, order_.slot.block, order_.slot.number);
    for (const std::string& hidden : {config_.state_dir, config_.run_dir, config_.aegir_root + "/backups"}) {
      if (is_below(home, hidden) || is_below(order_.docroot, hidden)) {
        return fail_at(hidden, Code::kConflict, "a run that needs what is in it would have to see all of it",
                       "put slots and platforms elsewhere");
      }
      const Fd place = open_folder(hidden);
      if (!place && errno == ENOENT) continue;
      Result<Cover> cover = Cover::lay(place, hidden);
      if (!cover) return pass(cover);
      if (Result<void> closed = cover->close(); !closed) return pass(closed);
    }
    Result<Fd> own = show_slot(home);
    if (own && !order_.docroot.empty()) {
      if (Result<void> shown = show_sites(order_.docroot + "/sites"); !shown) return pass(shown);
    }
    return own;
  }

 private:
  static Fd open_folder(const std::string& path) {
    return Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }

  /// Opens as the slot would.
  [[nodiscard]] Fd open_as_slot(int at, const char* path, int flags = 0) const {
    (void)::setfsgid(order_.slot.uid);
    (void)::setfsuid(order_.slot.uid);
    Fd fd(::openat(at, path, O_PATH | O_CLOEXEC | O_NOFOLLOW | flags));
    const int error = errno;
    (void)::setfsuid(0);
    (void)::setfsgid(0);
    errno = error;
    return fd;
  }

  Result<Fd> show_slot(const std::string& home) const {
    Fd own = open_as_slot(AT_FDCWD, home.c_str(), O_DIRECTORY);
    if (!own) return can_not("open", home);
    Result<Cover> cover = Cover::lay(open_folder(config_.slot_dir), config_.slot_dir);
    if (!cover) return pass(cover);
    Result<Fd> block = cover->make_folder(order_.slot.block);
    if (!block) return block;
    Result<void> shown = cover->show(own, *block, std::to_string(order_.slot.number));
    if (shown) shown = cover->close();
    if (!shown) return pass(shown);
    return own;
  }

  /// Of the folders in sites/ those that the order names, and what is no folder.
  Result<void> show_sites(const std::string& path) const {
    const Fd sites = open_as_slot(AT_FDCWD, path.c_str(), O_DIRECTORY);
    if (!sites) return can_not("open", path);
    // To list it is root's: tenants can't.
    const machine::Directory all{Fd(::openat(sites.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path};
    if (!all.fd) return can_not("open", path);
    Result<std::vector<std::string>> names = machine::names_in(all);
    if (!names) return pass(names);
    Result<Cover> cover = Cover::lay(sites, path);
    if (!cover) return pass(cover);
    for (const std::string& name : *names) {
      struct stat status{};
      if (::fstatat(all.fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (S_ISLNK(status.st_mode)) continue;
      const bool everybodys = !S_ISDIR(status.st_mode) || name == "all" || name == "default";
      if (!everybodys && std::ranges::find(order_.shown, name) == order_.shown.end()) continue;
      const Fd entry = open_as_slot(all.fd.get(), name.c_str());
      if (!entry) return can_not("open", path + '/' + name);
      if (Result<void> ok = cover->show(entry, name); !ok) return ok;
    }
    return cover->close();
  }

  const Config& config_;
  const RunOrder& order_;
};

}  // namespace

std::unexpected<Error> can_not(std::string_view what, const std::string& path) {
  return fail_errno("a run can't be made: " + std::string(what), path, errno);
}

Result<Fd> make_view(const Config& config, const RunOrder& order) { return View(config, order).make(); }

}  // namespace aegir::monitor
