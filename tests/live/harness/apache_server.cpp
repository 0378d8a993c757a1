#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX

#include <stdexcept>

#include "tests/live/harness/servers.hpp"

namespace aegir::live {

namespace {

constexpr const char* kModules = "/usr/lib/apache2/modules/mod_";

// MinSpareThreads is one more than all children but one have: so a child that ended is always replaced.
constexpr unsigned kThreads = 16;

}  // namespace

// The noise: a connection that is being closed when its child is told to end.
ApacheServer::ApacheServer() : Server({"apache2", SIGTERM, SIGUSR1, true, "AH03092: process_lingering_close"}) {}

std::string ApacheServer::frame(const Frame& frame) const {
  std::vector<std::string> modules = {"mpm_event", "authz_core", "alias",   "dir",        "env",     "headers",
                                      "mime",      "proxy",      "rewrite", "proxy_fcgi", "setenvif"};
  modules.insert(modules.end(), frame.modules.begin(), frame.modules.end());
  std::string text = "ServerRoot " + directory() + "\nDefaultRuntimeDir " + directory() + "\nPidFile " +
                     path("apache.pid") + "\nServerName localhost\nErrorLog " + path("error.log") + "\nLogLevel " +
                     frame.log_level + "\n";
  for (const std::string& module : modules) text += "LoadModule " + module + "_module " + kModules + module + ".so\n";
  if (frame.module) text += "LoadModule aegir_module " AEGIR_APACHE_MODULE "\n";
  const std::string count = std::to_string(frame.workers);
  const unsigned threads = kThreads * frame.workers;
  // Room for the new processes while the old ones of a graceful restart still finish.
  const std::string slots = std::to_string(4 * frame.workers);
  text += "User " + std::string(kWebUser) + "\nGroup " + kWebUser + "\nServerLimit " + slots + "\nStartServers " +
          count + "\nThreadsPerChild " + std::to_string(kThreads) + "\nMaxRequestWorkers " + std::to_string(threads) +
          "\nMinSpareThreads " + std::to_string(threads - kThreads + 1) + "\nMaxSpareThreads " +
          std::to_string(threads) +
          "\nTraceEnable off\nTypesConfig /dev/null\nAddType text/html .html\nAddType text/css .css\n" +
          "AddType text/plain .txt\nAddType image/png .png\nCustomLog " + path("access.log") +
          " \"%V %h %l %u %t \\\"%r\\\" %>s %b\"\n" + frame.main + "\n";
  return text;
}

void ApacheServer::configure(const std::string& config) const { put(path("httpd.conf"), config); }

void ApacheServer::start(const std::string& config, const std::vector<Endpoint>& ready, unsigned workers) {
  configure(config);
  launch({"apache2", "-f", path("httpd.conf"), "-DFOREGROUND"}, ready, workers);
}

Finished ApacheServer::test(const std::string& config) const {
  put(path("test.conf"), config);
  return run({"apache2", "-t", "-f", path("test.conf")}, environment());
}

}  // namespace aegir::live
