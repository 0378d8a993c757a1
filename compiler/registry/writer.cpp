// Servers, clients, blocks, platforms and settings; the change log and the audit row. Sites are in site_writer.cpp.
#include "compiler/registry/writer.hpp"

#include <bit>
#include <ctime>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/random.hpp"
#include "compiler/registry/settings_row.hpp"

namespace aegir::registry {
namespace {

constexpr std::size_t kMostDeeds = 20;

/// The first of `problems` as an error about the object `what`.
std::unexpected<Error> refusal(std::string_view what, const Problem& problem) {
  std::string message(what);
  if (!problem.field.empty()) message += ", " + problem.field;
  return fail(problem.code, message + ": " + problem.message, problem.hint);
}

template <class Object>
bool unchanged(const Catalog::ByName<Object>& all, const Object& object) {
  const auto old = all.find(object.name);
  return old != all.end() && old->second == object;
}

}  // namespace

std::unexpected<Error> refuse(std::string_view noun, std::string_view name, const Problems& problems) {
  return refusal(std::string(noun) + " " + printable(name), problems.front());
}

SqliteWriter::SqliteWriter(Connection& connection, Catalog& catalog, const KeyRing& key, Identity& identity)
    : connection_(connection), catalog_(catalog), key_(key), identity_(identity) {}

Result<void> SqliteWriter::put(const Server& server) {
  if (const Problems problems = check(server); !problems.empty()) return refuse("server", server.name, problems);
  if (unchanged(catalog_.servers, server)) return {};
  const auto old = catalog_.servers.find(server.name);
  const bool is_new = old == catalog_.servers.end();
  const bool touches_sites = !is_new && old->second.database != server.database;
  const DatabaseService database = server.database.value_or(DatabaseService{});
  Result<void> done = connection_.run(
      "INSERT INTO server (name, host, database_type, database_host, database_port) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (name) DO UPDATE SET host = ?2, database_type = ?3, database_host = ?4, database_port = ?5",
      server.name, server.host, OrNull{server.database ? database.type : ""},
      OrNull{server.database ? database.host : ""}, database.port);
  if (!done) return done;
  if (done = connection_.run("DELETE FROM web_service WHERE server = ?1", server.name); !done) return done;
  for (const WebService& service : server.web) {
    done = connection_.run(
        "INSERT INTO web_service (server, kind, http_port, https_port, probe_address) VALUES (?1, ?2, ?3, ?4, ?5)",
        server.name, service.kind, service.http_port, service.https_port, service.probe_address);
    if (!done) return done;
  }
  catalog_.servers[server.name] = server;
  if (!is_new) changed_servers_.insert(server.name);
  did(is_new ? "created server" : "changed server", server.name);
  if (!touches_sites) return {};
  return log_names(
      "SELECT name.host FROM site JOIN name ON name.site = site.id WHERE site.database_server = ?1 "
      "UNION ALL SELECT token_key FROM candidate_site WHERE database_server = ?1 ORDER BY 1",
      server.name);
}

Result<void> SqliteWriter::put(const Client& client) {
  if (const Problems problems = check(client); !problems.empty()) return refuse("client", client.name, problems);
  if (unchanged(catalog_.clients, client)) return {};
  Result<void> done = connection_.run(
      "INSERT INTO client (name, title, email) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET title = ?2, email "
      "= ?3",
      client.name, client.title, client.email);
  if (!done) return done;
  did(catalog_.clients.contains(client.name) ? "changed client" : "created client", client.name);
  catalog_.clients[client.name] = client;
  return {};
}

Result<void> SqliteWriter::put(const Block& block) {
  if (const Problems problems = check(block); !problems.empty()) return refuse("block", block.name, problems);
  const auto old = catalog_.blocks.find(block.name);
  const bool is_new = old == catalog_.blocks.end();
  if (!is_new && old->second.block == block) return {};
  Result<void> done = connection_.run(
      "INSERT INTO block (name, server, php_version, client, first_uid, slots, max_children, isolation) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO UPDATE SET "
      "server = ?2, php_version = ?3, client = ?4, first_uid = ?5, slots = ?6, max_children = ?7, isolation = ?8",
      block.name, block.server, block.php_version, OrNull{block.client}, block.first_uid, block.slots,
      block.max_children, block.isolation);
  if (!done) return done;
  catalog_.note(block, is_new ? 0 : old->second.next_slot);
  did(is_new ? "created block" : "changed block", block.name);
  if (is_new) return {};
  if (block.isolation == Isolation::kShared) {
    return log_names("SELECT name.host FROM site JOIN name ON name.site = site.id WHERE site.block = ?1 ORDER BY 1",
                     block.name);
  }
  return log_names(
      "SELECT name.host FROM slot JOIN name ON name.host = slot.site WHERE slot.block = ?1 AND slot.state = 0 ORDER BY "
      "1",
      block.name);
}

Result<void> SqliteWriter::put(const Platform& platform) {
  if (const Problems problems = check(platform); !problems.empty()) return refuse("platform", platform.name, problems);
  Platform next = platform;
  const auto old = catalog_.platforms.find(platform.name);
  const bool is_new = old == catalog_.platforms.end();
  if (!is_new) {
    next.id = old->second.id;
    if (next == old->second) return {};
  } else if (!restoring_) {
    // Rows are never removed, so the number of platforms is also the highest id that was given.
    next.id = 1;
    for (const auto& [id, name] : catalog_.platform_names) next.id = std::max(next.id, id + 1);
  } else if (next.id == 0 || catalog_.platform_names.contains(next.id)) {
    return fail(Code::kInvalid, "platform " + printable(next.name) + ": its id " + std::to_string(next.id) +
                                    " is 0 or another platform's");
  }
  Result<void> done = connection_.run(
      "INSERT INTO platform (id, name, server, docroot, services, cms, state, block, body_limit, drush) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO UPDATE SET "
      "server = ?3, docroot = ?4, services = ?5, cms = ?6, state = ?7, block = ?8, body_limit = ?9, drush = ?10",
      next.id, next.name, next.server, next.docroot, next.services, next.cms, next.state, next.block, next.body_limit,
      next.drush);
  if (!done) return done;
  if (next.state == PlatformState::kDeleted) {
    done = connection_.run("DELETE FROM codebase WHERE platform = ?1", next.id);
    if (!done) return done;
  }
  catalog_.note(next);
  did(is_new                                  ? "created platform"
      : next.state == PlatformState::kDeleted ? "deleted platform"
                                              : "changed platform",
      next.name);
  return log(ChangeKind::kPlatform, std::to_string(next.id));
}

Result<void> SqliteWriter::put(const Settings& settings) {
  if (const Problems problems = check(settings); !problems.empty()) return refuse("settings", "", problems);
  const Result<Settings> old = read_settings(connection_);
  if (!old) return std::unexpected<Error>(old.error());
  if (*old == settings) return {};
  if (Result<void> done = write_settings(connection_, settings); !done) return done;
  did("changed", "settings");
  return log(ChangeKind::kSettings, "");
}

Result<void> SqliteWriter::remove_server(std::string_view name) {
  const auto server = catalog_.servers.find(name);
  if (server == catalog_.servers.end()) return fail(Code::kNotFound, "there is no server " + printable(name));
  const auto used = [&](const std::string& by) {
    return fail(Code::kConflict, "server " + printable(name) + " is used by " + by, "remove or move that first");
  };
  for (const auto& [key, platform] : catalog_.platforms) {
    if (platform.server == name && platform.state != PlatformState::kDeleted) return used("platform '" + key + "'");
  }
  for (const auto& [key, open] : catalog_.blocks) {
    if (open.block.server == name) return used("block '" + key + "'");
  }
  const Result<bool> databases = any("SELECT 1 FROM site WHERE database_server = ?1 LIMIT 1", name);
  if (!databases) return std::unexpected<Error>(databases.error());
  if (*databases) return used("the databases of sites");
  if (Result<void> done = connection_.run("DELETE FROM server WHERE name = ?1", name); !done) return done;
  did("removed server", name);
  catalog_.servers.erase(server);
  return {};
}

Result<void> SqliteWriter::remove_client(std::string_view name) {
  const auto client = catalog_.clients.find(name);
  if (client == catalog_.clients.end()) return fail(Code::kNotFound, "there is no client " + printable(name));
  for (const auto& [key, open] : catalog_.blocks) {
    if (open.block.client == name) {
      return fail(Code::kConflict, "client " + printable(name) + " has block '" + key + "'", "remove that first");
    }
  }
  Query sites = connection_.query("SELECT uri FROM site WHERE client = ?1 LIMIT 1", name);
  const Result<bool> used = sites.next();
  if (!used) return std::unexpected<Error>(used.error());
  if (*used) {
    return fail(Code::kConflict, "client " + printable(name) + " has sites, among them " + printable(sites.text(0)),
                "delete them or give them to another client first");
  }
  if (Result<void> done = connection_.run("DELETE FROM client WHERE name = ?1", name); !done) return done;
  did("removed client", name);
  catalog_.clients.erase(client);
  return {};
}

Result<void> SqliteWriter::remove_block(std::string_view name) {
  const auto block = catalog_.blocks.find(name);
  if (block == catalog_.blocks.end()) return fail(Code::kNotFound, "there is no block " + printable(name));
  if (block->second.next_slot > 0) {
    return fail(Code::kConflict, "slots of block " + printable(name) + " were given to sites",
                "keep the block: its uids must never be given again");
  }
  for (const auto& [key, platform] : catalog_.platforms) {
    if (platform.block == name && platform.state != PlatformState::kDeleted) {
      return fail(Code::kConflict, "block " + printable(name) + " is used by platform '" + key + "'",
                  "give the platform another block first");
    }
  }
  if (Result<void> done = connection_.run("DELETE FROM block WHERE name = ?1", name); !done) return done;
  did("removed block", name);
  catalog_.forget_block(block->first);
  return {};
}

Result<void> SqliteWriter::remove_platform(std::string_view name) {
  const auto platform = catalog_.platforms.find(name);
  if (platform == catalog_.platforms.end()) return fail(Code::kNotFound, "there is no platform " + printable(name));
  Platform deleted = platform->second;
  deleted.state = PlatformState::kDeleted;
  return put(deleted);
}

Result<void> SqliteWriter::restore(const History& history) {
  if (restoring_ || identity_.sequence != 0 || !deeds_.empty()) {
    return fail(Code::kConflict, "a registry can only be restored into an empty one", "name a new file for it");
  }
  for (const char* sql : {"SELECT 1 FROM audit LIMIT 1", "SELECT 1 FROM candidate LIMIT 1"}) {
    const Result<bool> there = any(sql, "");
    if (!there) return std::unexpected<Error>(there.error());
    if (*there)
      return fail(Code::kConflict, "a registry can only be restored into an empty one", "name a new file for it");
  }
  restoring_ = true;
  identity_ = {history.registry_id, history.sequence, history.sequence, tag()};
  for (const AuditEntry& entry : history.audit) {
    Result<void> done =
        connection_.run("INSERT INTO audit (sequence, time, actor, what, why) VALUES (?1, ?2, ?3, ?4, ?5)",
                        entry.sequence, entry.time, entry.actor, entry.what, entry.why);
    if (!done) return done;
  }
  return {};
}

Result<void> SqliteWriter::begin_log_above(std::uint64_t sequence) {
  identity_.sequence = identity_.log_start = std::max(identity_.sequence, sequence) + 1;
  identity_.log_start_tag = tag();
  did("began the change log anew at", std::to_string(identity_.sequence));
  return {};
}

Result<void> SqliteWriter::finish(const Actor& actor) {
  if (const auto problems = check_servers(); !problems.empty()) {
    return refuse("server", problems.front().first, {problems.front().second});
  }
  if (deed_count_ > 0 && !restoring_) {
    std::string what;
    for (const std::string& deed : deeds_) what += (what.empty() ? "" : "; ") + deed;
    if (deed_count_ > deeds_.size()) what += "; and " + std::to_string(deed_count_ - deeds_.size()) + " more";
    Result<void> done =
        connection_.run("INSERT INTO audit (sequence, time, actor, what, why) VALUES (?1, ?2, ?3, ?4, ?5)",
                        identity_.sequence, std::time(nullptr), actor.name, what, actor.why);
    if (!done) return done;
  }
  return connection_.run("UPDATE registry SET id = ?1, sequence = ?2, log_start = ?3, log_start_tag = ?4",
                         Blob(identity_.id), identity_.sequence, identity_.log_start, identity_.log_start_tag);
}

std::uint64_t SqliteWriter::tag() {
  // None in memory, where one document has to give the same map each time.
  while (tag_ == 0 && connection_.path() != kMemory) {
    std::array<unsigned char, sizeof tag_> bytes;
    random_bytes(bytes);
    tag_ = std::bit_cast<std::uint64_t>(bytes);
  }
  return tag_;
}

Result<void> SqliteWriter::log(ChangeKind kind, std::string_view key) {
  if (restoring_) return {};
  return connection_.run("INSERT INTO change (sequence, kind, key, tag) VALUES (?1, ?2, ?3, ?4)", ++identity_.sequence,
                         kind, key, tag());
}

Result<void> SqliteWriter::log_names(std::string_view sql, std::string_view value) {
  Query hosts = connection_.query(sql, value);
  for (;;) {
    const Result<bool> row = hosts.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return {};
    if (Result<void> done = log(ChangeKind::kHost, hosts.text(0)); !done) return done;
  }
}

Result<bool> SqliteWriter::any(std::string_view sql, std::string_view value) {
  if (value.empty()) return connection_.query(sql).next();
  return connection_.query(sql, value).next();
}

void SqliteWriter::did(std::string_view deed, std::string_view name) {
  if (deed_count_++ < kMostDeeds) deeds_.push_back(std::string(deed) + " " + std::string(name));
}

}  // namespace aegir::registry
