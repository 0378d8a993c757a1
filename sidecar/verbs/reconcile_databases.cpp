// reconcile: databases and their users.
#include <algorithm>

#include "sidecar/verbs/reconcile.hpp"

namespace aegir::verbs {

using registry::SiteState;
using tasks::Work;

namespace {

/// Whether it is the server that could not be asked, rather than the site that is not let in.
bool is_servers(const Error& error) { return error.code == Code::kIo || error.code == Code::kBusy; }

std::string about(const KnownServer& server) { return "server " + server.records.front(); }

std::string what(const StrayName& stray) { return (stray.is_database ? "database '" : "user '") + stray.name + "'"; }

std::string how_to_drop(const StrayName& stray) {
  return "look whose it is; when nobody needs it, run there: " +
         (stray.is_database ? "DROP DATABASE `" + stray.name + "`" : "DROP USER " + stray.accounts);
}

}  // namespace

Result<void> Reconciliation::databases(Work& work) {
  // Several records may lead to one server, and what is of a site of one of them is nobody's for none.
  std::vector<KnownServer> known;
  for (const registry::Server& server : servers_) {
    if (!server.database) continue;
    database::Server databases = services_.database_server(server);
    Result<std::string> identity = databases.identity();
    if (!identity) {
      differences_.leave(work, "server " + server.name, identity.error());
      continue;
    }
    const auto same = std::ranges::find(known, *identity, &KnownServer::identity);
    if (same == known.end()) {
      known.push_back({*std::move(identity), {server.name}, std::move(databases)});
    } else {
      same->records.push_back(server.name);
    }
    if (Result<void> looked = look_at_logins(work, server); !looked) return looked;
  }
  for (const KnownServer& server : known) {
    if (Result<void> looked = look_at_foreign(work, server); !looked) return looked;
  }
  return {};
}

Result<void> Reconciliation::look_at_logins(Work& work, const registry::Server& server) {
  const database::Server databases = services_.database_server(server);
  for (const auto& [uri, site] : sites_) {
    if (site.database_server != server.name || site.block.empty()) continue;
    if (Result<void> on = cancelled(work); !on) return on;
    if (Result<void> looked = look_at_login(work, databases, uri); !looked) return looked;
  }
  return {};
}

Result<void> Reconciliation::look_at_login(Work& work, const database::Server& server, const std::string& uri) {
  const auto load = [&] {
    return services_.store().with([&](registry::Store& store) { return load_site(store, uri); });
  };
  const auto log_in = [&](const SiteContext& context) {
    const registry::DatabaseService& service = *context.database;
    const registry::Database& own = context.site.database;
    const std::string socket = service.host == "localhost" ? services_.config().database_socket : "";
    return database::try_login({service.host, service.port, socket, own.user, own.password, own.name});
  };
  Result<SiteContext> context = load();
  if (!context || !context->database || log_in(*context)) return {};
  const std::optional<tasks::Loan> loan = work.borrow(locks_of(uri));
  if (!loan) return {};
  context = load();
  if (!context || context->site.state == SiteState::kInstalling) return {};
  const Result<void> refused = log_in(*context);
  if (refused) return {};
  const std::string about = "site " + uri;
  if (is_servers(refused.error())) {
    differences_.leave(work, about, refused.error());
    return {};
  }
  const registry::Database& own = context->site.database;
  const Result<bool> is_there = server.exists(own.name);
  if (!is_there) return std::unexpected(is_there.error());
  if (!*is_there) {
    differences_.leave(work, about, "its database '" + own.name + "' is missing",
                       "put it back from a backup, or delete the site");
    return {};
  }
  differences_.mend(work, about, "it does not get into its database '" + own.name + "': " + refused.error().message,
                    [&]() -> Result<void> {
                      Result<void> done = server.admit(own.name, own.user, own.password, database::kLocalHosts);
                      return done ? log_in(*context) : done;
                    });
  return {};
}

Result<std::optional<database::Creation>> Reconciliation::creation_of(const registry::Site& deleted) {
  const Result<bool> is = is_doomed(deleted.id);
  if (!is) return std::unexpected(is.error());
  if (!*is) return std::nullopt;
  return services_.store().with([&](registry::Store& store) -> Result<std::optional<database::Creation>> {
    registry::TaskFilter of_site;
    of_site.kind = registry::ObjectKind::kSite;
    of_site.site = deleted.id;
    const Result<std::vector<registry::Task>> tasks = store.tasks().list(of_site);
    if (!tasks) return std::unexpected(tasks.error());
    for (const registry::Task& task : *tasks) {
      if (task.verb != "install") continue;
      const Result<std::vector<registry::StepRow>> steps = store.tasks().steps(task.id);
      if (!steps) return std::unexpected(steps.error());
      const auto reserve = std::ranges::find(*steps, "reserve", &registry::StepRow::name);
      if (reserve == steps->end()) continue;
      const nlohmann::json memo = nlohmann::json::parse(reserve->memo, nullptr, false);
      if (!memo.is_object() || !memo.contains("mark")) continue;
      return database::Creation{deleted.database.name, deleted.database.password,
                                memo.at("hosts").get<std::vector<std::string>>(), memo.at("mark").get<std::string>()};
    }
    return std::nullopt;
  });
}

Result<std::vector<StrayName>> Reconciliation::strays_on(const KnownServer& server) {
  const Result<database::Inventory> inventory = server.databases.inventory();
  if (!inventory) return std::unexpected(inventory.error());
  std::map<std::string, StrayName> found;
  for (const database::Inventory::Database& each : inventory->databases) {
    found[each.name] = {each.name, true, each.mark, {}};
  }
  for (const database::Inventory::User& each : inventory->users) {
    StrayName& user = found[each.user];
    user.name = each.user;
    user.accounts += (user.accounts.empty() ? "'" : ", '") + each.user + "'@'" + each.host + "'";
  }
  for (const auto& [uri, site] : sites_) {
    if (!server.is_of(site.database_server)) continue;
    found.erase(site.database);
    found.erase(site.user);
  }
  // What has come since the sites were read stands in the registry by now.
  std::vector<StrayName> strays;
  Result<void> read = services_.store().with([&](registry::Store& store) -> Result<void> {
    const Result<std::vector<registry::Task>> open = store.tasks().open();
    if (!open) return std::unexpected(open.error());
    const bool is_tried = std::ranges::any_of(*open, [](const registry::Task& task) {
      return task.kind == registry::ObjectKind::kServer && task.state == registry::TaskState::kProcessing;
    });
    for (auto& [name, stray] : found) {
      bool is_taken = is_tried && database::Server::is_trial(name);
      for (const std::string& record : server.records) {
        const Result<bool> has = store.has_database(record, name);
        if (!has) return std::unexpected(has.error());
        is_taken = is_taken || *has;
      }
      if (!is_taken) strays.push_back(std::move(stray));
    }
    return {};
  });
  if (!read) return pass(read);
  return strays;
}

Result<std::map<std::string, registry::Site>> Reconciliation::deleted_on(const KnownServer& server,
                                                                         const std::vector<StrayName>& strays) {
  std::map<std::string, registry::Site> deleted;
  Result<void> read = services_.store().with([&](registry::Store& store) {
    return store.each_site_with_deleted([&](const registry::Site& site) -> Result<void> {
      if (site.state == SiteState::kDeleted && server.is_of(site.database.server) &&
          std::ranges::binary_search(strays, site.database.name, {}, &StrayName::name)) {
        deleted[site.database.name] = site;
      }
      return {};
    });
  });
  if (!read) return pass(read);
  return deleted;
}

Result<void> Reconciliation::look_at_foreign(Work& work, const KnownServer& server) {
  Result<std::vector<StrayName>> strays = strays_on(server);
  if (strays && !strays->empty()) {
    // What a task was just taking away is gone by now.
    const Result<std::vector<StrayName>> still = strays_on(server);
    if (!still) return std::unexpected(still.error());
    std::erase_if(*strays, [&](const StrayName& stray) {
      return std::ranges::find(*still, stray.name, &StrayName::name) == still->end();
    });
  }
  if (!strays) {
    differences_.leave(work, "server " + server.records.front(), strays.error());
    return {};
  }
  if (strays->empty()) return {};
  const Result<std::map<std::string, registry::Site>> deleted = deleted_on(server, *strays);
  if (!deleted) return std::unexpected(deleted.error());
  for (const StrayName& stray : *strays) {
    if (Result<void> on = cancelled(work); !on) return on;
    const auto was = deleted->find(stray.name);
    const Result<bool> mended =
        was == deleted->end() ? Result<bool>(false) : look_at_remains(work, server, stray, was->second);
    if (!mended) return std::unexpected(mended.error());
    if (!*mended) name_stray(work, server, stray);
  }
  return {};
}

/// What of a deleted site stands there still. False: it is another's.
Result<bool> Reconciliation::look_at_remains(Work& work, const KnownServer& server, const StrayName& stray,
                                             const registry::Site& deleted) {
  const std::optional<tasks::Loan> loan = work.borrow(locks_of(deleted.uri));
  if (!loan) return true;  // a task is at work on it
  const Result<std::optional<database::Creation>> creation = creation_of(deleted);
  if (!creation) return std::unexpected(creation.error());
  if (!creation->has_value() || (stray.is_database && stray.mark != (*creation)->mark)) return false;
  differences_.mend(work, about(server), what(stray) + " is of site " + deleted.uri + ", which was deleted",
                    [&]() -> Result<void> {
                      const Result<database::Removed> removed = server.databases.undo(**creation);
                      if (!removed) return std::unexpected(removed.error());
                      if (removed->left.empty()) return {};
                      return fail(Code::kConflict, removed->left.front(), how_to_drop(stray));
                    });
  return true;
}

/// One that only a person can tell whose it is.
void Reconciliation::name_stray(Work& work, const KnownServer& server, const StrayName& stray) {
  const auto elsewhere = std::ranges::find_if(sites_, [&](const auto& each) {
    const KnownSite& site = each.second;
    return !server.is_of(site.database_server) && (site.database == stray.name || site.user == stray.name);
  });
  std::string said = what(stray);
  std::string next = how_to_drop(stray);
  if (elsewhere != sites_.end()) {
    const std::string& other = elsewhere->second.database_server;
    said += " is of no site here, and site " + elsewhere->first + " has one of that name on server " + other;
    next = "find out whether server " + other +
           " is this one by another way, as in a cluster: then it is that site's, and both records are to be one";
  } else if (database::Server::is_trial(stray.name)) {
    said += " was made to try the server, and no task does so now";
  } else if (stray.mark.empty()) {
    said += " is of no site of the registry";
  } else {
    said += " was made for a site, and the registry has none that it is of";
  }
  if (stray.mark.empty() && !database::Server::is_trial(stray.name)) {
    differences_.mention(work, about(server) + ": " + said, next);
  } else {
    differences_.leave(work, about(server), said, next);
  }
}

}  // namespace aegir::verbs
