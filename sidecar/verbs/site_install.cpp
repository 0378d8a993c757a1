// site install: from nothing to a site that answers. Before the commit there is a candidate, which only a probe sees;
// whatever happens to it, all of it goes.
#include <algorithm>
#include <chrono>
#include <filesystem>

#include "compiler/core/utf8.hpp"
#include "compiler/map/record.hpp"
#include "compiler/registry/random.hpp"
#include "sidecar/drush/codebase.hpp"
#include "sidecar/probe/probe.hpp"
#include "sidecar/verbs/install_request.hpp"
#include "sidecar/verbs/offer.hpp"
#include "sidecar/verbs/packages.hpp"
#include "sidecar/verbs/site_verb.hpp"
#include "sidecar/verbs/verbs.hpp"
#include "sidecar/verbs/welcome.hpp"

namespace aegir::verbs {
namespace {

using registry::Site;
using registry::SiteState;
using tasks::Work;

constexpr std::size_t kHashSaltLetters = 74;  // as many as Drupal's own
constexpr std::size_t kCronKeyLetters = 43;   // as many bits as Drupal's own
constexpr std::chrono::hours kCandidateLife{24};

class Install final : public SiteVerb {
 public:
  using SiteVerb::SiteVerb;

  [[nodiscard]] std::string name() const override { return "install"; }

  [[nodiscard]] Result<void> check(const registry::NewTask& task, registry::Store& store) const override {
    Result<InstallRequest> request = read_install(task, store.key());
    if (!request) return pass(request);
    const Site& site = request->site;
    Result<registry::Platform> platform = platform_named(store, site.platform);
    if (!platform) return pass(platform);
    if (platform->state != registry::PlatformState::kEnabled) {
      return fail(
          Code::kConflict,
          "platform '" + platform->name + "' is " +
              (platform->state == registry::PlatformState::kLocked ? "locked: it takes no new sites" : "deleted"),
          "choose another platform");
    }
    for (const std::string& host : names_of(site)) {
      const Result<std::optional<Site>> holder = store.find_site(host);
      if (!holder) return std::unexpected<Error>(holder.error());
      if (holder->has_value()) {
        const std::string& uri = (*holder)->uri;
        return fail(Code::kConflict,
                    host == uri ? "there is a site " + uri + " already" : host + " is an alias of the site " + uri,
                    "choose another name");
      }
    }
    if (Result<std::string> server = database_server_for(store, *platform); !server) return pass(server);
    const auto profile = chosen_profile(store, *platform, site.profile, site.language);
    return profile ? Result<void>() : std::unexpected<Error>(profile.error());
  }

  [[nodiscard]] Result<tasks::Locks> locks(const registry::NewTask& task, registry::Store& store) const override {
    Result<InstallRequest> request = read_install(task, store.key());
    if (!request) return pass(request);
    return tasks::Locks{
        {tasks::object_name(task.kind, task.object), tasks::Hold::kAlone},
        {tasks::object_name(registry::ObjectKind::kPlatform, request->site.platform), tasks::Hold::kShared}};
  }

  [[nodiscard]] tasks::Saga saga(const registry::Task& task) const override {
    tasks::Saga saga;
    const auto read = std::make_shared<ReadSite::element_type>();
    saga.before = {reserve(),   slot(),      database(),
                   directory(), files(),     drupal(),
                   tree(),      candidate(), packages_step(services(), read, true)};
    saga.commit = {"enable", [read](Work& work, registry::Store& store, registry::Writer& writer) {
                     return enable(work, store, writer, read);
                   }};
    saga.after = {publish_step(services()), drush_step(services(), task.object), answer_step(services(), task.object),
                  platform(), welcome_step(services(), task.object)};
    return saga;
  }

 private:
  /// The list of the platform's sites.
  tasks::Step platform() const {
    return {"platform", on_site([this](Work& work, const SiteContext& context) {
              return write_platform(services(), work, context.platform.name);
            })};
  }

  static std::vector<std::string> names_of(const Site& site) {
    std::vector<std::string> names{site.uri};
    for (const registry::Alias& alias : site.aliases) names.push_back(alias.host);
    return names;
  }

