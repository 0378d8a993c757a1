#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/live/harness/servers.hpp"

namespace aegir::live {

namespace {

/// The command, as that uid and with no other group. A change of uid takes the death signal of Process away, so it is
/// set once more.
std::vector<std::string> as(uid_t uid, const std::vector<std::string>& command) {
  const std::string id = std::to_string(uid);
  std::vector<std::string> argv = {"setpriv",        "--reuid",     id,     "--regid", id,
                                   "--clear-groups", "--pdeathsig", "TERM", "--"};
  argv.insert(argv.end(), command.begin(), command.end());
  return argv;
}

}  // namespace

MariaDbServer::MariaDbServer() : Server({"mariadbd", SIGTERM, SIGHUP, false}) {}

void MariaDbServer::start(uid_t uid, const Port& port) {
  for (const char* name : {"data", "tmp"}) {
    const std::string folder = path(name);
    if (::mkdir(folder.c_str(), 0700) != 0 || ::chown(folder.c_str(), uid, uid) != 0) {
      throw std::runtime_error(folder + ": can't be made");
    }
  }
  // The socket and the log lie in the directory itself.
  if (::chown(directory().c_str(), uid, uid) != 0) throw std::runtime_error(directory() + ": can't be given away");
  const Finished made =
      run(as(uid, {"mariadb-install-db", "--no-defaults", "--datadir=" + path("data"), "--tmpdir=" + path("tmp"),
                   "--skip-test-db", "--auth-root-authentication-method=socket", "--auth-root-socket-user=root"}));
  if (made.status != 0) throw std::runtime_error("mariadb-install-db: " + made.output);
  argv_ = as(uid, {"mariadbd", "--no-defaults", "--datadir=" + path("data"), "--tmpdir=" + path("tmp"),
                   "--socket=" + path("socket"), "--pid-file=" + path("pid"), "--bind-address=127.0.0.1",
                   "--port=" + port.text(), "--skip-name-resolve", "--innodb-buffer-pool-size=128M",
                   "--innodb-flush-log-at-trx-commit=0", "--performance-schema=OFF"});
  ready_ = {port.endpoint()};
  start_again();
}

void MariaDbServer::start_again() { launch(argv_, ready_, 0); }

std::string MariaDbServer::sql(const std::string& statements) const {
  Finished done = run({"mariadb", "--no-defaults", "--socket=" + path("socket"), "--user=root", "--batch",
                       "--skip-column-names", "--execute=" + statements});
  if (done.status != 0) throw std::runtime_error("mariadb: " + done.output);
  return std::move(done.output);
}

}  // namespace aegir::live
