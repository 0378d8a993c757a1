#include "tests/live/harness/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill and sigset are POSIX
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "tests/live/harness/temp_dir.hpp"

namespace aegir::live {

namespace {

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

int exit_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

Process::Process(const Command& command) {
  // setpriv sets the death signal and becomes the program: the pid stays the same.
  std::vector<std::string> argv = {"setpriv", "--pdeathsig", "TERM", "--"};
  argv.insert(argv.end(), command.argv.begin(), command.argv.end());
  const char* path = std::getenv("PATH");
  std::vector<std::string> environment = {std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"), "LANG=C"};
#ifdef __SANITIZE_ADDRESS__
  // LeakSanitizer ends a process that it can't trace, and one that has changed its uid can't be traced.
  environment.emplace_back("ASAN_OPTIONS=detect_leaks=0");
#endif
  environment.insert(environment.end(), command.environment.begin(), command.environment.end());

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  if (!command.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error =
      posix_spawnp(&pid_, "setpriv", &actions, &attributes, pointers(argv).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) throw std::runtime_error(command.argv.at(0) + ": can't be started: " + std::strerror(error));
  pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
}

Process::~Process() {
  if (!running()) return;
  kill_tree();
  (void)wait();
}

bool Process::running() { return !wait(Milliseconds(0)); }

void Process::signal(int number) const {
  if (!status_) kill(pid_, number);
}

std::optional<int> Process::wait(Milliseconds patience) {
  if (status_) return status_;
  pollfd ended{pidfd_.get(), POLLIN, 0};
  int ready = 0;
  do {
    ready = poll(&ended, 1, static_cast<int>(patience.count()));
  } while (ready < 0 && errno == EINTR);
  int status = 0;
  if (ready > 0 && waitpid(pid_, &status, 0) == pid_) status_ = exit_status(status);
  return status_;
}

void Process::kill_tree() {
  if (!running()) return;
  kill(pid_, SIGSTOP);  // so that it makes no new child meanwhile
  for (const pid_t child : children_of(pid_)) kill(child, SIGKILL);
  kill(pid_, SIGKILL);
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string task = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
  std::istringstream list(slurp(task + "/children"));
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  std::sort(children.begin(), children.end());
  return children;
}

std::string command_line(pid_t pid) {
  std::string line = slurp("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

Finished run(const std::vector<std::string>& argv, const std::vector<std::string>& environment, Milliseconds patience) {
  const TempDir directory;
  const std::string output = directory.path("output");
  Process process({argv, environment, output, {}});
  const std::optional<int> status = process.wait(patience);
  if (!status) throw std::runtime_error(argv.at(0) + ": still running; it wrote: " + slurp(output));
  return {*status, slurp(output)};
}

}  // namespace aegir::live