  Result<InstallRequest> asked(Work& work) const {
    return services().store().with([&](registry::Store& store) { return read_install(work.task(), store.key()); });
  }

  /// The site while it is installed; nothing when it is not there any more.
  Result<std::optional<Site>> installing(Work& work) const {
    Result<std::optional<Site>> site =
        services().store().with([&](registry::Store& store) { return store.find_site(work.task().object); });
    if (!site || !site->has_value()) return site;
    const bool is_it = (*site)->state == SiteState::kInstalling && (*site)->uri == work.task().object;
    return is_it ? std::move(site) : std::optional<Site>();
  }
  /// The same with its slot; nothing also when it was given none, and so has nothing on this machine.
  Result<std::optional<SiteContext>> present(Work& work) const {
    Result<std::optional<Site>> site = installing(work);
    if (!site) return pass(site);
    if (!site->has_value() || (*site)->block.empty()) return std::nullopt;
    Result<SiteContext> context =
        services().store().with([&](registry::Store& store) { return complete(store, **std::move(site)); });
    if (!context) return pass(context);
    return *std::move(context);
  }

  static database::Creation creation_of(Work& work, const SiteContext& context) {
    const nlohmann::json memo = work.memo_of("reserve");
    return {context.site.database.name, context.site.database.password,
            memo.at("hosts").get<std::vector<std::string>>(), memo.at("mark").get<std::string>()};
  }

  /// Names, slot and database are the site's from here on; nobody else can take them.
  tasks::Step reserve() const {
    return {"reserve",
            [this](Work& work) -> Result<void> {
              Result<InstallRequest> request = asked(work);
              if (!request) return pass(request);
              Site site = request->site;
              Result<std::string> server = services().store().with([&](registry::Store& store) -> Result<std::string> {
                Result<registry::Platform> platform = platform_named(store, site.platform);
                if (!platform) return pass(platform);
                return database_server_for(store, *platform);
              });
              if (!server) return pass(server);
              Result<database::Server> databases = services().database_server(*server);
              if (!databases) return pass(databases);
              Result<database::Creation> creation =
                  databases->choose(site.uri, database::kLocalHosts, [&](const std::string& name) {
                    return services().store().with(
                        [&](registry::Store& store) { return store.has_database(*server, name); });
                  });
              if (!creation) return pass(creation);
              work.hide(creation->password);
              work.memo() = {{"hosts", creation->hosts}, {"mark", creation->mark}};
              if (Result<void> kept = work.keep(); !kept) return kept;
              site.state = SiteState::kInstalling;
              site.database = {*server, creation->name, creation->name, creation->password};
              site.hash_salt = registry::random_word(kHashSaltLetters);
              site.cron_key = registry::random_word(kCronKeyLetters);
              const registry::Actor actor{work.task().actor, "task " + std::to_string(work.id()) + " installs it"};
              return services().store().with([&](registry::Store& store) -> Result<void> {
                Result<std::uint64_t> put = store.transact(actor, [&](registry::Writer& writer) -> Result<void> {
                  if (Result<void> done = writer.put(site); !done) return done;
                  Result<std::optional<Site>> there = store.find_site(site.uri);
                  if (!there) return pass(there);
                  return store.tasks().set_site(work.id(), (*there)->id);
                });
                if (!put) return pass(put);
                return {};
              });
            },
            [this](Work& work) -> Result<void> {
              Result<std::optional<Site>> present = installing(work);
              if (!present) return pass(present);
              if (!present->has_value()) return {};
              Site site = **std::move(present);
              if (Result<void> retired = retire(site); !retired) return retired;
              site.state = SiteState::kDeleted;
              const registry::Actor actor{work.task().actor, "task " + std::to_string(work.id()) + " is undone"};
              Result<std::uint64_t> put = services().store().with([&](registry::Store& store) {
                return store.transact(actor, [&](registry::Writer& writer) { return writer.put(site); });
              });
              if (!put) return pass(put);
              return {};
            }};
  }

