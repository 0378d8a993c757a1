// explain: why a URL is answered as it is: which name, rule and change, and which file and line of each web server.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "compiler/cli/answer.hpp"
#include "compiler/cli/changes.hpp"
#include "compiler/cli/sources.hpp"
#include "compiler/map/record_view.hpp"
#include "compiler/map/words.hpp"
#include "compiler/publish/https.hpp"

namespace aegir::cli {
namespace {

/// Takes a URL apart; a scheme that is left out is http.
Result<void> read_url(const std::string& url, Question& question) {
  std::string_view rest = url;
  const std::size_t scheme = rest.find("://");
  if (scheme != std::string_view::npos) {
    const std::string_view word = rest.substr(0, scheme);
    if (word != "http" && word != "https") {
      return fail(Code::kUsage, "'" + std::string(word) + "' is no scheme of a web server",
                  "write http://HOST/PATH or https://HOST/PATH");
    }
    question.https = word == "https";
    rest.remove_prefix(scheme + 3);
  }
  rest = rest.substr(0, rest.find('#'));  // a browser keeps it to itself
  const std::size_t end = std::min(rest.size(), rest.find_first_of("/?"));
  question.host = rest.substr(0, end);
  question.target = rest.substr(end);
  if (!question.target.starts_with('/')) question.target.insert(0, 1, '/');
  if (question.host.empty()) return fail(Code::kUsage, "the URL names no host", "write http://HOST/PATH");
  return {};
}

/// The key of the record that has `host`: itself, or the longest wildcard that fits; empty when there is none.
std::string_view matching_key(const map::Snapshot& state, std::string_view host, map::RecordView& record) {
  const map::MapFile* file = nullptr;
  for (std::string_view key = host; !key.empty();) {
    if (state.find_key(key, record, file) == map::Lookup::kFound) return record.key;
    const std::size_t dot = key.find('.', 1);
    key = dot == std::string_view::npos ? std::string_view() : key.substr(dot);
  }
  return {};
}

/// Which name of the map the host is, in words.
std::string name_in_words(const Answer& answer, std::string_view key, const map::RecordView& record) {
  const std::string site(answer.decision.site.host);
  if (key == answer.decision.host) {
    return record.type == map::RecordType::kSite ? "exactly the site's own" : "exactly, as an alias of " + site;
  }
  return map::name_of(key) + ", an alias of " + site +
         ": no name is exactly so, and this is the longest wildcard that fits";
}

/// Why the name is answered so.
std::string host_rule(const Answer& answer) {
  const map::HostDecision& decision = answer.decision;
  const map::SiteView& site = decision.site;
  switch (decision.verdict) {
    case map::Verdict::kStatus:
      if (decision.status == 404)
        return "no record has the name, no wildcard fits, or this web server does not serve it";
      return "the record can't be read";
    case map::Verdict::kAcme:
      return "challenges of ACME are answered in every state";
    case map::Verdict::kMaintenance:
      return "the site is in maintenance";
    case map::Verdict::kDisabled:
      return "the site is disabled, and no console is set that could say so";
    case map::Verdict::kRedirect:
      break;
    case map::Verdict::kServe:
      return "the name is served in place";
  }
  if (decision.status == 302) return "the site is disabled; the console says so";
  if (decision.location[0] == site.target || decision.location[1] == site.target) {
    return "the name redirects to " + std::string(site.target);
  }
  return "the site's https policy is required";
}

/// Why the path is answered so.
std::string path_rule(const Answer& answer) {
  const std::string own = "sites/" + std::string(answer.decision.site.directory);
  switch (answer.path_decision->rule) {
    case map::PathRule::kNone:
      return "no rule of the map: the platform's rules decide";
    case map::PathRule::kFiles:
      return "/files/ is " + own + "/files/, where no PHP runs";
    case map::PathRule::kOwnFiles:
      return "a file of the site: no PHP runs here, and links lead only to what is the site's";
    case map::PathRule::kPrivate:
      return "private/ is closed but for what the site itself sends (X-Accel-Redirect, X-Sendfile)";
    case map::PathRule::kOwnDirectory:
      return "the site's own directory: the platform's rules decide";
    case map::PathRule::kFormerUri:
      return "files of a former name of the site are under its present one";
    case map::PathRule::kSites:
      return "the folder of all sites shows nothing";
    case map::PathRule::kOtherSite:
      return "the directory of another site; this one's is " + own;
    case map::PathRule::kInstaller:
      return "installers are closed";
    case map::PathRule::kUnresolved:
      break;
  }
  return "the path has dots or double slashes";
}

/// The web services of a server that may be asked: of those that serve the platform the one that the question names, or
/// that has the port of its URL; else all.
std::vector<registry::WebService> asked_services(const registry::Server& server, const registry::Platform& platform,
                                                 const Question& question) {
  const std::size_t colon = question.host.rfind(':');
  const std::string port = colon == std::string::npos ? "" : question.host.substr(colon + 1);
  std::vector<registry::WebService> all;
  for (const registry::WebService& web : server.web) {
    if ((platform.services & web.kind) == 0) continue;
    if (!question.service.empty() && question.service != (web.kind == registry::kApache ? "apache" : "nginx")) continue;
    if (std::to_string(question.https ? web.https_port : web.http_port) == port) return {web};
    all.push_back(web);
  }
  return all;
}

/// Whether anybody listens for https there, and the port that a redirect to https names.
Result<void> add_https(const Config& config, registry::Store& store, const registry::Platform& platform,
                       const Question& question, const Answer& answer, Json& facts) {
  const Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return std::unexpected(servers.error());
  const auto server = std::ranges::find(*servers, platform.server, &registry::Server::name);
  if (server == servers->end()) return {};
  const std::vector<registry::WebService> services = asked_services(*server, platform, question);
  if (services.empty()) return {};
  if (!question.https) {
    if (answer.decision.verdict != map::Verdict::kRedirect) return {};
    Question with_port = question;
    with_port.https_port = services.front().https_port;
    const auto again = ask(config, with_port);
    if (!again) return std::unexpected(again.error());
    facts["answer"] = (*again)->text;
    return {};
  }
  const Result<std::optional<machine::AsRoot>> root = as_root();
  if (!root) return std::unexpected(root.error());
  std::size_t deaf = 0;
  for (const registry::WebService& web : services) {
    const Result<publish::HttpsInForce> https = publish::https_in_force(config, server->name, web.kind);
    if (!https) return https.error().code == Code::kPermission ? Result<void>() : std::unexpected(https.error());
    const std::string name = web.kind == registry::kApache ? "apache_https" : "nginx_https";
    if (!https->listens) {
      ++deaf;
      facts[name] = "nobody listens: there is no certificate, or the server refuses it; `aegirc verify --server " +
                    server->name + "` says which";
    } else if (!https->has_certificate_for(answer.decision.host)) {
      facts[name] =
          "port " + std::to_string(web.https_port) + ", with the certificate for all other names: browsers warn";
    } else {
      facts[name] = "port " + std::to_string(web.https_port) + ", with a certificate for this name";
    }
  }
  if (deaf == services.size()) facts["answer"] = "none: nobody listens for https of this server";
  return {};
}

/// What the registry knows: changes, and which servers have which files.
Result<void> add_registry_facts(const Config& config, registry::Store& store, const Question& question,
                                const Answer& answer, std::string_view key, Json& facts) {
  const map::SiteView& site = answer.decision.site;
  const std::uint64_t generation = answer.state->generation();
  Result<std::string> change = change_in_words(store, registry::ChangeKind::kHost, map::name_of(key), generation);
  if (!change) return pass(change);
  facts["change"] = *change;
  const auto newer = store.last_change(registry::ChangeKind::kHost, map::name_of(key), ~std::uint64_t{0} >> 1U);
  if (!newer) return std::unexpected(newer.error());
  if (*newer && (*newer)->sequence > generation) {
    facts["not_published"] = "change " + std::to_string((*newer)->sequence) + ": `aegirc diff` shows it";
  }
  change = change_in_words(store, registry::ChangeKind::kPlatform, std::to_string(site.platform_id), generation);
  if (!change) return pass(change);
  facts["platform_change"] = *change;
  Result<std::optional<registry::Platform>> platform = store.find_platform(site.platform_id);
  if (!platform) return pass(platform);
  if (!*platform) return {};
  facts["server"] = (*platform)->server;
  if (Result<void> added = add_https(config, store, **platform, question, answer, facts); !added) return added;
  const std::string path = answer.path_decision && answer.path_decision->verdict == map::PathVerdict::kRewrite
                               ? joined(answer.path_decision->pieces)
                               : answer.path;
  return add_sources(config, **platform, site.host, path, facts);
}

Outcome explain(const Cli& cli, const std::string& url, Question question) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  if (Result<void> read = read_url(url, question); !read) return stop(read);
  auto asked = ask(*config, question);
  if (!asked) return stop(asked);
  const Answer& answer = **asked;
  Json facts = {{"url", url}};
  const Json record = facts_of(*config, question, answer);
  facts["host"] = record["host"];
  facts["answer"] = record["answer"];
  if (answer.refused.empty()) facts["because"] = host_rule(answer);
  if (answer.path_decision) facts["path"] = path_rule(answer);
  map::RecordView found;
  const std::string_view key = matching_key(*answer.state, answer.decision.host, found);
  const bool known = answer.decision.verdict != map::Verdict::kStatus;
  if (known && !key.empty()) facts["name"] = name_in_words(answer, key, found);
  for (const auto& [name, value] : record.items()) facts[name] = value;
  const bool unserved = question.map.empty() && is_unserved(answer);
  if (unserved || (known && !key.empty())) {
    Result<void> added = work_as_aegir(*config);
    if (!added) return stop(added);
    auto store = open_registry(cli.out, *config, registry::Store::Mode::kRead);
    if (store) {
      added = unserved ? add_unserved(**store, answer, facts)
                       : add_registry_facts(*config, **store, question, answer, key, facts);
    }
    if (!store) cli.out.note("changes and files are not told, for want of the registry: " + describe(store.error()));
    if (!added) return stop(added);
  }
  cli.out.record(facts);
  return {};
}

}  // namespace

void add_explain(CLI::App& app, Cli& cli) {
  const auto url = std::make_shared<std::string>();
  const auto options = std::make_shared<Question>();
  CLI::App* const command =
      app.add_subcommand("explain", "Print why a URL is answered so: record, rule, change, and line of a file");
  command->add_option("URL", *url, "http://HOST[:PORT]/PATH?QUERY, or https")->required();
  command->add_option("--service", options->service, "Ask as this web server [any that serves the site]")
      ->check(CLI::IsMember({"apache", "nginx"}));
  command->add_option("--map", options->map, "Map directory [the live map]")->option_text("DIR");
  command->callback(
      [&cli, url, options] { cli.command = [&cli, url, options] { return explain(cli, *url, *options); }; });
}

}  // namespace aegir::cli
