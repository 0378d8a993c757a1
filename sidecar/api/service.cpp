#include "sidecar/api/service.hpp"

#include <algorithm>

#include "compiler/core/idna.hpp"
#include "compiler/core/nearest.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/registry/packages.hpp"
#include "sidecar/api/words.hpp"

namespace aegir::api {

using registry::NewTask;
using registry::Site;
using registry::Task;

namespace {

std::unexpected<Error> no_task(std::uint64_t id) {
  return fail(Code::kNotFound, "there is no task " + std::to_string(id), "see `aegir task list`");
}

/// That an object does not exist, with the name that is near.
std::unexpected<Error> no_object(ObjectKind kind, const std::string& name, const std::vector<std::string>& known) {
  const std::string noun(registry::word_of(kKindWords, kind));
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  const std::string_view near = nearest(name, candidates);
  return fail(Code::kNotFound, "there is no " + noun + " " + printable(name),
              near.empty() ? "see `aegir " + noun + " list`" : "did you mean " + printable(near) + "?");
}

template <class Object>
Result<Object> one_of(Result<std::vector<Object>> all, ObjectKind kind, const std::string& name) {
  if (!all) return pass(all);
  std::vector<std::string> known;
  for (Object& object : *all) {
    if (object.name == name) return std::move(object);
    known.push_back(object.name);
  }
  return no_object(kind, name, known);
}

std::unexpected<Error> no_site(registry::Store& store, const std::string& uri) {
  const Result<std::optional<Site>> deleted = store.find_deleted(uri);
  if (deleted && deleted->has_value()) {
    return fail(Code::kNotFound, "site " + printable(uri) + " was deleted", "see `aegir site list --deleted`");
  }
  constexpr std::size_t kMostLookedAt = 10000;  // it is a courtesy, and others wait for the store
  std::vector<std::string> known;
  registry::SiteFilter filter;
  filter.limit = kMostLookedAt;
  if (const auto sites = registry::list_sites(store, filter); sites) {
    for (const Site& site : *sites) known.push_back(site.uri);
  }
  return no_object(ObjectKind::kSite, uri, known);
}

/// The site that a verb is about, by its own name alone: what is done to an alias must not hit a site that nobody
/// named.
Result<std::uint64_t> id_of_site(registry::Store& store, const std::string& uri) {
  Result<std::optional<Site>> site = store.find_site(uri);
  if (!site) return pass(site);
  if (!site->has_value()) return no_site(store, uri);
  if ((*site)->uri == uri) return (*site)->id;
  return fail(Code::kNotFound, printable(uri) + " is an alias of site " + printable((*site)->uri),
              "name the site " + printable((*site)->uri));
}

/// Refuses an object that is not there; of a site its id goes into the task.
Result<void> find_object(registry::Store& store, NewTask& task) {
  switch (task.kind) {
    case ObjectKind::kRegistry:
      return {};
    case ObjectKind::kServer: {
      const auto server = one_of(store.servers(), task.kind, task.object);
      return server ? Result<void>() : std::unexpected<Error>(server.error());
    }
    case ObjectKind::kBlock: {
      const auto block = one_of(store.blocks(), task.kind, task.object);
      return block ? Result<void>() : std::unexpected<Error>(block.error());
    }
    case ObjectKind::kClient: {
      const auto client = one_of(store.clients(), task.kind, task.object);
      return client ? Result<void>() : std::unexpected<Error>(client.error());
    }
    case ObjectKind::kPlatform: {
      const auto platform = one_of(store.platforms(), task.kind, task.object);
      if (!platform) return std::unexpected<Error>(platform.error());
      if (platform->state != registry::PlatformState::kDeleted) return {};
      return fail(Code::kNotFound, "platform " + printable(task.object) + " was deleted", "see `aegir platform list`");
    }
    case ObjectKind::kSite: {
      const Result<std::uint64_t> id = id_of_site(store, task.object);
      if (!id) return std::unexpected<Error>(id.error());
      task.site = *id;
      return {};
    }
  }
  return fail(Code::kInternal, "a task is about something unknown");
}

/// Whether a platform takes new sites with that profile; with an empty one, all are meant.
Result<bool> takes(registry::Store& store, const registry::Platform& platform, const std::string& profile) {
  if (profile.empty()) return true;
  if (platform.state != registry::PlatformState::kEnabled) return false;
  const Result<std::vector<registry::Profile>> profiles = store.profiles(platform.id);
  if (!profiles) return std::unexpected<Error>(profiles.error());
  return std::ranges::find(*profiles, profile, &registry::Profile::name) != profiles->end();
}

Result<std::vector<registry::Package>> packages_of(registry::Store& store, const Site& site) {
  Result<std::vector<registry::Package>> own = store.own_packages(site.id);
  if (!own || own->empty()) return own;
  const auto platform = one_of(store.platforms(), ObjectKind::kPlatform, site.platform);
  if (!platform) return std::unexpected<Error>(platform.error());
  const Result<registry::Codebase> codebase = store.codebase(platform->id);
  if (!codebase) return std::unexpected<Error>(codebase.error());
  return registry::packages_of(*own, codebase->packages, site.profile);
}

Site without_secrets(Site site) {
  site.database.password.clear();
  if (site.http_auth) site.http_auth->password.clear();
  site.cron_key.clear();
  site.hash_salt.clear();
  return site;
}

}  // namespace

Result<void> Service::allow(const Actor& actor) const {
  if (actor.right == Right::kAll) return {};
  return fail(Code::kPermission, actor.name + " may not administrate",
              "root, aegir and the members of group " + actor.group + " may: `adduser " + actor.name + " " +
                  actor.group + "`, then log in again");
}

Result<NewTask> Service::task_of(const Actor& actor, const Wish& wish) {
  const VerbForm* form = find_form(wish.kind, wish.verb);
  if (form == nullptr) {
    return fail(Code::kNotFound, "there is no verb " + printable(wish.verb) + " for this kind of object");
  }
  NewTask task;
  task.kind = wish.kind;
  task.object = wish.object;
  task.verb = wish.verb;
  task.actor = actor.name;
  task.priority = wish.priority;
  task.after = wish.after;
  if (!wish.key.empty()) task.key = std::to_string(actor.uid) + ":" + wish.key;
  if (wish.kind == ObjectKind::kSite) {
    Result<std::string> uri = canonical_host(wish.object);
    if (!uri) return pass(uri);
    task.object = *std::move(uri);
  }
  Result<nlohmann::json> request =
      store_.with([&](registry::Store& store) { return sealed(*form, wish.request, store.key(), task.object); });
  if (!request) return pass(request);
  task.request = request->dump();
  return task;
}

Result<Accepted> Service::enqueue(const Actor& actor, const Wish& wish) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  Result<NewTask> task = task_of(actor, wish);
  if (!task) return pass(task);
  const auto look = [](registry::Store& store, NewTask& wanted) {
    return find_form(wanted.kind, wanted.verb)->makes ? Result<void>() : find_object(store, wanted);
  };
  if (wish.dry_run) {
    Result<void> good = store_.with([&](registry::Store& store) { return engine_.check(store, *task, look); });
    if (!good) return pass(good);
    Accepted accepted;
    static_cast<NewTask&>(accepted.task) = *std::move(task);
    return accepted;
  }
  const Result<registry::Tasks::Queued> queued = engine_.enqueue(*task, look);
  if (!queued) return std::unexpected<Error>(queued.error());
  Result<TaskView> view = this->task(actor, queued->id);
  if (!view) return pass(view);
  Task& row = view->task;
  if (queued->second && (row.kind != task->kind || row.object != task->object || row.verb != task->verb ||
                         row.request != task->request)) {
    return fail(Code::kConflict,
                "this Idempotency-Key was used for task " + std::to_string(row.id) + ", which is something else",
                "use another key for each thing that is asked for");
  }
  return Accepted{std::move(row), queued->second};
}

