#include "compiler/publish/past.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "compiler/core/secret_box.hpp"
#include "compiler/map/units.hpp"

namespace aegir::publish {
namespace {

using SlotName = std::pair<std::string, std::uint32_t>;  // block and number

/// The slot that a socket belongs to; nothing for one that lies elsewhere.
std::optional<SlotName> slot_of(const Config& config, const std::string& socket) {
  const std::size_t slash = socket.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::size_t before = socket.rfind('/', slash - 1);
  if (before == std::string::npos) return {};
  SlotName slot{socket.substr(before + 1, slash - before - 1), 0};
  (void)std::from_chars(socket.data() + slash + 1, socket.data() + socket.size(), slot.second);
  if (slot_socket(config, slot.first, slot.second) != socket) return {};
  return slot;
}

template <class Visit>
Result<void> each_site_of(const map::Snapshot& state, Visit visit) {
  map::MergedUnits units(state);
  Result<bool> more = units.next();
  for (; more && *more; more = units.next()) {
    if (units.unit().record.type == map::RecordType::kSite) visit(units.unit().site());
  }
  if (!more) return pass(more);
  return {};
}

Result<bool> has_sites(registry::Store& store) {
  bool any = false;
  Result<void> read = store.each_site([&](const registry::Site& site) -> Result<void> {
    if (site.state == registry::SiteState::kInstalling) return {};
    any = true;
    return fail(Code::kInternal, "one is enough");
  });
  if (!read && !any) return pass(read);
  return any;
}

/// The configuration may name a wrong registry, or its volume may be missing: then no site may go.
Result<void> refuse_to_empty(registry::Store& store, const Config& config, const map::Snapshot& old) {
  const auto& id = old.base().header().registry_id;
  if (id == store.registry_id()) return {};
  const Result<bool> has = has_sites(store);
  if (!has) return std::unexpected(has.error());
  if (*has) return {};
  std::uint64_t sites = 0;
  [[maybe_unused]] const Result<void> counted = each_site_of(old, [&](const map::SiteRecord&) { ++sites; });
  if (sites == 0) return {};
  return fail_at(config.registry, Code::kConflict,
                 "registry " + to_hex(store.registry_id()) + " has no site, and the map is of registry " + to_hex(id) +
                     " with " + std::to_string(sites),
                 "is `registry` in aegir.conf right, is its volume mounted? If all sites are to go: "
                 "`aegirc publish --rebuild`");
}

/// What a registry and the maps of lost histories say of slots.
class Slots {
 public:
  [[nodiscard]] Result<void> load(registry::Store& store) {
    Result<std::vector<registry::Slot>> slots = store.slots();
    if (!slots) return pass(slots);
    for (registry::Slot& slot : *slots) {
      SlotName name{slot.block, slot.number};
      given_.emplace(std::move(name), std::move(slot));
    }
    Result<std::vector<registry::Block>> blocks = store.blocks();
    if (!blocks) return pass(blocks);
    for (registry::Block& block : *blocks) {
      std::string name = block.name;
      blocks_.emplace(std::move(name), std::move(block));
    }
    return {};
  }

  /// Compares a site of such a map; notes its slot for retired(), or what is wrong for problem().
  [[nodiscard]] Result<void> compare(registry::Store& store, const map::SiteRecord& site, const SlotName& slot) {
    const auto block = blocks_.find(slot.first);
    const auto given = given_.find(slot);
    if (given == given_.end()) {
      if (block == blocks_.end() || slot.second >= block->second.slots) {
        problems_.insert("the map's site " + site.host + " runs in " + named(slot) +
                         ", which this registry does not have");
        std::uint32_t& wanted = wanted_[slot.first];
        wanted = std::max(wanted, slot.second + 1);
        return {};
      }
      const registry::Slot lost{slot.first, slot.second, registry::SlotState::kRetired, site.host};
      given_.emplace(slot, lost);
      retired_.push_back(lost);
      return {};
    }
    const registry::Slot& now = given->second;
    if (now.state == registry::SlotState::kRetired || now.site == site.host ||
        std::ranges::find(site.former, now.site) != site.former.end()) {
      return {};
    }
    const Result<std::optional<registry::Site>> holder = store.find_site(now.site);
    if (!holder) return std::unexpected(holder.error());
    const auto renamed_from = [&](const registry::Site& now_site) {
      return std::ranges::find(now_site.former_uris, site.host) != now_site.former_uris.end();
    };
    if (*holder && renamed_from(**holder)) return {};
    problems_.insert(named(slot) + " (uid " + std::to_string(block->second.first_uid + slot.second) + ") is site " +
                     now.site + "'s in the registry and site " + site.host +
                     "'s in the map: both would share files and processes");
    shared_ = true;
    return {};
  }

