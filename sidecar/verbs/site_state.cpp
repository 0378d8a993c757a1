// site disable, enable: whether visitors get the site or the page of a disabled one.
#include "sidecar/verbs/site_verb.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using registry::SiteState;

class ChangeState final : public SiteVerb {
 public:
  ChangeState(Services& services, SiteState to) : SiteVerb(services), to_(to) {}

  [[nodiscard]] std::string name() const override { return to_ == SiteState::kEnabled ? "enable" : "disable"; }

  [[nodiscard]] Result<void> check(const registry::NewTask& task, registry::Store& store) const override {
    if (Result<void> read = read_request(task.request, [](registry::ObjectReader&) {}); !read) return read;
    Result<registry::Site> site = find_site(store, task.object);
    if (!site) return pass(site);
    if (to_ == SiteState::kEnabled && site->block.empty()) {
      return fail(Code::kConflict, "site " + task.object + " has no slot, so nothing of it is on this machine",
                  "give it one with `aegirc import`, and verify it");
    }
    if (site->state == to_) {
      return fail(Code::kConflict, "site " + task.object + " is " + name() + "d already", "nothing is to be done");
    }
    if (site->state == SiteState::kInstalling) {
      return fail(Code::kConflict, "site " + task.object + " is being installed", "wait until that has ended");
    }
    return {};
  }

  [[nodiscard]] tasks::Saga saga(const registry::Task& task) const override {
    tasks::Saga saga;
    saga.commit = {name(),
                   [to = to_](tasks::Work& work, registry::Store& store, registry::Writer& writer) -> Result<void> {
                     Result<registry::Site> site = find_site(store, work.task().object);
                     if (!site) return pass(site);
                     site->state = to;
                     return writer.put(*site);
                   }};
    saga.after = {publish_step(services()), drush_step(services(), task.object)};
    if (to_ == SiteState::kEnabled) {
      saga.after.push_back(answer_step(services(), task.object));
    } else {
      saga.after.push_back({"no backup", [](tasks::Work& work) -> Result<void> {
                              work.log(registry::LogLevel::kWarning, "no backup was made: this version makes none yet");
                              return {};
                            }});
    }
    return saga;
  }

 private:
  SiteState to_;
};

}  // namespace

std::unique_ptr<tasks::Verb> site_disable(Services& services) {
  return std::make_unique<ChangeState>(services, SiteState::kDisabled);
}
std::unique_ptr<tasks::Verb> site_enable(Services& services) {
  return std::make_unique<ChangeState>(services, SiteState::kEnabled);
}

}  // namespace aegir::verbs
