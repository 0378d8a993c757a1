// What is read from a registry.
#include <algorithm>

#include "compiler/registry/settings_row.hpp"
#include "compiler/registry/sqlite_store.hpp"

namespace aegir::registry {
namespace {

/// The first row of `query`, if there is one.
template <class Make>
auto first(Query query, Make make) -> Result<std::optional<decltype(make(query))>> {
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  if (!*row) return std::nullopt;
  return make(query);
}

AuditEntry audit_row(const Query& row) {
  return {static_cast<std::uint64_t>(row.integer(0)), row.integer(1), std::string(row.text(2)),
          std::string(row.text(3)), std::string(row.text(4))};
}

Change change_row(const Query& row) {
  return {static_cast<std::uint64_t>(row.integer(0)), static_cast<ChangeKind>(row.integer(1)),
          std::string(row.text(2))};
}

template <class Object>
std::vector<Object> values(const Catalog::ByName<Object>& all) {
  std::vector<Object> result;
  result.reserve(all.size());
  for (const auto& [name, object] : all) result.push_back(object);
  return result;
}

const std::string& site_columns() {
  static const std::string columns(kSiteColumns);
  return columns;
}

}  // namespace

Result<Identity> SqliteStore::identity() {
  Query query = connection_->query("SELECT id, sequence, log_start, log_start_tag FROM registry");
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  Identity identity;
  const Blob id = *row ? query.blob(0) : Blob();
  if (id.size() != identity.id.size()) {
    return fail_at(connection_->path(), Code::kCorrupt, "the registry has lost its identity",
                   "move this file away and bring back the last export with `aegirc import --replace FILE`");
  }
  std::copy(id.begin(), id.end(), identity.id.begin());
  identity.sequence = static_cast<std::uint64_t>(query.integer(1));
  identity.log_start = static_cast<std::uint64_t>(query.integer(2));
  identity.log_start_tag = static_cast<std::uint64_t>(query.integer(3));
  return identity;
}

Result<std::uint64_t> SqliteStore::sequence() {
  const Result<Identity> known = identity();
  if (!known) return std::unexpected<Error>(known.error());
  return known->sequence;
}

Result<std::uint64_t> SqliteStore::log_start() {
  const Result<Identity> known = identity();
  if (!known) return std::unexpected<Error>(known.error());
  return known->log_start;
}

Result<std::optional<std::uint64_t>> SqliteStore::tag_of(std::uint64_t sequence) {
  const Result<Identity> known = identity();
  if (!known) return std::unexpected<Error>(known.error());
  if (sequence == known->log_start) return known->log_start_tag;
  Query query = connection_->query("SELECT tag FROM change WHERE sequence = ?1", sequence);
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  if (!*row) return std::optional<std::uint64_t>();
  return static_cast<std::uint64_t>(query.integer(0));
}

Result<std::vector<Server>> SqliteStore::servers() {
  return reading([&]() -> Result<std::vector<Server>> { return values(catalog_.servers); });
}

Result<std::vector<Client>> SqliteStore::clients() {
  return reading([&]() -> Result<std::vector<Client>> { return values(catalog_.clients); });
}

Result<std::vector<Block>> SqliteStore::blocks() {
  return reading([&]() -> Result<std::vector<Block>> {
    std::vector<Block> all;
    all.reserve(catalog_.blocks.size());
    for (const auto& [name, open] : catalog_.blocks) all.push_back(open.block);
    return all;
  });
}

Result<std::vector<Platform>> SqliteStore::platforms() {
  return reading([&]() -> Result<std::vector<Platform>> {
    std::vector<Platform> all = values(catalog_.platforms);
    std::ranges::sort(all, {}, &Platform::id);
    return all;
  });
}

Result<std::optional<Platform>> SqliteStore::find_platform(std::uint32_t id) {
  return reading([&]() -> Result<std::optional<Platform>> {
    const auto name = catalog_.platform_names.find(id);
    if (name == catalog_.platform_names.end()) return std::optional<Platform>();
    return catalog_.platforms.find(name->second)->second;
  });
}

Result<Settings> SqliteStore::settings() { return read_settings(*connection_); }

Result<std::vector<Slot>> SqliteStore::slots() {
  return collect(connection_->query("SELECT block, number, state, site FROM slot ORDER BY block, number"),
                 [](const Query& row) {
                   return Slot{std::string(row.text(0)), static_cast<std::uint32_t>(row.integer(1)),
                               static_cast<SlotState>(row.integer(2)), std::string(row.text(3))};
                 });
}

Result<std::vector<AuditEntry>> SqliteStore::audit() {
  return collect(connection_->query("SELECT sequence, time, actor, what, why FROM audit ORDER BY id"), audit_row);
}

Result<std::optional<AuditEntry>> SqliteStore::audit_of(std::uint64_t sequence) {
  // A transaction's row has the last of its numbers.
  return first(connection_->query("SELECT sequence, time, actor, what, why FROM audit WHERE sequence >= ?1 "
                                  "ORDER BY sequence, id LIMIT 1",
                                  sequence),
               audit_row);
}

Result<std::vector<Change>> SqliteStore::changes(std::uint64_t after, std::size_t limit) {
  return collect(connection_->query("SELECT sequence, kind, key FROM change WHERE sequence > ?1 ORDER BY 1 LIMIT ?2",
                                    after, limit),
                 change_row);
}

Result<std::optional<Change>> SqliteStore::last_change(ChangeKind kind, std::string_view key, std::uint64_t until) {
  return first(connection_->query("SELECT sequence, kind, key FROM change WHERE kind = ?1 AND key = ?2 AND "
                                  "sequence <= ?3 ORDER BY sequence DESC LIMIT 1",
                                  kind, key, until),
               change_row);
}

Result<void> SqliteStore::visit_sites(std::string_view sql, const std::function<Result<void>(const Site&)>& visit) {
  return reading([&]() -> Result<void> {
    Query query = connection_->query(sql);
    Site site;
    for (;;) {
      const Result<bool> row = query.next();
      if (!row) return std::unexpected<Error>(row.error());
      if (!*row) return {};
      const std::string name = site_row_name(static_cast<std::uint64_t>(query.integer(0)));
      Result<void> done = read_site(query, 0, catalog_, key_, connection_->path(), name, site);
      if (done) done = visit(site);
      if (!done) return done;
    }
  });
}

Result<void> SqliteStore::each_site(const std::function<Result<void>(const Site&)>& visit) {
  static const std::string sql = "SELECT " + site_columns() + " FROM site ORDER BY uri";
  return visit_sites(sql, visit);
}

Result<void> SqliteStore::each_site_with_deleted(const std::function<Result<void>(const Site&)>& visit) {
  static const std::string sql = "SELECT " + site_columns() + " FROM site UNION ALL SELECT " + site_columns() +
                                 " FROM deleted_site ORDER BY uri, id";
  return visit_sites(sql, visit);
}

Result<std::vector<Site>> SqliteStore::list_sites(const SiteFilter& filter) {
  const auto select = [](std::string_view table) {
    return "SELECT " + site_columns() + " FROM " + std::string(table) +
           " WHERE (uri, id) > (?1, ?2) AND (?3 = '' OR platform = (SELECT id FROM platform WHERE name = ?3)) "
           "AND (?4 = '' OR client = ?4) AND (?5 < 0 OR state = ?5) ORDER BY uri, id LIMIT ?6";
  };
  static const std::string live = select("site");
  static const std::string deleted = select("deleted_site");
  return reading([&]() -> Result<std::vector<Site>> {
    Query query =
        connection_->query(filter.deleted ? deleted : live, filter.after_uri, filter.after_id, filter.platform,
                           filter.client, filter.state ? static_cast<int>(*filter.state) : -1, filter.limit);
    std::vector<Site> sites;
    for (;;) {
      const Result<bool> row = query.next();
      if (!row) return std::unexpected<Error>(row.error());
      if (!*row) return sites;
      const std::string name = site_row_name(static_cast<std::uint64_t>(query.integer(0)));
      Result<void> done = read_site(query, 0, catalog_, key_, connection_->path(), name, sites.emplace_back());
      if (!done) return pass(done);
    }
  });
}

Result<std::vector<Site>> list_sites(Store& store, const SiteFilter& filter) {
  return static_cast<SqliteStore&>(store).list_sites(filter);  // the one kind of Store that there is
}

Result<std::optional<Site>> SqliteStore::find_site(std::string_view host) {
  static const std::string sql =
      "SELECT " + site_columns() + " FROM site WHERE id = (SELECT site FROM name WHERE host = ?1)";
  return one_site(sql, host);
}

Result<std::optional<Site>> SqliteStore::find_deleted(std::string_view uri) {
  static const std::string sql =
      "SELECT " + site_columns() + " FROM deleted_site WHERE uri = ?1 ORDER BY id DESC LIMIT 1";
  return one_site(sql, uri);
}

Result<std::optional<Site>> SqliteStore::one_site(const std::string& sql, std::string_view key) {
  return reading([&]() -> Result<std::optional<Site>> {
    Query query = connection_->query(sql, key);
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return std::optional<Site>();
    Site site;
    const std::string name = site_row_name(static_cast<std::uint64_t>(query.integer(0)));
    Result<void> done = read_site(query, 0, catalog_, key_, connection_->path(), name, site);
    if (!done) return pass(done);
    return site;
  });
}

Result<bool> SqliteStore::has_database(std::string_view server, std::string_view name) {
  const Result<bool> has =
      connection_->query("SELECT 1 FROM site WHERE database_server = ?1 AND database_name = ?2", server, name).next();
  if (!has || *has) return has;
  // What a task has still to drop is not free yet.
  return connection_
      ->query(
          "SELECT 1 FROM task JOIN deleted_site ON deleted_site.uri = task.object "
          "WHERE task.state <= 1 AND task.kind = ?3 AND database_server = ?1 AND database_name = ?2",
          server, name, ObjectKind::kSite)
      .next();
}

Result<std::vector<std::string>> SqliteStore::uris_on(std::uint32_t platform) {
  // One that is being installed may never come to be.
  return collect(
      connection_->query("SELECT uri FROM site WHERE platform = ?1 AND block IS NOT NULL AND state <> ?2 ORDER BY uri",
                         platform, SiteState::kInstalling),
      [](const Query& row) { return std::string(row.text(0)); });
}

Result<std::vector<Candidate>> SqliteStore::candidates() {
  return reading([&]() -> Result<std::vector<Candidate>> {
    static const std::string sql = "SELECT c.token_key, c.host, c.expiry, " + site_columns() +
                                   " FROM candidate AS c LEFT JOIN candidate_site AS s ON s.token_key = c.token_key "
                                   "ORDER BY c.token_key";
    std::vector<Candidate> all;
    Query query = connection_->query(sql);
    for (;;) {
      const Result<bool> row = query.next();
      if (!row) return std::unexpected<Error>(row.error());
      if (!*row) return all;
      Candidate& candidate = all.emplace_back();
      candidate.token_key = query.text(0);
      candidate.host = query.text(1);
      candidate.expiry = query.integer(2);
      if (query.is_null(3)) continue;
      Result<void> done = read_site(query, 3, catalog_, key_, connection_->path(),
                                    candidate_row_name(candidate.token_key), candidate.site.emplace());
      if (!done) return pass(done);
    }
  });
}

}  // namespace aegir::registry
