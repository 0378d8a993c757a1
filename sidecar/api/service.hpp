// What can be asked of aegird-worker, whoever carries the question: tasks and their queue, what the registry holds,
// whether the service is well. Each call says who asks, and is refused here when he may not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/registry/model.hpp"
#include "compiler/registry/site_list.hpp"
#include "compiler/registry/tasks.hpp"
#include "sidecar/api/actor.hpp"
#include "sidecar/api/requests.hpp"
#include "sidecar/tasks/engine.hpp"
#include "sidecar/tasks/shared_store.hpp"

namespace aegir::api {

/// What became of it.
struct Accepted {
  registry::Task task;  ///< without an id after a dry run
  bool second = false;  ///< it was in the queue already, or asked for with this key
};

/// A task with its journal.
struct TaskView {
  registry::Task task;
  std::vector<registry::StepRow> steps;  ///< memos are left out: they may hold secrets
  std::vector<std::string> plan;         ///< names of all steps, while it is open and the verb is known
};

/// What is new of a task for somebody who watches it; one state of the registry.
struct Watched {
  TaskView view;
  std::vector<registry::LogLine> lines;
};

/// A platform with what its code brings.
struct PlatformView {
  registry::Platform platform;
  registry::Codebase codebase;
};

/// A site, without its secrets, with its packages.
struct SiteView {
  registry::Site site;
  std::vector<registry::Package> packages;  ///< none: they are not known
};

/// Which platforms to list.
struct PlatformFilter {
  bool deleted = false;  ///< deleted ones, instead of those that are not
  std::string profile;   ///< only those that take new sites with this profile; empty: all
};

struct QueueView {
  bool paused = false;
  std::vector<std::uint64_t> counts;  ///< tasks of each state, by its number
  std::int64_t oldest = 0;            ///< when the oldest task that is queued was asked for, ms since 1970; 0: none
};

/// May be used from any thread. Every error for a person names the next step. kPermission: the actor may not.
class Service {
 public:
  /// Both must outlive it.
  Service(tasks::Engine& engine, tasks::SharedStore& store) : engine_(engine), store_(store) {}

  /// Refuses who may not administrate; each call below does the same.
  [[nodiscard]] Result<void> allow(const Actor& actor) const;

  /// Puts a wish into the queue, or looks whether it could be. kNotFound names the object that is near to one that does
  /// not exist; kConflict when its key was used for something else.
  [[nodiscard]] Result<Accepted> enqueue(const Actor& actor, const Wish& wish);
  [[nodiscard]] Result<registry::Task> cancel(const Actor& actor, std::uint64_t id);
  [[nodiscard]] Result<registry::Task> skip(const Actor& actor, std::uint64_t id);
  [[nodiscard]] Result<Accepted> retry(const Actor& actor, std::uint64_t id);
  /// The secret that a task hands to who asked for it (or to root), once: a link to log in. kNotFound: nothing, or it
  /// was taken.
  [[nodiscard]] Result<std::string> take_handout(const Actor& actor, std::uint64_t id);
  [[nodiscard]] Result<std::vector<registry::Task>> tasks(const Actor& actor, const registry::TaskFilter& filter);
  [[nodiscard]] Result<TaskView> task(const Actor& actor, std::uint64_t id);
  /// At most `limit` lines of its log with an id above `after`.
  [[nodiscard]] Result<Watched> watch(const Actor& actor, std::uint64_t id, std::uint64_t after, std::size_t limit);

  [[nodiscard]] Result<QueueView> queue(const Actor& actor);
  [[nodiscard]] Result<QueueView> pause(const Actor& actor, bool paused);

  [[nodiscard]] Result<std::vector<registry::Server>> servers(const Actor& actor);
  [[nodiscard]] Result<std::vector<registry::Block>> blocks(const Actor& actor);
  [[nodiscard]] Result<std::vector<registry::Platform>> platforms(const Actor& actor,
                                                                  const PlatformFilter& filter = {});
  [[nodiscard]] Result<std::vector<registry::Client>> clients(const Actor& actor);
  [[nodiscard]] Result<registry::Server> server(const Actor& actor, const std::string& name);
  [[nodiscard]] Result<registry::Block> block(const Actor& actor, const std::string& name);
  [[nodiscard]] Result<PlatformView> platform(const Actor& actor, const std::string& name);
  [[nodiscard]] Result<registry::Client> client(const Actor& actor, const std::string& name);
  /// Sites come without their secrets, as from site().
  [[nodiscard]] Result<std::vector<registry::Site>> sites(const Actor& actor, const registry::SiteFilter& filter);
  /// By its uri, as a person types it; an alias finds its site too. When none lives, the one deleted last.
  [[nodiscard]] Result<SiteView> site(const Actor& actor, const std::string& typed);

  /// Whether the service answers: all but sites may ask.
  [[nodiscard]] Result<void> health(const Actor& actor) const;
  /// Whether it can do its work: the registry can be read.
  [[nodiscard]] Result<void> readiness(const Actor& actor);
  /// Prometheus text format 0.0.4.
  [[nodiscard]] Result<std::string> metrics(const Actor& actor);

  /// Hears the ids of tasks of which something is new (tasks::Engine::subscribe()).
  [[nodiscard]] std::uint64_t subscribe(tasks::Engine::Told told) { return engine_.subscribe(std::move(told)); }
  void unsubscribe(std::uint64_t subscription) { engine_.unsubscribe(subscription); }

 private:
  [[nodiscard]] Result<registry::NewTask> task_of(const Actor& actor, const Wish& wish);
  [[nodiscard]] std::vector<std::string> plan_of(const registry::Task& task) const;

  tasks::Engine& engine_;
  tasks::SharedStore& store_;
};

}  // namespace aegir::api
