#include "sidecar/api/json.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "sidecar/api/codes.hpp"
#include "sidecar/api/words.hpp"

namespace aegir::api {
namespace {

using registry::word_of;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json id_or_null(std::uint64_t id) { return id == 0 ? Json() : Json(id); }

/// A JSON text of the registry; the text itself when it is none.
Json parsed(const std::string& text) {
  if (text.empty()) return {};
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

Json error_json(const Error& error) {
  Json object = {{"code", row_of(error.code).word}, {"detail", error.message}};
  if (!error.place.file.empty()) {
    Json place = {{"file", error.place.file}};
    if (error.place.line != 0) place["line"] = error.place.line;
    if (error.place.column != 0) place["column"] = error.place.column;
    object["place"] = std::move(place);
  }
  if (!error.hint.empty()) object["next"] = error.hint;
  return object;
}

Json package_json(const registry::Package& package) {
  return {{"kind", word_of(registry::kPackageKindWords, package.kind)},
          {"name", package.name},
          {"title", package.title},
          {"version", text_or_null(package.version)},
          {"schema", package.schema ? Json(*package.schema) : Json()},
          {"place", package.path.empty() ? Json() : Json(word_of(registry::kPackagePlaceWords, package.place))},
          {"path", text_or_null(package.path)}};
}

}  // namespace

std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json time_json(std::int64_t milliseconds) {
  if (milliseconds == 0) return {};
  const std::time_t seconds = milliseconds / 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 8> rest{};
  (void)std::snprintf(rest.data(), rest.size(), ".%03dZ", static_cast<int>(milliseconds % 1000));
  return std::string(text.data(), size) + rest.data();
}

Json to_json(const registry::Task& task) {
  const nlohmann::json request = parsed(task.request);
  return {{"id", id_or_null(task.id)},
          {"kind", word_of(kKindWords, task.kind)},
          {"object", text_or_null(task.object)},
          {"site", id_or_null(task.site)},
          {"verb", task.verb},
          {"request", Json(masked(request))},
          {"state", word_of(kTaskStateWords, task.state)},
          {"undoing", registry::is_open(task.state) && task.verdict != TaskState::kProcessing},
          {"cancel_asked", task.cancel_asked},
          {"actor", task.actor},
          {"priority", task.priority},
          {"after", id_or_null(task.after)},
          {"retry_of", id_or_null(task.retry_of)},
          {"created", time_json(task.created)},
          {"started", time_json(task.started)},
          {"ended", time_json(task.ended)},
          {"message", text_or_null(task.message)},
          {"result", parsed(task.result)}};
}

Json to_json(const TaskView& view) {
  Json object = to_json(view.task);
  Json steps = Json::array();
  for (const registry::StepRow& step : view.steps) steps.push_back(to_json(step));
  object["steps"] = std::move(steps);
  object["plan"] = view.plan;
  return object;
}

Json to_json(const registry::StepRow& step) {
  return {{"number", step.number},
          {"name", step.name},
          {"state", word_of(kStepStateWords, step.state)},
          {"warning", text_or_null(step.warning)}};
}

Json to_json(const registry::LogLine& line) {
  return {{"id", line.id},
          {"time", time_json(line.time)},
          {"level", word_of(kLevelWords, line.level)},
          {"step", text_or_null(line.step)},
          {"text", line.text}};
}

Json to_json(const QueueView& queue) {
  Json tasks = Json::object();
  for (const auto& [word, state] : kTaskStateWords) {
    tasks[std::string(word)] = queue.counts.at(static_cast<std::size_t>(state));
  }
  return {{"paused", queue.paused}, {"tasks", std::move(tasks)}, {"oldest_queued", time_json(queue.oldest)}};
}

Json to_json(const registry::Server& server) {
  Json web = Json::object();
  for (const registry::WebService& service : server.web) {
    web[std::string(word_of(registry::kServiceWords, service.kind))] = {
        {"http_port", service.http_port}, {"https_port", service.https_port}, {"probe_address", service.probe_address}};
  }
  Json database;
  if (server.database) {
    database = {{"type", server.database->type}, {"host", server.database->host}, {"port", server.database->port}};
  }
  return {{"name", server.name}, {"host", server.host}, {"web", std::move(web)}, {"database", std::move(database)}};
}

Json to_json(const registry::Block& block) {
  return {{"name", block.name},
          {"server", block.server},
          {"php_version", block.php_version},
          {"slots", block.slots},
          {"first_uid", block.first_uid},
          {"client", text_or_null(block.client)},
          {"max_children", block.max_children},
          {"isolation", word_of(registry::kIsolationWords, block.isolation)}};
}

Json to_json(const registry::Platform& platform) {
  Json services = Json::array();
  for (const auto& [word, service] : registry::kServiceWords) {
    if ((platform.services & service) != 0) services.push_back(word);
  }
  return {{"id", platform.id},
          {"name", platform.name},
          {"server", platform.server},
          {"docroot", platform.docroot},
          {"services", std::move(services)},
          {"cms", word_of(registry::kCmsWords, platform.cms)},
          {"state", word_of(registry::kPlatformStateWords, platform.state)},
          {"block", text_or_null(platform.block)},
          {"body_limit", platform.body_limit},
          {"drush", text_or_null(platform.drush)}};
}

Json to_json(const PlatformView& view) {
  Json object = to_json(view.platform);
  if (view.codebase.version.empty()) {
    object["codebase"] = nullptr;
    return object;
  }
  Json profiles = Json::array();
  for (const registry::Profile& profile : view.codebase.profiles) {
    profiles.push_back({{"name", profile.name},
                        {"title", profile.title},
                        {"description", profile.description},
                        {"version", text_or_null(profile.version)},
                        {"languages", profile.languages},
                        {"hidden", profile.hidden}});
  }
  Json packages = Json::array();
  for (const registry::Package& package : view.codebase.packages) {
    Json& entry = packages.emplace_back(package_json(package));
    entry["hidden"] = package.hidden;
  }
  object["codebase"] = {{"version", view.codebase.version}, {"profiles", profiles}, {"packages", packages}};
  return object;
}

Json to_json(const registry::Client& client) {
  return {{"name", client.name}, {"title", client.title}, {"email", text_or_null(client.email)}};
}

Json to_json(const registry::Site& site) {
  Json aliases = Json::object();
  for (const registry::Alias& alias : site.aliases) {
    aliases[alias.host] = {{"redirect_to", text_or_null(alias.redirect_to)}};
  }
  Json authentication;
  if (site.http_auth) authentication = {{"user", site.http_auth->user}, {"realm", site.http_auth->realm}};
  Json database;
  if (!site.database.name.empty()) {
    database = {{"server", site.database.server}, {"name", site.database.name}, {"user", site.database.user}};
  }
  Json slot;
  if (!site.block.empty()) slot = {{"block", site.block}, {"number", site.slot}};
  return {{"id", site.id},
          {"uri", site.uri},
          {"platform", site.platform},
          {"client", text_or_null(site.client)},
          {"state", word_of(registry::kSiteStateWords, site.state)},
          {"profile", site.profile},
          {"language", site.language},
          {"https", word_of(registry::kHttpsWords, site.https)},
          {"cloaking", site.cloaking},
          {"redirect_to", text_or_null(site.redirect_to)},
          {"aliases", std::move(aliases)},
          {"former_uris", site.former_uris},
          {"http_auth", std::move(authentication)},
          {"database", std::move(database)},
          {"slot", std::move(slot)}};
}

Json to_json(const SiteView& view) {
  Json object = to_json(view.site);
  Json packages = Json::array();
  for (const registry::Package& package : view.packages) {
    Json& entry = packages.emplace_back(package_json(package));
    entry["enabled"] = package.enabled;
  }
  object["packages"] = view.packages.empty() ? Json() : std::move(packages);
  return object;
}

Json problem(unsigned status, std::span<const Error> errors) {
  const Error& first = errors.front();
  Json object = {{"type", "urn:aegir:problem:" + std::string(row_of(first.code).word)},
                 {"title", row_of(first.code).title},
                 {"status", status}};
  const Json facts = error_json(first);
  for (const auto& [key, value] : facts.items()) object[key] = value;
  if (errors.size() > 1) {
    Json all = Json::array();
    for (const Error& error : errors) all.push_back(error_json(error));
    object["errors"] = std::move(all);
  }
  return object;
}

}  // namespace aegir::api
