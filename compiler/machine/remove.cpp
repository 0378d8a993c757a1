#include "compiler/machine/remove.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "compiler/core/crc32c.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/site_parts.hpp"

namespace aegir::machine {
namespace {

// A million files on a slow disk; the site's own processes can stop it, and the next call goes on.
constexpr std::chrono::minutes kPatience{10};
constexpr int kRounds = 3;

/// Empties a directory with the rights of who this process is. It follows no link and opens nothing but directories;
/// what lies deeper than it goes is moved up, so that no depth takes its descriptors.
class Emptier {
 public:
  explicit Emptier(const Directory& top) : top_(top) {}

  /// The first that could not be removed is the error.
  Result<void> empty() {
    struct stat status{};
    if (::fstat(top_.fd.get(), &status) != 0) return fail_errno("can't be looked at", top_.path, errno);
    device_ = status.st_dev;
    open_to_owner(top_.fd.get(), status);
    // What was moved up is met by the next round, and so is what came meanwhile; who makes more all the time is not
    // waited for.
    std::uint64_t moved_before = 0;
    int others = 0;
    do {
      moved_before = moved_;
      removed_ = 0;
      error_.reset();
      empty(top_.fd.get(), top_.path, 0);
    } while (removed_ != 0 && (moved_ != moved_before || ++others < kRounds));
    if (error_) return std::unexpected(std::move(*error_));
    return {};
  }

 private:
  static constexpr int kDeepest = 50;

  static void open_to_owner(int fd, const struct stat& status) {
    if ((status.st_mode & S_IRWXU) != S_IRWXU) (void)::fchmod(fd, status.st_mode | S_IRWXU);
  }

  void refuse(const std::string& path, int error_number) {
    if (error_) return;
    error_ = fail_errno("can't be removed", path, error_number).error();
  }

  // A listing that goes on while its directory changes may miss names: the next round has them.
  void empty(int fd, const std::string& path, int depth) {
    const Directory directory{Fd(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), path};
    Result<Listing> names = directory.fd ? Listing::begin(directory) : Result<Listing>(pass_errno(path));
    if (!names) {
      if (!error_) error_ = std::move(names.error());
      return;
    }
    while (const std::optional<std::string> name = names->next()) remove(fd, *name, path + '/' + *name, depth);
  }

  static std::unexpected<Error> pass_errno(const std::string& path) {
    return fail_errno("the directory can't be opened", path, errno);
  }

  void remove(int parent, const std::string& name, const std::string& path, int depth) {
    if (::unlinkat(parent, name.c_str(), 0) == 0) {
      ++removed_;
      return;
    }
    if (errno == ENOENT) return;
    struct stat status{};
    if (const int error_number = errno; ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
                                        !S_ISDIR(status.st_mode) || status.st_dev != device_) {
      return refuse(path, error_number);
    }
    if (remove_empty(parent, name)) return;
    if (depth == kDeepest) return move_up(parent, name, path);
    Fd inner = open(parent, name);
    if (!inner) return refuse(path, errno);
    empty(inner.get(), path, depth + 1);
    if (!remove_empty(parent, name) && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST) refuse(path, errno);
  }

  bool remove_empty(int parent, const std::string& name) {
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) return false;
    ++removed_;
    return true;
  }

  /// Its owner can have closed it to himself.
  static Fd open(int parent, const std::string& name) {
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd fd(::openat(parent, name.c_str(), kFlags));
    if (!fd && errno == EACCES && ::fchmodat(parent, name.c_str(), 0700, AT_SYMLINK_NOFOLLOW) == 0) {
      fd = Fd(::openat(parent, name.c_str(), kFlags));
    }
    struct stat status{};
    if (fd && ::fstat(fd.get(), &status) == 0) open_to_owner(fd.get(), status);
    return fd;
  }

  void move_up(int parent, const std::string& name, const std::string& path) {
    // To be moved, a directory must let its own entry ".." be written.
    (void)open(parent, name);
    for (;;) {
      const std::string up = ".aegir-deep-" + std::to_string(moved_++);
      if (::renameat2(parent, name.c_str(), top_.fd.get(), up.c_str(), RENAME_NOREPLACE) == 0) {
        ++removed_;
        return;
      }
      if (errno != EEXIST) return refuse(path, errno);
    }
  }

  const Directory& top_;
  dev_t device_ = 0;
  std::uint64_t removed_ = 0;
  std::uint64_t moved_ = 0;
  std::optional<Error> error_;
};

bool is_own(const Accounts& accounts, const SitePlace& place, const struct stat& status) {
  return S_ISDIR(status.st_mode) && status.st_gid == place.uid &&
         (status.st_uid == 0 || status.st_uid == accounts.aegir);
}

std::unexpected<Error> not_own(const std::string& path, const SitePlace& place, const struct stat& status) {
  return fail_at(path, Code::kConflict,
                 "found " + describe_found(status) + " and group " + std::to_string(status.st_gid) +
                     ", expected the directory of site " + place.uri + " with group " + std::to_string(place.uid),
                 "look at what it is, and move it away when nobody needs it");
}

class Remover {
 public:
  Remover(const Config& config, const Accounts& accounts, const SitePlace& place, const Directory& sites, Done& done)
      : config_(config),
        accounts_(accounts),
        place_(place),
        sites_(sites),
        done_(done),
        gone_(gone_name(place.uri, place.uid)) {}

