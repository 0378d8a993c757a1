#include "compiler/publish/running_server.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): SIGUSR1 is POSIX

#include <chrono>
#include <thread>

#include "compiler/machine/command.hpp"
#include "compiler/machine/scratch.hpp"

namespace aegir::publish {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAnswerPatience{2000};
constexpr milliseconds kReloadPatience{30000};
constexpr milliseconds kAgain{20};

}  // namespace

const ServerKind kApache = {registry::kApache, "Apache", "apache", "apache2", SIGUSR1};
const ServerKind kNginx = {registry::kNginx, "nginx", "nginx", "nginx", SIGHUP};

std::string set_name_in(const ServerKind& kind, std::string_view conf) {
  const std::string_view key =
      kind.service == registry::kApache ? "\nAegirConfiguration \"" : "\naegir_configuration \"";
  const std::size_t at = conf.find(key);
  if (at == std::string_view::npos) return {};
  conf.remove_prefix(at + key.size());
  return std::string(conf.substr(0, conf.find('"')));
}

bool path_is_of(const ServerKind& kind, const Config& config, std::string_view path) {
  return path.starts_with(config.config_dir + "/server_") &&
         path.find('/' + std::string(kind.folder) + '/', config.config_dir.size() + 1) != std::string_view::npos;
}

std::optional<RunningServer> RunningServer::find(const ServerKind& kind, const Config& config,
                                                 const emit::Model& model) {
  for (const registry::Server& server : model.servers) {
    for (const registry::WebService& web : server.web) {
      if (web.kind != kind.service) continue;
      RunningServer found(kind, config);
      const std::vector<Listen>& listen =
          kind.service == registry::kApache ? config.apache_listen : config.nginx_listen;
      found.status_ = {web.probe_address, web.http_port, std::string(emit::kStatusHost), "/aegir-status"};
      if (!listen.empty()) {
        if (!listen[0].address.empty()) found.status_.address = listen[0].address;
        found.status_.port = listen[0].port;
      }
      return found;
    }
  }
  return std::nullopt;
}

std::string RunningServer::place() const { return status_.address + " port " + std::to_string(status_.port); }

std::string RunningServer::status_line(const std::string& set) { return "aegir_configuration{name=\"" + set + "\"} 1"; }

RunningServer::Has RunningServer::has(const std::string& set, Result<machine::Answer>& answer) const {
  answer = machine::ask(status_, kAnswerPatience);
  if (!answer) return answer.error().code == Code::kNotFound ? Has::kNothing : Has::kOther;
  return machine::has_line(answer->body, status_line(set)) ? Has::kIt : Has::kOther;
}

RunningServer::Has RunningServer::has(const std::string& set) const {
  Result<machine::Answer> answer;
  return has(set, answer);
}

Result<void> RunningServer::reload(const std::string& set) const {
  const Reload& how = kind_->service == registry::kApache ? config_->apache_reload : config_->nginx_reload;
  if (Result<void> told = machine::reload_server(how, kind_->program, kind_->signal); !told) return told;
  const auto end = std::chrono::steady_clock::now() + kReloadPatience;
  Result<machine::Answer> answer;
  while (has(set, answer) != Has::kIt) {
    if (std::chrono::steady_clock::now() > end) {
      return fail(Code::kConflict,
                  std::string(kind_->name) + " does not answer with its new configuration at " + place() +
                      (answer ? " (status " + std::to_string(answer->status) + ')' : ": " + answer.error().message),
                  "look into its error log; is its address one of probe_peers, and is aegir.conf included?");
    }
    std::this_thread::sleep_for(kAgain);
  }
  return {};
}

}  // namespace aegir::publish
