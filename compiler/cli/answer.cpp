#include "compiler/cli/answer.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "compiler/core/idna.hpp"
#include "compiler/map/answer.hpp"
#include "compiler/map/http_auth.hpp"
#include "compiler/map/request_path.hpp"
#include "compiler/map/words.hpp"

namespace aegir::cli {
namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The Host that a browser sends for what a person typed; what is no host name stays as it is.
std::string authority_of(const std::string& typed) {
  const std::size_t colon = typed.rfind(':');
  const bool port = colon != std::string::npos && typed.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  const Result<std::string> canonical = canonical_host(typed.substr(0, port ? colon : std::string::npos));
  if (!canonical) return typed;
  return *canonical + (port ? typed.substr(colon) : std::string());
}

std::string answer_for_path(const map::PathDecision& decision) {
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

std::string words(const Answer& answer) {
  const map::HostDecision& decision = answer.decision;
  switch (decision.verdict) {
    case map::Verdict::kServe:
      return (map::is_protected(decision) ? "401; with the password: " : "") + answer_for_path(*answer.path_decision);
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

/// Why the servers answer 400; empty when they don't.
std::string refusal(const Answer& answer) {
  if (!answer.target.starts_with('/')) return "the path does not begin with a slash";
  if (answer.target.find('#') != std::string::npos) return "a request has no fragment";
  if (answer.path.empty()) return "the path leads above the root, or is wrongly encoded";
  return answer.decision.status == 400 ? "no host name is written so" : "";
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

void decide(std::uint8_t service, Answer& answer) {
  answer.request.service = service;
  answer.decision = map::HostDecision();
  map::route_host(answer.request, answer.state.get(), answer.decision);
}

}  // namespace

std::string joined(std::span<const std::string_view> pieces) {
  std::string text;
  for (const std::string_view piece : pieces) text += piece;
  return text;
}

Result<std::unique_ptr<Answer>> ask(const Config& config, const Question& question) {
  auto answer = std::make_unique<Answer>();
  auto state = map::open_published(question.map.empty() ? config.map_dir : question.map, nullptr);
  if (!state) return pass(state);
  answer->state = *std::move(state);
  answer->target = question.target;
  answer->authority = authority_of(question.host);
  if (answer->target.starts_with('/')) {
    std::string room(answer->target.size(), '\0');
    if (const auto path = map::resolve_path(answer->target, room.data())) answer->path = *path;
  }
  answer->request.authority = answer->authority;
  answer->request.raw_target = answer->target;
  answer->request.path = answer->path;
  answer->request.secure = answer->request.secure_connection = question.https;
  answer->request.https_port = question.https_port;
  answer->request.now = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  decide(question.service == "nginx" ? map::kServiceNginx : map::kServiceApache, *answer);
  const bool elsewhere = answer->decision.verdict == map::Verdict::kStatus && answer->decision.status == 404;
  if (question.service.empty() && elsewhere) decide(map::kServiceNginx, *answer);  // a site that only nginx serves
  answer->refused = refusal(*answer);
  if (!answer->refused.empty()) {
    answer->decision.verdict = map::Verdict::kStatus;
    answer->decision.status = 400;
    answer->text = "400: " + answer->refused;
    return answer;
  }
  if (answer->decision.verdict == map::Verdict::kServe) {
    answer->path_decision = map::route_path(answer->decision.site, answer->path, answer->target, false);
  }
  answer->text = words(*answer);
  return answer;
}

Json facts_of(const Config& config, const Question& question, const Answer& answer) {
  const map::HostDecision& decision = answer.decision;
  Json facts = {{"host", decision.host.empty() ? answer.authority : std::string(decision.host)},
                {"answer", answer.text}};
  if (!is_ascii(question.host) && is_ascii(answer.authority)) {
    facts["sent_as_typed"] = "400: browsers send " + answer.authority + " for " + question.host;
  }
  if (decision.verdict != map::Verdict::kStatus) add_site(facts, decision, KeyRing::read(config.map_key));
  facts["generation"] = answer.state->generation();
  return facts;
}

}  // namespace aegir::cli
