// Sites that are new to the live map: what is in the way of their directories, and what becomes of those that can't be
// prepared.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <utility>

#include "compiler/cli/publishing.hpp"
#include "compiler/core/host_name.hpp"
#include "compiler/publish/past.hpp"

namespace aegir::cli {

using namespace std::string_literals;

namespace {

constexpr std::size_t kChangesAtOnce = 5000;

class Looker {
 public:
  Looker(const Config& config, const Accounts& accounts, Places places,
         const std::vector<registry::Platform>& platforms)
      : config_(config), accounts_(accounts), places_(std::move(places)) {
    for (const registry::Platform& platform : platforms) ids_[platform.name] = platform.id;
  }

  /// `state` may be null: nothing is published, and only what is foreign is kept.
  Result<void> look(const registry::Site& site, const map::Snapshot* state) {
    if (site.block.empty() || site.state == registry::SiteState::kInstalling) return {};
    Arrival arrival{places_.of(site), {}};
    map::SiteView there;
    if (state != nullptr && state->find_host(site.uri, there) == map::Lookup::kFound && there.host == site.uri &&
        there.docroot == arrival.place.docroot && there.socket == slot_socket(config_, site.block, site.slot)) {
      changed_.push_back(site.uri);
      return {};
    }
    if (there.host == site.uri) platforms_.insert(there.platform_id);
    platforms_.insert(ids_.at(site.platform));
    Result<void> fine = machine::look_at_site(config_, accounts_, arrival.place);
    // Whatever it is, such as one docroot whose file system does not answer: it holds up nobody else.
    if (!fine) arrival.foreign = std::move(fine.error());
    if (state != nullptr || arrival.foreign) sites_.push_back(std::move(arrival));
    return {};
  }

  void gone(const std::string& name, const map::Snapshot& state) {
    map::SiteView there;
    const bool was_site = state.find_host(name, there) == map::Lookup::kFound && there.host == name;
    if (was_site) platforms_.insert(there.platform_id);
    gone_.push_back({name, was_site ? std::string(there.docroot) : std::string()});
  }

  void platform(std::string_view id) {
    std::uint32_t number = 0;
    if (std::from_chars(id.data(), id.data() + id.size(), number).ec == std::errc()) platforms_.insert(number);
  }

  void take(Arrivals& arrivals) {
    arrivals.sites = std::move(sites_);
    arrivals.changed = unique(std::move(changed_));
    arrivals.gone = unique(std::move(gone_), &Gone::name);
    arrivals.platforms = std::move(platforms_);
  }

 private:
  /// A name that changes often stands often in the change log.
  template <class Named, class Name = std::identity>
  static std::vector<Named> unique(std::vector<Named> names, Name name = {}) {
    std::ranges::sort(names, {}, name);
    const auto rest = std::ranges::unique(names, {}, name);
    names.erase(rest.begin(), rest.end());
    return names;
  }

  const Config& config_;
  const Accounts& accounts_;
  Places places_;
  std::unordered_map<std::string, std::uint32_t> ids_;  ///< of platforms
  std::vector<Arrival> sites_;
  std::vector<std::string> changed_;
  std::vector<Gone> gone_;
  std::set<std::uint32_t> platforms_;
};

/// The sites whose own name the change log has above the state.
Result<void> look_at_changes(registry::Store& store, const map::Snapshot& state, Looker& looker) {
  for (std::uint64_t after = state.generation();;) {
    Result<std::vector<registry::Change>> changes = store.changes(after, kChangesAtOnce);
    if (!changes) return pass(changes);
    if (changes->empty()) return {};
    for (const registry::Change& change : *changes) {
      if (change.kind == registry::ChangeKind::kPlatform) looker.platform(change.key);
      if (change.kind != registry::ChangeKind::kHost) continue;
      Result<std::optional<registry::Site>> site = store.find_site(change.key);
      if (!site) return pass(site);
      if (!site->has_value() || (*site)->uri != change.key) {
        // Wildcards and the names of probes are no names of sites.
        if (is_canonical_host(change.key)) looker.gone(change.key, state);
        continue;
      }
      if (Result<void> looked = looker.look(**site, &state); !looked) return looked;
    }
    after = changes->back().sequence;
  }
}

}  // namespace

Places::Places(const std::vector<registry::Platform>& platforms, const std::vector<registry::Block>& blocks) {
  for (const registry::Platform& platform : platforms) docroots_[platform.name] = platform.docroot;
  for (const registry::Block& block : blocks) first_uids_[block.name] = block.first_uid;
}

machine::SitePlace Places::of(const registry::Site& site) const {
  return {docroots_.at(site.platform), site.uri, first_uids_.at(site.block) + site.slot};
}

Result<Arrivals> look_at_arrivals(const Config& config, registry::Store& store) {
  if (!is_root()) return Arrivals();
  const Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return std::unexpected(accounts.error());
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  Result<std::vector<registry::Block>> blocks = store.blocks();
  if (!blocks) return pass(blocks);
  Looker looker(config, *accounts, Places(*platforms, *blocks), *platforms);
  const Result<publish::Snapshot> state = publish::last_known(store, config);
  if (!state) return std::unexpected(state.error());
  Arrivals arrivals;
  arrivals.map_is_known = *state != nullptr;
  Result<void> looked = arrivals.map_is_known
                            ? look_at_changes(store, **state, looker)
                            : store.each_site([&](const registry::Site& site) { return looker.look(site, nullptr); });
  if (!looked) return pass(looked);
  looker.take(arrivals);
  return arrivals;
}

Result<void> note_remains(const Output& out, registry::Store& store, const std::vector<Gone>& gone) {
  constexpr std::size_t kMostNotes = 10;
  std::size_t sites = 0;
  for (const Gone& each : gone) {
    if (each.docroot.empty()) continue;
    const Result<std::optional<registry::Site>> site = store.find_deleted(each.name);
    if (!site) return std::unexpected(site.error());
    if (!site->has_value() || ++sites > kMostNotes) continue;
    std::string remains;
    const std::string directory = each.docroot + "/sites/" + each.name;
    std::error_code error;
    if (std::filesystem::exists(directory, error)) remains = directory;
    if (const registry::Database& database = (*site)->database; !database.server.empty()) {
      remains += (remains.empty() ? "" : " and ") + ("the database " + database.name) + " with its user " +
                 database.user + " on server " + database.server;
    }
    if (!remains.empty()) out.note("site " + each.name + " is deleted; what stays until you remove it: " + remains);
  }
  if (sites > kMostNotes) out.note("and " + std::to_string(sites - kMostNotes) + " more such sites");
  return {};
}

Result<Errors> keep_back(registry::Store& store, std::vector<Unprepared> sites) {
  Errors errors;
  if (sites.empty()) return errors;
  const Result<std::uint64_t> done =
      store.transact(actor("sites kept back: their directories could not be prepared"), [&](registry::Writer& writer) {
        for (const Unprepared& kept : sites) {
          Result<std::optional<registry::Site>> site = store.find_site(kept.uri);
          if (!site) return Result<void>(pass(site));
          (*site)->state = registry::SiteState::kInstalling;
          if (Result<void> put = writer.put(**site); !put) return put;
        }
        return Result<void>();
      });
  if (!done) return std::unexpected(done.error());
  for (auto& [uri, error] : sites) {
    error.message = "site " + uri + " is kept back in state installing: " + error.message;
    error.hint += (error.hint.empty() ? "" : "; ") + ("then import its \"state\" again and run `aegirc publish`"s);
    errors.push_back(std::move(error));
  }
  return errors;
}

}  // namespace aegir::cli