  Result<void> remove() {
    // What an earlier call has left comes first: it has the name.
    if (Result<void> ok = finish(); !ok) return ok;
    Result<bool> moved = move();
    if (!moved) return pass(moved);
    return *moved ? finish() : Result<void>();
  }

 private:
  /// Puts the site's directory out of sight; false: there is none.
  Result<bool> move() {
    const std::string path = sites_.path + '/' + place_.uri;
    const Fd fd(::openat(sites_.fd.get(), place_.uri.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!fd && errno == ENOENT) return false;
    if (!fd || ::fstat(fd.get(), &status) != 0) return fail_errno("can't be looked at", path, errno);
    if (!is_own(accounts_, place_, status)) {
      // Somebody was killed when he had made it and before it was the site's.
      const bool nobodys = S_ISDIR(status.st_mode) && (status.st_uid == 0 || status.st_uid == accounts_.aegir);
      if (!nobodys || ::unlinkat(sites_.fd.get(), place_.uri.c_str(), AT_REMOVEDIR) != 0) {
        return not_own(path, place_, status);
      }
      done_.push_back(path + ": removed");
      return false;
    }
    const int at = sites_.fd.get();
    if (::renameat2(at, place_.uri.c_str(), at, gone_.c_str(), RENAME_NOREPLACE) != 0) {
      return fail_errno("can't be renamed to " + gone_, path, errno);
    }
    done_.push_back(path + ": removed");
    return true;
  }

  Result<void> finish() {
    Directory gone{Fd(::openat(sites_.fd.get(), gone_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)),
                   sites_.path + '/' + gone_};
    struct stat status{};
    if (!gone.fd && errno == ENOENT) return {};
    if (!gone.fd || ::fstat(gone.fd.get(), &status) != 0) return fail_errno("can't be opened", gone.path, errno);
    // It may be another one than move() has looked at: sites/ is aegir's.
    if (!is_own(accounts_, place_, status)) return not_own(gone.path, place_, status);
    Done unheard;
    if (Result<void> ok = set_owner(gone, status, accounts_.aegir, place_.uid, unheard); !ok) return ok;
    if (Result<void> ok = set_mode(gone, status.st_mode, 0700, unheard); !ok) return ok;
    if (Result<bool> ok = ensure_acl(gone.fd.get(), gone.path, 0700, {}); !ok) return pass(ok);
    // Again, for what its tenant has made meanwhile where he was already.
    Result<void> emptied;
    for (int n = 0; n < kRounds; ++n) {
      emptied = empty_data(gone);
      if (emptied) emptied = empty_code(gone);
      if (emptied) break;
    }
    if (!emptied) return emptied;
    if (::unlinkat(sites_.fd.get(), gone_.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      return fail_errno("can't be removed", gone.path, errno);
    }
    if (::fsync(sites_.fd.get()) != 0) return fail_errno("can't be written to disk", sites_.path, errno);
    return {};
  }

  Result<void> empty_data(const Directory& gone) {
    Result<void> emptied = empty_own(gone);
    // A directory of root's or aegir's in the site's data can't be emptied by the site.
    if (emptied || emptied.error().code != Code::kPermission || !links_are_protected()) return emptied;
    Done unheard;
    // What could not be handed over is told by the second try.
    const Result<void> handed = hand_over(accounts_, place_, gone, unheard);
    if (!handed && handed.error().code == Code::kIo) return handed;
    return empty_own(gone);
  }

  Result<void> empty_own(const Directory& gone) {
    Steps steps;
    for (const char* name : {"files", "private"}) {
      const std::optional<Directory> data = open_own(gone, place_, name);
      if (data) steps.take(empty_as({place_.uid, place_.uid}, *data));
    }
    return steps.end();
  }

  Result<void> empty_code(const Directory& gone) {
    const Identity aegir{accounts_.aegir, accounts_.aegir_group};
    Result<void> emptied = empty_as(aegir, gone);
    if (emptied || emptied.error().code != Code::kPermission) return emptied;
    // What a member of group aegir has left for himself is given to aegir first.
    Done unheard;
    Rules rules = shared_code_rules(config_, accounts_);
    rules.leave = [](std::string_view path) { return path == "files" || path == "private"; };
    Result<void> given = ensure_below(gone, rules, unheard);
    emptied = empty_as(aegir, gone);
    // What can't be given says what a person can do about it.
    return emptied || given ? emptied : given;
  }

  const Config& config_;
  const Accounts& accounts_;
  const SitePlace& place_;
  const Directory& sites_;
  Done& done_;
  std::string gone_;
};

}  // namespace

Result<void> empty_as(Identity identity, const Directory& top) {
  return run_as(identity, [&] { return Emptier(top).empty(); }, kPatience);
}

std::string gone_name(const std::string& uri, uid_t uid) {
  // One name for one site in one slot, of a bounded length.
  std::array<char, 48> name{};
  (void)std::snprintf(name.data(), name.size(), ".aegir-gone-%u-%08x", static_cast<unsigned>(uid),
                      static_cast<unsigned>(crc32c(uri.data(), uri.size())));
  return name.data();
}

Result<void> remove_site(const Config& config, const Accounts& accounts, const SitePlace& place, Done& done) {
  if (Result<void> ok = check_place(config, place); !ok) return ok;
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const std::array owners{accounts.aegir};
  const Result<Directory> sites = open_directory(place.docroot + "/sites", owners);
  if (!sites && sites.error().code == Code::kNotFound) return {};
  if (!sites) return std::unexpected(sites.error());
  return Remover(config, accounts, place, *sites, done).remove();
}

}  // namespace aegir::machine
