#include "tests/root/sidecar/eavesdropper.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;

/// So much of a file is looked at: nothing that holds a secret is as large.
constexpr std::size_t kLongest = std::size_t{4} << 20U;
constexpr int kPauseMilliseconds = 8;
/// Where everybody may make files; these themselves, and not what is deeper, which is other programs'.
constexpr std::array kTemporary = {"/tmp", "/var/tmp", "/dev/shm"};

std::string read_some(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  std::string bytes;
  std::array<char, 65536> piece;
  ssize_t size = 0;
  while (file && bytes.size() < kLongest && (size = ::read(file.get(), piece.data(), piece.size())) > 0) {
    bytes.append(piece.data(), static_cast<std::size_t>(size));
  }
  return bytes;
}

/// The work of the process.
class Watch {
  static constexpr auto kQuietly = fs::directory_options::skip_permission_denied;

 public:
  Watch(std::vector<std::string> places, std::time_t begun)
      : places_(std::move(places)), begun_(begun), changes_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (::geteuid() == 0) return;
    for (const char* folder : kTemporary) watch(folder);
    for (const std::string& place : places_) watch_all(place);
  }

  void until_closed(int alive) {
    for (;;) {
      look_at_processes();
      std::array<pollfd, 2> waits{pollfd{alive, POLLIN, 0}, pollfd{changes_.get(), POLLIN, 0}};
      if (::poll(waits.data(), waits.size(), kPauseMilliseconds) < 0) continue;
      take_changes();
      if (waits[0].revents != 0) return;
    }
  }

  void look_at_files() {
    for (const std::string& place : places_) {
      std::error_code problem;
      for (fs::recursive_directory_iterator at(place, kQuietly, problem), end; at != end; at.increment(problem)) {
        pass_code(at);
        struct stat status{};
        if (::lstat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        if (status.st_ctime >= begun_) see_file(at->path());
      }
    }
  }

  [[nodiscard]] std::vector<Sight> seen() const {
    std::vector<Sight> sights;
    for (const auto& [where, bytes] : processes_) sights.push_back({where, bytes});
    for (const auto& [path, contents] : files_) {
      for (const std::string& bytes : contents) sights.push_back({path, bytes});
    }
    return sights;
  }

 private:
  void see_process(const std::string& where, std::string bytes) {
    if (!bytes.empty()) processes_.emplace(where, std::move(bytes));
  }

  /// What has only grown, such as a log, is kept once.
  void see_file(const std::string& path) {
    std::string bytes = read_some(path);
    if (bytes.empty()) return;
    std::vector<std::string>& contents = files_[path];
    if (!contents.empty() && bytes.starts_with(contents.back())) contents.pop_back();
    contents.push_back(std::move(bytes));
  }

  void look_at_processes() {
    for (const auto& entry : fs::directory_iterator("/proc", kQuietly)) {
      const std::string name = entry.path().filename();
      pid_t pid = 0;
      if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
      std::string argv = read_some(entry.path() / "cmdline");
      std::string environment = read_some(entry.path() / "environ");
      // Whose it is is asked last: a process becomes a site's before it becomes the site's program.
      struct stat status{};
      if (pid == ::getpid() || ::stat(entry.path().c_str(), &status) != 0) continue;
      const std::string of = " of uid " + std::to_string(status.st_uid);
      see_process("argv" + of, std::move(argv));
      see_process("environment" + of, std::move(environment));
    }
  }

  /// A codebase has thousands of folders, in which nobody writes but in sites/.
  static void pass_code(fs::recursive_directory_iterator& at) {
    const std::string name = at->path().filename();
    if (name == "core" || name == "vendor") at.disable_recursion_pending();
  }

  void watch(const std::string& folder) {
    const int number = ::inotify_add_watch(changes_.get(), folder.c_str(),
                                           IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB);
    if (number >= 0) folders_[number] = folder;
  }

  void watch_all(const std::string& place) {
    watch(place);
    std::error_code problem;
    fs::recursive_directory_iterator at(place, kQuietly, problem);
    for (const fs::recursive_directory_iterator end; at != end; at.increment(problem)) {
      pass_code(at);
      if (at->is_directory(problem) && !at->is_symlink(problem)) watch(at->path());
    }
  }

  void take_changes() {
    alignas(inotify_event) std::array<char, 65536> bytes;
    for (ssize_t size = 0; (size = ::read(changes_.get(), bytes.data(), bytes.size())) > 0;) {
      for (ssize_t at = 0; at < size;) {
        inotify_event event{};
        std::memcpy(&event, bytes.data() + at, sizeof event);
        const char* name = bytes.data() + at + sizeof event;
        at += static_cast<ssize_t>(sizeof event + event.len);
        const auto folder = folders_.find(event.wd);
        if (folder == folders_.end() || event.len == 0) continue;
        const std::string path = folder->second + '/' + name;
        if ((event.mask & IN_ISDIR) == 0) {
          see_file(path);
        } else if (folder->second != "/dev/shm") {
          watch_all(path);
        }
      }
    }
  }

  std::vector<std::string> places_;
  std::time_t begun_;
  Fd changes_;
  std::map<int, std::string> folders_;
  std::set<std::pair<std::string, std::string>> processes_;
  std::map<std::string, std::vector<std::string>> files_;
};

void become(uid_t uid) {
  if (uid == 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0) ::_exit(1);
}

}  // namespace

Eavesdropper::Eavesdropper(uid_t uid, std::vector<std::string> places)
    : notebook_(::memfd_create("notebook", MFD_CLOEXEC)) {
  std::array<int, 2> alive{};
  std::array<int, 2> ready{};
  if (!notebook_ || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, alive.data()) != 0 ||
      ::pipe2(ready.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("an eavesdropper can't be made");
  }
  alive_ = Fd(alive[1]);
  const Fd its_alive(alive[0]);
  const Fd told(ready[0]);
  Fd tells(ready[1]);
  child_ = ::fork();
  if (child_ == 0) {
    alive_ = Fd();
    become(uid);
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) ::_exit(1);
    try {
      Watch watch(std::move(places), std::time(nullptr));
      if (!write_all(tells.get(), "r")) ::_exit(1);
      watch.until_closed(its_alive.get());
      watch.look_at_files();
      wire::Encoder seen;
      seen.put(watch.seen());
      if (!write_all(notebook_.get(), seen.bytes())) ::_exit(1);
    } catch (const std::exception&) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  tells = Fd();
  char byte = 0;
  if (child_ < 0 || ::read(told.get(), &byte, 1) != 1) throw std::runtime_error("an eavesdropper does not begin");
}

Eavesdropper::~Eavesdropper() {
  if (child_ < 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

std::vector<Sight> Eavesdropper::end() {
  // A close would not do: who was forked after it has this end too.
  ::shutdown(alive_.get(), SHUT_RDWR);
  int status = 0;
  const bool good = ::waitpid(child_, &status, 0) == child_ && status == 0;
  child_ = -1;
  if (!good) throw std::runtime_error("an eavesdropper has not ended well");
  const off_t size = ::lseek(notebook_.get(), 0, SEEK_END);
  std::string text(static_cast<std::size_t>(size), '\0');
  if (::pread(notebook_.get(), text.data(), text.size(), 0) != size) throw std::runtime_error("a notebook is torn");
  std::vector<Sight> sights;
  if (!wire::Decoder(text).get(sights)) throw std::runtime_error("a notebook is torn");
  return sights;
}

}  // namespace aegir::sidecar
