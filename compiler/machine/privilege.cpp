#include "compiler/machine/privilege.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/codec.hpp"
#include "compiler/machine/child.hpp"

namespace aegir::machine {
namespace {

std::unexpected<Error> not_possible(std::string_view what, int error_number) {
  return fail_errno(what, "this process", error_number);
}

using Clock = std::chrono::steady_clock;

/// How long nothing is done as a uid whose processes have stopped our work.
constexpr std::chrono::minutes kLeftAlone{1};

/// When the work as a uid was broken off.
std::map<uid_t, Clock::time_point>& broken_off() {
  static std::map<uid_t, Clock::time_point> when;
  return when;
}

std::unexpected<Error> held_up(uid_t uid, std::string_view what) {
  return fail(Code::kBusy, "work as uid " + std::to_string(uid) + ' ' + std::string(what),
              "look at what processes of that uid do, and run the command again");
}

/// `parent` is who waits for it: what is done as that uid ends with him.
Result<void> become(Identity identity, pid_t parent) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(identity.gid, identity.gid, identity.gid) != 0 ||
      ::setresuid(identity.uid, identity.uid, identity.uid) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return not_possible("can't become uid " + std::to_string(identity.uid), errno);
  }
  // After the change of uid, which takes it back.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) return not_possible("can't follow", errno);
  return {};
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
  if (const auto last = broken_off().find(identity.uid); last != broken_off().end()) {
    if (Clock::now() - last->second < kLeftAlone) return held_up(identity.uid, "was broken off a moment ago");
    broken_off().erase(last);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return not_possible("can't make a pipe", errno);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return not_possible("can't fork", errno);
  if (child == 0) {
    Result<void> result = become(identity, parent);
    if (result) result = work();
    if (!result && !write_all(writer.get(), wire::encode_result(result))) ::_exit(2);
    ::_exit(result ? 0 : 1);
  }
  writer = Fd();
  std::string bytes;
  const bool in_time = read_to_end(reader.get(), patience, bytes);
  if (!in_time) (void)::kill(child, SIGKILL);
  const Result<int> status = wait_for(child);
  if (!status) return std::unexpected(status.error());
  if (exit_status(*status) == 0) return {};
  if (!in_time) {
    broken_off()[identity.uid] = Clock::now();
    return held_up(identity.uid, "did not end in time and was broken off");
  }
  Result<void> told = wire::decode_result<void>(bytes);
  if (!told) return told;
  return fail(Code::kInternal, "a child process ended before its work was done");
}

}  // namespace aegir::machine
