// platform add, verify, lock, unlock, delete.
#include <algorithm>
#include <functional>
#include <memory>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/import_fields.hpp"
#include "compiler/registry/site_list.hpp"
#include "sidecar/drush/codebase.hpp"
#include "sidecar/verbs/drush_path.hpp"
#include "sidecar/verbs/machine_steps.hpp"
#include "sidecar/verbs/packages.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using registry::NewTask;
using registry::Platform;
using registry::PlatformState;
using tasks::Work;

Result<Platform> find_platform(registry::Store& store, const std::string& name) {
  Result<Platform> platform = platform_named(store, name);
  if (!platform || platform->state != PlatformState::kDeleted) return platform;
  return fail(Code::kNotFound, "there is no platform " + printable(name), "see `aegir platform list`");
}

class PlatformVerb : public tasks::Verb {
 public:
  PlatformVerb(Services& services, std::string name) : services_(services), name_(std::move(name)) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kPlatform; }
  /// The platform alone: nothing is installed on it meanwhile.
  [[nodiscard]] Result<tasks::Locks> locks(const NewTask& task, registry::Store&) const override {
    return tasks::Locks{{tasks::object_name(task.kind, task.object), tasks::Hold::kAlone}};
  }
  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    if (Result<void> read = read_request(task.request, [](registry::ObjectReader&) {}); !read) return read;
    Result<Platform> platform = find_platform(store, task.object);
    if (!platform) return pass(platform);
    return {};
  }

 protected:
  [[nodiscard]] Services& services() const { return services_; }

 private:
  Services& services_;
  std::string name_;
};

/// A commit that gives the platform another state.
tasks::Commit become(std::string name, PlatformState state) {
  return {std::move(name), [state](Work& work, registry::Store& store, registry::Writer& writer) -> Result<void> {
            Result<Platform> platform = find_platform(store, work.task().object);
            if (!platform) return pass(platform);
            platform->state = state;
            return state == PlatformState::kDeleted ? writer.remove_platform(platform->name) : writer.put(*platform);
          }};
}

/// What of a task's platform is there before the commit.
using FindPlatform = std::function<Result<Platform>(const NewTask&, registry::Store&)>;

/// add and verify: the code is read, and the commit takes over what it brings. What was read stays in memory until
/// then: a task that was cut off before its commit is undone, and a journal would keep it for ever.
tasks::Saga reading(Services& services, std::string name, const FindPlatform& find) {
  const auto read = std::make_shared<registry::Codebase>();
  tasks::Saga saga;
  saga.before = {{"codebase", [&services, find, read](Work& work) -> Result<void> {
                    Result<Platform> platform =
                        services.store().with([&](registry::Store& store) { return find(work.task(), store); });
                    if (!platform) return pass(platform);
                    Result<drush::Codebase> codebase = drush::read_codebase(platform->docroot);
                    if (!codebase) return pass(codebase);
                    work.log(registry::LogLevel::kInfo, "version " + codebase->core.version + ", " +
                                                            std::to_string(codebase->profiles.size()) + " profiles, " +
                                                            std::to_string(codebase->packages.size()) + " packages");
                    for (const std::string& complaint : codebase->complaints) {
                      work.log(registry::LogLevel::kWarning, complaint);
                    }
                    // It decides which rules and files the platform gets.
                    work.memo()["cms"] = codebase->core.cms;
                    platform->cms = codebase->core.cms;
                    const Result<drush::Tool> tool = tool_of(services.config(), *platform);
                    if (!tool) work.warn(tool.error());  // else the first install would fail, and say it then
                    *read = {codebase->core.version, std::move(codebase->profiles), std::move(codebase->packages)};
                    const Result<registry::Codebase> known =
                        services.store().with([&](registry::Store& store) { return store.codebase(platform->id); });
                    if (!known) return std::unexpected<Error>(known.error());
                    work.memo()["changed"] = *known != *read;
                    return {};
                  }}};
  saga.commit = {std::move(name), [find, read](Work& work, registry::Store& store, registry::Writer& writer) {
                   Result<Platform> platform = find(work.task(), store);
                   if (!platform) return Result<void>(pass(platform));
                   platform->cms = work.memo_of("codebase").at("cms").get<registry::Cms>();
                   Result<void> put = writer.put(*platform);
                   return put ? writer.put_codebase(platform->name, *read) : put;
                 }};
  saga.after = {publish_step(services), bring_platform_step(services)};
  return saga;
}

