#include "tests/drupal/drush/slot_runner.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "compiler/core/atomic_file.hpp"

namespace aegir::drupal {
namespace {

using Clock = std::chrono::steady_clock;

std::pair<Fd, Fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return {Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void become(const process::Program& program, uid_t uid, int in, int out, int err) {
  const std::vector<char*> argv = pointers(program.argv);
  const std::vector<char*> environment = pointers(program.environment);
  ::setpgid(0, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0 ||
      ::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
      ::chdir(program.directory.c_str()) != 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) {
    ::_exit(126);
  }
  ::execve(argv[0], argv.data(), environment.data());
  ::_exit(127);
}

/// One of the two streams that are read.
struct Stream {
  Fd fd;
  std::string kept;
  std::string line;  ///< begun and not ended
};

/// Takes what is there to be read; false at the end.
bool take(Stream& stream, const process::Program& program, bool heard, bool& cut) {
  std::array<char, 65536> block;
  const ssize_t got = ::read(stream.fd.get(), block.data(), block.size());
  if (got <= 0) {
    if (heard && !stream.line.empty()) program.on_line(stream.line);
    stream.fd = Fd();
    return false;
  }
  std::string_view bytes(block.data(), static_cast<std::size_t>(got));
  const std::size_t room = program.longest - stream.kept.size();
  stream.kept += bytes.substr(0, room);
  cut = cut || bytes.size() > room;
  if (!heard || cut) return true;
  stream.line += bytes;
  for (std::size_t end = stream.line.find('\n'); end != std::string::npos; end = stream.line.find('\n')) {
    program.on_line(std::string_view(stream.line).substr(0, end));
    stream.line.erase(0, end + 1);
  }
  return true;
}

}  // namespace

SlotRunner::SlotRunner(uid_t uid, std::string secret, std::chrono::milliseconds most)
    : uid_(uid), secret_(std::move(secret)), most_(most) {}

Result<process::Output> SlotRunner::run(const process::Program& program) {
  for (const std::string& argument : program.argv) {
    if (argument.contains(secret_)) throw std::logic_error("the password stands in an argument: " + argument);
  }
  auto [in, feed] = make_pipe();
  std::array<Stream, 2> streams;
  std::array<Fd, 2> ends;
  for (const std::size_t i : {0U, 1U}) std::tie(streams.at(i).fd, ends.at(i)) = make_pipe();
  const pid_t child = ::fork();
  if (child < 0) return fail(Code::kIo, "fork failed");
  if (child == 0) become(program, uid_, in.get(), ends[0].get(), ends[1].get());
  ::setpgid(child, child);
  in = Fd();
  for (Fd& end : ends) end = Fd();
  // What we feed it is short of what a pipe holds, so that this waits for nobody.
  (void)write_all(feed.get(), program.input);
  feed = Fd();
  process::Output output;
  const Clock::time_point until = Clock::now() + std::min(program.patience, most_);
  while (streams[0].fd || streams[1].fd) {
    std::array<pollfd, 2> waits = {pollfd{streams[0].fd.get(), POLLIN, 0}, pollfd{streams[1].fd.get(), POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) {
      output.in_time = false;
      break;
    }
    if (::poll(waits.data(), waits.size(), static_cast<int>(left)) < 0) continue;
    for (const std::size_t i : {0U, 1U}) {
      if (waits.at(i).revents != 0) {
        (void)take(streams.at(i), program, i == 1 && static_cast<bool>(program.on_line), output.cut);
      }
    }
  }
  // Its streams end a moment before it does.
  const Fd end(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  pollfd ended{end.get(), POLLIN, 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  if (output.in_time && ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) == 0)
    output.in_time = false;
  ::kill(-child, SIGKILL);  // what it has left behind, and itself when its time is over
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  output.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  output.out = std::move(streams[0].kept);
  output.err = std::move(streams[1].kept);
  return output;
}

}  // namespace aegir::drupal
