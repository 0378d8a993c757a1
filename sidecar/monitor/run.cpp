#include "sidecar/monitor/run.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "compiler/machine/code.hpp"
#include "compiler/machine/file.hpp"
#include "sidecar/monitor/processes.hpp"
#include "sidecar/wire/codec.hpp"

namespace aegir::monitor {
namespace {

constexpr std::size_t kMostWords = 1000;
constexpr std::size_t kLongestWord = 64U << 10U;
constexpr std::chrono::seconds kPatience{10};

std::unexpected<Error> can_not(std::string_view what, const std::string& path) {
  return fail_errno("a run can't be made: " + std::string(what), path, errno);
}

std::unexpected<Error> no_namespaces() {
  return fail(Code::kPermission,
              std::string("the kernel lets aegird make no namespaces (") + std::strerror(errno) +
                  "), so that nothing of a site can be run",
              "in a container: give it CAP_SYS_ADMIN");
}

bool is_below(std::string_view path, std::string_view directory) {
  return path == directory || (path.starts_with(directory) && path[directory.size()] == '/');
}

bool is_clean_path(std::string_view path) {
  if (!path.starts_with('/') || path.contains('\0') || path.size() > 4000) return false;
  for (std::string_view rest = path; !rest.empty();) {
    rest.remove_prefix(1);
    const std::string_view part = rest.substr(0, rest.find('/'));
    if (part.empty() ? !(rest.empty() && path == "/") : part == "." || part == "..") return false;
    rest.remove_prefix(part.size());
  }
  return true;
}

bool is_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\0", 2)) == name.npos &&
         name.size() <= 255;
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

/// What a run sees of the machine, made of mounts of its own. Works as root in a new mount namespace; looks folders up
/// with the slot's rights, so that a run sees nothing that its uid could not have gone to.
class View {
 public:
  View(const Config& config, const RunOrder& order) : config_(config), order_(order) {}

  /// Returns the slot's own directory.
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

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

void limit(int resource, rlim_t most) {
  const rlimit wanted{.rlim_cur = most, .rlim_max = most};
  (void)::setrlimit(static_cast<__rlimit_resource>(resource), &wanted);
}

/// Becomes the program. Only returns with an error.
std::unexpected<Error> execute(const RunOrder& order, const RunFiles& files) {
  // Above what is put into its place.
  std::array<int, 3> open{};
  for (std::size_t n = 0; n < open.size(); ++n) open[n] = ::fcntl(files[n].get(), F_DUPFD_CLOEXEC, 10);
  for (std::size_t n = 0; n < open.size(); ++n) {
    if (::dup2(open[n], static_cast<int>(n)) < 0) return can_not("dup2", order.argv[0]);
  }
  (void)::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (::chdir(order.directory.c_str()) != 0) return fail_errno("a program can't start there", order.directory, errno);
  (void)::setsid();
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 4096);
  limit(RLIMIT_NPROC, 512);  // of its uid, PHP-FPM's children among them
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(order.argv[0].c_str(), pointers(order.argv).data(), pointers(order.environment).data());
  return fail_errno("can't be executed", order.argv[0], errno);
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/// The first process of a run: ends with `life`, whose other end its parent holds, and everything ends with it.
/// Returns how the program ended.
Result<int> lead(const Config& config, const RunOrder& order, const RunFiles& files, const Fd& life) {
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) return no_namespaces();
  const Result<Fd> own = View(config, order).make();
  if (!own) return std::unexpected(own.error());
  const uid_t uid = order.slot.uid;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    return can_not("become the slot's uid", "this process");
  }
  // The parent may have ended before the line above: then nobody holds the other end.
  pollfd parent{.fd = life.get(), .events = 0, .revents = 0};
  if (::poll(&parent, 1, 0) != 0) ::_exit(1);
  // Who retires a slot marks it, and kills what has its uid then: from here on this process does.
  if (is_marked_retired(*own)) return fail(Code::kConflict, "the slot has been retired meanwhile");
  // Sites would share the keys of aegird's session. Where the kernel allows no keys there are none to share.
  (void)::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return can_not("pipe", "this process");
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t program = ::fork();
  if (program < 0) return can_not("fork", "this process");
  if (program == 0) {
    const std::string told = wire::encode_result<void>(execute(order, files));
    ::_exit(write_all(writer.get(), told) ? 127 : 126);
  }
  writer = Fd();
  Result<std::string> told = read_all(reader.get(), "can't be read", "a pipe", 64U << 10U);
  if (told && !told->empty()) {
    Result<void> error = wire::decode_result<void>(*told);
    if (!error) return pass(error);
  }
  for (;;) {
    int status = 0;
    const pid_t ended = ::wait(&status);
    if (ended == program) return code_of(status);
    if (ended < 0 && errno != EINTR) return can_not("wait", "this process");
  }
}

std::unexpected<Error> not_ended(const Slot& slot) {
  return fail(Code::kBusy, "a run of slot " + slot.block + '/' + std::to_string(slot.number) + " can't be ended",
              "look at what the processes of uid " + std::to_string(slot.uid) +
                  " wait for, a disk or a network file system; nothing is run as that uid meanwhile");
}

/// Waits for a process, but not for ever.
bool is_gone(const Fd& process, std::chrono::milliseconds patience) {
  pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  while ((ready = ::poll(&ended, 1, static_cast<int>(patience.count()))) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

/// Ends a run. The kernel lets a namespace's first process be waited for only when all others in it are gone; one that
/// somebody else of the same uid traces stays until that one is gone too.
Result<void> end_all(pid_t leader, const Slot& slot) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, leader, 0)));
  if (!process) return can_not("pidfd_open", "this process");
  (void)::kill(leader, SIGKILL);
  if (!is_gone(process, std::chrono::seconds(2)) && (!kill_all_of(slot.uid) || !is_gone(process, kPatience))) {
    return not_ended(slot);
  }
  int status = 0;
  while (::waitpid(leader, &status, 0) < 0) {
    if (errno != EINTR) return can_not("wait", "this process");
  }
  return {};
}

}  // namespace

