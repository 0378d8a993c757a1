#include "sidecar/api/routes.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "compiler/core/utf8.hpp"
#include "sidecar/api/codes.hpp"
#include "sidecar/api/json.hpp"
#include "sidecar/api/query.hpp"
#include "sidecar/api/words.hpp"

namespace aegir::api {
namespace {

constexpr std::uint64_t kMostListed = 500;  // of tasks and sites
constexpr std::uint64_t kMostLines = 1000;  // of a log
constexpr std::uint64_t kMostId = std::uint64_t{1} << 53U;

/// A request that has found its route.
struct Call {
  Service& service;
  const Actor& actor;
  const Request& request;
  const std::vector<std::string>& segments;  ///< of the path
  Query query;

  [[nodiscard]] std::string header(std::string_view name) const {
    for (const auto& [key, value] : request.headers) {
      if (std::ranges::equal(key, name, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; })) {
        return value;
      }
    }
    return {};
  }
};

Answer json_answer(unsigned status, const Json& value, Headers headers = {}) {
  headers.emplace_back("Content-Type", "application/json");
  return {status, std::move(headers), text_of(value) + '\n', nullptr};
}

Answer problem_answer(unsigned status, std::span<const Error> errors, Headers headers = {}) {
  headers.emplace_back("Content-Type", "application/problem+json");
  if (status == 503) headers.emplace_back("Retry-After", "1");
  return {status, std::move(headers), text_of(problem(status, errors)) + '\n', nullptr};
}

Answer problem_answer(const Error& error) { return problem_answer(row_of(error.code).status, std::span(&error, 1)); }

template <class Value>
Answer value_answer(const Result<Value>& value) {
  return value ? json_answer(200, to_json(*value)) : problem_answer(value.error());
}

/// {"<name>": [ … ], "next": …}
template <class Value>
Answer list_answer(std::string_view name, const Result<std::vector<Value>>& values, Json next = {}) {
  if (!values) return problem_answer(values.error());
  Json list = Json::array();
  for (const Value& value : *values) list.push_back(to_json(value));
  Json object = Json::object();
  object[std::string(name)] = std::move(list);
  object["next"] = std::move(next);
  return json_answer(200, object);
}

Answer task_answer(unsigned status, const Result<Accepted>& accepted) {
  if (!accepted) return problem_answer(accepted.error());
  Json object = to_json(accepted->task);
  object["second"] = accepted->second;
  if (accepted->task.id == 0) return json_answer(status, object);
  return json_answer(status, object, {{"Location", "/v1/tasks/" + std::to_string(accepted->task.id)}});
}

Result<std::uint64_t> id_of(const std::string& text) {
  std::uint64_t id = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (problem == std::errc() && end == text.data() + text.size() && id != 0 && id < kMostId) return id;
  return fail(Code::kNotFound, "there is no task " + printable(text), "a task is named by its number");
}

/// Calls `body` with the task's number in the path, when the query has nothing wrong.
template <class Body>
Answer with_task(Call& call, Body body) {
  const Result<std::uint64_t> id = id_of(call.segments.at(2));
  if (!id) return problem_answer(id.error());
  if (const Result<void> good = call.query.finish(); !good) return problem_answer(good.error());
  return body(*id);
}

Answer health(Call& call) {
  const Result<void> good = call.service.health(call.actor);
  return good ? json_answer(200, {{"status", "ok"}}) : problem_answer(good.error());
}

Answer readiness(Call& call) {
  const Result<void> good = call.service.readiness(call.actor);
  if (good) return json_answer(200, {{"status", "ready"}});
  if (good.error().code == Code::kPermission) return problem_answer(good.error());
  return problem_answer(503, std::span(&good.error(), 1));
}

Answer metrics(Call& call) {
  Result<std::string> text = call.service.metrics(call.actor);
  if (!text) return problem_answer(text.error());
  return {200, {{"Content-Type", "text/plain; version=0.0.4"}}, *std::move(text), nullptr};
}

Answer description(Call& call) {
  if (const Result<void> allowed = call.service.allow(call.actor); !allowed) return problem_answer(allowed.error());
  return {200, {{"Content-Type", "application/json"}}, std::string(openapi()), nullptr};
}

Answer list_tasks(Call& call) {
  registry::TaskFilter filter;
  filter.kind = call.query.word("kind", kKindWords);
  filter.object = call.query.text("object");
  filter.state = call.query.word("state", kTaskStateWords);
  filter.below = call.query.number("below", 0, kMostId);
  filter.limit = call.query.number("limit", 50, kMostListed);
  if (const Result<void> good = call.query.finish(); !good) return problem_answer(good.error());
  if (!filter.object.empty() && !filter.kind) {
    return problem_answer(Error{Code::kUsage, "an object without its kind", {}, "add kind=site to the query"});
  }
  const auto tasks = call.service.tasks(call.actor, filter);
  const bool full = tasks && filter.limit != 0 && tasks->size() == filter.limit;
  return list_answer("tasks", tasks, full ? Json(tasks->back().id) : Json());
}

Answer add_task(Call& call) {
  // Who may not ask is told that, and not how to ask.
  if (const Result<void> allowed = call.service.allow(call.actor); !allowed) return problem_answer(allowed.error());
  const std::string type = call.header("content-type");
  if (type != "application/json" && !type.starts_with("application/json;")) {
    const Error error{Code::kUsage, "the body is of type " + printable(type), {}, "send application/json"};
    return problem_answer(415, std::span(&error, 1));
  }
  std::expected<Wish, std::vector<Error>> wish = read_wish(call.request.body);
  if (!wish) return problem_answer(row_of(wish.error().front().code).status, wish.error());
  wish->key = call.header("idempotency-key");
  if (wish->key.size() > 200 || find_control_or_bad_utf8(wish->key) != std::string::npos) {
    return problem_answer(Error{Code::kUsage, "the Idempotency-Key is too long or no text", {}, "use a UUID"});
  }
  const bool dry_run = wish->dry_run;
  return task_answer(dry_run ? 200 : 202, call.service.enqueue(call.actor, *wish));
}

Answer show_task(Call& call) {
  return with_task(call, [&](std::uint64_t id) { return value_answer(call.service.task(call.actor, id)); });
}

Answer cancel_task(Call& call) {
  return with_task(call, [&](std::uint64_t id) {
    Result<registry::Task> task = call.service.cancel(call.actor, id);
    if (!task) return problem_answer(task.error());
    return task_answer(202, Accepted{*std::move(task), false});
  });
}

Answer skip_step(Call& call) {
  return with_task(call, [&](std::uint64_t id) {
    Result<registry::Task> task = call.service.skip(call.actor, id);
    if (!task) return problem_answer(task.error());
    return task_answer(202, Accepted{*std::move(task), false});
  });
}

Answer retry_task(Call& call) {
  return with_task(call, [&](std::uint64_t id) { return task_answer(202, call.service.retry(call.actor, id)); });
}

Answer hand_out(Call& call) {
  return with_task(call, [&](std::uint64_t id) {
    Result<std::string> secret = call.service.take_handout(call.actor, id);
    if (!secret) return problem_answer(secret.error());
    return json_answer(200, {{"secret", *std::move(secret)}}, {{"Cache-Control", "no-store"}});
  });
}

Answer task_log(Call& call) {
  const std::uint64_t after = call.query.number("after", 0, kMostId);
  const std::uint64_t limit = call.query.number("limit", 200, kMostLines);
  return with_task(call, [&](std::uint64_t id) {
    Result<Watched> watched = call.service.watch(call.actor, id, after, limit);
    if (!watched) return problem_answer(watched.error());
    const bool full = limit != 0 && watched->lines.size() == limit;
    const std::uint64_t last = full ? watched->lines.back().id : 0;
    return list_answer("lines", Result<std::vector<registry::LogLine>>(std::move(watched->lines)),
                       full ? Json(last) : Json());
  });
}

Answer task_events(Call& call) {
  std::uint64_t after = call.query.number("after", 0, kMostId);
  if (const std::string last = call.header("last-event-id"); !last.empty()) {
    const auto [end, problem] = std::from_chars(last.data(), last.data() + last.size(), after);
    if (problem != std::errc() || end != last.data() + last.size() || after > kMostId) {
      return problem_answer(
          Error{Code::kUsage, "the Last-Event-ID is " + printable(last), {}, "send the id of an event of this task"});
    }
  }
  return with_task(call, [&](std::uint64_t id) {
    if (const Result<TaskView> there = call.service.task(call.actor, id); !there) return problem_answer(there.error());
    Answer answer{200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}, {}, nullptr};
    answer.events = std::make_unique<Events>(call.service, call.actor, id, after);
    return answer;
  });
}

