#include "compiler/machine/child.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace aegir::machine {

bool read_to_end(int fd, std::chrono::milliseconds patience, std::string& bytes) {
  const auto end = std::chrono::steady_clock::now() + patience;
  char chunk[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t size = ::read(fd, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return true;
    bytes.append(chunk, static_cast<std::size_t>(size));
  }
}

Result<int> wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno("can't wait for a child process", "this process", errno);
  }
  return status;
}

int exit_status(int waited) noexcept { return WIFEXITED(waited) ? WEXITSTATUS(waited) : 128 + WTERMSIG(waited); }

}  // namespace aegir::machine
