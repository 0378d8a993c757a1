#include "sidecar/monitor/run.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "compiler/core/codec.hpp"
#include "compiler/core/path.hpp"
#include "compiler/machine/child.hpp"
#include "compiler/machine/code.hpp"
#include "sidecar/monitor/processes.hpp"
#include "sidecar/monitor/view.hpp"

namespace aegir::monitor {
namespace {

constexpr std::size_t kMostWords = 1000;
constexpr std::size_t kLongestWord = 64U << 10U;
constexpr std::chrono::seconds kPatience{10};

std::unexpected<Error> no_namespaces() {
  return fail(Code::kPermission,
              std::string("the kernel lets aegird make no namespaces (") + std::strerror(errno) +
                  "), so that nothing of a site can be run",
              "in a container: give it CAP_SYS_ADMIN");
}

bool is_usable_path(std::string_view path) {
  return (path == "/" || is_plain_path(path)) && !path.contains('\0') && path.size() <= 4000;
}

bool is_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\0", 2)) == name.npos &&
         name.size() <= 255;
}

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
  limit(RLIMIT_NPROC, wire::kMostProcesses);
  limit(RLIMIT_DATA, wire::kMostMemory);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(order.argv[0].c_str(), pointers(order.argv).data(), pointers(order.environment).data());
  return fail_errno("can't be executed", order.argv[0], errno);
}

/// The first process of a run: ends with `life`, whose other end its parent holds, and everything ends with it.
/// Returns how the program ended.
Result<int> lead(const Config& config, const RunOrder& order, const RunFiles& files, const Fd& life) {
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) return no_namespaces();
  const Result<Fd> own = make_view(config, order);
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
    if (ended == program) return machine::exit_status(status);
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
  if (const Result<int> ended = machine::wait_for(leader); !ended) return std::unexpected(ended.error());
  return {};
}

}  // namespace

Result<void> check_order(const Config& config, const RunOrder& order) {
  const auto wrong = [](const std::string& what) { return fail(Code::kInvalid, "a run: " + what); };
  if (order.argv.empty() || !is_usable_path(order.argv[0])) return wrong("its program has no absolute path");
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
  if (!is_usable_path(order.directory)) return wrong("'" + order.directory + "' is no absolute path");
  if (!order.docroot.empty()) {
    if (!is_usable_path(order.docroot)) return wrong("'" + order.docroot + "' is no absolute path");
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
    end.memory = static_cast<std::uint64_t>(used.ru_maxrss) << 10U;
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
