#include "compiler/machine/walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "compiler/core/utf8.hpp"

namespace aegir::machine {
namespace {

constexpr mode_t kPermissions = 07777;
constexpr unsigned kDeepest = 100;  // a descriptor a level
constexpr std::size_t kMostEntries = 10'000'000;
constexpr std::size_t kMostLines = 20;  // of a tree told one by one

bool is_directory(const struct stat& status) { return S_ISDIR(status.st_mode); }

mode_t least_mode(const Rules& rules, const struct stat& status) {
  if (is_directory(status)) return rules.directories;
  const bool executable = (status.st_mode & 0111U) != 0;
  return rules.files | (executable ? (rules.files & 0444U) >> 2U : 0U);
}

mode_t taken_away(const Rules& rules, const struct stat& status) {
  if (!rules.closed_to_others) return 0;
  return S_IWOTH | S_ISUID | S_ISVTX | (is_directory(status) ? 0U : S_ISGID);
}

mode_t wanted_mode(const Rules& rules, const struct stat& status) {
  return ((status.st_mode & kPermissions) & ~taken_away(rules, status)) | least_mode(rules, status);
}

/// Guests may enter a directory, and not execute a file.
std::vector<AclEntry> guests_of(const Rules& rules, const struct stat& status) {
  std::vector<AclEntry> guests(rules.guests.begin(), rules.guests.end());
  for (AclEntry& guest : guests) guest.permissions &= is_directory(status) ? 07U : 06U;
  return guests;
}

Result<struct stat> examine(const Directory& at) {
  struct stat status{};
  if (::fstat(at.fd.get(), &status) != 0) return fail_errno("can't be examined", at.path, errno);
  return status;
}

Result<void> give(const Directory& at, const struct stat& status, const Rules& rules, Done& done) {
  if (status.st_uid == rules.owner.uid && status.st_gid == rules.owner.gid) return {};
  if (status.st_uid != rules.owner.uid && (!rules.adopts || !rules.adopts(status.st_uid))) {
    const std::string ids = std::to_string(rules.owner.uid) + ':' + std::to_string(rules.owner.gid);
    return fail_at(at.path, Code::kConflict,
                   "found " + describe_found(status) + ", expected one of uid " + std::to_string(rules.owner.uid),
                   "move it away, or give it over with `chown -h " + ids + "`, and run the command again");
  }
  return set_owner(at, status, rules.owner.uid, rules.owner.gid, done);
}

/// Whether what was found is closed to the others, and belongs to somebody whose closed things are not given away.
bool is_hidden(const struct stat& status, const Rules& rules) {
  const mode_t open = is_directory(status) ? S_IROTH | S_IXOTH : S_IROTH;
  return (status.st_mode & open) != open && status.st_uid != rules.owner.uid && rules.adopts_closed &&
         !rules.adopts_closed(status.st_uid);
}

std::unexpected<Error> found_hidden(const Directory& at, const struct stat& status, const Identity& owner) {
  return fail_at(at.path, Code::kConflict,
                 "found " + describe_found(status) + " that the others can't read, where people put code: somebody " +
                     "may have moved it there who can't read it either",
                 "look at it; when it is code, run `chown " + std::to_string(owner.uid) + ':' +
                     std::to_string(owner.gid) + ' ' + at.path +
                     "` (`chown -R` for a whole folder of yours) and the command again, else move it away");
}

/// A mode where there is an access list: the list first, since the group's bits are its mask.
Result<void> open_up_list(const Directory& at, const struct stat& status, const Rules& rules, Done& done) {
  const std::vector<AclEntry> guests = guests_of(rules, status);
  const LeastAccess least{.mode = least_mode(rules, status) & 0777U,
                          .entries = guests,
                          .barred = rules.barred,
                          .others_write = !rules.closed_to_others};
  const Result<bool> widened = widen_acl(at.fd.get(), at.path, least);
  if (!widened) return std::unexpected(widened.error());
  if (*widened) done.push_back(at.path + ": access list");
  const Result<struct stat> now = examine(at);
  if (!now) return std::unexpected(now.error());
  const mode_t special = wanted_mode(rules, status) & ~0777U;
  return set_mode(at, now->st_mode, (now->st_mode & 0777U) | special, done);
}

Result<void> put_right(const Directory& at, const struct stat& status, const Rules& rules, bool list, Done& done) {
  if (!is_directory(status) && status.st_nlink != 1) {
    return fail_at(at.path, Code::kConflict, "found a file with another hard link, which may be anybody's",
                   "make a copy, put it into its place, and run the command again");
  }
  if (Result<void> ok = give(at, status, rules, done); !ok || rules.only_owners) return ok;
  if (list || !rules.guests.empty()) return open_up_list(at, status, rules, done);
  return set_mode(at, status.st_mode, wanted_mode(rules, status), done);
}

/// What is handed on to new files; the access list itself is put_right()'s.
Result<void> hand_on(const Directory& at, const Rules& rules, Done& done) {
  if (rules.guests.empty() || rules.only_owners) return {};
  const Result<bool> changed = ensure_default_acl(at.fd.get(), at.path, rules.directories & 0777U, rules.guests);
  if (!changed) return std::unexpected(changed.error());
  if (*changed) done.push_back(at.path + ": default access list");
  return {};
}

class Walk {
 public:
  Walk(const Directory& top, const Rules& rules, Done& done) : rules_(rules), done_(done), path_(top.path) {
    relative_ = path_.size() + 1;
  }

