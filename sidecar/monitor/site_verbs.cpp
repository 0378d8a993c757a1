#include "sidecar/monitor/site_verbs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "compiler/core/path.hpp"
#include "compiler/machine/look.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/machine/remove.hpp"
#include "compiler/machine/site_files.hpp"
#include "compiler/machine/site_parts.hpp"
#include "compiler/registry/validate.hpp"
#include "compiler/verify/compare.hpp"
#include "compiler/verify/lint.hpp"
#include "compiler/verify/site_files.hpp"
#include "sidecar/monitor/reconcile_verbs.hpp"
#include "sidecar/monitor/slot.hpp"

namespace aegir::monitor {
namespace {

/// `slot` has been looked at.
Result<machine::SitePlace> checked_place(const Config& config, const Slot& slot, const std::string& docroot,
                                         const std::string& uri) {
  if (!is_plain_path(docroot) || docroot.contains('\0')) {
    return fail(Code::kInvalid, "'" + docroot + "' is no absolute path");
  }
  machine::SitePlace place{docroot, uri, slot.uid};
  if (Result<void> ok = machine::check_place(config, place); !ok) return pass(ok);
  return place;
}

Result<machine::SitePlace> place_of(const Config& config, const Slot& slot, const std::string& docroot,
                                    const std::string& uri) {
  if (Result<void> ok = look_at_slot(config, slot); !ok) return pass(ok);
  return checked_place(config, slot, docroot, uri);
}

Result<machine::SitePlace> place_of(const Config& config, const wire::SiteOrder& order) {
  return place_of(config, order.slot, order.docroot, order.uri);
}

Result<verify::SiteWork> work_of(const Config& config, const wire::SiteFilesOrder& order) {
  const registry::Site& site = order.facts.site;
  const registry::Platform& platform = order.facts.platform;
  Result<machine::SitePlace> place = place_of(config, order.slot, platform.docroot, site.uri);
  if (!place) return pass(place);
  const auto wrong = [&](const std::string& what) { return fail(Code::kInvalid, "site " + site.uri + ": " + what); };
  if (site.block != order.slot.block || site.slot != order.slot.number) return wrong("it has another slot");
  if (site.platform != platform.name || !registry::is_object_name(platform.name)) {
    return wrong("'" + platform.name + "' is not its platform");
  }
  if (!site.client.empty() && !registry::is_object_name(site.client)) {
    return wrong("'" + site.client + "' is no name of a client");
  }
  if (!registry::is_php_version(order.php_version)) return wrong("'" + order.php_version + "' is no version of PHP");
  return verify::SiteWork{order.facts, *std::move(place), slot_home(config, order.slot.block, order.slot.number),
                          order.php_version, order.alone};
}

/// Secrets of the site are written there, so it has to be its own.
Result<void> check_own(const Accounts& accounts, const machine::SitePlace& place) {
  if (machine::is_own_site(accounts, place)) return {};
  return fail_at(place.docroot + "/sites/" + place.uri, Code::kConflict, "is not the directory of the site's slot",
                 "verify the site, which prepares it");
}

}  // namespace

Result<void> look_at_site(const Config& config, const Accounts& accounts, const wire::SiteOrder& order) {
  const Result<machine::SitePlace> place = place_of(config, order);
  if (!place) return std::unexpected(place.error());
  return machine::look_at_site(config, accounts, *place);
}

Result<machine::Done> prepare_site(const Config& config, const Accounts& accounts, const wire::SiteOrder& order) {
  const Result<machine::SitePlace> place = place_of(config, order);
  if (!place) return std::unexpected(place.error());
  machine::Done done;
  if (Result<void> prepared = machine::prepare_site(config, accounts, *place, done); !prepared) return pass(prepared);
  return done;
}

Result<wire::PreparedTree> prepare_site_tree(const Config& config, const Accounts& accounts,
                                             const wire::SiteOrder& order) {
  const Result<machine::SitePlace> place = place_of(config, order);
  if (!place) return std::unexpected(place.error());
  wire::PreparedTree tree;
  Result<void> prepared = machine::prepare_site_tree(config, accounts, *place, tree.done);
  if (!prepared) tree.error = std::move(prepared.error());
  tree.own = machine::is_own_site(accounts, *place);
  return tree;
}

Result<wire::WrittenSite> write_site(const Config& config, const Accounts& accounts,
                                     const wire::SiteFilesOrder& order) {
  const Result<verify::SiteWork> work = work_of(config, order);
  if (!work) return std::unexpected(work.error());
  if (order.facts.platform.cms == registry::Cms::kOther) return wire::WrittenSite();
  if (Result<void> ok = check_own(accounts, work->place); !ok) return pass(ok);
  machine::Done done;
  verify::WrittenSite written;
  Result<void> result = verify::write_site(config, accounts, *work, true, written, done);
  if (!result) return pass(result);
  return wire::WrittenSite{std::move(done),  std::move(written.errors), std::move(written.of_platform),
                           written.cloaking, std::move(written.kept),   written.waits};
}

Result<machine::Done> finish_site(const Config& config, const Accounts& accounts, const wire::SiteFilesOrder& order) {
  const Result<verify::SiteWork> work = work_of(config, order);
  if (!work) return std::unexpected(work.error());
  if (Result<void> ok = check_own(accounts, work->place); !ok) return pass(ok);
  machine::Done done;
  if (Result<void> result = verify::finish_site(config, accounts, *work, done); !result) return pass(result);
  return done;
}

Result<std::vector<Error>> lint_site(const Config& config, const Accounts& accounts,
                                     const wire::SiteFilesOrder& order) {
  const Result<verify::SiteWork> work = work_of(config, order);
  if (!work) return std::unexpected(work.error());
  if (work->facts.platform.cms == registry::Cms::kOther) return std::vector<Error>();
  return verify::lint_site(config, accounts, work->place, work->php_version);
}

Result<machine::Done> forget_site(const Config& config, const Accounts& accounts, const std::string& uri) {
  machine::Done done;
  if (Result<void> result = machine::forget_site(config, accounts, uri, done); !result) return pass(result);
  return done;
}

Result<std::vector<std::string>> written_sites(const Config& config, const Accounts&, const wire::Nothing&) {
  std::vector<std::string> uris;
  Result<void> read = machine::each_written_site(config, [&](const std::string& uri) -> Result<void> {
    uris.push_back(uri);
    return {};
  });
  if (!read) return pass(read);
  std::ranges::sort(uris);
  return uris;
}

wire::Compared compare_site(const Config& config, const Accounts& accounts, const wire::SiteFilesOrder& order) {
  wire::Compared found;
  const Result<verify::SiteWork> work = work_of(config, order);
  if (!work) {
    found.errors.push_back(work.error());
    return found;
  }
  const std::string directory = work->place.docroot + "/sites/" + work->place.uri;
  {
    const Result<machine::AsRoot> root = machine::AsRoot::begin();
    struct stat status{};
    found.missing = root && ::lstat(directory.c_str(), &status) != 0 && errno == ENOENT;
  }
  if (found.missing) return found;
  {
    const machine::OnlyLook only;
    take(found, machine::prepare_site(config, accounts, work->place, found.lines));
  }
  // What may be written there, and so what is compared, depends on whose it is and who may put a file into it.
  const auto is_of_itself = [&](const std::string& line) { return line.starts_with(directory + ": "); };
  if (machine::is_own_site(accounts, work->place) && std::ranges::none_of(found.lines, is_of_itself)) {
    take(found, verify::compare_site(config, accounts, *work, true, line_into(found)));
  }
  return found;
}

Result<machine::Done> remove_site(const Config& config, const Accounts& accounts, const wire::SiteOrder& order) {
  // A site that was half removed when its slot was retired is removed all the same.
  if (Result<void> ok = look_at_used_slot(config, order.slot); !ok) return pass(ok);
  const Result<machine::SitePlace> place = checked_place(config, order.slot, order.docroot, order.uri);
  if (!place) return std::unexpected(place.error());
  machine::Done done;
  if (Result<void> removed = machine::remove_site(config, accounts, *place, done); !removed) return pass(removed);
  return done;
}

}  // namespace aegir::monitor
