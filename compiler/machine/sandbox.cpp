#include "compiler/machine/sandbox.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/codec.hpp"
#include "compiler/machine/child.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMemory = "size=256m,mode=0711";

/// In a layer's directory: where in the sandbox its files are seen.
constexpr const char* kShownAt = "/shown_at";

struct Mount {
  std::string path;
  std::string type;
};

// mountinfo writes a blank as \040.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

/// What is mounted, outer before inner, each place once: what lies under a later mount of the same place is hidden.
Result<std::vector<Mount>> mounts() {
  const Fd file(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  Result<std::string> text = read_all(file.get(), "can't be read", "/proc/self/mountinfo", 16U << 20U);
  if (!text) return pass(text);
  std::vector<Mount> found;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string skipped;
    Mount mount;
    words >> skipped >> skipped >> skipped >> skipped >> mount.path;
    while (words >> skipped && skipped != "-") {
    }
    words >> mount.type;
    mount.path = unescaped(mount.path);
    std::erase_if(found, [&](const Mount& other) { return other.path == mount.path; });
    found.push_back(std::move(mount));
  }
  std::ranges::sort(found, {}, &Mount::path);
  return found;
}

std::unexpected<Error> can_not(std::string_view what, const std::string& path) {
  return fail_errno(std::string("a sandbox can't be made: ") + std::string(what), path, errno);
}

Result<void> bind_mount(const std::string& from, const std::string& to) {
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) != 0) return can_not("mount", to);
  return {};
}

Result<void> make_directory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 && ::chmod(path.c_str(), mode) == 0) return {};
  return can_not("mkdir", path);
}

bool is_virtual(std::string_view type) {
  constexpr std::string_view kTypes[] = {"proc",    "sysfs",   "cgroup",   "cgroup2",    "mqueue",      "hugetlbfs",
                                         "debugfs", "tracefs", "pstore",   "bpf",        "configfs",    "fusectl",
                                         "autofs",  "nsfs",    "efivarfs", "securityfs", "binfmt_misc", "rpc_pipefs"};
  return std::ranges::find(kTypes, type) != std::end(kTypes);
}

/// Builds the copy below a new mount of memory, and makes it the root of this process.
class Copy {
 public:
  explicit Copy(const Sandbox& sandbox) : sandbox_(sandbox), at_(sandbox.directory) {}

  Result<void> make() {
    Result<std::vector<Mount>> machine = mounts();
    if (!machine) return pass(machine);
    if (::mount("aegir-sandbox", at_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, kMemory) != 0) {
      return can_not("mount", at_);
    }
    for (const auto& [name, mode] : {std::pair{"/private", 0700U}, std::pair{"/public", 0755U},
                                     std::pair{"/private/old", 0700U}, std::pair{"/private/root", 0755U}}) {
      if (Result<void> made = make_directory(at_ + name, mode); !made) return made;
    }
    for (const Mount& mount : *machine) {
      if (is_virtual(mount.type)) continue;
      if (Result<void> made = add(mount); !made) return made;
    }
    for (const std::string& directory : sandbox_.emptied) {
      if (Result<void> made = empty(directory); !made) return made;
    }
    return enter();
  }

 private:
  [[nodiscard]] std::string root() const { return at_ + "/private/root"; }

