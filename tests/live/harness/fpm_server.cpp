#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "tests/live/harness/servers.hpp"

namespace aegir::live {

std::string packaged_ini() {
  namespace fs = std::filesystem;
  std::vector<fs::path> parts;
  for (const fs::directory_entry& entry : fs::directory_iterator("/etc/php/8.2/fpm/conf.d")) parts.push_back(entry);
  std::ranges::sort(parts);
  std::string text = slurp("/etc/php/8.2/fpm/php.ini") + "\n";
  for (const fs::path& part : parts) text += slurp(part) + "\n";
  return text;
}

FpmServer::FpmServer(std::string program) : Server({program, SIGQUIT, SIGUSR2, false}), program_(std::move(program)) {}

std::string FpmServer::frame(const std::vector<FpmPool>& pools) const {
  std::string text = "[global]\nerror_log = " + path("error.log") + "\ndaemonize = no\n";
  for (const FpmPool& pool : pools) {
    text += "[" + pool.name + "]\nuser = " + std::to_string(pool.uid) + "\ngroup = " + std::to_string(pool.gid) +
            "\nlisten = " + pool.socket + "\nlisten.owner = " + kWebUser + "\nlisten.group = " + kWebUser +
            "\nlisten.mode = 0600\npm = static\npm.max_children = " + std::to_string(pool.children) + "\n" + pool.more +
            "\n";
  }
  return text;
}

void FpmServer::start(const std::vector<FpmPool>& pools, const std::string& ini) {
  std::vector<Endpoint> ready;
  unsigned workers = 0;
  for (const FpmPool& pool : pools) {
    ready.push_back(Endpoint::unix_socket(pool.socket));
    workers += pool.children;
  }
  start(frame(pools), ready, workers, ini);
}

void FpmServer::start(const std::string& config, const std::vector<Endpoint>& ready, unsigned workers,
                      const std::string& ini) {
  put(path("php-fpm.conf"), config);
  put(path("php.ini"), ini);
  // With an empty scan directory (see below) PHP reads this php.ini and nothing else.
  put(path("scan/none"), "");
  const std::vector<std::string> fpm = {
      "env", "PHP_INI_SCAN_DIR=" + path("scan"), program_, "-F", "-y", path("php-fpm.conf"), "-c", path("php.ini")};
  std::vector<std::string> test = fpm;
  test.emplace_back("-t");
  if (const Finished tested = run(test); tested.status != 0) throw std::runtime_error(program_ + ": " + tested.output);
  // Children and all that PHP starts keep the master's standard error; the master has its log.
  std::vector<std::string> start = {"sh", "-c", "exec \"$@\" 2>/dev/null", "sh"};
  start.insert(start.end(), fpm.begin(), fpm.end());
  launch(start, ready, workers);
}

}  // namespace aegir::live
