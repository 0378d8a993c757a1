// lookup: what a module would answer a request for a host, from the same rules (map/route.hpp).
#include <CLI/CLI.hpp>
#include <array>
#include <chrono>

#include "compiler/cli/cli.hpp"
#include "compiler/core/idna.hpp"
#include "compiler/map/answer.hpp"
#include "compiler/map/http_auth.hpp"
#include "compiler/map/route.hpp"
#include "compiler/map/words.hpp"
#include "compiler/registry/isolation.hpp"

namespace aegir::cli {
namespace {

struct Options {
  std::string host;
  std::string target = "/";
  std::string service;
  std::string map;
  bool https = false;
};

std::string joined(std::span<const std::string_view> pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  return text;
}

/// The path of a request's target as a server decodes it. What a server would refuse is taken as it is.
std::string decoded_path(std::string_view target) {
  target = target.substr(0, target.find('?'));
  std::string path;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      const std::size_t value = std::string_view("0123456789abcdef").find(static_cast<char>(target[at] | 0x20));
      return target[at] >= '0' && value != std::string_view::npos ? static_cast<int>(value) : -1;
    };
    if (target[i] == '%' && i + 2 < target.size() && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
      path += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
      i += 2;
    } else {
      path += target[i];
    }
  }
  return path;
}

std::string answer_for_path(const map::SiteView& site, const map::Request& request) {
  const map::PathDecision decision = map::route_path(site, request.path, request.raw_target, false);
  switch (decision.verdict) {
    case map::PathVerdict::kRewrite:
      return "200 from " + joined(decision.pieces);
    case map::PathVerdict::kRedirect:
      return "301 to " + joined(decision.pieces);
    case map::PathVerdict::kNotFound:
      return "404";
    case map::PathVerdict::kForbidden:
      return "403";
    case map::PathVerdict::kServe:
      break;
  }
  return decision.static_only ? "the site's file" : "the site";
}

std::string answer(const map::HostDecision& decision, const map::Request& request) {
  switch (decision.verdict) {
    case map::Verdict::kServe:
      if (map::is_protected(decision)) return "401; with the password: " + answer_for_path(decision.site, request);
      return answer_for_path(decision.site, request);
    case map::Verdict::kAcme:
      return "the ACME challenge's file";
    case map::Verdict::kRedirect:
      return std::to_string(decision.status) + " to " + joined(decision.location);
    case map::Verdict::kMaintenance:
      return "503, in maintenance";
    case map::Verdict::kDisabled:
      return "503, disabled";
    case map::Verdict::kStatus:
      break;
  }
  if (decision.status == 500) return "500: the map's record is broken; `aegirc publish --rebuild` writes it anew";
  return std::to_string(decision.status) + (decision.status == 404 ? ": no site has this name here" : "");
}

Json services(std::uint8_t bits) {
  Json list = Json::array();
  if ((bits & map::kServiceApache) != 0) list.push_back("apache");
  if ((bits & map::kServiceNginx) != 0) list.push_back("nginx");
  return list;
}

/// What PHP is told, without the password; what can be said without the key otherwise.
void add_credentials(Json& facts, const map::SiteView& site, const Result<KeyRing>& keys) {
  if (site.sealed.empty()) {
    facts["credentials"] = "not cloaked";
    return;
  }
  if (!keys) {
    facts["credentials"] = "sealed with key " + std::to_string(site.key_id) +
                           ", and the key file is of no use here: " + keys.error().message;
    return;
  }
  std::string plain(site.sealed.size(), '\0');
  map::CredentialFields fields;
  if (!map::open_credentials(*keys, site, plain, fields)) {
    facts["credentials"] = "sealed with key " + std::to_string(site.key_id) + ", which does not open them";
    return;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string name(map::kCredentialNames[i]);
    facts[name] = name == "db_passwd" ? "********" : std::string(fields[i]);
  }
}

