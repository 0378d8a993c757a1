#include "sidecar/verbs/packages.hpp"

#include "compiler/registry/packages.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::verbs {
namespace {

using tasks::Work;

Result<registry::Codebase> codebase_of(registry::Store& store, const std::string& platform) {
  const Result<registry::Platform> found = platform_named(store, platform);
  if (!found) return std::unexpected<Error>(found.error());
  return store.codebase(found->id);
}

Result<drush::Inventory> ask(Services& services, Work& work, const SiteContext& context) {
  const Result<drush::Site> site = drush_site(services.config(), context);
  if (!site) return std::unexpected<Error>(site.error());
  work.hide(site->database.password);
  SiteRunner runner(services, work, context);
  Result<drush::Inventory> inventory = drush::inventory(*runner, *site);
  if (!inventory) return inventory;
  // Whatever its code says of itself, it must not keep the commit from being made.
  const registry::Problems problems = registry::validate(inventory->packages);
  if (problems.empty()) return inventory;
  return fail(Code::kInvalid, problems.front().field + ": " + problems.front().message,
              "put the package right, then verify the site");
}

}  // namespace

tasks::Step packages_step(Services& services, ReadSite read, bool needed) {
  return {"packages", [&services, read = std::move(read), needed](Work& work) -> Result<void> {
            const Result<SiteContext> context =
                services.store().with([&](registry::Store& store) { return load_site(store, work.task().object); });
            if (!context) return std::unexpected<Error>(context.error());
            if (context->platform.cms == registry::Cms::kOther) return {};
            Result<drush::Inventory> inventory = ask(services, work, *context);
            if (inventory) {
              work.log(registry::LogLevel::kInfo, "version " + inventory->facts.core_version + ", " +
                                                      std::to_string(inventory->packages.size()) + " packages");
              *read = *std::move(inventory);
              return {};
            }
            if (needed || work.is_cancelled() || services.host().is_gone()) return pass(inventory);
            inventory.error().message =
                "its packages could not be read and stay as they were known: " + inventory.error().message;
            work.warn(inventory.error());
            return {};
          }};
}

Result<void> record_packages(registry::Store& store, registry::Writer& writer, registry::Site site,
                             const ReadSite& read) {
  if (!*read) return {};
  const drush::Inventory& inventory = **read;
  if (!inventory.facts.profile.empty() && inventory.facts.profile != site.profile) {
    registry::Site said = site;
    said.profile = inventory.facts.profile;
    // A name that the registry can't keep is its own profile's business.
    if (registry::validate(said).empty()) {
      if (Result<void> put = writer.put(said); !put) return put;
      site = std::move(said);
    }
  }
  const Result<registry::Codebase> codebase = codebase_of(store, site.platform);
  if (!codebase) return std::unexpected<Error>(codebase.error());
  return writer.put_packages(site.uri, registry::own_packages(inventory.packages, codebase->packages, site.profile));
}

Result<void> write_drushrc(Services& services, Work& work, const std::string& uri) {
  const Result<SiteContext> context =
      services.store().with([&](registry::Store& store) { return load_site(store, uri); });
  if (!context) return std::unexpected<Error>(context.error());
  const Result<wire::WrittenSite> written = services.host().write_site(context->files());
  if (!written) return std::unexpected<Error>(written.error());
  tell_done(work, written->done);
  return {};
}

tasks::Step drushrc_step(Services& services, std::string uri) {
  return {"drushrc", [&services, uri = std::move(uri)](Work& work) -> Result<void> {
            return warn_when_lasting(work, write_drushrc(services, work, uri));
          }};
}

}  // namespace aegir::verbs