Result<Task> Service::cancel(const Actor& actor, std::uint64_t id) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  if (Result<void> done = engine_.cancel(id); !done) return pass(done);
  Result<TaskView> view = task(actor, id);
  if (!view) return pass(view);
  return std::move(view->task);
}

Result<Task> Service::skip(const Actor& actor, std::uint64_t id) {
  Result<TaskView> view = task(actor, id);
  if (!view) return pass(view);
  if (Result<void> done = engine_.skip(id, actor.name); !done) return pass(done);
  return std::move(view->task);
}

Result<Accepted> Service::retry(const Actor& actor, std::uint64_t id) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  const Result<registry::Tasks::Queued> queued = engine_.retry(id, actor.name);
  if (!queued) return std::unexpected<Error>(queued.error());
  Result<TaskView> view = task(actor, queued->id);
  if (!view) return pass(view);
  return Accepted{std::move(view->task), queued->second};
}

Result<std::string> Service::take_handout(const Actor& actor, std::uint64_t id) {
  const Result<TaskView> view = task(actor, id);
  if (!view) return std::unexpected<Error>(view.error());
  const std::string name = "task " + std::to_string(id);
  if (actor.uid != 0 && actor.name != view->task.actor) {
    return fail(Code::kPermission, "what " + name + " hands out is for " + view->task.actor + ", who asked for it",
                "ask for one of your own");
  }
  std::optional<std::string> secret = engine_.take_handout(id);
  if (secret) return *std::move(secret);
  return fail(Code::kNotFound, name + " has nothing to hand out",
              "it does that once, and within ten minutes of its end: ask for a new one");
}

