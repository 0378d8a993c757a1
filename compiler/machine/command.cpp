#include "compiler/machine/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() and sigset_t are POSIX
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "compiler/core/atomic_file.hpp"
#include "compiler/machine/child.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 64U << 10U;
constexpr std::chrono::seconds kServerPatience{60};

// Actions and attributes of posix_spawn, freed with the object.
class Spawn {
 public:
  Spawn() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~Spawn() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;

  // 0, or the errno of what failed.
  int start(const std::vector<std::string>& argv, int output, int input, pid_t& pid) {
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    for (const int error_number :
         {input < 0 ? ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0)
                    : ::posix_spawn_file_actions_adddup2(&actions_, input, 0),
          ::posix_spawn_file_actions_adddup2(&actions_, output, 1),
          ::posix_spawn_file_actions_adddup2(&actions_, output, 2),
          ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3), ::posix_spawnattr_setsigmask(&attributes_, &none),
          ::posix_spawnattr_setsigdefault(&attributes_, &all), ::posix_spawnattr_setpgroup(&attributes_, 0),
          ::posix_spawnattr_setflags(&attributes_,
                                     POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)}) {
      if (error_number != 0) return error_number;
    }
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char language[] = "LANG=C";
    std::vector<char*> environment = {path, language};
#ifdef AEGIR_SANITIZER_RUNTIMES
    // Apache and nginx load a module that needs them; what Apache itself does not free at its end is no finding.
    char runtimes[] = "LD_PRELOAD=" AEGIR_SANITIZER_RUNTIMES;
    char options[] = "ASAN_OPTIONS=detect_leaks=0";
    if (std::ranges::any_of(argv, [](const std::string& word) {
          return word.find("apache2") != word.npos || word.find("nginx") != word.npos;
        })) {
      environment.insert(environment.end(), {runtimes, options});
    }
#endif
    environment.push_back(nullptr);
    return ::posix_spawn(&pid, words[0], &actions_, &attributes_, words.data(), environment.data());
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// Milliseconds until `end` for poll(), rounded up; 0 when it is over.
int left(Clock::time_point end) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::max<decltype(milliseconds)>(milliseconds, 0));
}

// Reads until every writer has closed, or the child has ended, or the time is over (false).
bool collect(int pipe, int child, Clock::time_point end, std::string& output) {
  pollfd waits[] = {{pipe, POLLIN, 0}, {child, POLLIN, 0}};
  for (;;) {
    const int ready = ::poll(waits, 2, left(end));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (waits[0].revents != 0) {
      char chunk[4096];
      const ssize_t size = ::read(pipe, chunk, sizeof chunk);
      if (size > 0) {
        const std::size_t room = kMostOutput - std::min(output.size(), kMostOutput);
        output.append(chunk, std::min(static_cast<std::size_t>(size), room));
        continue;
      }
      if (size == 0) waits[0].fd = -1;  // go on waiting for the end alone
    } else if (waits[1].revents != 0) {
      return true;  // what it left running keeps the pipe; we do not wait for that
    }
  }
}

}  // namespace

Result<pid_t> start_command(const std::vector<std::string>& argv, int output, int input) {
  if (argv.empty() || !argv[0].starts_with('/')) return fail(Code::kInternal, "a command without an absolute path");
  pid_t pid = -1;
  if (const int error_number = Spawn().start(argv, output, input, pid); error_number != 0) {
    return fail_errno("can't be started", argv[0], error_number);
  }
  return pid;
}

Result<Outcome> run_command(const std::vector<std::string>& argv, std::chrono::milliseconds patience, int input) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("can't make a pipe", "this process", errno);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const Result<pid_t> started = start_command(argv, writer.get(), input);
  if (!started) return std::unexpected(started.error());
  const pid_t pid = *started;
  writer = Fd();
  const Fd child(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Outcome outcome;
  const bool in_time = child && collect(reader.get(), child.get(), Clock::now() + patience, outcome.output);
  if (!in_time && ::kill(-pid, SIGKILL) != 0 && errno == EPERM) {
    // A set-uid bit has made it another's: it is not waited for.
    return fail_at(argv[0], Code::kBusy,
                   "did not end within " + std::to_string(patience.count()) + " ms, and we may not kill it");
  }
  const Result<int> status = wait_for(pid);
  if (!status) return std::unexpected(status.error());
  if (!in_time) {
    return fail_at(argv[0], Code::kBusy,
                   "did not end within " + std::to_string(patience.count()) + " ms and was killed");
  }
  outcome.status = exit_status(*status);
  return outcome;
}

namespace {

Result<void> run_as_root(const std::vector<std::string>& argv, std::string_view complaint) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Outcome> outcome = run_command(argv, kServerPatience);
  if (!outcome) return pass(outcome);
  if (outcome->status == 0) return {};
  return fail_at(
      argv[0], Code::kInvalid,
      std::string(complaint) + " (exit status " + std::to_string(outcome->status) + "):\n" + outcome->output);
}

}  // namespace

Result<void> test_server(const std::vector<std::string>& argv) {
  return run_as_root(argv, "refused the configuration");
}

Result<std::string> ask_server(const std::vector<std::string>& argv) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Outcome> outcome = run_command(argv, kServerPatience);
  if (!outcome) return pass(outcome);
  return std::move(outcome->output);
}

Result<void> reload_server(const Reload& reload, std::string_view program, int signal) {
  if (reload.pid_file.empty()) return run_as_root(reload.argv, "could not reload");
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  constexpr std::size_t kMost = 64;
  Result<std::string> text = read_file(reload.pid_file, kMost);
  if (!text) return pass(text);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), pid);
  if (error != std::errc() || pid <= 1 || (end != text->data() + text->size() && *end != '\n')) {
    return fail_at(reload.pid_file, Code::kInvalid, "holds no process id");
  }
  // The descriptor comes first: were the process to end now, its number could belong to another one a moment later.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const Result<std::string> name = read_file("/proc/" + std::to_string(pid) + "/comm", kMost);
  if (!process || !name || !name->starts_with(program)) {
    return fail_at(reload.pid_file, Code::kNotFound,
                   "process " + std::to_string(pid) + " is no " + std::string(program), "start the server");
  }
  if (::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) != 0) {
    return fail_errno("process " + std::to_string(pid) + " can't be signalled", reload.pid_file, errno);
  }
  return {};
}

}  // namespace aegir::machine
