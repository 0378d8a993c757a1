// Sites: their rows, names and slots.
#include <algorithm>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/writer.hpp"

namespace aegir::registry {
namespace {

/// The host names of a site: its uri and its aliases.
std::vector<std::string_view> names_of(const Site& site) {
  std::vector<std::string_view> names{site.uri};
  for (const Alias& alias : site.aliases) names.emplace_back(alias.host);
  std::ranges::sort(names);
  return names;
}

std::string site_insert(std::string_view table) {
  return "INSERT INTO " + std::string(table) + " (" + std::string(kSiteColumns) + ") VALUES (" +
         std::string(kSiteValues) + ")";
}

}  // namespace

Result<void> SqliteWriter::put(const Site& site) {
  Result<std::optional<Site>> old = find_by_uri(site.uri);
  if (!old) return pass(old);
  const Site* present = old->has_value() ? &**old : nullptr;
  if (const Problems problems = check(site, present); !problems.empty()) return refuse("site", site.uri, problems);
  if (site.state != SiteState::kDeleted) return write_site(site, present);
  return restoring_ ? write_deleted_site(site) : delete_site(*present);
}

Result<void> SqliteWriter::rename_site(std::string_view old_uri, const Site& site) {
  Result<std::optional<Site>> old = find_by_uri(old_uri);
  if (!old) return pass(old);
  if (!old->has_value()) return fail(Code::kNotFound, "there is no site " + printable(old_uri) + " to rename");
  if (site.state == SiteState::kDeleted) return fail(Code::kUsage, "a site can't be renamed and deleted at once");
  Site next = site;
  next.former_uris.insert(next.former_uris.end(), (*old)->former_uris.begin(), (*old)->former_uris.end());
  next.former_uris.emplace_back(old_uri);
  std::ranges::sort(next.former_uris);
  const auto [first, last] = std::ranges::unique(next.former_uris);
  next.former_uris.erase(first, last);
  std::erase(next.former_uris, next.uri);
  if (const Problems problems = check(next, &**old); !problems.empty()) return refuse("site", next.uri, problems);
  return write_site(std::move(next), &**old);
}

Result<void> SqliteWriter::write_site(Site site, const Site* old) {
  if (old != nullptr) {
    site.id = old->id;
  } else if (!restoring_) {
    const Result<std::uint64_t> id = next_site_id();
    if (!id) return std::unexpected<Error>(id.error());
    site.id = *id;
  }
  if (Result<void> done = settle_slot(site, old); !done) return done;
  if (old != nullptr && *old == site) return {};
  static const std::string insert = site_insert("site");
  static const std::string update =
      "UPDATE site SET (" + std::string(kSiteColumns) + ") = (" + std::string(kSiteValues) + ") WHERE id = ?1";
  Result<void> done =
      run_with_site(connection_, old == nullptr ? insert : update, site, catalog_, key_, site_row_name(site.id));
  if (!done) return done;
  did(old == nullptr         ? "created site"
      : old->uri != site.uri ? "renamed site " + old->uri + " to"
                             : "changed site",
      site.uri);
  return write_names(site, old);
}

Result<void> SqliteWriter::write_deleted_site(const Site& site) {
  static const std::string insert = site_insert("deleted_site");
  return run_with_site(connection_, insert, site, catalog_, key_, site_row_name(site.id));
}

Result<void> SqliteWriter::delete_site(const Site& old) {
  static const std::string columns(kSiteColumns);
  static const std::string keep =
      "INSERT INTO deleted_site (" + columns + ") SELECT " + columns + " FROM site WHERE uri = ?1";
  if (Result<void> done = connection_.run(keep, old.uri); !done) return done;
  Result<void> done = connection_.run("UPDATE deleted_site SET state = ?1 WHERE id = ?2", SiteState::kDeleted, old.id);
  if (!done) return done;
  // The names go with the row (ON DELETE CASCADE).
  if (done = connection_.run("DELETE FROM site WHERE uri = ?1", old.uri); !done) return done;
  if (done = retire_slot(old); !done) return done;
  for (const std::string_view name : names_of(old)) {
    if (done = log(ChangeKind::kHost, name); !done) return done;
  }
  did("deleted site", old.uri);
  return {};
}

bool SqliteWriter::needs_slot(const Site& site, const Site* old) const {
  if (restoring_ || site.state == SiteState::kDisabled) return false;
  if (old == nullptr || old->block.empty()) return true;
  const auto block = catalog_.blocks.find(old->block);
  return block->second.block.server != catalog_.platforms.find(site.platform)->second.server;
}

Result<std::string> SqliteWriter::choose_block(const Site& site) const {
  const Platform& platform = catalog_.platforms.find(site.platform)->second;
  if (!platform.block.empty()) {
    const Catalog::OpenBlock& open = catalog_.blocks.find(platform.block)->second;
    if (open.full()) {
      return fail(Code::kConflict,
                  "block '" + platform.block + "' of platform '" + platform.name + "' has no free slot",
                  "give the platform another block, or the block more slots");
    }
    if (!open.block.client.empty() && open.block.client != site.client) {
      return fail(Code::kConflict,
                  "block '" + platform.block + "' of platform '" + platform.name + "' belongs to client '" +
                      open.block.client + "'",
                  "give the site to that client, or put it on another platform");
    }
    return platform.block;
  }
  for (const std::string& client : {site.client, std::string()}) {
    const auto open = catalog_.open_blocks.lower_bound({platform.server, client, 0});
    if (open == catalog_.open_blocks.end()) continue;
    const auto& [of_server, of_client, first_uid] = open->first;
    if (of_server == platform.server && of_client == client) return open->second;
  }
  for (const auto& [name, full] : catalog_.blocks) {
    if (full.block.server == platform.server && (full.block.client.empty() || full.block.client == site.client)) {
      return fail(Code::kConflict, "no block of server '" + platform.server + "' has a free slot",
                  "add a block (`aegir block add`), or give one more slots; a shared block is used only where it is "
                  "named");
    }
  }
  return std::string();
}

Result<void> SqliteWriter::retire_slot(const Site& site) {
  if (site.block.empty() || catalog_.blocks.find(site.block)->second.shared()) return {};
  return connection_.run("UPDATE slot SET state = ?1 WHERE block = ?2 AND number = ?3", SlotState::kRetired, site.block,
                         site.slot);
}

Result<void> SqliteWriter::settle_slot(Site& site, const Site* old) {
  const bool new_block = site.block.empty() && needs_slot(site, old);
  if (new_block) {
    Result<std::string> block = choose_block(site);
    if (!block) return pass(block);
    site.block = *block;
    site.slot = block->empty() ? 0 : catalog_.blocks.find(*block)->second.next_site();
  } else if (site.block.empty() && old != nullptr) {
    site.block = old->block;
    site.slot = old->slot;
  }
  if (site.block.empty()) site.slot = 0;
  const bool moved = old != nullptr && (old->block != site.block || old->slot != site.slot);
  if (moved) {
    if (Result<void> done = retire_slot(*old); !done) return done;
  }
  if (site.block.empty() || (old != nullptr && !moved && old->uri == site.uri)) return {};
  Result<void> done = connection_.run(
      "INSERT INTO slot (block, number, state, site) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT (block, number) DO UPDATE SET site = ?4",
      site.block, site.slot, SlotState::kGiven, site.uri);
  if (!done) return done;
  const Catalog::OpenBlock& open = catalog_.blocks.find(site.block)->second;
  if (site.slot >= open.next_slot) catalog_.note(Block(open.block), site.slot + 1);
  return {};
}

Result<void> SqliteWriter::put(const Slot& slot) {
  const auto block = catalog_.blocks.find(slot.block);
  if (block == catalog_.blocks.end()) return fail(Code::kInvalid, "there is no block " + printable(slot.block));
  if (slot.number >= block->second.block.slots) {
    return fail(Code::kInvalid, "block " + printable(slot.block) + " has no slot " + std::to_string(slot.number));
  }
  Result<void> done = connection_.run(
      "INSERT INTO slot (block, number, state, site) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (block, number) DO NOTHING",
      slot.block, slot.number, slot.state, slot.site);
  if (!done) return done;
  const std::uint32_t next = std::max(block->second.next_slot, slot.number + 1);
  catalog_.note(Block(block->second.block), next);
  return {};
}

Result<void> SqliteWriter::write_names(const Site& site, const Site* old) {
  const std::vector<std::string_view> now = names_of(site);
  const std::vector<std::string_view> before = old == nullptr ? std::vector<std::string_view>() : names_of(*old);
  for (const std::string_view name : before) {
    if (std::ranges::binary_search(now, name)) continue;
    if (Result<void> done = connection_.run("DELETE FROM name WHERE host = ?1", name); !done) return done;
  }
  for (const std::string_view name : now) {
    if (std::ranges::binary_search(before, name)) continue;
    Result<void> done = connection_.run("INSERT INTO name (host, site) VALUES (?1, ?2)", name, site.id);
    if (!done) return done;
  }
  std::vector<std::string_view> touched;
  std::ranges::set_union(before, now, std::back_inserter(touched));
  for (const std::string_view name : touched) {
    if (Result<void> done = log(ChangeKind::kHost, name); !done) return done;
  }
  return {};
}

Result<std::optional<Site>> SqliteWriter::find_by_uri(std::string_view uri) {
  static const std::string sql = "SELECT " + std::string(kSiteColumns) + " FROM site WHERE uri = ?1";
  Query query = connection_.query(sql, uri);
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  if (!*row) return std::optional<Site>();
  Site site;
  const std::string name = site_row_name(static_cast<std::uint64_t>(query.integer(0)));
  if (Result<void> done = read_site(query, 0, catalog_, key_, connection_.path(), name, site); !done) return pass(done);
  return site;
}

Result<std::string> SqliteWriter::holder_of(std::string_view host) {
  Query query =
      connection_.query("SELECT site.uri FROM name JOIN site ON site.id = name.site WHERE name.host = ?1", host);
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  return *row ? std::string(query.text(0)) : std::string();
}

Result<std::uint64_t> SqliteWriter::next_site_id() {
  if (next_site_id_ == 0) {
    // Rows of deleted sites stay, so the highest id that was ever given is in one of the two tables.
    Query query = connection_.query(
        "SELECT max((SELECT ifnull(max(id), 0) FROM site), (SELECT ifnull(max(id), 0) FROM deleted_site)) + 1");
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    next_site_id_ = static_cast<std::uint64_t>(query.integer(0));
  }
  return next_site_id_++;
}

}  // namespace aegir::registry
