#include "compiler/registry/catalog.hpp"

namespace aegir::registry {
namespace {

/// Calls `take` for each row.
template <class Take>
Result<void> each_row(Query query, Take take) {
  for (;;) {
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return {};
    take(query);
  }
}

template <class Number>
Number number(const Query& row, int column) {
  return static_cast<Number>(row.integer(column));
}

Result<void> load_servers(Connection& connection, Catalog& catalog) {
  Result<void> done =
      each_row(connection.query("SELECT name, host, database_type, database_host, database_port FROM server"),
               [&](const Query& row) {
                 Server server{std::string(row.text(0)), std::string(row.text(1)), {}, {}};
                 if (!row.is_null(2)) {
                   server.database.emplace(DatabaseService{std::string(row.text(2)), std::string(row.text(3)),
                                                           number<std::uint16_t>(row, 4)});
                 }
                 catalog.servers.emplace(server.name, std::move(server));
               });
  if (!done) return done;
  return each_row(
      connection.query("SELECT server, kind, http_port, https_port, probe_address FROM web_service ORDER BY 1, 2"),
      [&](const Query& row) {
        catalog.servers.find(row.text(0))
            ->second.web.push_back({static_cast<Service>(row.integer(1)), number<std::uint16_t>(row, 2),
                                    number<std::uint16_t>(row, 3), std::string(row.text(4))});
      });
}

Result<void> load_blocks(Connection& connection, Catalog& catalog) {
  return each_row(
      connection.query("SELECT name, server, php_version, client, first_uid, slots, max_children, isolation, "
                       "(SELECT max(number) + 1 FROM slot WHERE slot.block = block.name) FROM block"),
      [&](const Query& row) {
        catalog.note({std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                      std::string(row.text(3)), number<std::uint32_t>(row, 4), number<std::uint32_t>(row, 5),
                      number<std::uint32_t>(row, 6), static_cast<Isolation>(row.integer(7))},
                     number<std::uint32_t>(row, 8));
      });
}

Result<void> load_platforms(Connection& connection, Catalog& catalog) {
  return each_row(connection.query(
                      "SELECT id, name, server, docroot, services, cms, state, block, body_limit, drush FROM platform"),
                  [&](const Query& row) {
                    catalog.note({number<std::uint32_t>(row, 0), std::string(row.text(1)), std::string(row.text(2)),
                                  std::string(row.text(3)), number<Services>(row, 4), static_cast<Cms>(row.integer(5)),
                                  static_cast<PlatformState>(row.integer(6)), std::string(row.text(7)),
                                  number<std::uint32_t>(row, 8), std::string(row.text(9))});
                  });
}

}  // namespace

void Catalog::note(const Block& block, std::uint32_t next_slot) {
  OpenBlock& open = blocks[block.name];
  open_blocks.erase({open.block.server, open.block.client, open.block.first_uid});
  open = {block, next_slot};
  if (!open.full() && !open.shared()) {
    open_blocks.emplace(std::tuple(block.server, block.client, block.first_uid), block.name);
  }
}

void Catalog::forget_block(const std::string& name) {
  const auto open = blocks.find(name);
  const Block& block = open->second.block;
  open_blocks.erase({block.server, block.client, block.first_uid});
  blocks.erase(open);
}

void Catalog::note(const Platform& platform) {
  platforms[platform.name] = platform;
  platform_names[platform.id] = platform.name;
}

Result<Catalog> Catalog::load(Connection& connection) {
  Catalog catalog;
  if (Result<void> done = load_servers(connection, catalog); !done) return pass(done);
  Result<void> clients = each_row(connection.query("SELECT name, title, email FROM client"), [&](const Query& row) {
    Client client{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2))};
    catalog.clients.emplace(client.name, std::move(client));
  });
  if (!clients) return pass(clients);
  if (Result<void> done = load_blocks(connection, catalog); !done) return pass(done);
  if (Result<void> done = load_platforms(connection, catalog); !done) return pass(done);
  return catalog;
}

}  // namespace aegir::registry
