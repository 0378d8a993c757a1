// What the steps of verbs work with, and what several of them do in the same way.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/publish/compare.hpp"
#include "compiler/publish/publisher.hpp"
#include "compiler/registry/object_reader.hpp"
#include "sidecar/database/server.hpp"
#include "sidecar/drush/calls.hpp"
#include "sidecar/host/host.hpp"
#include "sidecar/host/slot_runner.hpp"
#include "sidecar/tasks/work.hpp"
#include "sidecar/wire/site_order.hpp"

namespace aegir::verbs {

/// Asked at the begin of each run of a program, how long it may take at most.
using LongestRun = std::function<std::chrono::milliseconds()>;

/// Lives as long as the worker; used from every thread.
class Services {
 public:
  /// All of them must outlive it.
  Services(const Config& config, host::Host& host, tasks::SharedStore& store, publish::Publisher& publisher,
           const KeyRing& map_keys)
      : config_(config), host_(host), store_(store), publisher_(publisher), map_keys_(map_keys) {}

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] host::Host& host() { return host_; }
  [[nodiscard]] tasks::SharedStore& store() { return store_; }

  /// Makes visible what is committed; the map's generation from then on.
  [[nodiscard]] Result<std::uint64_t> publish();
  /// Tells how the live map differs from what `store` has committed. The error says why it can't be read.
  [[nodiscard]] Result<void> compare_map(registry::Store& store, const publish::OnChange& told) const;
  /// publish(), and a map made anew when it differs even then, as a damaged one does.
  [[nodiscard]] Result<void> mend_map();
  /// Starts the PHP of blocks that has ended; `tell` hears of what can't be started.
  void start_php(const std::function<void(const Error&)>& tell);
  /// The database service of a server of the registry, as administrator.
  [[nodiscard]] database::Server database_server(const registry::Server& server) const;
  /// The same by the server's name.
  [[nodiscard]] Result<database::Server> database_server(const std::string& name);

  /// For tests, before everything else: no run takes longer than this says.
  void shorten_runs(LongestRun longest) { longest_run_ = std::move(longest); }
  [[nodiscard]] const LongestRun& longest_run() const { return longest_run_; }

  /// Held from the reading of a model until the servers are brought to it: an older model after a newer one would take
  /// away what the newer has.
  [[nodiscard]] std::mutex& model_turn() { return model_turn_; }

 private:
  const Config& config_;
  host::Host& host_;
  tasks::SharedStore& store_;
  publish::Publisher& publisher_;
  const KeyRing& map_keys_;
  LongestRun longest_run_;
  std::mutex model_turn_;
};

/// Reads a task's request with `read`; the first error, with its place.
[[nodiscard]] Result<void> read_request(std::string_view request,
                                        const std::function<void(registry::ObjectReader&)>& read);

/// After a commit: what may be gone by itself (no room, no server) is to be tried again, and stays the error. All else
/// would fail for ever: it becomes a warning, which names the next step.
[[nodiscard]] Result<void> warn_when_lasting(tasks::Work& work, Result<void> done);

/// The same of several things, of which each was done as far as it could be. What the machine itself lacks for the
/// moment (kIo: room on a disk above all) is the error, whoever's file it is about; what waits for a person is a
/// warning, kBusy too: such is a server that is held up by what a person has written.
[[nodiscard]] Result<void> warn_of_lasting(tasks::Work& work, const std::vector<Error>& errors);

/// A line of the log for each thing that was done.
void tell_done(tasks::Work& work, const machine::Done& done);

/// A site with all that it refers to. It has a slot.
struct SiteContext {
  registry::Site site;
  registry::Platform platform;
  registry::Server web;
  registry::Block block;
  std::optional<registry::DatabaseService> database;
  std::string core_version;                 ///< of its platform's code, when its packages are known
  std::vector<registry::Package> packages;  ///< as in emit::SiteFacts

  [[nodiscard]] wire::Slot slot() const;
  [[nodiscard]] wire::SiteOrder place() const;
  [[nodiscard]] wire::SiteFilesOrder files() const;
  /// The web services that the platform uses.
  [[nodiscard]] std::vector<registry::WebService> services() const;
  /// "http://shop.example:8080": where visitors find it.
  [[nodiscard]] std::string origin() const;
};

/// kNotFound, kConflict when it is not there or has no slot.
[[nodiscard]] Result<SiteContext> load_site(registry::Store& store, const std::string& uri);
/// The same for a site as it is to be.
[[nodiscard]] Result<SiteContext> complete(registry::Store& store, registry::Site site);

/// The platform of that name, also a deleted one; kNotFound.
[[nodiscard]] Result<registry::Platform> platform_named(registry::Store& store, const std::string& name);

/// The live site of that uri; kNotFound also for an alias, whose site it names.
[[nodiscard]] Result<registry::Site> find_site(registry::Store& store, const std::string& uri);

/// Where mail about a client's sites goes; empty when nobody has said, or there is no client.
[[nodiscard]] Result<std::string> mail_of_client(registry::Store& store, const std::string& client);

/// The Drush, or bee, that a platform's sites are run with. kNotFound when it brings none and none is named.
[[nodiscard]] Result<drush::Tool> tool_of(const Config& config, const registry::Platform& platform);

/// What Drush is told of a site. kNotFound when the platform has no Drush.
[[nodiscard]] Result<drush::Site> drush_site(const Config& config, const SiteContext& context);

/// Runs programs as a site, for a step: a cancel of its task ends them.
class SiteRunner {
 public:
  SiteRunner(Services& services, tasks::Work& work, const SiteContext& context)
      : runner_(services.host(), context.slot(), context.platform.docroot, {context.site.uri}),
        on_cancel_(work, [this] { runner_.end(); }) {
    if (services.longest_run()) runner_.shorten(services.longest_run()());
  }
  [[nodiscard]] process::Runner& operator*() { return runner_; }

 private:
  host::SlotRunner runner_;
  tasks::Work::OnCancel on_cancel_;
};

/// A log of Drush's as lines of the task's, the first 5,000 of them.
[[nodiscard]] drush::Progress progress_of(tasks::Work& work);

/// Writes a site's files, tells the registry of a cloaking that people have changed, logs what else they have set, and
/// warns of what was found.
/// Whether settings.php waits for the publish (finish_site()).
[[nodiscard]] Result<bool> write_site_files(Services& services, tasks::Work& work, const std::string& uri);

/// The same whole: publishes and writes settings.php when it waits.
[[nodiscard]] Result<void> bring_site_files(Services& services, tasks::Work& work, const std::string& uri);

}  // namespace aegir::verbs
