// reconcile: databases and their users.
#include <algorithm>

#include "sidecar/verbs/reconcile.hpp"

namespace aegir::verbs {

using registry::SiteState;
using tasks::Work;

namespace {

/// Whether it is the server that could not be asked, rather than the site that is not let in.
bool is_servers(const Error& error) { return error.code == Code::kIo || error.code == Code::kBusy; }

}  // namespace

Result<void> Reconciliation::databases(Work& work) {
  for (const registry::Server& server : servers_) {
    if (!server.database) continue;
    if (Result<void> looked = look_at_database_server(work, server); !looked) return looked;
  }
  return {};
}

Result<void> Reconciliation::look_at_database_server(Work& work, const registry::Server& server) {
  const database::Server databases = services_.database_server(server);
  const Result<database::Inventory> inventory = databases.inventory();
  if (!inventory) {
    differences_.leave(work, "server " + server.name, inventory.error());
    return {};
  }
  for (const auto& [uri, site] : sites_) {
    if (site.database_server != server.name || site.block.empty()) continue;
    if (Result<void> on = cancelled(work); !on) return on;
    if (Result<void> looked = look_at_login(work, databases, uri); !looked) return looked;
  }
  return look_at_foreign(work, server, databases, *inventory);
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

Result<void> Reconciliation::look_at_foreign(Work& work, const registry::Server& server,
                                             const database::Server& databases, const database::Inventory& inventory) {
  std::set<std::string> names;  // of databases and users that are no live site's
  std::map<std::string, std::string> marks;
  std::map<std::string, std::string> accounts;
  for (const database::Inventory::Database& each : inventory.databases) {
    names.insert(each.name);
    marks[each.name] = each.mark;
  }
  for (const database::Inventory::User& each : inventory.users) {
    names.insert(each.user);
    std::string& list = accounts[each.user];
    list += (list.empty() ? "'" : ", '") + each.user + "'@'" + each.host + "'";
  }
  for (const auto& [uri, site] : sites_) {
    if (site.database_server != server.name) continue;
    names.erase(site.database);
    names.erase(site.user);
  }
  if (names.empty()) return {};
  // A delete or install that is at work holds its site.
  std::map<std::string, registry::Site> deleted;
  Result<void> read = services_.store().with([&](registry::Store& store) {
    return store.each_site_with_deleted([&](const registry::Site& site) -> Result<void> {
      if (site.state == SiteState::kDeleted && site.database.server == server.name &&
          names.contains(site.database.name)) {
        deleted[site.database.name] = site;
      }
      return {};
    });
  });
  if (!read) return read;
  for (const std::string& name : names) {
    if (Result<void> on = cancelled(work); !on) return on;
    const auto known = marks.find(name);
    const std::string what = (known == marks.end() ? "user '" : "database '") + name + "'";
    const std::string next = "look whose it is; when nobody needs it, run there: " +
                             (known == marks.end() ? "DROP USER " + accounts[name] : "DROP DATABASE `" + name + "`");
    const auto was = deleted.find(name);
    if (was != deleted.end()) {
      const std::optional<tasks::Loan> loan = work.borrow(locks_of(was->second.uri));
      const Result<bool> is_taken =
          services_.store().with([&](registry::Store& store) { return store.has_database(server.name, name); });
      if (!is_taken) return std::unexpected(is_taken.error());
      if (!loan || *is_taken) continue;
      const Result<std::optional<database::Creation>> creation = creation_of(was->second);
      if (!creation) return std::unexpected(creation.error());
      if (creation->has_value() && (known == marks.end() || known->second == (*creation)->mark)) {
        differences_.mend(work, "server " + server.name,
                          what + " is of site " + was->second.uri + ", which was deleted", [&]() -> Result<void> {
                            const Result<database::Removed> removed = databases.undo(**creation);
                            if (!removed) return std::unexpected(removed.error());
                            if (removed->left.empty()) return {};
                            return fail(Code::kConflict, removed->left.front(), next);
                          });
        continue;
      }
    }
    if (known != marks.end() && !known->second.empty()) {
      differences_.leave(work, "server " + server.name,
                         what + " was made for a site, and the registry has none that it is of", next);
    } else {
      differences_.mention(work, "server " + server.name + ": " + what + " is of no site of the registry", next);
    }
  }
  return {};
}

}  // namespace aegir::verbs