void add_site(Json& facts, const map::HostDecision& decision, const Result<KeyRing>& keys) {
  const map::SiteView& site = decision.site;
  facts["site"] = site.host;
  facts["state"] = map::word(site.state);
  facts["https"] = map::word(site.https);
  facts["served_by"] = services(site.services);
  if (!site.target.empty()) facts["redirects_to"] = site.target;
  facts["platform"] = site.platform_name;
  facts["docroot"] = site.docroot;
  facts["directory"] = "sites/" + std::string(site.directory);
  facts["php"] = site.socket.empty() ? "none" : std::string(site.socket);
  facts["memory_limit"] = site.memory_limit;
  facts["upload_max_filesize"] = site.upload_max_filesize;
  facts["post_max_size"] = site.post_max_size;
  facts["max_execution_time"] = site.max_execution_time;
  if (site.auth.size() >= std::tuple_size_v<Digest>) {
    facts["realm"] = site.auth.substr(std::tuple_size_v<Digest>);
  }
  Json former = Json::array();
  for (std::string_view rest = site.former; !rest.empty();) {
    const std::size_t size = static_cast<unsigned char>(rest.front());
    former.push_back(rest.substr(1, size));
    rest.remove_prefix(std::min(rest.size(), size + 1));
  }
  if (!former.empty()) facts["former_uris"] = former;
  add_credentials(facts, site, keys);
}

/// Says so when the site shares its slot. Only the registry knows, and not everybody who may look into the map may open
/// that.
void add_isolation(const Cli& cli, const Config& config, Json& facts) {
  if (is_root() && !work_as_aegir(config)) return;
  const auto store = open_registry(cli.out, config, registry::Store::Mode::kRead);
  if (!store) return;
  const auto site = (*store)->find_site(facts["site"].get<std::string>());
  const auto blocks = (*store)->blocks();
  if (!site || !*site || !blocks) return;
  for (const registry::Block& block : *blocks) {
    const std::optional<std::string> warning = registry::sharing_warning(**site, block);
    if (!warning) continue;
    facts["isolation"] = "shared";
    cli.out.note(*warning);
  }
}

Outcome lookup(const Cli& cli, const Options& options) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  const std::string directory = options.map.empty() ? config->map_dir : options.map;
  auto state = map::open_published(directory, nullptr);
  if (!state) return stop(state);

  const Result<std::string> canonical = canonical_host(options.host);
  const std::string path = decoded_path(options.target);
  map::Request request;
  request.authority = canonical ? *canonical : options.host;
  request.raw_target = options.target;
  request.path = path;
  request.secure = request.secure_connection = options.https;
  request.now = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());

  const bool apache = options.service != "nginx";
  map::HostDecision decision;
  request.service = apache ? map::kServiceApache : map::kServiceNginx;
  map::route_host(request, state->get(), decision);
  const bool elsewhere = decision.verdict == map::Verdict::kStatus && decision.status == 404;
  if (options.service.empty() && elsewhere) {  // a site that only nginx serves
    request.service = map::kServiceNginx;
    decision = map::HostDecision();
    map::route_host(request, state->get(), decision);
  }
  Json facts = {{"host", decision.host.empty() ? options.host : std::string(decision.host)},
                {"answer", answer(decision, request)}};
  if (decision.verdict != map::Verdict::kStatus) add_site(facts, decision, KeyRing::read(config->map_key));
  if (options.map.empty() && facts.contains("site")) add_isolation(cli, *config, facts);
  facts["generation"] = (*state)->generation();
  cli.out.record(facts);
  return {};
}

}  // namespace

void add_lookup(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand("lookup", "Print what a web server answers for a host, and why");
  command->add_option("HOST", options->host, "Host name, with its port if it matters")->required();
  command->add_option("PATH", options->target, "Path and query")->capture_default_str();
  command->add_flag("--https", options->https, "Ask as over https");
  command->add_option("--service", options->service, "Ask as this web server [any that serves the site]")
      ->check(CLI::IsMember({"apache", "nginx"}));
  command->add_option("--map", options->map, "Map directory [the live map]")->option_text("DIR");
  command->callback([&cli, options] { cli.command = [&cli, options] { return lookup(cli, *options); }; });
}

}  // namespace aegir::cli