Answer show_queue(Call& call) { return value_answer(call.service.queue(call.actor)); }
Answer pause_queue(Call& call) { return value_answer(call.service.pause(call.actor, true)); }
Answer resume_queue(Call& call) { return value_answer(call.service.pause(call.actor, false)); }

Answer list_servers(Call& call) { return list_answer("servers", call.service.servers(call.actor)); }
Answer list_blocks(Call& call) { return list_answer("blocks", call.service.blocks(call.actor)); }
Answer list_clients(Call& call) { return list_answer("clients", call.service.clients(call.actor)); }
Answer show_server(Call& call) { return value_answer(call.service.server(call.actor, call.segments.at(2))); }
Answer show_block(Call& call) { return value_answer(call.service.block(call.actor, call.segments.at(2))); }
Answer show_platform(Call& call) { return value_answer(call.service.platform(call.actor, call.segments.at(2))); }
Answer show_client(Call& call) { return value_answer(call.service.client(call.actor, call.segments.at(2))); }
Answer show_site(Call& call) { return value_answer(call.service.site(call.actor, call.segments.at(2))); }

Answer list_platforms(Call& call) {
  PlatformFilter filter;
  filter.deleted = call.query.flag("deleted");
  filter.profile = call.query.text("profile");
  if (const Result<void> good = call.query.finish(); !good) return problem_answer(good.error());
  return list_answer("platforms", call.service.platforms(call.actor, filter));
}

