// aegir site …
#include <CLI/CLI.hpp>

#include "sidecar/cli/person.hpp"
#include "sidecar/cli/verbs.hpp"

namespace aegir::client {
namespace {

/// What `site install` is told.
struct Install {
  std::string platform;
  std::string profile;
  std::string language;
  std::string client;
  std::vector<std::string> aliases;
  std::string redirect_to;
  std::string https;
  std::string http_auth;
  std::string realm;
  std::string title;
  std::string mail;
};

void put(Json& request, const char* name, const std::string& value) {
  if (!value.empty()) request[name] = value;
}

std::expected<Json, Errors> request_of(const Install& install) {
  Json request = {{"platform", install.platform}};
  put(request, "profile", install.profile);
  put(request, "language", install.language);
  put(request, "client", install.client);
  for (const std::string& alias : install.aliases) {
    const std::size_t equals = alias.find('=');
    Json& entry = request["aliases"][alias.substr(0, equals)] = Json::object();
    if (equals != std::string::npos) entry["redirect_to"] = alias.substr(equals + 1);
  }
  put(request, "redirect_to", install.redirect_to);
  put(request, "https", install.https);
  if (!install.http_auth.empty()) {
    Result<std::string> secret = password("Password of " + install.http_auth);
    if (!secret) return cli::stop(secret);
    request["http_auth"] = {{"user", install.http_auth}, {"password", *secret}};
    put(request["http_auth"], "realm", install.realm);
  }
  put(request, "title", install.title);
  put(request, "mail", install.mail);
  return request;
}

void add_install(CLI::App& noun, Cli& cli) {
  const auto install = std::make_shared<Install>();
  CLI::App* const command =
      add_verb(noun, cli, {"site", "install"}, "URI", "Install a new site", [install] { return request_of(*install); });
  command->add_option("--platform", install->platform, "Where its code is; `aegir platform list` has them")
      ->option_text("NAME REQUIRED")
      ->required();
  command->add_option("--profile", install->profile, "Install profile; standard when left out")->option_text("NAME");
  command->add_option("--language", install->language, "Language that it is installed in; en when left out")
      ->option_text("CODE");
  command->add_option("--client", install->client, "Who owns it, and gets the welcome mail")->option_text("NAME");
  command->add_option("--alias", install->aliases, "Another host name, *.suffix too; with =TARGET it redirects there")
      ->option_text("HOST[=TARGET]")
      ->allow_extra_args(false);
  command->add_option("--redirect-to", install->redirect_to, "One of its names, to which all its others redirect")
      ->option_text("HOST");
  command->add_option("--https", install->https, "Whether it is reached by https; allowed when left out")
      ->check(CLI::IsMember({"none", "allowed", "required"}))
      ->option_text("none|allowed|required");
  CLI::Option* const user =
      command
          ->add_option("--http-auth", install->http_auth,
                       "Let nobody in but USER; the password is asked for, or read from standard input")
          ->option_text("USER");
  command->add_option("--http-auth-realm", install->realm, "What the browser shows then")
      ->option_text("TEXT")
      ->needs(user);
  command->add_option("--title", install->title, "Title of the site; its uri when left out")->option_text("TEXT");
  command->add_option("--mail", install->mail, "Address of user 1 and of the site; the client's when left out")
      ->option_text("ADDRESS");
}

void add_list(CLI::App& noun, Cli& cli) {
  struct Filter {
    bool deleted = false;
    std::string platform;
    std::string client;
    std::string state;
  };
  const auto filter = std::make_shared<Filter>();
  CLI::App* const command = noun.add_subcommand("list", "List sites: uri, platform, state, client");
  command->add_flag("--deleted", filter->deleted, "Deleted ones instead of the others");
  command->add_option("--platform", filter->platform, "Those on this platform")->option_text("NAME");
  command->add_option("--client", filter->client, "Those of this client")->option_text("NAME");
  command->add_option("--state", filter->state, "Those of this state")
      ->check(CLI::IsMember({"installing", "enabled", "disabled", "maintenance"}))
      ->option_text("installing|enabled|disabled|maintenance");
  command->callback([&cli, filter] {
    cli.command = [&cli, filter]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      std::string target = "/v1/sites?limit=500";
      if (filter->deleted) target += "&deleted=true";
      if (!filter->platform.empty()) target += "&platform=" + encoded(filter->platform);
      if (!filter->client.empty()) target += "&client=" + encoded(filter->client);
      if (!filter->state.empty()) target += "&state=" + filter->state;
      const Reply list = api->all(target, "sites", "after");
      if (!list) return std::unexpected(list.error());
      print_list(cli, "sites", *list, {"uri", "platform", "state", "client"});
      return {};
    };
  });
}

void add_log(CLI::App& noun, Cli& cli) {
  CLI::App* const command = noun.add_subcommand("log", "Print the log of a site's last task");
  const auto uri = std::make_shared<std::string>();
  const auto options = std::make_shared<LogOptions>();
  command->add_option("URI", *uri, "Which site, also a deleted one")->required();
  add_log_options(*command, *options);
  command->footer(
      "`aegir task list --site URI` lists all its tasks, `aegir task log ID` prints the log of one. Visits stand in\n"
      "apache-access.log and nginx-access.log in log_dir of aegir.conf (/var/log/aegir), the site's uri last in each "
      "line;\n"
      "what its PHP complains of stands in log/php.log of its slot (/var/lib/aegir-slots/BLOCK/NUMBER, see `aegir "
      "site\n"
      "show URI`).");
  command->callback([&cli, uri, options] {
    cli.command = [&cli, uri, options]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      const Reply tasks = api->get("/v1/tasks?kind=site&limit=1&object=" + encoded(*uri));
      if (!tasks) return std::unexpected(tasks.error());
      if (tasks->at("tasks").empty()) {
        return stop_with(Code::kNotFound, "there is no task of site '" + *uri + "'", "see `aegir site list`");
      }
      return print_log(cli, *api, tasks->at("tasks").front().value("id", std::uint64_t{0}), *options);
    };
  });
}

Json nothing() { return Json::object(); }

}  // namespace

void add_site(CLI::App& app, Cli& cli) {
  CLI::App* const noun = app.add_subcommand("site", "Drupal sites");
  noun->require_subcommand(1);
  add_install(*noun, cli);
  add_verb_on_many(*noun, cli, {"site", "verify", "enabled"}, "URI",
                   "Look after a site: modes, settings.php, drushrc.php, packages", nothing);
  add_verb_on_many(*noun, cli, {"site", "disable", "enabled"}, "URI", "Take a site off the web", nothing);
  add_verb_on_many(*noun, cli, {"site", "enable", "disabled"}, "URI", "Put a disabled site back on the web", nothing);
  add_verb_on_many(*noun, cli, {"site", "delete", "disabled", "Delete {} for ever, with database and files?"}, "URI",
                   "Delete a site; its record and history stay", nothing);
  add_verb_on_many(*noun, cli, {"site", "login", "enabled"}, "URI",
                   "Print a one-time link to log in as user 1 (\"Reset password\")", nothing);
  add_log(*noun, cli);
  add_show(*noun, cli, "URI", "Show a site with its packages; an alias finds it too", "/v1/sites/",
           {{"/packages", {"kind", "name", "version", "schema", "enabled", "place", "path"}}});
  add_list(*noun, cli);
}

}  // namespace aegir::client