  Result<void> add(const Mount& mount) {
    const std::string place = mount.path == "/" ? root() : root() + mount.path;
    struct stat status{};
    if (::stat(place.c_str(), &status) != 0) return {};  // its place is not there: below what was left out
    if (mount.type == "devtmpfs" || mount.type == "devpts" || !S_ISDIR(status.st_mode)) {
      return bind_mount(mount.path, place);
    }
    const std::string layer = at_ + "/private/" + std::to_string(layers_++);
    for (const char* part : {"", "/upper", "/work"}) {
      if (Result<void> made = make_directory(layer + part, 0755); !made) return made;
    }
    if (Result<void> noted = write_file(layer + kShownAt, mount.path == "/" ? "" : mount.path, {.durable = false});
        !noted) {
      return noted;
    }
    const std::string options = "lowerdir=" + mount.path + ",upperdir=" + layer + "/upper,workdir=" + layer + "/work";
    if (mount.path.find_first_of(":,\\") == std::string::npos &&
        ::mount("aegir-sandbox", place.c_str(), "overlay", MS_NODEV, options.c_str()) == 0) {
      return {};
    }
    if (mount.path == "/") return can_not("overlay", mount.path);
    // A file system that has no copies in memory can be read.
    if (Result<void> bound = bind_mount(mount.path, place); !bound) return bound;
    if (::mount(nullptr, place.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      return can_not("mount read-only", mount.path);
    }
    return {};
  }

  // The same folders without files.
  Result<void> empty(const std::string& directory) {
    if (!fs::is_directory(directory)) return {};
    const std::string fresh = at_ + "/private/" + std::to_string(layers_++);
    std::error_code error;
    std::vector<fs::path> folders{directory};
    for (auto entry = fs::recursive_directory_iterator(directory, error); !error && entry != decltype(entry)();
         entry.increment(error)) {
      if (!entry->is_symlink() && entry->is_directory()) folders.push_back(entry->path());
    }
    for (const fs::path& folder : folders) {
      const std::string copy = fresh + folder.string().substr(directory.size());
      struct stat status{};
      if (::stat(folder.c_str(), &status) != 0) continue;
      if (Result<void> made = make_directory(copy, status.st_mode & 07777U); !made) return made;
      if (::chown(copy.c_str(), status.st_uid, status.st_gid) != 0) return can_not("chown", copy);
    }
    return bind_mount(fresh, root() + directory);
  }

  Result<void> enter() {
    if (Result<void> bound = bind_mount(at_, root() + at_); !bound) return bound;
    const std::string old = root() + at_ + "/private/old";
    if (::syscall(SYS_pivot_root, root().c_str(), old.c_str()) != 0) return can_not("pivot_root", root());
    if (::chdir("/") != 0) return can_not("chdir", "/");
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    const std::string kept = at_ + "/private/old";
    if (::mount_setattr(AT_FDCWD, kept.c_str(), AT_RECURSIVE, &attributes, sizeof attributes) != 0) {
      return can_not("mount read-only", kept);
    }
    return {};
  }

  const Sandbox& sandbox_;
  const std::string at_;
  unsigned layers_ = 0;
};

/// Settings that are good to have and not there in every kernel.
void set(const char* file, std::string_view value) {
  const Fd fd(::open(file, O_WRONLY | O_CLOEXEC));
  if (fd) (void)write_all(fd.get(), value);
}

Result<void> start_network() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return can_not("network", "lo");
  request.ifr_flags |= IFF_UP;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return can_not("network", "lo");
  set("/proc/sys/net/ipv4/ip_nonlocal_bind", "1");
  set("/proc/sys/net/ipv6/ip_nonlocal_bind", "1");
  return {};
}

/// The first process in the sandbox: when it ends, all others are killed.
Result<std::string> lead(const Sandbox& sandbox, const std::function<Result<std::string>()>& work) {
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return can_not("mount", "/proc");
  // A pid file of the real server must not name one of the few processes here.
  set("/proc/sys/kernel/ns_last_pid", "20000");
  if (sandbox.own_network) {
    if (Result<void> started = start_network(); !started) return pass(started);
  }
  return work();
}

/// Ends with its parent. False when that is gone already.
bool tie_to(pid_t parent) { return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == parent; }

Result<void> separate(const Sandbox& sandbox) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
    return can_not("root", "this process");
  }
  const int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | (sandbox.own_network ? CLONE_NEWNET : 0);
  if (::unshare(flags) != 0) {
    return fail(Code::kPermission,
                std::string("the kernel lets this process make no namespaces (") + std::strerror(errno) +
                    "), so that nothing can be tried before it is in force",
                "in a container: give it CAP_SYS_ADMIN, or run this on the host");
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return can_not("mount", "/");
  return Copy(sandbox).make();
}

