// site delete: the names are free at once, and nothing of the site is left but its history.
#include "sidecar/verbs/site_verb.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using registry::SiteState;
using tasks::Work;

constexpr std::string_view kLook = "look";

class Delete final : public SiteVerb {
 public:
  using SiteVerb::SiteVerb;

  [[nodiscard]] std::string name() const override { return "delete"; }

  [[nodiscard]] Result<void> check(const registry::NewTask& task, registry::Store& store) const override {
    if (Result<void> read = read_request(task.request, [](registry::ObjectReader&) {}); !read) return read;
    Result<registry::Site> site = find_site(store, task.object);
    if (!site) return pass(site);
    if (site->state == SiteState::kInstalling) {
      return fail(Code::kConflict, "site " + task.object + " is being installed", "cancel that task");
    }
    const Result<registry::Settings> settings = store.settings();
    if (!settings) return std::unexpected<Error>(settings.error());
    if (settings->require_disabled_before_delete && site->state != SiteState::kDisabled) {
      return fail(Code::kConflict, "site " + task.object + " is served: the settings want it disabled before it goes",
                  "run `aegir site disable " + task.object + "` first");
    }
    return {};
  }

  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    saga.before = {look()};
    saga.commit = {"delete", [](Work& work, registry::Store& store, registry::Writer& writer) -> Result<void> {
                     Result<registry::Site> site = find_site(store, work.task().object);
                     if (!site) return pass(site);
                     site->state = SiteState::kDeleted;
                     return writer.put(*site);
                   }};
    saga.after = {publish_step(services()), end_processes(), drop_database(),
                  remove_files(),           retire_slot(),   platform()};
    return saga;
  }

 private:
  /// What the registry will not say any more once the site is deleted.
  tasks::Step look() const {
    return {std::string(kLook), [this](Work& work) -> Result<void> {
              Result<SiteContext> context = site_of(work);
              if (context) {
                work.memo() = to_json(remains_of(*context));
              } else if (context.error().code == Code::kConflict) {
                work.warn({Code::kConflict,
                           "it has no slot: its database and directory, if there are any, stay",
                           {},
                           "remove them by hand"});
              } else {
                return pass(context);
              }
              work.log(registry::LogLevel::kWarning, "no backup is made: this version makes none yet");
              return {};
            }};
  }

  /// A step of what comes after, for a site that had a slot.
  template <class Body>
  tasks::Step for_remains(std::string name, Body body) const {
    return {std::move(name), [body = std::move(body)](Work& work) -> Result<void> {
              const nlohmann::json memo = work.memo_of(kLook);
              return memo.empty() ? Result<void>() : warn_when_lasting(work, body(work, remains_of(memo)));
            }};
  }

  /// What only aegird may do, and may not now, it may again when a person has let it in.
  static Result<void> until_let_in(Result<void> done) {
    if (!done && done.error().code == Code::kPermission) done.error().code = Code::kBusy;
    return done;
  }

  tasks::Step end_processes() const {
    return for_remains("processes", [this](Work&, const Remains& remains) -> Result<void> {
      if (!remains.alone) return {};
      return services().host().end_slot(remains.place.slot);
    });
  }

  tasks::Step drop_database() const {
    return for_remains("database", [this](Work& work, const Remains& remains) -> Result<void> {
      if (remains.database_server.empty()) return {};
      Result<database::Server> server = services().database_server(remains.database_server);
      if (!server) return pass(server);
      Result<database::Removed> removed = server->drop(remains.database, remains.user);
      if (!removed) return until_let_in(pass(removed));
      for (const std::string& left : removed->left) work.warn({Code::kConflict, left, {}, {}});
      return {};
    });
  }

  tasks::Step remove_files() const {
    return for_remains("files", [this](Work&, const Remains& remains) -> Result<void> {
      Result<machine::Done> removed = services().host().remove_site(remains.place);
      if (!removed) return pass(removed);
      Result<machine::Done> forgotten = services().host().forget_site(remains.place.uri);
      if (!forgotten) return pass(forgotten);
      return {};
    });
  }

  /// The list of the platform's sites.
  tasks::Step platform() const {
    return for_remains("platform", [this](Work& work, const Remains& remains) {
      return write_platform(services(), work, remains.platform);
    });
  }

  tasks::Step retire_slot() const {
    return for_remains("slot", [this](Work&, const Remains& remains) -> Result<void> {
      if (!remains.alone) return {};
      Result<machine::Done> retired = services().host().retire_slot(remains.place.slot);
      // It was retired before this step was noted as done.
      if (!retired && retired.error().code != Code::kConflict) return pass(retired);
      return {};
    });
  }
};

}  // namespace

std::unique_ptr<tasks::Verb> site_delete(Services& services) { return std::make_unique<Delete>(services); }

}  // namespace aegir::verbs
