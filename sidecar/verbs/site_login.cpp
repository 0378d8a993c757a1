// site login: a one-time link for uid 1, for who asked and nobody else.
#include "sidecar/verbs/site_verb.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using tasks::Work;

class Login final : public SiteVerb {
 public:
  using SiteVerb::SiteVerb;

  [[nodiscard]] std::string name() const override { return "login"; }
  /// A link is for one person, once.
  [[nodiscard]] bool collapses() const override { return false; }

  [[nodiscard]] Result<void> check(const registry::NewTask& task, registry::Store& store) const override {
    if (Result<void> read = read_request(task.request, [](registry::ObjectReader&) {}); !read) return read;
    Result<registry::Site> site = find_site(store, task.object);
    if (!site) return pass(site);
    if (site->state != registry::SiteState::kEnabled) {
      return fail(Code::kConflict, "site " + task.object + " is not enabled, so that nobody can log in",
                  "run `aegir site enable " + task.object + "` first");
    }
    return {};
  }

  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    saga.before = {{"link", [this](Work& work) -> Result<void> {
                      Result<SiteContext> context = site_of(work);
                      if (!context) return pass(context);
                      Result<drush::Site> site = drush_site(services().config(), *context);
                      if (!site) return pass(site);
                      work.hide(site->database.password);
                      SiteRunner runner(services(), work, *context);
                      Result<std::string> link = drush::login_link(*runner, *site);
                      if (!link) return pass(link);
                      work.hand_out(*std::move(link));
                      return {};
                    }}};
    saga.commit = {"log in", [](Work&, registry::Store&, registry::Writer&) -> Result<void> { return {}; }};
    return saga;
  }
};

}  // namespace

std::unique_ptr<tasks::Verb> site_login(Services& services) { return std::make_unique<Login>(services); }

}  // namespace aegir::verbs