Result<void> check_order(const Config& config, const RunOrder& order) {
  const auto wrong = [](const std::string& what) { return fail(Code::kInvalid, "a run: " + what); };
  if (order.argv.empty() || !is_clean_path(order.argv[0])) return wrong("its program has no absolute path");
  for (const auto* words : {&order.argv, &order.environment, &order.shown}) {
    if (words->size() > kMostWords) return wrong("more than 1,000 words");
    for (const std::string& word : *words) {
      if (word.contains('\0')) return wrong("a word with a NUL");
      if (word.size() > kLongestWord) return wrong("a word of more than 64 KiB");
    }
  }
  for (const std::string& variable : order.environment) {
    if (variable.find('=') == 0 || !variable.contains('=')) return wrong("an environment variable without a name");
  }
  if (!is_clean_path(order.directory)) return wrong("'" + order.directory + "' is no absolute path");
  if (!order.docroot.empty()) {
    if (!is_clean_path(order.docroot)) return wrong("'" + order.docroot + "' is no absolute path");
    if (Result<void> ok = machine::check_docroot(config, order.docroot); !ok) return ok;
  }
  for (const std::string& name : order.shown) {
    if (!is_name(name)) return wrong("'" + name + "' is no name of a folder");
  }
  constexpr std::uint64_t kDay = 24ULL * 3600 * 1000;
  if (order.patience == 0 || order.patience > kDay) return wrong("it may take from a millisecond to a day");
  return {};
}

Result<RunEnd> run(const Config& config, const RunOrder& order, const RunFiles& files, bool after_stray) {
  if (after_stray) {
    Result<std::set<uid_t>> left = end_stray_runs(order.slot.uid, order.slot.uid);
    if (!left) return pass(left);
    if (!left->empty()) return not_ended(order.slot);
  }
  sigset_t asked;
  ::sigemptyset(&asked);
  ::sigaddset(&asked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &asked, nullptr);
  const Fd signals(::signalfd(-1, &asked, SFD_CLOEXEC));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return can_not("pipe", "this process");
  Fd answer(ends[0]);
  Fd told(ends[1]);
  if (::pipe2(ends, O_CLOEXEC) != 0) return can_not("pipe", "this process");
  const Fd life(ends[0]);
  Fd alive(ends[1]);
  // As fork() does, but into a PID namespace that this process itself is not going to have its children in.
  const auto leader =
      static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (leader < 0) return no_namespaces();
  if (leader == 0) {
    alive = Fd();
    answer = Fd();
    ::_exit(write_all(told.get(), wire::encode_result(lead(config, order, files, life))) ? 0 : 1);
  }
  told = Fd();
  RunEnd end;
  std::array<pollfd, 2> waits{pollfd{.fd = answer.get(), .events = POLLIN, .revents = 0},
                              pollfd{.fd = signals.get(), .events = POLLIN, .revents = 0}};
  const auto over = std::chrono::steady_clock::now() + std::chrono::milliseconds(order.patience);
  std::string bytes;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(over - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      end.in_time = false;
      break;
    }
    if (::poll(waits.data(), waits.size(), static_cast<int>(left.count())) <= 0) continue;
    if ((waits[1].revents & POLLIN) != 0) {
      end.asked = true;
      break;
    }
    char chunk[4096];
    const ssize_t size = ::read(answer.get(), chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    bytes.append(chunk, static_cast<std::size_t>(size));
  }
  if (Result<void> ended = end_all(leader, order.slot); !ended) return pass(ended);
  rusage used{};
  if (::getrusage(RUSAGE_CHILDREN, &used) == 0) {
    const auto milliseconds = [](const timeval& time) { return time.tv_sec * 1000 + time.tv_usec / 1000; };
    end.cpu = static_cast<std::uint64_t>(milliseconds(used.ru_utime) + milliseconds(used.ru_stime));
  }
  end.status = 128 + SIGKILL;
  if (!end.in_time || end.asked) return end;
  Result<int> ended = wire::decode_result<int>(bytes);
  if (!ended) return pass(ended);
  end.status = *ended;
  return end;
}

Result<std::set<uid_t>> end_stray_runs(uid_t first, uid_t last) {
  const auto over = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    Result<std::vector<Process>> found = processes_of(first, last);
    if (!found) return pass(found);
    std::set<uid_t> uids;
    for (const Process& process : *found) {
      if (process.elsewhere) uids.insert(process.uid);
    }
    if (uids.empty() || std::chrono::steady_clock::now() > over) return uids;
    for (const uid_t uid : uids) {
      if (Result<void> killed = kill_all_of(uid); !killed) return pass(killed);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace aegir::monitor