Result<std::vector<Task>> Service::tasks(const Actor& actor, const registry::TaskFilter& filter) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  registry::TaskFilter wanted = filter;
  if (filter.kind == ObjectKind::kSite && !filter.object.empty()) {
    Result<std::string> uri = canonical_host(filter.object);
    if (!uri) return pass(uri);
    wanted.object = *std::move(uri);
  }
  return store_.with([&](registry::Store& store) { return store.tasks().list(wanted); });
}

std::vector<std::string> Service::plan_of(const Task& task) const {
  std::vector<std::string> names;
  if (!registry::is_open(task.state)) return names;
  const Result<const tasks::Verb*> verb = engine_.find(task.kind, task.verb);
  if (!verb || (task.state == TaskState::kProcessing && task.version != (*verb)->version())) return names;
  const tasks::Saga saga = (*verb)->saga(task);
  for (const tasks::Step& step : saga.before) names.push_back(step.name);
  names.push_back(saga.commit.name);
  for (const tasks::Step& step : saga.after) names.push_back(step.name);
  return names;
}

Result<TaskView> Service::task(const Actor& actor, std::uint64_t id) {
  Result<Watched> watched = watch(actor, id, 0, 0);
  if (!watched) return pass(watched);
  return std::move(watched->view);
}

Result<Watched> Service::watch(const Actor& actor, std::uint64_t id, std::uint64_t after, std::size_t limit) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  Result<Watched> watched = store_.with([&](registry::Store& store) -> Result<Watched> {
    registry::Tasks tasks = store.tasks();
    Result<std::optional<Task>> task = tasks.find(id);
    if (!task) return pass(task);
    if (!task->has_value()) return no_task(id);
    Result<std::vector<registry::StepRow>> steps = tasks.steps(id);
    if (!steps) return pass(steps);
    for (registry::StepRow& step : *steps) step.memo.clear();
    Watched found{{*std::move(*task), *std::move(steps), {}}, {}};
    if (limit == 0) return found;
    Result<std::vector<registry::LogLine>> lines = tasks.log(id, after, limit);
    if (!lines) return pass(lines);
    found.lines = *std::move(lines);
    return found;
  });
  if (watched) watched->view.plan = plan_of(watched->view.task);
  return watched;
}

Result<QueueView> Service::queue(const Actor& actor) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  return store_.with([&](registry::Store& store) -> Result<QueueView> {
    registry::Tasks tasks = store.tasks();
    const Result<bool> paused = tasks.is_paused();
    if (!paused) return std::unexpected<Error>(paused.error());
    Result<std::vector<std::uint64_t>> counts = tasks.count();
    if (!counts) return pass(counts);
    const Result<std::vector<Task>> open = tasks.open();
    if (!open) return std::unexpected<Error>(open.error());
    QueueView view{*paused, *std::move(counts), 0};
    for (const Task& task : *open) {
      if (task.state == TaskState::kQueued && (view.oldest == 0 || task.created < view.oldest)) {
        view.oldest = task.created;
      }
    }
    return view;
  });
}

Result<QueueView> Service::pause(const Actor& actor, bool paused) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  if (Result<void> done = engine_.pause(paused); !done) return pass(done);
  return queue(actor);
}

Result<std::vector<registry::Server>> Service::servers(const Actor& actor) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  return store_.with([](registry::Store& store) { return store.servers(); });
}