  Result<void> run(const Directory& top, bool itself, bool below) {
    const Result<struct stat> status = examine(top);
    if (!status) return std::unexpected(status.error());
    device_ = status->st_dev;
    if (itself && !is_right(top.fd.get(), ".", *status)) settle(ensure(top, *status, has_acl(top.fd.get(), ".")));
    if (below) descend(top.fd.get(), ".", 1);
    if (lines_ > kMostLines) {
      done_.push_back(path_ + ": " + std::to_string(lines_ - kMostLines) + " more changes of owners and modes in it");
    }
    if (!first_) return {};
    if (problems_ > 1) first_->message += " (and " + std::to_string(problems_ - 1) + " more problems in this tree)";
    return std::unexpected(std::move(*first_));
  }

 private:
  // Names are anybody's: a line break in one must not look like another line of ours.
  [[nodiscard]] std::string told_path() const {
    std::string text = path_;
    for (std::size_t at = 0;; ++at) {
      const std::size_t bad = find_control_or_bad_utf8(std::string_view(text).substr(at));
      if (bad == std::string_view::npos) return text;
      at += bad;
      text[at] = '?';
    }
  }

  // Remembers an error, if it is one.
  void settle(Result<void> result) {
    if (result) return;
    ++problems_;
    if (!first_) first_ = std::move(result.error());
  }

  Result<void> ensure(const Directory& at, const struct stat& status, bool list) {
    Done said;
    Result<void> ok = put_right(at, status, rules_, list, said);
    if (ok && is_directory(status)) ok = hand_on(at, rules_, said);
    for (std::string& line : said) {
      if (++lines_ <= kMostLines) done_.push_back(std::move(line));
    }
    return ok;
  }

  [[nodiscard]] bool is_right(int parent, const char* name, const struct stat& status) const {
    if (status.st_uid != rules_.owner.uid || status.st_gid != rules_.owner.gid) return false;
    if (rules_.only_owners) return true;
    if (!rules_.guests.empty() || wanted_mode(rules_, status) != (status.st_mode & kPermissions)) return false;
    return !has_acl(parent, name);
  }

