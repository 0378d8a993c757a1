// What an object needs from the others before it may be written: references that lead somewhere, names and slots that
// nobody else has. The rules for an object by itself are in validate.cpp.
#include <algorithm>

#include "compiler/core/nearest.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/registry/validate.hpp"
#include "compiler/registry/writer.hpp"

namespace aegir::registry {
namespace {

/// "there is no <noun> 'x'", with the nearest name that exists.
template <class Object>
Problem unknown(std::string field, std::string_view noun, std::string_view name, const Catalog::ByName<Object>& all) {
  std::vector<std::string_view> names;
  for (const auto& [key, object] : all) names.push_back(key);
  const std::string_view near = nearest(name, names);
  return {std::move(field), "there is no " + std::string(noun) + " " + printable(name),
          near.empty() ? "add it first, or name one that exists" : "did you mean " + printable(near) + "?",
          Code::kInvalid, std::string(noun) + "s/" + std::string(name)};
}

Problem problem_of(const Error& error) { return {"", error.message, error.hint, error.code}; }

const char* service_name(Service service) { return service == kApache ? "apache" : "nginx"; }

Services services_of(const Server& server) {
  Services services = 0;
  for (const WebService& service : server.web) services |= service.kind;
  return services;
}

}  // namespace

Problems SqliteWriter::check(const Server& server) { return validate(server); }

std::vector<std::pair<std::string, Problem>> SqliteWriter::check_servers() {
  std::vector<std::pair<std::string, Problem>> problems;
  for (const std::string& name : changed_servers_) {
    const auto found = catalog_.servers.find(name);
    if (found == catalog_.servers.end()) continue;
    const Server& server = found->second;
    for (const auto& [platform_name, platform] : catalog_.platforms) {
      if (platform.server != name || platform.state == PlatformState::kDeleted) continue;
      for (const Service service : {kApache, kNginx}) {
        if ((platform.services & ~services_of(server) & service) == 0) continue;
        problems.push_back({name,
                            {"web",
                             "platform '" + platform_name + "' is served by " + std::string(service_name(service)) +
                                 ", which this server would not have",
                             "change the platform's services too", Code::kConflict}});
      }
    }
    if (server.database) continue;
    const Result<bool> used = any("SELECT 1 FROM site WHERE database_server = ?1 LIMIT 1", name);
    if (!used) {
      problems.push_back({name, problem_of(used.error())});
    } else if (*used) {
      problems.push_back(
          {name,
           {"database", "sites have their databases on this server", "move or delete them too", Code::kConflict}});
    }
  }
  return problems;
}

Problems SqliteWriter::check(const Client& client) { return validate(client); }

Problems SqliteWriter::check(const Settings& settings) { return validate(settings); }

Problems SqliteWriter::check(const Block& block) {
  Problems problems = validate(block);
  if (!catalog_.servers.contains(block.server)) {
    problems.push_back(unknown("server", "server", block.server, catalog_.servers));
  }
  if (!block.client.empty() && !catalog_.clients.contains(block.client)) {
    problems.push_back(unknown("client", "client", block.client, catalog_.clients));
  }
  const std::uint64_t end = std::uint64_t{block.first_uid} + block.slots;
  for (const auto& [name, other] : catalog_.blocks) {
    const std::uint64_t other_end = std::uint64_t{other.block.first_uid} + other.block.slots;
    if (name == block.name || block.first_uid >= other_end || other.block.first_uid >= end) continue;
    problems.push_back({"first_uid",
                        "uids " + std::to_string(block.first_uid) + " to " + std::to_string(end - 1) +
                            " overlap those of block '" + name + "' (" + std::to_string(other.block.first_uid) +
                            " to " + std::to_string(other_end - 1) + ")",
                        "begin at " + std::to_string(other_end), Code::kConflict});
  }
  const auto old = catalog_.blocks.find(block.name);
  if (old == catalog_.blocks.end() || old->second.next_slot == 0) return problems;
  const std::string given = "slots of it were given to sites";
  if (old->second.block.first_uid != block.first_uid) {
    problems.push_back({"first_uid", given + ", so the uids of the block can't change any more", "make another block",
                        Code::kConflict});
  }
  if (old->second.block.isolation != block.isolation) {
    problems.push_back(
        {"isolation", given + ", so the block can't change what they share", "make another block", Code::kConflict});
  }
  if (old->second.block.server != block.server) {
    problems.push_back(
        {"server", given + ", so the block can't leave its server", "make another block", Code::kConflict});
  }
  if (block.slots < old->second.next_slot) {
    problems.push_back(
        {"slots",
         given + " up to number " + std::to_string(old->second.next_slot - 1) + ", so it can't have fewer",
         {},
         Code::kConflict});
  }
  return problems;
}

Problems SqliteWriter::check(const Platform& platform) {
  Problems problems = validate(platform);
  const auto old = catalog_.platforms.find(platform.name);
  const bool leaves = old != catalog_.platforms.end() &&
                      (platform.state == PlatformState::kDeleted || old->second.server != platform.server);
  if (leaves) {
    Query sites = connection_.query("SELECT uri FROM site WHERE platform = ?1 LIMIT 1", old->second.id);
    const Result<bool> used = sites.next();
    if (!used) {
      problems.push_back(problem_of(used.error()));
    } else if (*used) {
      problems.push_back({platform.state == PlatformState::kDeleted ? "state" : "server",
                          "the platform has sites, among them " + printable(sites.text(0)),
                          "migrate or delete them first", Code::kConflict});
    }
  }
  if (platform.state == PlatformState::kDeleted) return problems;
  const auto server = catalog_.servers.find(platform.server);
  if (server == catalog_.servers.end()) {
    problems.push_back(unknown("server", "server", platform.server, catalog_.servers));
  } else if ((platform.services & ~services_of(server->second)) != 0) {
    problems.push_back({"services", "server '" + platform.server + "' does not have these web services",
                        "add them to the server's \"web\", or name those that it has"});
  }
  if (platform.block.empty()) return problems;
  const auto block = catalog_.blocks.find(platform.block);
  if (block == catalog_.blocks.end()) {
    problems.push_back(unknown("block", "block", platform.block, catalog_.blocks));
  } else if (block->second.block.server != platform.server) {
    problems.push_back(
        {"block",
         "block '" + platform.block + "' is on server '" + block->second.block.server + "', the platform is not",
         "name a block of server '" + platform.server + "'"});
  }
  return problems;
}

Problems SqliteWriter::check(const Site& site) {
  const Result<std::optional<Site>> old = find_by_uri(site.uri);
  if (!old) return {problem_of(old.error())};
  return check(site, old->has_value() ? &**old : nullptr);
}

Problems SqliteWriter::check(const Site& site, const Site* old) {
  if (site.state == SiteState::kDeleted && !restoring_) {
    if (old != nullptr) return {};
    return {{"", "there is no site " + printable(site.uri) + " to delete", {}, Code::kNotFound}};
  }
  Problems problems = validate(site);
  if (site.state == SiteState::kDeleted) {  // history: what it refers to may be gone, but for the platform's row
    if (!catalog_.platforms.contains(site.platform)) {
      problems.push_back(unknown("platform", "platform", site.platform, catalog_.platforms));
    }
    return problems;
  }
  check_references(site, problems);
  check_arrival(site, old, problems);
  check_names(site, old, problems);
  check_slot(site, old, problems);
  return problems;
}

void SqliteWriter::check_references(const Site& site, Problems& problems) {
  const auto platform = catalog_.platforms.find(site.platform);
  if (platform == catalog_.platforms.end()) {
    problems.push_back(unknown("platform", "platform", site.platform, catalog_.platforms));
  } else if (platform->second.state == PlatformState::kDeleted) {
    problems.push_back({"platform", "platform '" + site.platform + "' is deleted", "name another platform"});
  }
  if (!site.client.empty() && !catalog_.clients.contains(site.client)) {
    problems.push_back(unknown("client", "client", site.client, catalog_.clients));
  }
  if (site.database.server.empty()) return;
  const auto server = catalog_.servers.find(site.database.server);
  if (server == catalog_.servers.end()) {
    problems.push_back(unknown("database/server", "server", site.database.server, catalog_.servers));
  } else if (!server->second.database) {
    problems.push_back({"database/server", "server '" + site.database.server + "' has no database service",
                        "name a server that has one, or add \"database\" to this one"});
  }
}

void SqliteWriter::check_arrival(const Site& site, const Site* old, Problems& problems) {
  const auto platform = catalog_.platforms.find(site.platform);
  const bool moves_in = !restoring_ && (old == nullptr || old->platform != site.platform);
  if (moves_in && platform != catalog_.platforms.end() && platform->second.state == PlatformState::kLocked) {
    problems.push_back({"platform", "platform '" + site.platform + "' is locked: it takes no new sites",
                        "name another platform, or enable this one", Code::kConflict});
  }
  const Database& database = site.database;
  if (database.server.empty()) return;
  if (old != nullptr && old->database.server == database.server && old->database.name == database.name) return;
  Query other = connection_.query("SELECT uri FROM site WHERE database_server = ?1 AND database_name = ?2",
                                  database.server, database.name);
  const Result<bool> taken = other.next();
  if (!taken) {
    problems.push_back(problem_of(taken.error()));
  } else if (*taken) {
    problems.push_back({"database/name",
                        "database '" + database.name + "' on server '" + database.server + "' belongs to site " +
                            printable(other.text(0)),
                        "give each site a database of its own", Code::kConflict});
  }
}

void SqliteWriter::check_names(const Site& site, const Site* old, Problems& problems) {
  const auto take = [&](const std::string& host, std::string field) {
    const Result<std::string> holder = holder_of(host);
    if (!holder) {
      problems.push_back(problem_of(holder.error()));
    } else if (!holder->empty() && (old == nullptr || *holder != old->uri)) {
      problems.push_back({std::move(field), "the name " + printable(host) + " is taken by site " + printable(*holder),
                          "choose another name, or take it from that site first", Code::kConflict});
    }
  };
  take(site.uri, "");
  for (const Alias& alias : site.aliases) take(alias.host, "aliases/" + alias.host);
}

void SqliteWriter::check_slot(const Site& site, const Site* old, Problems& problems) {
  const auto platform = catalog_.platforms.find(site.platform);
  const bool placed = platform != catalog_.platforms.end() && platform->second.state != PlatformState::kDeleted;
  if (site.block.empty()) {
    if (!placed || !needs_slot(site, old)) return;
    const Result<std::string> block = choose_block(site);
    if (!block) problems.push_back({"", block.error().message, block.error().hint, block.error().code});
    return;
  }
  const auto found = catalog_.blocks.find(site.block);
  if (found == catalog_.blocks.end()) {
    problems.push_back(unknown("slot/block", "block", site.block, catalog_.blocks));
    return;
  }
  const Block& block = found->second.block;
  const std::string slot = "slot " + std::to_string(site.slot) + " of block '" + site.block + "'";
  if (placed && block.server != platform->second.server) {
    problems.push_back({"slot/block",
                        "block '" + site.block + "' is not on the server of platform '" + site.platform + "'",
                        "leave the slot out; the site is then given one"});
  } else if (!block.client.empty() && block.client != site.client) {
    problems.push_back({"slot/block", "block '" + site.block + "' belongs to client '" + block.client + "'",
                        "name a block for everybody, or give the site to that client", Code::kConflict});
  } else if (site.slot >= block.slots) {
    problems.push_back({"slot/number", slot + " does not exist; it has " + std::to_string(block.slots), {}});
  }
  Query row = connection_.query("SELECT state, site FROM slot WHERE block = ?1 AND number = ?2", site.block, site.slot);
  const Result<bool> given = row.next();
  if (!given) {
    problems.push_back(problem_of(given.error()));
  } else if (*given && static_cast<SlotState>(row.integer(0)) == SlotState::kRetired) {
    problems.push_back({"slot/number", slot + " is retired: it was used by site " + printable(row.text(1)),
                        "leave the slot out; the site is then given one", Code::kConflict});
  } else if (*given && block.isolation == Isolation::kSite && row.text(1) != (old == nullptr ? site.uri : old->uri)) {
    problems.push_back({"slot/number", slot + " belongs to site " + printable(row.text(1)),
                        "leave the slot out; the site is then given one", Code::kConflict});
  }
}

}  // namespace aegir::registry
