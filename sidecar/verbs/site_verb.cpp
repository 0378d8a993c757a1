#include "sidecar/verbs/site_verb.hpp"

namespace aegir::verbs {

Result<tasks::Locks> SiteVerb::locks(const registry::NewTask& task, registry::Store& store) const {
  tasks::Locks locks{{tasks::object_name(task.kind, task.object), tasks::Hold::kAlone}};
  const Result<std::optional<registry::Site>> site = store.find_site(task.object);
  if (!site) return std::unexpected<Error>(site.error());
  if (site->has_value())
    locks.emplace(tasks::object_name(registry::ObjectKind::kPlatform, (*site)->platform), tasks::Hold::kShared);
  return locks;
}

Result<SiteContext> SiteVerb::site_of(const tasks::Work& work) const {
  return services_.store().with([&](registry::Store& store) { return load_site(store, work.task().object); });
}

std::function<Result<void>(tasks::Work&)> SiteVerb::on_site(OnSite body) const {
  return [this, body = std::move(body)](tasks::Work& work) -> Result<void> {
    Result<SiteContext> context = site_of(work);
    if (!context) return pass(context);
    return body(work, *context);
  };
}

Result<void> SiteVerb::prepare_tree(tasks::Work& work, const SiteContext& context,
                                    const std::function<Result<void>(const wire::PreparedTree&)>& in_way) const {
  Result<wire::PreparedTree> tree = services_.host().prepare_site_tree(context.place());
  if (!tree) return pass(tree);
  tell_done(work, tree->done);
  return tree->error ? in_way(*tree) : Result<void>();
}

nlohmann::json to_json(const Remains& remains) {
  return {{"block", remains.place.slot.block},
          {"number", remains.place.slot.number},
          {"uid", remains.place.slot.uid},
          {"docroot", remains.place.docroot},
          {"platform", remains.platform},
          {"uri", remains.place.uri},
          {"alone", remains.alone},
          {"server", remains.database_server},
          {"database", remains.database},
          {"user", remains.user}};
}

Remains remains_of(const nlohmann::json& memo) {
  Remains remains;
  remains.place = {{memo.at("block"), memo.at("number"), memo.at("uid")}, memo.at("docroot"), memo.at("uri")};
  remains.platform = memo.at("platform");
  remains.alone = memo.at("alone");
  remains.database_server = memo.at("server");
  remains.database = memo.at("database");
  remains.user = memo.at("user");
  return remains;
}

Remains remains_of(const SiteContext& context) {
  return {context.place(),
          context.platform.name,
          context.block.isolation == registry::Isolation::kSite,
          context.site.database.server,
          context.site.database.name,
          context.site.database.user};
}

}  // namespace aegir::verbs
