// site verify: tree, files and record of a site as they should be, and what it says of itself.
#include "sidecar/verbs/packages.hpp"
#include "sidecar/verbs/site_verb.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using tasks::Work;

class Verify final : public SiteVerb {
 public:
  using SiteVerb::SiteVerb;

  [[nodiscard]] std::string name() const override { return "verify"; }

  [[nodiscard]] Result<void> check(const registry::NewTask& task, registry::Store& store) const override {
    if (Result<void> read = read_request(task.request, [](registry::ObjectReader&) {}); !read) return read;
    Result<SiteContext> context = load_site(store, task.object);
    if (!context) return pass(context);
    if (context->site.state == registry::SiteState::kInstalling) {
      return fail(Code::kConflict, "site " + task.object + " is being installed", "wait until that has ended");
    }
    if (context->site.state == registry::SiteState::kDisabled) {
      return fail(Code::kConflict, "site " + task.object + " is disabled, and nothing is done with it meanwhile",
                  "run `aegir site enable " + task.object + "` first");
    }
    return {};
  }

  [[nodiscard]] tasks::Saga saga(const registry::Task& task) const override {
    tasks::Saga saga;
    saga.before = {tree(), files()};
    for (tasks::Step& step : saga.before) step.lasts = true;
    const auto read = std::make_shared<ReadSite::element_type>();
    saga.before.push_back(packages_step(services(), read, false));
    saga.commit = {"record", [read](Work& work, registry::Store& store, registry::Writer& writer) -> Result<void> {
                     Result<registry::Site> site = find_site(store, work.task().object);
                     return site ? record_packages(store, writer, *std::move(site), read) : pass(site);
                   }};
    saga.after = {publish_step(services()), settings(), drushrc_step(services(), task.object),
                  php_step(services(), task.object), answer_step(services(), task.object)};
    return saga;
  }

 private:
  tasks::Step tree() const {
    return {"tree", on_site([this](Work& work, const SiteContext& context) {
              return prepare_tree(work, context, [&work](const wire::PreparedTree& tree) -> Result<void> {
                if (!tree.own) return std::unexpected(*tree.error);
                work.warn(*tree.error);
                return {};
              });
            })};
  }

  tasks::Step files() const {
    return {"files", [this](Work& work) -> Result<void> {
              Result<bool> waits = write_site_files(services(), work, work.task().object);
              if (!waits) return pass(waits);
              work.memo()["waits"] = *waits;
              Result<SiteContext> context = site_of(work);
              if (!context) return pass(context);
              Result<std::vector<Error>> broken = services().host().lint_site(context->files());
              if (!broken) return pass(broken);
              for (const Error& error : *broken) work.warn(error);
              return {};
            }};
  }

  tasks::Step settings() const {
    return {"settings", [this](Work& work) -> Result<void> {
              if (!work.memo_of("files").value("waits", false)) return {};
              Result<SiteContext> context = site_of(work);
              if (!context) return pass(context);
              Result<machine::Done> done = services().host().finish_site(context->files());
              if (!done) return pass(done);
              tell_done(work, *done);
              return {};
            }};
  }
};

}  // namespace

std::unique_ptr<tasks::Verb> site_verify(Services& services) { return std::make_unique<Verify>(services); }

}  // namespace aegir::verbs
