// reconcile: directories and files of sites, and what is left of sites that are gone.
#include <algorithm>
#include <charconv>

#include "compiler/core/host_name.hpp"
#include "compiler/machine/remove.hpp"
#include "sidecar/verbs/reconcile.hpp"

namespace aegir::verbs {

using registry::SiteState;
using tasks::Work;

namespace {

/// So many are looked at in one child of aegird's, or fewer with so many packages: an order has its bounds.
constexpr std::size_t kAtATime = 200;
constexpr std::size_t kPackagesAtATime = 10000;

constexpr std::string_view kGone = ".aegir-gone-";
constexpr std::string_view kStaged = ".aegir-";

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<void> Reconciliation::sites(Work& work) {
  if (Result<void> looked = look_at_sites(work); !looked) return looked;
  for (const wire::FoundFolder& folder : survey_.folders) {
    if (Result<void> on = cancelled(work); !on) return on;
    if (Result<void> looked = look_at_folder(work, folder); !looked) return looked;
  }
  for (const std::string& uri : survey_.written) {
    if (is_live(uri)) continue;
    const std::optional<tasks::Loan> loan = work.borrow(locks_of(uri));
    const Result<std::optional<registry::Site>> site =
        services_.store().with([&](registry::Store& store) { return store.find_site(uri); });
    if (!site) return std::unexpected(site.error());
    if (!loan || (site->has_value() && (*site)->uri == uri)) continue;
    // The password in there may be the only one of a site that the registry has lost.
    const auto folder = std::ranges::find(survey_.folders, uri, &wire::FoundFolder::name);
    const Result<std::optional<registry::Site>> deleted = doomed(uri);
    if (!deleted) return std::unexpected(deleted.error());
    if (folder != survey_.folders.end() && !deleted->has_value()) continue;
    differences_.mend(work, "site " + uri,
                      "there is none, and its credentials or aliases for the command line are left",
                      [&]() -> Result<void> {
                        const Result<machine::Done> forgotten = services_.host().forget_site(uri);
                        return forgotten ? Result<void>() : std::unexpected(forgotten.error());
                      });
  }
  return {};
}

Result<void> Reconciliation::look_at_sites(Work& work) {
  std::vector<std::string> uris;
  for (const auto& [uri, site] : sites_) {
    if (!site.block.empty()) uris.push_back(uri);
  }
  for (auto next = uris.begin(); next != uris.end();) {
    if (Result<void> on = cancelled(work); !on) return on;
    wire::CompareOrder order;
    std::vector<std::string> ordered;
    for (std::size_t packages = 0; next != uris.end() && ordered.size() < kAtATime && packages < kPackagesAtATime;
         ++next) {
      const Result<SiteContext> context =
          services_.store().with([&](registry::Store& store) { return load_site(store, *next); });
      if (!context) continue;  // it was deleted meanwhile
      packages += context->packages.size();
      order.sites.push_back(context->files());
      ordered.push_back(*next);
    }
    const Result<wire::Comparison> found = services_.host().compare(order);
    if (!found) return std::unexpected(found.error());
    for (std::size_t at = 0; at < ordered.size(); ++at) {
      const wire::Compared& site = found->sites[at];
      if (!site.missing && site.lines.empty() && site.errors.empty()) continue;
      if (Result<void> looked = look_at_site(work, ordered[at]); !looked) return looked;
    }
  }
  return {};
}

Result<void> Reconciliation::look_at_site(Work& work, const std::string& uri) {
  const std::optional<tasks::Loan> loan = work.borrow(locks_of(uri));
  if (!loan) return {};
  const Result<SiteContext> context =
      services_.store().with([&](registry::Store& store) { return load_site(store, uri); });
  if (!context || context->site.state == SiteState::kInstalling) return {};
  const auto compare = [&](const SiteContext& now) -> Result<wire::Compared> {
    wire::CompareOrder order;
    order.sites.push_back(now.files());
    Result<wire::Comparison> found = services_.host().compare(order);
    if (!found) return pass(found);
    return std::move(found->sites.front());
  };
  const Result<wire::Compared> found = compare(*context);
  if (!found) return std::unexpected(found.error());
  const std::string about = "site " + uri;
  if (found->missing) {
    // An empty one would hide that its files are lost.
    const std::string directory = context->platform.docroot + "/sites/" + uri;
    const std::string gone = machine::gone_name(uri, context->slot().uid);
    const bool is_there = std::ranges::any_of(survey_.folders, [&](const wire::FoundFolder& folder) {
      return folder.docroot == context->platform.docroot && folder.name == gone;
    });
    differences_.leave(work, about, "its directory " + directory + " is missing",
                       is_there ? "what is left of it is in " + context->platform.docroot + "/sites/" + gone +
                                      ": move it back, or put the site back from a backup"
                                : "put it back from a backup; `aegir site verify " + uri + "` makes an empty one");
    return {};
  }
  differences_.mend(
      work, about, *found,
      [&]() -> Result<void> {
        Result<machine::Done> prepared = services_.host().prepare_site(context->place());
        if (!prepared) return pass(prepared);
        tell_done(work, *prepared);
        return bring_site_files(services_, work, uri);
      },
      [&]() -> Result<wire::Compared> {
        const Result<SiteContext> now =
            services_.store().with([&](registry::Store& store) { return load_site(store, uri); });
        if (!now) return std::unexpected(now.error());
        return compare(*now);
      });
  return {};
}

Result<void> Reconciliation::look_at_folder(Work& work, const wire::FoundFolder& folder) {
  const std::string path = folder.docroot + "/sites/" + folder.name;
  if (folder.name.starts_with(kGone)) return look_at_gone(work, folder);
  if (folder.name.starts_with(kStaged)) return look_at_staged(work, folder);
  if (!is_canonical_host(folder.name)) return {};
  const std::string& uri = folder.name;
  const auto live = sites_.find(uri);
  if (live != sites_.end() && (live->second.docroot == folder.docroot || live->second.block.empty())) return {};
  const std::optional<tasks::Loan> loan = work.borrow(locks_of(uri));
  if (!loan) return {};
  const std::string remove = "look at what it holds; when nobody needs it: `rm -r " + path + "`";
  if (live != sites_.end()) {
    differences_.leave(work, path, "is called as site " + uri + ", which lives in " + live->second.docroot, remove);
    return {};
  }
  const Result<std::optional<registry::Site>> site =
      services_.store().with([&](registry::Store& store) { return store.find_site(uri); });
  if (!site) return std::unexpected(site.error());
  if (site->has_value() && (*site)->uri == uri) return {};
  const Result<std::optional<registry::Site>> deleted = doomed(uri);
  if (!deleted) return std::unexpected(deleted.error());
  const auto block = deleted->has_value() ? blocks_.find((*deleted)->block) : blocks_.end();
  if (block != blocks_.end() && block->second.first_uid + (*deleted)->slot == folder.group) {
    differences_.mend(work, path, "is the directory of site " + uri + ", which was deleted", [&]() -> Result<void> {
      const Result<machine::Done> removed =
          services_.host().remove_site({{(*deleted)->block, (*deleted)->slot, folder.group}, folder.docroot, uri});
      return removed ? Result<void>() : std::unexpected(removed.error());
    });
    return {};
  }
  const bool is_slots = folder.group >= services_.config().uid_first && folder.group <= services_.config().uid_last;
  if (is_slots) {
    differences_.leave(
        work, path,
        "is a site's directory (group " + std::to_string(folder.group) + "), and the registry has no site " + uri,
        remove);
  } else {
    differences_.mention(work, path + " is of no site of the registry", remove);
  }
  return {};
}

Result<void> Reconciliation::look_at_gone(Work& work, const wire::FoundFolder& folder) {
  const std::string path = folder.docroot + "/sites/" + folder.name;
  for (const auto& [slot, row] : slot_rows_) {
    const auto block = blocks_.find(slot.first);
    if (block == blocks_.end() || block->second.first_uid + slot.second != folder.group ||
        machine::gone_name(row.site, folder.group) != folder.name) {
      continue;
    }
    const std::optional<tasks::Loan> loan = work.borrow(locks_of(row.site));
    if (!loan) return {};
    // A site that lives on in this slot has its files in there.
    if (holders_.contains(slot)) break;
    const Result<std::optional<registry::Site>> deleted = doomed(row.site);
    if (!deleted) return std::unexpected(deleted.error());
    if (!deleted->has_value()) break;
    differences_.mend(work, path, "is what a delete of site " + row.site + " has left", [&]() -> Result<void> {
      const Result<machine::Done> removed =
          services_.host().remove_site({{slot.first, slot.second, folder.group}, folder.docroot, row.site});
      return removed ? Result<void>() : std::unexpected(removed.error());
    });
    return {};
  }
  differences_.leave(work, path, "is a directory that was being removed, and no delete of the registry's is about it",
                     "look at what it holds; when nobody needs it: `rm -r " + path + "`");
  return {};
}

Result<void> Reconciliation::look_at_staged(Work& work, const wire::FoundFolder& folder) {
  const std::optional<std::uint64_t> id = number_of(std::string_view(folder.name).substr(kStaged.size()));
  if (!id) return {};
  const Result<std::optional<registry::Task>> task =
      services_.store().with([&](registry::Store& store) { return store.tasks().find(*id); });
  if (!task) return std::unexpected(task.error());
  if (task->has_value() && registry::is_open((*task)->state)) return {};
  // It may be the tree that a restore or a migrate has put aside.
  const std::string path = folder.docroot + "/sites/" + folder.name;
  differences_.leave(work, path, "was set up by task " + std::to_string(*id) + ", which is at work no more",
                     "look at what it holds; when nobody needs it: `rm -r " + path + "`");
  return {};
}

}  // namespace aegir::verbs
