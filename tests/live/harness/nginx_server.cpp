#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX

#include <stdexcept>

#include "tests/live/harness/servers.hpp"

namespace aegir::live {

NginxServer::NginxServer() : Server({.name = "nginx", .stop_signal = SIGQUIT, .reload_signal = SIGHUP}) {}

std::string NginxServer::frame(const Frame& frame) const {
  std::string text;
  if (frame.module) text += "load_module " AEGIR_NGX_MODULE ";\n";
  text += "user " + std::string(kWebUser) + ";\ndaemon off;\nworker_processes " + std::to_string(frame.workers) +
          ";\npid " + path("nginx.pid") + ";\nerror_log " + path("error.log") + " " + frame.log_level + ";\n" +
          frame.main + "\nevents { worker_connections 512; }\nhttp {\n  access_log " + path("access.log") + ";\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    text += std::string("  ") + kind + "_temp_path " + path(kind) + ";\n";
  }
  text += "  types { text/html html; text/css css; text/plain txt; image/png png; }\n" + frame.http + "\n}\n";
  return text;
}

void NginxServer::configure(const std::string& config) const { put(path("nginx.conf"), config); }

void NginxServer::start(const std::string& config, const std::vector<Endpoint>& ready, unsigned workers) {
  configure(config);
  launch({"nginx", "-p", directory(), "-c", path("nginx.conf"), "-e", path("error.log")}, ready, workers);
}

Finished NginxServer::test(const std::string& config) const {
  put(path("test.conf"), config);
  return run({"nginx", "-t", "-p", directory(), "-c", path("test.conf"), "-e", path("test.log")}, environment());
}

std::vector<pid_t> NginxServer::workers() const {
  std::vector<pid_t> serving;
  for (const pid_t child : children_of(pid())) {
    const std::string title = command_line(child);
    if (title.starts_with("nginx: worker process") && !title.contains("shutting down")) serving.push_back(child);
  }
  return serving;
}

}  // namespace aegir::live
