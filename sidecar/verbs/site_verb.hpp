// What all verbs of sites have in common.
#pragma once

#include "sidecar/tasks/verb.hpp"
#include "sidecar/verbs/machine_steps.hpp"
#include "sidecar/verbs/services.hpp"

namespace aegir::verbs {

class SiteVerb : public tasks::Verb {
 public:
  explicit SiteVerb(Services& services) : services_(services) {}

  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kSite; }
  /// The site alone, beside others of its platform.
  [[nodiscard]] Result<tasks::Locks> locks(const registry::NewTask& task, registry::Store& store) const override;

 protected:
  [[nodiscard]] Services& services() const { return services_; }
  /// The site that the task is about, as it is now.
  [[nodiscard]] Result<SiteContext> site_of(const tasks::Work& work) const;

  /// The work of a step, or a part of it, on a site.
  using OnSite = std::function<Result<void>(tasks::Work&, const SiteContext&)>;
  /// That work as a step's: on the site that the task is about, as it is then.
  [[nodiscard]] std::function<Result<void>(tasks::Work&)> on_site(OnSite body) const;
  /// Puts the owners and modes of its whole tree right. What is in the way of that is told as `in_way` says.
  [[nodiscard]] Result<void> prepare_tree(tasks::Work& work, const SiteContext& context,
                                          const std::function<Result<void>(const wire::PreparedTree&)>& in_way) const;

 private:
  Services& services_;
};

/// Everything of a site that is not in the registry, as later steps and an undo know it.
struct Remains {
  wire::SiteOrder place;
  std::string platform;
  bool alone = true;  ///< in its slot
  std::string database_server;
  std::string database;
  std::string user;
};
[[nodiscard]] nlohmann::json to_json(const Remains& remains);
[[nodiscard]] Remains remains_of(const nlohmann::json& memo);
[[nodiscard]] Remains remains_of(const SiteContext& context);

}  // namespace aegir::verbs
