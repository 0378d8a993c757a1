#include "sidecar/verbs/install_request.hpp"

#include "compiler/core/utf8.hpp"
#include "compiler/registry/import_fields.hpp"

namespace aegir::verbs {

Result<InstallRequest> read_install(const registry::NewTask& task, const KeyRing& key) {
  InstallRequest request;
  request.site.uri = task.object;
  Result<std::string> canonical = registry::canonical_name(task.object, false);
  if (!canonical) return pass(canonical);
  if (*canonical != task.object) {
    return fail(Code::kInvalid, printable(task.object) + " is not the canonical form of a host name",
                "ask for " + *canonical);
  }
  bool given = false;
  Result<void> read = read_request(task.request, [&](registry::ObjectReader& in) {
    for (const char* own : {"database", "cron_key", "hash_salt", "slot"}) given = given || in.has(own);
    (void)registry::read_fields(in, request.site, key);
    (void)in.read("title", request.title);
    (void)in.read("mail", request.mail);
    if (request.site.platform.empty()) in.missing("platform", "name the platform that the site is to live on");
  });
  if (!read) return pass(read);
  if (given) {
    return fail(Code::kInvalid, "a new site is given its database, slot and keys; a request can't name them",
                "leave them out");
  }
  if (request.title.empty()) request.title = task.object;
  return request;
}

Result<std::string> database_server_for(registry::Store& store, const registry::Platform& platform) {
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  std::vector<std::string> names;
  for (const registry::Server& server : *servers) {
    if (!server.database) continue;
    if (server.name == platform.server) return server.name;
    names.push_back(server.name);
  }
  if (names.size() == 1) return names.front();
  return fail(Code::kConflict,
              names.empty() ? "no server has a database service"
                            : "several servers have a database service, and the platform's has none",
              "give the server '" + platform.server + "' a database service");
}

}  // namespace aegir::verbs
