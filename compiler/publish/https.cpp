#include "compiler/publish/https.hpp"

#include <algorithm>
#include <array>

#include "compiler/core/atomic_file.hpp"
#include "compiler/publish/running_server.hpp"

namespace aegir::publish {
namespace {

const ServerKind& kind_of(registry::Service service) { return service == registry::kApache ? kApache : kNginx; }

/// A file that is not there is empty.
Result<std::string> text_of(const std::string& path) {
  Result<std::string> text = read_file(path);
  if (!text && text.error().code == Code::kNotFound) return std::string();
  return text;
}

/// The words of a line as emit writes them, without quotes.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t\";")));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.size(), line.find_first_of(" \t\";"));
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

void add_hosts(std::string_view text, std::set<std::string>& hosts) {
  constexpr std::array kOfNames = {"server_name", "ServerName", "ServerAlias"};
  while (!text.empty()) {
    const std::size_t end = std::min(text.size(), text.find('\n'));
    const std::vector<std::string> words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
    if (!words.empty() && std::ranges::find(kOfNames, words[0]) != kOfNames.end()) {
      hosts.insert(words.begin() + 1, words.end());
    }
  }
}

}  // namespace

bool HttpsInForce::has_certificate_for(std::string_view host) const {
  const std::size_t dot = host.find('.');
  return any_name || hosts.contains(std::string(host)) ||
         (dot != std::string_view::npos && hosts.contains('*' + std::string(host.substr(dot))));
}

Result<HttpsInForce> https_in_force(const Config& config, std::string_view server, registry::Service service) {
  const std::string folder = server_config_dir(config, server) + '/' + kind_of(service).folder + '/';
  HttpsInForce found;
  const Result<std::string> conf = text_of(folder + "aegir.conf");
  if (!conf) return std::unexpected(conf.error());
  found.listens = conf->contains("/ssl.d/");
  if (!found.listens) return found;
  found.any_name = conf->contains("/ssl.d/" + std::string(emit::kDefaultCertificate) + '/') &&
                   !conf->contains(std::string(emit::kSelfSigned));
  const Result<std::string> tls = text_of(folder + "tls.conf");
  if (!tls) return std::unexpected(tls.error());
  add_hosts(*tls, found.hosts);
  return found;
}

bool is_by_https_alone(const registry::Site& site) {
  return site.https == registry::Https::kRequired && site.state != registry::SiteState::kInstalling;
}

const HttpsInForce* HttpsNotes::in_force(const std::string& server, registry::Service service) {
  const auto known = read_.find({server, service});
  if (known != read_.end()) return &known->second;
  Result<HttpsInForce> read = https_in_force(config_, server, service);
  if (!read) {
    unread_.insert("whether https is in force is not known: " + describe(read.error()));
    return nullptr;
  }
  return &(read_[{server, service}] = *std::move(read));
}

void HttpsNotes::look(const emit::HttpsSite& site) {
  const auto platform = std::ranges::find(platforms_, site.platform, &registry::Platform::name);
  if (platform == platforms_.end()) return;
  const auto server = std::ranges::find(servers_, platform->server, &registry::Server::name);
  if (server == servers_.end()) return;
  std::string deaf;
  std::string nameless;
  for (const registry::WebService& web : server->web) {
    if ((platform->services & web.kind) == 0) continue;
    const HttpsInForce* const https = in_force(server->name, web.kind);
    if (https == nullptr || https->has_certificate_for(site.uri)) continue;
    std::string& list = https->listens ? nameless : deaf;
    list += std::string(list.empty() ? "" : " and ") + kind_of(web.kind).name;
  }
  if (!deaf.empty()) sites_[{server->name, "nobody listens for https of " + deaf}].push_back(site.uri);
  if (!nameless.empty()) {
    sites_[{server->name, "browsers warn, since no certificate of " + nameless + " is for that name"}].push_back(
        site.uri);
  }
}

std::vector<std::string> HttpsNotes::take() const {
  std::vector<std::string> notes(unread_.begin(), unread_.end());
  for (const auto& [what, sites] : sites_) {
    notes.push_back("https is required of " + some_of(sites) + ", and on server " + what.first + ' ' + what.second +
                    "; next: put a certificate into config/ssl.d/<site>, and run `aegirc verify --server " +
                    what.first + '`');
  }
  return notes;
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNamed = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kMostNamed) text += " and " + std::to_string(names.size() - kMostNamed) + " more";
  return text;
}

}  // namespace aegir::publish