Answer list_sites(Call& call) {
  registry::SiteFilter filter;
  filter.deleted = call.query.flag("deleted");
  filter.platform = call.query.text("platform");
  filter.client = call.query.text("client");
  filter.state = call.query.word("state", registry::kSiteStateWords);
  filter.limit = call.query.number("limit", 100, kMostListed);
  std::string after = call.query.text("after");
  if (const Result<void> good = call.query.finish(); !good) return problem_answer(good.error());
  if (!after.empty()) {
    const std::size_t colon = after.find(':');
    const Result<std::uint64_t> id = id_of(colon == std::string::npos ? "" : after.substr(colon + 1));
    if (!id) {
      return problem_answer(Error{
          Code::kUsage, "the query's 'after' is " + printable(after), {}, "take it from \"next\" of the page before"});
    }
    filter.after_uri = after.substr(0, colon);
    filter.after_id = *id;
  }
  const auto sites = call.service.sites(call.actor, filter);
  const bool full = sites && filter.limit != 0 && sites->size() == filter.limit;
  return list_answer("sites", sites, full ? Json(sites->back().uri + ":" + std::to_string(sites->back().id)) : Json());
}

struct Entry {
  Route route;
  Answer (*call)(Call&);
  bool reads_query = false;  ///< asks for members of the query and finishes it
};