Result<std::vector<registry::Block>> Service::blocks(const Actor& actor) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  return store_.with([](registry::Store& store) { return store.blocks(); });
}

Result<std::vector<registry::Platform>> Service::platforms(const Actor& actor, const PlatformFilter& filter) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  return store_.with([&](registry::Store& store) -> Result<std::vector<registry::Platform>> {
    Result<std::vector<registry::Platform>> all = store.platforms();
    if (!all) return all;
    std::vector<registry::Platform> chosen;
    for (registry::Platform& platform : *all) {
      if ((platform.state == registry::PlatformState::kDeleted) != filter.deleted) continue;
      const Result<bool> offers = takes(store, platform, filter.profile);
      if (!offers) return std::unexpected<Error>(offers.error());
      if (*offers) chosen.push_back(std::move(platform));
    }
    return chosen;
  });
}

Result<std::vector<registry::Client>> Service::clients(const Actor& actor) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  return store_.with([](registry::Store& store) { return store.clients(); });
}

Result<registry::Server> Service::server(const Actor& actor, const std::string& name) {
  return one_of(servers(actor), ObjectKind::kServer, name);
}

Result<registry::Block> Service::block(const Actor& actor, const std::string& name) {
  return one_of(blocks(actor), ObjectKind::kBlock, name);
}

Result<PlatformView> Service::platform(const Actor& actor, const std::string& name) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  return store_.with([&](registry::Store& store) -> Result<PlatformView> {
    Result<registry::Platform> platform = one_of(store.platforms(), ObjectKind::kPlatform, name);
    if (!platform) return pass(platform);
    Result<registry::Codebase> codebase = store.codebase(platform->id);
    if (!codebase) return pass(codebase);
    return PlatformView{*std::move(platform), *std::move(codebase)};
  });
}

Result<registry::Client> Service::client(const Actor& actor, const std::string& name) {
  return one_of(clients(actor), ObjectKind::kClient, name);
}

Result<std::vector<Site>> Service::sites(const Actor& actor, const registry::SiteFilter& filter) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  Result<std::vector<Site>> sites = store_.with([&](registry::Store& store) -> Result<std::vector<Site>> {
    // A name that is wrong must not look like a place without sites.
    if (!filter.platform.empty()) {
      const auto platform = one_of(store.platforms(), ObjectKind::kPlatform, filter.platform);
      if (!platform) return std::unexpected<Error>(platform.error());
    }
    if (!filter.client.empty() && !filter.deleted) {
      const auto client = one_of(store.clients(), ObjectKind::kClient, filter.client);
      if (!client) return std::unexpected<Error>(client.error());
    }
    return registry::list_sites(store, filter);
  });
  if (!sites) return sites;
  for (Site& site : *sites) site = without_secrets(std::move(site));
  return sites;
}

Result<SiteView> Service::site(const Actor& actor, const std::string& typed) {
  if (Result<void> allowed = allow(actor); !allowed) return pass(allowed);
  Result<std::string> uri = canonical_host_or_wildcard(typed);
  if (!uri) return pass(uri);
  return store_.with([&](registry::Store& store) -> Result<SiteView> {
    Result<std::optional<Site>> live = store.find_site(*uri);
    if (!live) return pass(live);
    if (live->has_value()) {
      Result<std::vector<registry::Package>> packages = packages_of(store, **live);
      if (!packages) return pass(packages);
      return SiteView{without_secrets(**std::move(live)), *std::move(packages)};
    }
    Result<std::optional<Site>> deleted = store.find_deleted(*uri);
    if (!deleted) return pass(deleted);
    if (deleted->has_value()) return SiteView{without_secrets(**std::move(deleted)), {}};
    return no_site(store, *uri);
  });
}

Result<void> Service::health(const Actor& actor) const {
  if (actor.right != Right::kNothing) return {};
  return fail(Code::kPermission, actor.name + " may ask nothing");
}

Result<void> Service::readiness(const Actor& actor) {
  if (Result<void> allowed = allow(actor); !allowed) return allowed;
  const Result<bool> paused = store_.with([](registry::Store& store) { return store.tasks().is_paused(); });
  return paused ? Result<void>() : std::unexpected<Error>(paused.error());
}

}  // namespace aegir::api