  /// The undo of a step: on the site while it is there and has a slot; before and after that nothing is to be undone.
  std::function<Result<void>(Work&)> on_present(OnSite body) const {
    return [this, body = std::move(body)](Work& work) -> Result<void> {
      Result<std::optional<SiteContext>> context = present(work);
      if (!context) return pass(context);
      return context->has_value() ? body(work, **context) : Result<void>();
    };
  }

  tasks::Step slot() const {
    return {"slot", on_site([this](Work& work, const SiteContext& context) -> Result<void> {
              Result<machine::Done> made =
                  services().host().make_slots({context.block.name, context.block.first_uid, context.block.slots});
              if (!made) return pass(made);
              tell_done(work, *made);
              return {};
            })};
  }

  /// The registry gives a slot once, whatever became of the site, so that it is used up on the machine too.
  Result<void> retire(const Site& site) const {
    if (site.block.empty()) return {};
    Result<SiteContext> context =
        services().store().with([&](registry::Store& store) { return complete(store, site); });
    if (!context) return pass(context);
    // A slot that several sites share goes on.
    if (context->block.isolation != registry::Isolation::kSite) return {};
    const Result<machine::Done> retired = services().host().retire_slot(context->slot());
    return retired || retired.error().code == Code::kNotFound ? Result<void>() : std::unexpected(retired.error());
  }

  tasks::Step database() const {
    return {"database", on_site([this](Work& work, const SiteContext& context) -> Result<void> {
              work.hide(context.site.database.password);
              Result<database::Server> server = services().database_server(context.site.database.server);
              if (!server) return pass(server);
              return server->create(creation_of(work, context));
            }),
            on_present([this](Work& work, const SiteContext& context) -> Result<void> {
              work.hide(context.site.database.password);
              Result<database::Server> server = services().database_server(context.site.database.server);
              if (!server) return pass(server);
              Result<database::Removed> removed = server->undo(creation_of(work, context));
              if (!removed) return pass(removed);
              for (const std::string& left : removed->left) work.log(registry::LogLevel::kWarning, left);
              return {};
            })};
  }

  tasks::Step directory() const {
    return {"directory", on_site([this](Work& work, const SiteContext& context) -> Result<void> {
              if (Result<void> free = services().host().look_at_site(context.place()); !free) return free;
              // Only what this task has made is its to remove: somebody's tree, aegir's too, is none of it.
              const std::string directory = context.platform.docroot + "/sites/" + context.site.uri;
              std::error_code problem;
              if (std::filesystem::symlink_status(directory, problem).type() != std::filesystem::file_type::not_found) {
                return fail_at(directory, Code::kConflict, "something lies there already",
                               "move it away, and install the site again");
              }
              work.memo()["free"] = true;
              if (Result<void> kept = work.keep(); !kept) return kept;
              Result<machine::Done> made = services().host().prepare_site(context.place());
              if (!made) return pass(made);
              tell_done(work, *made);
              return {};
            }),
            on_present([this](Work& work, const SiteContext& context) -> Result<void> {
              if (!work.memo().contains("free")) return {};
              const bool alone = context.block.isolation == registry::Isolation::kSite;
              Result<void> ended = alone ? services().host().end_slot(context.slot()) : Result<void>();
              if (!ended) return ended;
              if (Result<machine::Done> gone = services().host().remove_site(context.place()); !gone) return pass(gone);
              Result<machine::Done> gone = services().host().forget_site(context.site.uri);
              return gone ? Result<void>() : pass(gone);
            })};
  }

  tasks::Step files() const {
    return {"files", [this](Work& work) { return write_files(work); }};
  }

  /// What waits for a publish does not: there was no settings.php before.
  Result<void> write_files(Work& work) const {
    Result<bool> waits = write_site_files(services(), work, work.task().object);
    return waits ? Result<void>() : pass(waits);
  }