  [[nodiscard]] const std::vector<registry::Slot>& retired() const noexcept { return retired_; }
  /// All that is wrong, as one error; nothing when all is well.
  [[nodiscard]] std::optional<Error> problem() const {
    if (problems_.empty()) return {};
    Error all{Code::kConflict, {}, {}, {}};
    std::size_t told = 0;
    for (const std::string& problem : problems_) {
      if (told++ == kMostTold) break;
      all.message += (all.message.empty() ? "" : "; ") + problem;
    }
    if (problems_.size() > kMostTold) all.message += "; and " + std::to_string(problems_.size() - kMostTold) + " more";
    for (const auto& [block, slots] : wanted_) {
      all.hint += "import block '" + block + "' with at least " + std::to_string(slots) +
                  " slots and the first_uid that it had, so that its uids are not given twice; ";
    }
    if (shared_) {
      all.hint +=
          "delete the sites that are named as the registry's with `aegirc import` and import them anew, which gives "
          "them other slots; ";
    }
    all.hint += "then publish again";
    return all;
  }

 private:
  static constexpr std::size_t kMostTold = 20;

  static std::string named(const SlotName& slot) {
    return "slot " + std::to_string(slot.second) + " of block '" + slot.first + "'";
  }

  std::map<SlotName, registry::Slot> given_;
  std::map<std::string, registry::Block> blocks_;
  std::vector<registry::Slot> retired_;
  std::set<std::string> problems_;               ///< each once, though two maps may have it
  std::map<std::string, std::uint32_t> wanted_;  ///< blocks that are missing or too small, and the slots they need
  bool shared_ = false;                          ///< a slot has one site in the registry and another in the map
};

/// What live map and durable copy have of histories that the registry does not know.
struct Lost {
  std::optional<std::uint64_t> generation;  ///< the highest; nothing: both are known, or can't be read
  std::vector<registry::Slot> retired;      ///< slots of theirs that are to be given to nobody
  std::optional<Error> problem;             ///< slots that two sites would share, or that can't be noted
};

/// Fails for a map with sites of another registry when this one has none, unless `overruled`. Reads only.
Result<Lost> find_lost(registry::Store& store, const Config& config, bool overruled) {
  Lost lost;
  std::vector<Snapshot> states;
  for (const std::string& directory : {config.map_dir, config.map_durable}) {
    Result<Snapshot> old = map::open_published(directory, nullptr);
    if (!old) continue;  // what can't be read can't be compared
    const Result<bool> known = knows(store, **old);
    if (!known) return std::unexpected(known.error());
    if (*known) continue;
    if (!overruled) {
      if (Result<void> fine = refuse_to_empty(store, config, **old); !fine) return pass(fine);
    }
    lost.generation = std::max(lost.generation.value_or(0), (*old)->generation());
    states.push_back(*std::move(old));
  }
  if (states.empty()) return lost;
  Slots slots;
  if (Result<void> loaded = slots.load(store); !loaded) return pass(loaded);
  for (const Snapshot& old : states) {
    Result<void> compared;
    // A record that is damaged tells nothing; what is whole before it is kept.
    [[maybe_unused]] const Result<void> read = each_site_of(*old, [&](const map::SiteRecord& site) {
      const std::optional<SlotName> slot = slot_of(config, site.socket);
      if (slot && compared) compared = slots.compare(store, site, *slot);
    });
    if (!compared) return pass(compared);
  }
  lost.retired = slots.retired();
  lost.problem = slots.problem();
  return lost;
}

}  // namespace

Result<bool> knows(registry::Store& store, const map::Snapshot& state) {
  const map::Header& header = state.newest().header();
  if (header.registry_id != store.registry_id()) return false;
  const Result<std::optional<std::uint64_t>> tag = store.tag_of(header.generation);
  if (!tag) return std::unexpected(tag.error());
  return *tag == header.history_tag;
}

Result<Snapshot> last_known(registry::Store& store, const Config& config) {
  Result<Snapshot> state = map::open_published(config.map_dir, nullptr);
  if (!state && heals(state.error())) state = map::open_published(config.map_durable, nullptr);
  if (!state) return nullptr;
  const Result<bool> known = knows(store, **state);
  if (!known) return std::unexpected(known.error());
  return *known ? *std::move(state) : nullptr;
}

Result<void> may_rebuild(registry::Store& store, const Config& config) {
  const Result<Lost> lost = find_lost(store, config, false);
  if (!lost) return std::unexpected(lost.error());
  if (lost->problem) return std::unexpected(*lost->problem);
  return {};
}

Result<void> take_over(registry::Store& store, const Config& config, bool overruled) {
  const Result<Lost> lost = find_lost(store, config, overruled);
  if (!lost) return std::unexpected(lost.error());
  const Result<std::uint64_t> sequence = store.sequence();
  if (!sequence) return std::unexpected(sequence.error());
  const bool behind = lost->generation && *sequence <= *lost->generation;
  if (behind || !lost->retired.empty()) {
    const Result<std::uint64_t> done =
        store.transact({"aegirc", "the map has another history"}, [&](registry::Writer& writer) -> Result<void> {
          for (const registry::Slot& slot : lost->retired) {
            if (Result<void> put = writer.put(slot); !put) return put;
          }
          return behind ? writer.begin_log_above(*lost->generation) : Result<void>();
        });
    if (!done) return std::unexpected(done.error());
  }
  if (lost->problem && !overruled) return std::unexpected(*lost->problem);
  return {};
}

}  // namespace aegir::publish
