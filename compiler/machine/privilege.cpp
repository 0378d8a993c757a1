#include "compiler/machine/privilege.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "compiler/core/atomic_file.hpp"

namespace aegir::machine {
namespace {

std::unexpected<Error> not_possible(std::string_view what, int error_number) {
  return fail_errno(what, "this process", error_number);
}

// An error on its way through a pipe: its code, then its texts, each ended by a NUL.
std::string pack(const Error& error) {
  std::string bytes(1, static_cast<char>(error.code));
  for (const std::string& text : {error.message, error.place.file, error.hint}) bytes.append(text.c_str()) += '\0';
  return bytes;
}

Result<void> unpack(std::string_view bytes) {
  constexpr std::size_t kTexts = 3;
  std::vector<std::string> texts;
  for (std::string_view rest = bytes.substr(bytes.empty() ? 0 : 1); !rest.empty();) {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) break;
    texts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (texts.size() != kTexts) return fail(Code::kInternal, "a child process that worked as a site's uid was cut short");
  return std::unexpected(Error{static_cast<Code>(bytes[0]), texts[0], {texts[1], 0, 0}, texts[2]});
}

Result<void> become(Identity identity) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(identity.gid, identity.gid, identity.gid) != 0 ||
      ::setresuid(identity.uid, identity.uid, identity.uid) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return not_possible("can't become uid " + std::to_string(identity.uid), errno);
  }
  return {};
}

/// False: time is up before the end.
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

}  // namespace

Result<void> become_aegir(const Accounts& accounts) {
  if (::setgroups(1, &accounts.aegir_group) != 0 || ::setegid(accounts.aegir_group) != 0 ||
      ::seteuid(accounts.aegir) != 0) {
    return not_possible("can't become aegir", errno);
  }
  return {};
}

Result<AsRoot> AsRoot::begin() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::seteuid(0) != 0) {
    return fail(Code::kPermission, "this needs root", "run the command as root or through sudo");
  }
  if (::setegid(0) != 0) {
    const int error_number = errno;
    if (::seteuid(uid) != 0) std::abort();
    return not_possible("can't take root's group", error_number);
  }
  return AsRoot(uid, gid);
}

AsRoot::AsRoot(AsRoot&& other) noexcept : uid_(other.uid_), gid_(other.gid_), active_(other.active_) {
  other.active_ = false;
}

AsRoot::~AsRoot() {
  // A process that stays root by mistake is worse than one that ends.
  if (active_ && (::setegid(gid_) != 0 || ::seteuid(uid_) != 0)) std::abort();
}

Result<void> run_as(Identity identity, const std::function<Result<void>()>& work, std::chrono::milliseconds patience) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return not_possible("can't make a pipe", errno);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return not_possible("can't fork", errno);
  if (child == 0) {
    Result<void> result = become(identity);
    if (result) result = work();
    if (!result && !write_all(writer.get(), pack(result.error()))) ::_exit(2);
    ::_exit(result ? 0 : 1);
  }
  writer = Fd();
  std::string bytes;
  const bool in_time = read_to_end(reader.get(), patience, bytes);
  if (!in_time) (void)::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return not_possible("can't wait for a child process", errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (!in_time) {
    return fail(Code::kBusy, "work as uid " + std::to_string(identity.uid) + " did not end in time and was broken off",
                "look at what processes of that uid do, and run the command again");
  }
  return unpack(bytes);
}

}  // namespace aegir::machine