class Add final : public PlatformVerb {
 public:
  explicit Add(Services& services) : PlatformVerb(services, "add") {}

  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    Result<Platform> platform = parse(task, store);
    if (!platform) return pass(platform);
    if (find_platform(store, task.object)) {
      return fail(Code::kConflict, "there is a platform " + printable(task.object) + " already", "choose another name");
    }
    if (Result<void> may = check_root(platform->docroot); !may) return may;
    Result<drush::Core> core = drush::core_of(platform->docroot);
    if (!core) return pass(core);
    return platform->drush.empty() ? Result<void>() : check_drush_path(services().config(), platform->drush);
  }

  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override { return reading(services(), "add", parse); }

 private:
  /// Root says where codebases may lie; aegird would refuse any other place, once the platform stands in the registry.
  [[nodiscard]] Result<void> check_root(const std::string& docroot) const {
    for (const std::string& root : services().config().platform_roots) {
      if (docroot.starts_with(root + "/")) return {};
    }
    std::string roots;
    for (const std::string& root : services().config().platform_roots) roots += (roots.empty() ? "" : " or ") + root;
    return fail(Code::kPermission, printable(docroot) + " lies in none of platform_roots",
                "copy the codebase into " + roots + ", or have root name its folder as platform_roots in aegir.conf");
  }

  /// All web services of a server; of one that is not there any: the registry refuses it by its name.
  static std::uint8_t services_of(const std::vector<registry::Server>& servers, const std::string& name) {
    const auto server = std::ranges::find(servers, name, &registry::Server::name);
    std::uint8_t services = 0;
    if (server == servers.end()) return registry::kApache | registry::kNginx;
    for (const registry::WebService& service : server->web) services |= service.kind;
    return services;
  }

  /// Without a server it is on the only one, and without services it is served by all of the server's.
  static Result<Platform> parse(const NewTask& task, registry::Store& store) {
    const Result<std::vector<registry::Server>> servers = store.servers();
    if (!servers) return std::unexpected<Error>(servers.error());
    Platform platform;
    platform.name = task.object;
    Result<void> read = read_request(task.request, [&](registry::ObjectReader& in) {
      registry::read_fields(in, platform);
      if (platform.server.empty() && servers->size() == 1) platform.server = servers->front().name;
      if (!in.has("services")) platform.services = services_of(*servers, platform.server);
      if (platform.server.empty()) in.missing("server", "name the server that it is on");
      if (platform.docroot.empty()) in.missing("docroot", "name the folder of its index.php");
    });
    if (!read) return pass(read);
    return platform;
  }
};

class Verify final : public PlatformVerb {
 public:
  explicit Verify(Services& services) : PlatformVerb(services, "verify") {}

  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga = reading(services(), "record", [](const NewTask& task, registry::Store& store) {
      return find_platform(store, task.object);
    });
    saga.after.push_back(sites());
    return saga;
  }

 private:
  /// What the platform brings stands in the drushrc.php of its sites too; no task is at work on any of them.
  tasks::Step sites() const {
    return {"sites", [this](Work& work) -> Result<void> {
              if (!work.memo_of("codebase").at("changed").get<bool>()) return {};
              const Result<std::vector<std::string>> uris =
                  services().store().with([&](registry::Store& store) -> Result<std::vector<std::string>> {
                    const Result<Platform> platform = find_platform(store, work.task().object);
                    if (!platform) return std::unexpected<Error>(platform.error());
                    return store.uris_on(platform->id);
                  });
              if (!uris) return warn_when_lasting(work, std::unexpected<Error>(uris.error()));
              for (const std::string& uri : *uris) {
                Result<void> written = warn_when_lasting(work, write_drushrc(services(), work, uri));
                if (!written) return written;
              }
              return {};
            }};
  }
};

/// lock, unlock: whether new sites may be put on it.
class ChangeLock final : public PlatformVerb {
 public:
  ChangeLock(Services& services, bool locks)
      : PlatformVerb(services, locks ? "lock" : "unlock"),
        to_(locks ? PlatformState::kLocked : PlatformState::kEnabled) {}

  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    if (Result<void> good = PlatformVerb::check(task, store); !good) return good;
    Result<Platform> platform = find_platform(store, task.object);
    if (!platform) return pass(platform);
    if (platform->state == to_) {
      return fail(Code::kConflict, "platform '" + task.object + "' is " + name() + "ed already",
                  "nothing is to be done");
    }
    return {};
  }
  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    saga.commit = become(name(), to_);
    saga.after = {publish_step(services())};
    return saga;
  }

 private:
  PlatformState to_;
};

class Delete final : public PlatformVerb {
 public:
  explicit Delete(Services& services) : PlatformVerb(services, "delete") {}

  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    if (Result<void> good = PlatformVerb::check(task, store); !good) return good;
    registry::SiteFilter on_it;
    on_it.platform = task.object;
    on_it.limit = 1;
    const Result<std::vector<registry::Site>> sites = registry::list_sites(store, on_it);
    if (!sites) return std::unexpected<Error>(sites.error());
    if (sites->empty()) return {};
    return fail(Code::kConflict, "platform '" + task.object + "' has sites, " + sites->front().uri + " among them",
                "delete them first, or move them to another platform");
  }
  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    saga.commit = become("delete", PlatformState::kDeleted);
    // The codebase is people's, and stays.
    saga.after = {publish_step(services()), bring_servers_step(services()), forget()};
    return saga;
  }

 private:
  /// What of it was written outside of its codebase and of the web servers' folders.
  tasks::Step forget() const {
    return {"files", [this](Work& work) -> Result<void> {
              wire::PlatformFilesOrder order;
              Result<Platform> platform = services().store().with(
                  [&](registry::Store& store) { return platform_named(store, work.task().object); });
              if (!platform) return warn_when_lasting(work, pass(platform));
              order.platform = *std::move(platform);
              Result<wire::Verified> gone = services().host().write_platform(order);
              if (!gone) return warn_when_lasting(work, pass(gone));
              tell_done(work, gone->done);
              return {};
            }};
  }
};

}  // namespace

std::unique_ptr<tasks::Verb> platform_add(Services& services) { return std::make_unique<Add>(services); }
std::unique_ptr<tasks::Verb> platform_verify(Services& services) { return std::make_unique<Verify>(services); }
std::unique_ptr<tasks::Verb> platform_lock(Services& services) { return std::make_unique<ChangeLock>(services, true); }
std::unique_ptr<tasks::Verb> platform_unlock(Services& services) {
  return std::make_unique<ChangeLock>(services, false);
}
std::unique_ptr<tasks::Verb> platform_delete(Services& services) { return std::make_unique<Delete>(services); }

}  // namespace aegir::verbs
