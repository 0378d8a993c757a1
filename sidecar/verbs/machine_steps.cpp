#include "sidecar/verbs/machine_steps.hpp"

#include "compiler/verify/from_registry.hpp"
#include "sidecar/probe/probe.hpp"

namespace aegir::verbs {

using tasks::Step;
using tasks::Work;

namespace {

Result<void> tell(Work& work, const wire::Verified& verified) {
  tell_done(work, verified.done);
  for (const std::string& note : verified.notes) work.log(registry::LogLevel::kInfo, note);
  return warn_of_lasting(work, verified.errors);
}

}  // namespace

Result<emit::Model> read_model(Services& services) {
  std::vector<std::string> names;
  Result<std::vector<registry::Server>> servers =
      services.store().with([](registry::Store& store) { return store.servers(); });
  if (!servers) return pass(servers);
  for (const registry::Server& server : *servers) names.push_back(server.name);
  Result<wire::PeoplesSites> people = services.host().peoples_sites(names);
  if (!people) return pass(people);
  const verify::PeoplesSites sites{{people->with_local.begin(), people->with_local.end()},
                                   {people->certified.begin(), people->certified.end()}};
  return services.store().with([&](registry::Store& store) { return verify::read_model(store, sites); });
}

Result<wire::PlatformFilesOrder> platform_files(Services& services, const std::string& name) {
  wire::PlatformFilesOrder order;
  Result<void> read = services.store().with([&](registry::Store& store) -> Result<void> {
    Result<registry::Platform> platform = platform_named(store, name);
    if (!platform) return pass(platform);
    Result<verify::PlatformFacts> facts = verify::facts_of(store, *platform);
    if (!facts) return pass(facts);
    order.platform = std::move(facts->platform);
    order.uris = std::move(facts->uris);
    order.codebase = std::move(facts->codebase);
    order.versions.assign(facts->versions.begin(), facts->versions.end());
    return {};
  });
  if (!read) return pass(read);
  return order;
}

Result<void> write_platform(Services& services, Work& work, const std::string& name) {
  // An older list after a newer one would lose a site.
  const std::lock_guard turn(services.model_turn());
  Result<wire::PlatformFilesOrder> files = platform_files(services, name);
  if (!files) return warn_when_lasting(work, pass(files));
  Result<wire::Verified> written = services.host().write_platform(*files);
  if (!written) return warn_when_lasting(work, pass(written));
  return tell(work, *written);
}

namespace {

/// Has aegird bring the machine to what is committed, and starts PHP that is not at work then.
template <class Verify>
Result<void> bring(Services& services, Work& work, const Verify& verify) {
  Result<void> brought;
  {
    const std::lock_guard turn(services.model_turn());
    Result<emit::Model> model = read_model(services);
    if (!model) return warn_when_lasting(work, pass(model));
    Result<wire::Verified> verified = verify(*std::move(model));
    if (!verified) return warn_when_lasting(work, pass(verified));
    brought = tell(work, *verified);
  }
  services.start_php([&work](const Error& error) { work.warn(error); });
  return brought;
}

}  // namespace

Step publish_step(Services& services) {
  return {"publish", [&services](Work& work) -> Result<void> {
            const Result<std::uint64_t> generation = services.publish();
            if (!generation) return std::unexpected<Error>(generation.error());
            work.memo()["generation"] = *generation;
            return {};
          }};
}

Step drush_step(Services& services, std::string uri) {
  return {"drush", [&services, uri = std::move(uri)](Work& work) -> Result<void> {
            const Result<SiteContext> context =
                services.store().with([&](registry::Store& store) { return load_site(store, uri); });
            if (!context && context.error().code == Code::kConflict) return {};
            return warn_when_lasting(work, bring_site_files(services, work, uri));
          }};
}

Step php_step(Services& services, std::string uri) {
  return {"php", [&services, uri = std::move(uri)](Work& work) -> Result<void> {
            const Result<SiteContext> context =
                services.store().with([&](registry::Store& store) { return load_site(store, uri); });
            if (!context) return std::unexpected<Error>(context.error());
            const Result<void> started = services.host().start_php({context->block.server, context->block.name});
            if (!started) work.warn(started.error());
            return {};
          }};
}

Step answer_step(Services& services, std::string uri) {
  return {"answer", [&services, uri = std::move(uri)](Work& work) -> Result<void> {
            const Result<SiteContext> context =
                services.store().with([&](registry::Store& store) { return load_site(store, uri); });
            if (!context) {
              work.warn(context.error());
              return {};
            }
            // A gate has an answer of its own.
            if (context->site.state != registry::SiteState::kEnabled) return {};
            for (const registry::WebService& service : context->services()) {
              probe::Question question;
              question.service = service;
              question.host = uri;
              question.uri = uri;
              constexpr int kUnauthorized = 401;
              if (context->site.http_auth) question.statuses = {kUnauthorized};
              const Result<int> status = probe::ask(question);
              if (!status) work.warn(status.error());
            }
            return {};
          }};
}

Step bring_servers_step(Services& services) {
  return {"web servers", [&services](Work& work) -> Result<void> {
            return bring(services, work,
                         [&](emit::Model model) { return services.host().verify_servers({std::move(model), {}}); });
          }};
}

Step bring_platform_step(Services& services) {
  return {"web servers", [&services](Work& work) -> Result<void> {
            Result<wire::PlatformFilesOrder> files = platform_files(services, work.task().object);
            if (!files) return warn_when_lasting(work, pass(files));
            return bring(services, work, [&](emit::Model model) {
              return services.host().verify_platform({std::move(model), *std::move(files)});
            });
          }};
}

}  // namespace aegir::verbs