/// Makes the namespaces, and waits for the leader in them. Never returns.
[[noreturn]] void run(const Sandbox& sandbox, const std::function<Result<std::string>()>& work, Fd writer) {
  const auto tell = [&](const Result<std::string>& result) {
    return write_all(writer.get(), wire::encode_result(result)) ? 0 : 1;
  };
  if (Result<void> done = separate(sandbox); !done) ::_exit(tell(pass(done)));
  const pid_t leader = ::fork();
  if (leader < 0) ::_exit(tell(can_not("fork", "this process")));
  if (leader == 0) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) ::_exit(1);
    ::_exit(tell(lead(sandbox, work)));
  }
  writer = Fd();
  ::_exit(wait_for(leader) ? 0 : 1);
}

}  // namespace

Result<std::string> in_sandbox(const Sandbox& sandbox, const std::function<Result<std::string>()>& work,
                               std::chrono::milliseconds patience) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  if (::mkdir(sandbox.directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail_errno("can't be made", sandbox.directory, errno);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("can't make a pipe", "this process", errno);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("can't fork", "this process", errno);
  if (child == 0) {
    if (!tie_to(parent)) ::_exit(1);
    run(sandbox, work, std::move(writer));
  }
  writer = Fd();
  std::string bytes;
  const bool in_time = read_to_end(reader.get(), patience, bytes);
  if (!in_time) (void)::kill(child, SIGKILL);
  if (const Result<int> ended = wait_for(child); !ended) return std::unexpected(ended.error());
  if (in_time) return wire::decode_result<std::string>(bytes);
  return fail(Code::kBusy,
              "a try in a sandbox did not end within " + std::to_string(patience.count()) + " ms and was broken off");
}

std::string public_directory(const Sandbox& sandbox) { return sandbox.directory + "/public"; }

std::string new_log_lines(const Sandbox& sandbox) {
  constexpr std::size_t kMost = 16U << 10U;
  std::string lines;
  const std::string memory = sandbox.directory + "/private/";
  for (unsigned number = 0;; ++number) {
    const std::string layer = memory + std::to_string(number);
    if (!fs::exists(layer)) break;
    const Result<std::string> shown_at = read_file(layer + kShownAt);
    const std::string top = layer + (fs::exists(layer + "/upper") ? "/upper" : "");
    const std::string old = memory + "old" + (shown_at ? *shown_at : "");
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(top, error); !error && entry != decltype(entry)();
         entry.increment(error)) {
      if (!entry->is_regular_file(error) || !entry->path().filename().string().contains("log")) continue;
      const Result<std::string> text = read_file(entry->path());
      if (!text) continue;
      struct stat before{};
      const bool copied = shown_at && ::stat((old + entry->path().string().substr(top.size())).c_str(), &before) == 0;
      lines += text->substr(std::min(text->size(), copied ? static_cast<std::size_t>(before.st_size) : 0));
    }
  }
  if (lines.size() > kMost) lines.erase(0, lines.size() - kMost);
  return lines;
}

Result<void> own_address(const std::string& address) {
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (in6_ifreq wanted{}; ::inet_pton(AF_INET6, address.c_str(), &wanted.ifr6_addr) == 1) {
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    wanted.ifr6_prefixlen = 128;
    wanted.ifr6_ifindex = static_cast<int>(::if_nametoindex("lo"));
    if (socket && (::ioctl(socket.get(), SIOCSIFADDR, &wanted) == 0 || errno == EEXIST)) return {};
    return can_not("network", address);
  }
  sockaddr_in wanted{};
  wanted.sin_family = AF_INET;
  if (::inet_pton(AF_INET, address.c_str(), &wanted.sin_addr) != 1) {
    return fail(Code::kInvalid, "'" + address + "' is no address");
  }
  if ((ntohl(wanted.sin_addr.s_addr) >> 24U) == 127) return {};
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::strcpy(request.ifr_name, "lo:1");
  std::memcpy(&request.ifr_addr, &wanted, sizeof wanted);
  if (!socket || ::ioctl(socket.get(), SIOCSIFADDR, &request) != 0) return can_not("network", address);
  return {};
}

}  // namespace aegir::machine