  tasks::Step drupal() const {
    return {"drupal", on_site([this](Work& work, const SiteContext& context) -> Result<void> {
              Result<InstallRequest> request = asked(work);
              if (!request) return pass(request);
              Result<drush::Site> site = drush_site(services().config(), context);
              if (!site) return pass(site);
              work.hide(site->database.password);
              drush::Installation installation;
              installation.profile = context.site.profile;
              installation.language = context.site.language;
              installation.site_name = request->title;
              installation.account_mail = request->mail;
              if (installation.account_mail.empty()) {
                Result<std::string> mail = services().store().with(
                    [&](registry::Store& store) { return mail_of_client(store, context.site.client); });
                if (!mail) return pass(mail);
                installation.account_mail = *std::move(mail);
              }
              if (installation.account_mail.empty()) installation.account_mail = "admin@" + context.site.uri;
              installation.site_mail = installation.account_mail;
              Result<std::vector<std::string>> translations = translations_for(context);
              if (!translations) return pass(translations);
              SiteRunner runner(services(), work, context);
              return drush::install(*runner, *site, installation, *translations, progress_of(work));
            })};
  }

  Result<std::vector<std::string>> translations_for(const SiteContext& context) const {
    if (context.site.language == "en") return std::vector<std::string>();
    const Result<registry::Profile> profile = services().store().with([&](registry::Store& store) {
      return chosen_profile(store, context.platform, context.site.profile, context.site.language);
    });
    if (!profile) return std::unexpected<Error>(profile.error());
    return drush::translations_of(context.platform.docroot, *profile, context.site.language);
  }

  /// Drupal sets modes and adds to settings.php by itself: once more as it is to be.
  tasks::Step tree() const {
    return {"tree", on_site([this](Work& work, const SiteContext& context) -> Result<void> {
              Result<void> right = prepare_tree(work, context, [](const wire::PreparedTree& tree) -> Result<void> {
                return std::unexpected(*tree.error);
              });
              return right ? write_files(work) : right;
            })};
  }

  /// The site as it will be, shown to us alone.
  tasks::Step candidate() const {
    return {"probe", on_site([this](Work& work, const SiteContext& context) -> Result<void> {
              const std::string token = probe::new_token();
              work.hide(token);
              const std::string key = map::probe_key(token);
              work.memo()["candidate"] = key;
              if (Result<void> kept = work.keep(); !kept) return kept;
              registry::Candidate candidate{key, context.site.uri, expiry(), context.site};
              candidate.site->state = SiteState::kEnabled;
              Result<std::uint64_t> put =
                  services().store().with([&](registry::Store& store) { return store.put_candidate(candidate); });
              if (!put) return pass(put);
              Result<std::uint64_t> generation = services().publish();
              if (!generation) return pass(generation);
              for (const registry::WebService& service : context.services()) {
                probe::Question question;
                question.service = service;
                question.host = context.site.uri;
                question.token = token;
                question.uri = context.site.uri;
                question.database =
                    context.platform.cms == registry::Cms::kOther ? std::string() : context.site.database.name;
                Result<int> status = probe::ask(question);
                if (!status) return pass(status);
                work.log(registry::LogLevel::kInfo,
                         probe::place_of(service) + " answers with status " + std::to_string(*status));
              }
              return {};
            }),
            [this](Work& work) -> Result<void> {
              if (!work.memo().contains("candidate")) return {};
              const auto key = work.memo().at("candidate").get<std::string>();
              Result<std::uint64_t> dropped =
                  services().store().with([&](registry::Store& store) { return store.drop_candidate(key); });
              if (!dropped) return pass(dropped);
              Result<std::uint64_t> generation = services().publish();
              if (!generation) return pass(generation);
              return {};
            }};
  }

  static std::int64_t expiry() {
    const auto end = std::chrono::system_clock::now() + kCandidateLife;
    return std::chrono::duration_cast<std::chrono::seconds>(end.time_since_epoch()).count();
  }

  static Result<void> enable(Work& work, registry::Store& store, registry::Writer& writer, const ReadSite& read) {
    Result<Site> site = find_site(store, work.task().object);
    if (!site) return pass(site);
    site->state = SiteState::kEnabled;
    if (Result<void> put = writer.put(*site); !put) return put;
    if (Result<void> put = record_packages(store, writer, *site, read); !put) return put;
    return writer.drop_candidate(work.memo_of("probe").at("candidate").get<std::string>());
  }
};

}  // namespace

std::unique_ptr<tasks::Verb> site_install(Services& services) { return std::make_unique<Install>(services); }

}  // namespace aegir::verbs
