#include "sidecar/monitor/processes.hpp"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/core/atomic_file.hpp"
#include "compiler/machine/child.hpp"
#include "compiler/machine/file.hpp"

namespace aegir::monitor {
namespace {

std::string pid_namespace(int proc, const std::string& pid) {
  std::array<char, 64> target{};
  const ssize_t size = ::readlinkat(proc, (pid + "/ns/pid").c_str(), target.data(), target.size());
  return {target.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// The word behind `name` in the text of /proc/PID/status.
std::string_view word(std::string_view status, std::string_view name) {
  const std::size_t at = status.find(name);
  if (at == std::string_view::npos) return {};
  status.remove_prefix(at + name.size());
  status.remove_prefix(std::min(status.find_first_not_of(" \t"), status.size()));
  return status.substr(0, status.find_first_of(" \t\n"));
}

}  // namespace

Result<std::vector<Process>> processes_of(uid_t first, uid_t last) {
  const machine::Directory folder{Fd(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), "/proc"};
  if (!folder.fd) return fail_errno("can't be read", folder.path, errno);
  Result<machine::Listing> listing = machine::Listing::begin(folder);
  if (!listing) return pass(listing);
  const int proc = folder.fd.get();
  const std::string own = pid_namespace(proc, "self");
  std::vector<Process> found;
  for (std::optional<std::string> entry; (entry = listing->next());) {
    const std::string& name = *entry;
    Process process;
    if (std::from_chars(name.data(), name.data() + name.size(), process.pid).ec != std::errc{}) continue;
    const Fd file(::openat(proc, (name + "/status").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> text{};
    const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
    if (size <= 0) continue;  // it has ended
    const std::string_view status(text.data(), static_cast<std::size_t>(size));
    const std::string_view uid = word(status, "\nUid:");
    (void)std::from_chars(uid.data(), uid.data() + uid.size(), process.uid);
    // A process whose first thread has ended is a zombie with other threads at work.
    const bool has_ended = word(status, "\nState:") == "Z" && word(status, "\nThreads:") == "1";
    if (process.uid < first || process.uid > last || has_ended) continue;
    const std::string where = pid_namespace(proc, name);
    process.elsewhere = !where.empty() && where != own;
    found.push_back(process);
  }
  return found;
}

Result<void> kill_all_of(uid_t uid) {
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("can't fork", "aegird", errno);
  if (child == 0) {
    // The uid by which it may kill them; those by which they could stop it are nobody's, and not the same for two
    // at a time: a SIGKILL to everybody goes by the real uid of its sender too.
    const uid_t nobodys = 0xF0000000U + static_cast<uid_t>(::getpid());
    if (::setgroups(0, nullptr) != 0 || ::setresgid(nobodys, nobodys, nobodys) != 0 ||
        ::setresuid(nobodys, uid, nobodys) != 0) {
      ::_exit(1);
    }
    ::_exit(::kill(-1, SIGKILL) == 0 || errno == ESRCH ? 0 : 1);
  }
  const Result<int> status = machine::wait_for(child);
  if (!status) return std::unexpected(status.error());
  if (machine::exit_status(*status) == 0) return {};
  return fail(Code::kInternal, "the processes of uid " + std::to_string(uid) + " can't be killed");
}

}  // namespace aegir::monitor
