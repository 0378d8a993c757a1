#include "sidecar/monitor/worker.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "compiler/core/codec.hpp"
#include "compiler/machine/child.hpp"

namespace aegir::monitor {
namespace {

/// Its groups by the machine's accounts; of an account that is only a number, its own.
std::vector<gid_t> groups_of(const Config& config, const Accounts& accounts) {
  const passwd* const entry = ::getpwnam(config.aegir_user.c_str());
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (entry == nullptr || entry->pw_uid != accounts.aegir) return {accounts.aegir_group};
  while (::getgrouplist(entry->pw_name, accounts.aegir_group, groups.data(), &count) < 0) {
    count = std::max(count, 2 * static_cast<int>(groups.size()));
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  // Root's group opens what is root's.
  std::erase(groups, 0);
  return groups;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

std::unexpected<Error> can_not(std::string_view what, const std::string& program) {
  return fail_errno("the worker can't be started: " + std::string(what), program, errno);
}

/// Becomes the worker. Only returns with an error.
std::unexpected<Error> become_worker(const Config& config, const Accounts& accounts, const std::string& program,
                                     const std::string& config_file, const Fd& channel, pid_t parent) {
  const std::vector<gid_t> groups = groups_of(config, accounts);
  if (::setgroups(groups.size(), groups.data()) != 0 ||
      ::setresgid(accounts.aegir_group, accounts.aegir_group, accounts.aegir_group) != 0 ||
      ::setresuid(accounts.aegir, accounts.aegir, accounts.aegir) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return can_not("become aegir", program);
  }
  // After the line above, which takes it back. A second worker must find none of before at work.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) return can_not("follow aegird", program);
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing || ::dup2(nothing.get(), STDIN_FILENO) < 0) return can_not("open /dev/null", program);
  // dup2() onto itself would leave it to be closed by the next line but one.
  if (channel.get() == kWorkersChannel) {
    if (::fcntl(kWorkersChannel, F_SETFD, 0) != 0) return can_not("hand over the socket", program);
  } else if (::dup2(channel.get(), kWorkersChannel) < 0) {
    return can_not("hand over the socket", program);
  }
  (void)::close_range(kWorkersChannel + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir("/") != 0) return can_not("chdir", "/");
  const std::vector<std::string> argv = {program, "--config", config_file};
  const std::vector<std::string> environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                                                "HOME=" + config.aegir_root};
  ::execve(program.c_str(), pointers(argv).data(), pointers(environment).data());
  return can_not("execve", program);
}

}  // namespace

Result<pid_t> start_worker(const Config& config, const Accounts& accounts, const std::string& program,
                           const std::string& config_file, const Fd& channel) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return can_not("pipe", program);
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return can_not("fork", program);
  if (child == 0) {
    // Out of the way of what goes to the worker's place.
    const Fd told(::fcntl(writer.get(), F_DUPFD_CLOEXEC, 10));
    reader = Fd();
    writer = Fd();
    const Result<void> result = become_worker(config, accounts, program, config_file, channel, parent);
    (void)write_all(told.get(), wire::encode_result(result));
    ::_exit(127);
  }
  writer = Fd();
  const Result<std::string> told = read_all(reader.get(), "can't be read", "a pipe", 64U << 10U);
  if (told && told->empty()) return child;
  const Result<int> ended = machine::wait_for(child);
  if (!told) return std::unexpected(told.error());
  if (!ended) return std::unexpected(ended.error());
  Result<void> error = wire::decode_result<void>(*told);
  if (!error) return pass(error);
  return fail(Code::kInternal, "the worker ended before it began");
}

Result<int> end_worker(pid_t worker) {
  constexpr int kPatience = 5000;
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, worker, 0)));
  if (!process) return fail_errno("can't be waited for", "the worker", errno);
  (void)::kill(worker, SIGTERM);
  pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  while ((ready = ::poll(&ended, 1, kPatience)) < 0 && errno == EINTR) {
  }
  if (ready <= 0) (void)::kill(worker, SIGKILL);
  const Result<int> status = machine::wait_for(worker);
  if (!status) return std::unexpected(status.error());
  return machine::exit_status(*status);
}

Result<Fd> be_the_only_one(const Config& config) {
  const std::string path = config.run_dir + "/aegird.lock";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("the lock can't be opened", path, errno);
  // One of the process and not of the open file, so that no child goes on holding it.
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_SETLK, &lock) == 0) return file;
  if (errno != EACCES && errno != EAGAIN) return fail_errno("can't be locked", path, errno);
  std::string who = "another process";
  if (::fcntl(file.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) who = "process " + std::to_string(lock.l_pid);
  return fail_at(path, Code::kBusy, "an aegird of this configuration is running already: " + who,
                 "use that one, or end it first");
}

}  // namespace aegir::monitor