constexpr std::array kEntries = {
    Entry{{"GET", "/healthz"}, health},
    Entry{{"GET", "/readyz"}, readiness},
    Entry{{"GET", "/metrics"}, metrics},
    Entry{{"GET", "/openapi.json"}, description},
    Entry{{"GET", "/v1/tasks"}, list_tasks, true},
    Entry{{"POST", "/v1/tasks"}, add_task},
    Entry{{"GET", "/v1/tasks/{id}"}, show_task, true},
    Entry{{"GET", "/v1/tasks/{id}/log"}, task_log, true},
    Entry{{"GET", "/v1/tasks/{id}/events"}, task_events, true},
    Entry{{"POST", "/v1/tasks/{id}/cancel"}, cancel_task, true},
    Entry{{"POST", "/v1/tasks/{id}/skip"}, skip_step, true},
    Entry{{"POST", "/v1/tasks/{id}/retry"}, retry_task, true},
    Entry{{"POST", "/v1/tasks/{id}/handout"}, hand_out, true},
    Entry{{"GET", "/v1/queue"}, show_queue},
    Entry{{"POST", "/v1/queue/pause"}, pause_queue},
    Entry{{"POST", "/v1/queue/resume"}, resume_queue},
    Entry{{"GET", "/v1/servers"}, list_servers},
    Entry{{"GET", "/v1/servers/{name}"}, show_server},
    Entry{{"GET", "/v1/blocks"}, list_blocks},
    Entry{{"GET", "/v1/blocks/{name}"}, show_block},
    Entry{{"GET", "/v1/platforms"}, list_platforms, true},
    Entry{{"GET", "/v1/platforms/{name}"}, show_platform},
    Entry{{"GET", "/v1/clients"}, list_clients},
    Entry{{"GET", "/v1/clients/{name}"}, show_client},
    Entry{{"GET", "/v1/sites"}, list_sites, true},
    Entry{{"GET", "/v1/sites/{uri}"}, show_site},
};

/// Whether the segments are those of a route's path.
bool fits(std::string_view path, const std::vector<std::string>& segments) {
  std::size_t index = 0;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view wanted = path.substr(0, end);
    if (index == segments.size() || (!wanted.starts_with('{') && wanted != segments[index])) return false;
    ++index;
    path.remove_prefix(end);
  }
  return index == segments.size();
}

Answer answer_or_throw(Service& service, const Actor& actor, const Request& request) {
  const std::size_t mark = std::min(request.target.find('?'), request.target.size());
  const Result<std::vector<std::string>> segments = segments_of(std::string_view(request.target).substr(0, mark));
  if (!segments) return problem_answer(segments.error());
  std::string allowed;
  for (const Entry& entry : kEntries) {
    if (!fits(entry.route.path, *segments)) continue;
    if (entry.route.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(entry.route.method);
      continue;
    }
    const std::string_view text = std::string_view(request.target).substr(std::min(mark + 1, request.target.size()));
    Result<Query> query = Query::parse(text);
    if (!query) return problem_answer(query.error());
    Call call{service, actor, request, *segments, *std::move(query)};
    if (!entry.reads_query) {
      if (const Result<void> good = call.query.finish(); !good) return problem_answer(good.error());
    }
    return entry.call(call);
  }
  if (!allowed.empty()) {
    const Error error{Code::kUsage, printable(request.method) + " can't be asked here", {}, "ask with " + allowed};
    return problem_answer(405, std::span(&error, 1), {{"Allow", allowed}});
  }
  return problem_answer(Error{Code::kNotFound,
                              "there is nothing at " + printable(request.target.substr(0, mark)),
                              {},
                              "see /openapi.json for what there is"});
}

}  // namespace

std::vector<Route> routes() {
  std::vector<Route> all;
  for (const Entry& entry : kEntries) all.push_back(entry.route);
  return all;
}

Answer answer(Service& service, const Actor& actor, const Request& request) {
  try {
    return answer_or_throw(service, actor, request);
  } catch (const std::exception& problem) {
    return problem_answer(Error{
        Code::kInternal, std::string("an exception: ") + problem.what(), {}, "report this with the log of aegird"});
  }
}

Answer refusal(unsigned status, const Error& error) { return problem_answer(status, std::span(&error, 1)); }

}  // namespace aegir::api