  // What is behind `name` now; the type may not be another one than a moment ago.
  void entry(int parent, const char* name, unsigned depth) {
    struct stat status{};
    if (::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) settle(fail_errno("can't be examined", told_path(), errno));
      return;
    }
    if (S_ISLNK(status.st_mode)) return;
    if (!S_ISREG(status.st_mode) && !is_directory(status)) {
      if (!rules_.special_files) settle(in_the_way(told_path(), describe_found(status), "a file or a directory"));
      return;
    }
    if (status.st_dev != device_) {
      settle(in_the_way(told_path(), "another file system", "none to be mounted there"));
      return;
    }
    if (rules_.secluded && rules_.secluded(status.st_gid)) {
      settle(fail_at(told_path(), Code::kConflict,
                     "found " + describe_found(status) + " and of group " + std::to_string(status.st_gid) +
                         ", which is a site's, among code",
                     "move it away, or change owner and group, and run the command again"));
      return;
    }
    if (!is_right(parent, name, status)) {
      const Directory at{Fd(::openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)), told_path()};
      struct stat now{};
      if (!at.fd || ::fstat(at.fd.get(), &now) != 0) {
        settle(fail_errno("can't be opened", told_path(), errno));
        return;
      }
      if ((now.st_mode & S_IFMT) != (status.st_mode & S_IFMT) || now.st_gid != status.st_gid) {
        settle(fail_at(told_path(), Code::kBusy, "is being exchanged right now", "run the command again"));
        return;
      }
      if (is_hidden(now, rules_)) {
        settle(found_hidden(at, now, rules_.owner));
        return;  // all that is in a closed folder is closed, whatever its mode
      }
      settle(ensure(at, now, has_acl(parent, name)));
    }
    if (is_directory(status)) enter(parent, name, depth);
  }

  void enter(int parent, const char* name, unsigned depth) {
    if (depth > kDeepest) {
      settle(fail_at(told_path(), Code::kInvalid, "lies deeper than " + std::to_string(kDeepest) + " directories",
                     "move it away, and run the command again"));
      return;
    }
    descend(parent, name, depth + 1);
  }

  // One name after the other: a folder may have millions of them.
  void descend(int parent, const char* name, unsigned depth) {
    Fd directory(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(directory ? ::fdopendir(directory.get()) : nullptr, ::closedir);
    if (!listing) {
      settle(fail_errno("the directory can't be opened", told_path(), errno));
      return;
    }
    (void)directory.release();  // the listing's now
    while (const dirent* const found = ::readdir(listing.get())) {
      const std::string_view child = found->d_name;
      if (child == "." || child == "..") continue;
      if (++entries_ > kMostEntries) return tell_of_too_many();
      const std::size_t length = path_.size();
      (path_ += '/') += child;
      if (!rules_.leave || !rules_.leave(std::string_view(path_).substr(relative_))) {
        entry(::dirfd(listing.get()), found->d_name, depth);
      }
      path_.resize(length);
    }
  }

  void tell_of_too_many() {
    if (std::exchange(told_, true)) return;
    settle(fail_at(told_path(), Code::kInvalid,
                   "the tree has more than " + std::to_string(kMostEntries) + " files; the rest was not looked at",
                   "move some of them away"));
  }

  const Rules& rules_;
  Done& done_;
  std::string path_;
  std::size_t relative_;
  dev_t device_ = 0;
  std::size_t entries_ = 0;
  bool told_ = false;
  std::size_t lines_ = 0;
  std::size_t problems_ = 0;
  std::optional<Error> first_;
};

}  // namespace

Result<void> ensure_tree(const Directory& top, const Rules& rules, Done& done) {
  return Walk(top, rules, done).run(top, true, true);
}

Result<void> ensure_below(const Directory& top, const Rules& rules, Done& done) {
  return Walk(top, rules, done).run(top, false, true);
}

Result<void> ensure_top(const Directory& top, const Rules& rules, Done& done) {
  return Walk(top, rules, done).run(top, true, false);
}

}  // namespace aegir::machine
