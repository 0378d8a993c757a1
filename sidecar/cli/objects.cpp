// aegir server …, aegir block …, aegir platform …, aegir client …
#include <CLI/CLI.hpp>

#include <charconv>
#include <filesystem>

#include "sidecar/cli/verbs.hpp"

namespace aegir::client {
namespace {

Json nothing() { return Json::object(); }

/// A command that prints the list at /v1/<name>; `profile`, of platforms, is what another option of it asks for.
CLI::App* add_list(CLI::App& noun, Cli& cli, const std::string& name, const char* help,
                   std::vector<std::string> columns, bool has_deleted = false,
                   const std::shared_ptr<std::string>& profile = std::make_shared<std::string>()) {
  CLI::App* const command = noun.add_subcommand("list", help);
  const auto deleted = std::make_shared<bool>(false);
  if (has_deleted) command->add_flag("--deleted", *deleted, "Deleted ones instead of the others");
  command->callback([&cli, name, columns = std::move(columns), deleted, profile] {
    cli.command = [&cli, name, columns, deleted, profile]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      std::string target = "/v1/" + name + (*deleted ? "?deleted=true" : "");
      if (!profile->empty()) target += (*deleted ? "&profile=" : "?profile=") + encoded(*profile);
      const Reply list = api->all(target, name, "after");
      if (!list) return std::unexpected(list.error());
      print_list(cli, name, *list, columns);
      return {};
    };
  });
  return command;
}

/// "8080" or "8080:8443" as the ports of a web service.
std::expected<Json, Errors> ports_of(const std::string& option, const std::string& text) {
  Json service = Json::object();
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto put = [&](const char* name, std::string_view digits) {
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (problem != std::errc() || end != digits.data() + digits.size() || port == 0) return false;
    service[name] = port;
    return true;
  };
  if (!put("http_port", std::string_view(text).substr(0, colon)) ||
      (colon < text.size() && !put("https_port", std::string_view(text).substr(colon + 1)))) {
    return stop_with(Code::kUsage, option + " " + text + " names no ports", "write " + option + " 80, or 80:443");
  }
  return service;
}

/// aegird works elsewhere; what a person names is seen from here.
std::string whole_path(const std::string& path) {
  std::string whole = std::filesystem::absolute(path).lexically_normal();
  if (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

struct NewServer {
  std::string host;
  std::string apache;
  std::string nginx;
  std::string database;
};

std::expected<Json, Errors> request_of(const NewServer& server) {
  Json request = Json::object();
  if (!server.host.empty()) request["host"] = server.host;
  for (const auto& [name, ports] : {std::pair("apache", &server.apache), std::pair("nginx", &server.nginx)}) {
    if (ports->empty()) continue;
    auto service = ports_of(std::string("--") + name, *ports);
    if (!service) return service;
    request["web"][name] = *std::move(service);
  }
  if (server.database.empty()) return request;
  const std::size_t colon = std::min(server.database.find(':'), server.database.size());
  Json database = {{"host", server.database.substr(0, colon)}};
  if (colon < server.database.size()) {
    const auto port = ports_of("--database", server.database.substr(colon + 1));
    if (!port) return stop_with(Code::kUsage, "--database " + server.database + " names no port", "write HOST:3306");
    database["port"] = port->at("http_port");
  }
  request["database"] = std::move(database);
  return request;
}

}  // namespace

void add_server(CLI::App& app, Cli& cli) {
  CLI::App* const noun = app.add_subcommand("server", "Hosts with web servers and databases");
  noun->require_subcommand(1);
  const auto server = std::make_shared<NewServer>();
  CLI::App* const add =
      add_verb(*noun, cli, {"server", "add"}, "NAME", "Add a server", [server] { return request_of(*server); });
  add->add_option("--host", server->host, "Its host name; localhost when left out")->option_text("HOST");
  add->add_option("--apache", server->apache, "It has Apache, at these ports")->option_text("PORT[:HTTPS-PORT]");
  add->add_option("--nginx", server->nginx, "It has nginx, at these ports")->option_text("PORT[:HTTPS-PORT]");
  add->add_option("--database", server->database, "It has MariaDB, which sites reach there")
      ->option_text("HOST[:PORT]");
  add_verb_on_many(*noun, cli, {"server", "verify"}, "NAME",
                   "Look whether a server's services can be used, and bring its files in force", nothing);
  add_show(*noun, cli, "NAME", "Show a server", "/v1/servers/");
  add_list(*noun, cli, "servers", "List servers: name, host", {"name", "host"});
}

void add_block(CLI::App& app, Cli& cli) {
  struct NewBlock {
    std::string server;
    std::string php;
    std::uint32_t slots = 0;
    std::uint32_t first_uid = 0;
    std::string client;
    std::uint32_t max_children = 0;
    bool is_shared = false;
  };
  CLI::App* const noun = app.add_subcommand("block", "Slots of PHP: each site has one, with a uid of its own");
  noun->require_subcommand(1);
  const auto block = std::make_shared<NewBlock>();
  CLI::App* const add = add_verb(*noun, cli, {"block", "add"}, "NAME",
                                 "Add slots, also with another version of PHP, and start their PHP-FPM",
                                 [block]() -> std::expected<Json, Errors> {
                                   Json request = Json::object();
                                   if (!block->server.empty()) request["server"] = block->server;
                                   if (!block->php.empty()) request["php_version"] = block->php;
                                   if (block->slots != 0) request["slots"] = block->slots;
                                   if (block->first_uid != 0) request["first_uid"] = block->first_uid;
                                   if (!block->client.empty()) request["client"] = block->client;
                                   if (block->max_children != 0) request["max_children"] = block->max_children;
                                   if (block->is_shared) request["isolation"] = "shared";
                                   return request;
                                 });
  add->add_option("--server", block->server, "Where it is; may be left out when there is one server")
      ->option_text("NAME");
  add->add_option("--php", block->php, "Version of PHP, which must be installed; 8.2 when left out")
      ->option_text("VERSION");
  add->add_option("--slots", block->slots, "So many; 64 when left out. A slot is given to one site, once")
      ->option_text("N");
  add->add_option("--first-uid", block->first_uid, "Uid of its first slot; the next that no block has when left out")
      ->option_text("UID");
  add->add_option("--client", block->client, "Only this client's sites get slots of it")->option_text("NAME");
  add->add_option("--max-children", block->max_children, "Most processes of one slot's PHP; 5 when left out")
      ->option_text("N");
  add->add_flag("--shared", block->is_shared,
                "One slot for all sites of the platforms that name it: they trust each other");
  add_show(*noun, cli, "NAME", "Show a block", "/v1/blocks/");
  add_list(*noun, cli, "blocks", "List blocks: name, server, php_version, slots, client",
           {"name", "server", "php_version", "slots", "client"});
}

void add_platform(CLI::App& app, Cli& cli) {
  struct NewPlatform {
    std::string docroot;
    std::string server;
    std::vector<std::string> services;
    std::string block;
    std::uint32_t body_limit = 0;
    std::string drush;
  };
  CLI::App* const noun = app.add_subcommand("platform", "Codebases that sites run on");
  noun->require_subcommand(1);
  const auto platform = std::make_shared<NewPlatform>();
  CLI::App* const add = add_verb(*noun, cli, {"platform", "add"}, "NAME", "Add a codebase as a platform, and verify it",
                                 [platform]() -> std::expected<Json, Errors> {
                                   Json request = {{"docroot", whole_path(platform->docroot)}};
                                   if (!platform->server.empty()) request["server"] = platform->server;
                                   if (!platform->services.empty()) request["services"] = platform->services;
                                   if (!platform->block.empty()) request["block"] = platform->block;
                                   if (platform->body_limit != 0) request["body_limit"] = platform->body_limit;
                                   if (!platform->drush.empty()) request["drush"] = whole_path(platform->drush);
                                   return request;
                                 });
  add->add_option("--docroot", platform->docroot,
                  "The directory of Drupal's index.php, below one of platform_roots in aegir.conf")
      ->option_text("DIR REQUIRED")
      ->required();
  add->add_option("--server", platform->server, "Where it lies; may be left out when there is one server")
      ->option_text("NAME");
  add->add_option("--service", platform->services, "Web server that serves it; all of the server's when left out")
      ->check(CLI::IsMember({"apache", "nginx"}))
      ->option_text("apache|nginx")
      ->allow_extra_args(false);
  add->add_option("--block", platform->block, "PHP block where its new sites get their slots")->option_text("NAME");
  add->add_option("--body-limit", platform->body_limit, "Largest request body, in MiB")->option_text("MIB");
  add->add_option("--drush", platform->drush, "drush.php (for Backdrop bee.php) for a codebase that brings none")
      ->option_text("PATH");
  add_verb_on_many(*noun, cli, {"platform", "verify"}, "NAME",
                   "Read a platform's packages, mend its modes, bring its rules in force", nothing);
  add_verb_on_many(*noun, cli, {"platform", "lock"}, "NAME", "Take no new sites on a platform", nothing);
  add_verb_on_many(*noun, cli, {"platform", "unlock"}, "NAME", "Take new sites again", nothing);
  add_verb_on_many(*noun, cli, {"platform", "delete", "", "Delete {}?"}, "NAME", "Delete a platform that has no sites",
                   nothing);
  add_show(*noun, cli, "NAME", "Show a platform: what it offers to new sites, and its packages", "/v1/platforms/",
           {{"/codebase/profiles", {"name", "version", "languages", "title"}},
            {"/codebase/packages", {"kind", "name", "version", "schema", "place", "path"}}});
  const auto profile = std::make_shared<std::string>();
  add_list(*noun, cli, "platforms", "List platforms: name, state, cms, server, docroot",
           {"name", "state", "cms", "server", "docroot"}, true, profile)
      ->add_option("--profile", *profile, "Those that take new sites with this install profile")
      ->option_text("NAME");
}

void add_client(CLI::App& app, Cli& cli) {
  struct NewClient {
    std::string title;
    std::string email;
  };
  CLI::App* const noun = app.add_subcommand("client", "Owners of sites");
  noun->require_subcommand(1);
  const auto client = std::make_shared<NewClient>();
  CLI::App* const add =
      add_verb(*noun, cli, {"client", "add"}, "NAME", "Add a client", [client]() -> std::expected<Json, Errors> {
        Json request = Json::object();
        if (!client->title.empty()) request["title"] = client->title;
        if (!client->email.empty()) request["email"] = client->email;
        return request;
      });
  add->add_option("--title", client->title, "Its name for people")->option_text("TEXT");
  add->add_option("--email", client->email, "Where mail about its sites goes")->option_text("ADDRESS");
  add_show(*noun, cli, "NAME", "Show a client", "/v1/clients/");
  add_list(*noun, cli, "clients", "List clients: name, title, email", {"name", "title", "email"});
}

}  // namespace aegir::client
