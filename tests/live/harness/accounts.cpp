#include "tests/live/harness/accounts.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/live/harness/temp_dir.hpp"

namespace aegir::live {
namespace {

void check(int done, const char* what) {
  if (done != 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

/// The file with these lines at its end, laid over it from `own`, which has to stay: over a file that is gone nothing
/// else can be mounted, as servers that are tried in a sandbox need it.
void lay_over(const char* file, const std::string& lines, const std::string& own) {
  put(own, slurp(file) + lines);
  check(::chmod(own.c_str(), 0644), "chmod");
  check(::mount(own.c_str(), file, nullptr, MS_BIND, nullptr), file);
}

}  // namespace

void know_accounts(const std::string& passwd, const std::string& group) {
  check(::unshare(CLONE_NEWNS), "a view of one's own");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "a view of one's own");
  static const TempDir directory;
  lay_over("/etc/passwd", passwd, directory.path("passwd"));
  lay_over("/etc/group", group, directory.path("group"));
}

}  // namespace aegir::live
