// verify: puts one thing of the registry right on this machine, and says what is wrong with it.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "compiler/cli/publishing.hpp"
#include "compiler/registry/isolation.hpp"
#include "compiler/verify/platform.hpp"

namespace aegir::cli {
namespace {

/// What to verify.
struct What {
  std::vector<std::string> sites;
  std::string platform;
  std::string server;
};

/// A registry that is opened for a Verify, by root, who works as aegir from now on.
struct Opened {
  Config config;
  Accounts accounts;
  KeyRing keys;
  std::unique_ptr<registry::Store> store;
};

std::expected<Opened, Errors> open(const Cli& cli) {
  ConfigResult config = configuration(cli);
  if (!config) return std::unexpected(std::move(config.error()));
  if (!is_root()) {
    return std::unexpected(
        Errors{{Code::kPermission, "verify writes files that belong to root, aegir and sites", {}, "run it as root"}});
  }
  Result<Accounts> accounts = resolve_accounts(*config);
  if (!accounts) return stop(accounts);
  Result<KeyRing> keys = map_keys(*config);
  if (!keys) return stop(keys);
  if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
  auto store = open_registry(cli.out, *config, registry::Store::Mode::kWrite);
  if (!store) return stop(store);
  return Opened{*std::move(config), *accounts, *std::move(keys), *std::move(store)};
}

Result<registry::Site> find_site(registry::Store& store, const std::string& uri) {
  Result<std::optional<registry::Site>> site = store.find_site(uri);
  if (!site) return pass(site);
  if (!site->has_value()) return fail(Code::kNotFound, "there is no site '" + uri + "'", "see `aegirc export`");
  if ((*site)->uri != uri) {
    return fail(Code::kNotFound, "'" + uri + "' is an alias of the site " + (*site)->uri,
                "run `aegirc verify --site " + (*site)->uri + "`");
  }
  if ((*site)->block.empty()) {
    return fail(Code::kConflict, "site " + uri + " has no slot, so nothing of it is on this machine",
                "import a block of PHP for its server, then its \"state\" again");
  }
  return **std::move(site);
}

/// Tree, files and record of sites. One that is wrong keeps no other from being put right.
Outcome verify_sites(const Cli& cli, const std::vector<std::string>& uris) {
  std::expected<Opened, Errors> opened = open(cli);
  if (!opened) return stop(opened);
  auto& [config, accounts, keys, store] = *opened;
  Result<FilesOfSites> files = FilesOfSites::load(config, accounts, *store);
  if (!files) return stop(files);
  machine::Done done;
  std::size_t verified = 0;
  for (const std::string& uri : uris) {
    Result<registry::Site> site = find_site(*store, uri);
    if (!site) {
      files->add({std::move(site.error())});
      continue;
    }
    ++verified;
    Result<void> prepared = machine::prepare_site_tree(config, accounts, files->sites().place_of(*site), done);
    files->write_again(*site, std::move(prepared), done);
    Errors broken = files->sites().lint(*site);
    for (Error& error : broken) error.message = "site " + uri + ": " + error.message;
    files->add(std::move(broken));
  }
  if (Result<void> recorded = files->record(done); !recorded) return stop(recorded);
  for (const std::string& note : files->sites().take_notes()) cli.out.note(note);
  for (const std::string& uri : uris) {
    const Result<registry::Site> site = find_site(*store, uri);
    if (!site) continue;
    const std::optional<std::string> warning = registry::sharing_warning(*site, files->sites().block_of(*site));
    if (warning) cli.out.note(*warning);
  }
  if (Result<void> noted = note_https(cli.out, config, *store, uris); !noted) return stop(noted);
  if (verified == 0) return files->finish({});
  DoneBefore before;
  before.sentence =
      put_right(done, files->has_errors() ? "Nothing was put right." : "Directories and files were as they should be.");
  before.facts["done"] = done;
  return files->finish(
      run_publisher(cli.out, config, keys, *store, [](publish::Publisher& map) { return map.publish(); }, before));
}

/// Publishes after a Verify of something else than sites, and tells what was wrong.
Outcome finish(const Cli& cli, Opened& opened, Result<verify::Told>& told, const machine::Done& done) {
  if (!told) return stop(told);
  const DoneBefore before = tell(cli.out, *told, done);
  return with(std::move(told->errors), run_publisher(
                                           cli.out, opened.config, opened.keys, *opened.store,
                                           [](publish::Publisher& map) { return map.publish(); }, before));
}

Outcome verify_platform(const Cli& cli, const std::string& name) {
  std::expected<Opened, Errors> opened = open(cli);
  if (!opened) return stop(opened);
  Result<emit::Model> model = verify::read_model(*opened->store, opened->config);
  if (!model) return stop(model);
  const auto platform = std::ranges::find_if(model->platforms, [&](const registry::Platform& each) {
    return each.name == name && each.state != registry::PlatformState::kDeleted;
  });
  if (platform == model->platforms.end()) {
    return std::unexpected(Errors{{Code::kNotFound, "there is no platform '" + name + "'", {}, "see `aegirc export`"}});
  }
  Result<verify::PlatformFacts> facts = verify::facts_of(*opened->store, *platform);
  if (!facts) return stop(facts);
  machine::Done done;
  Result<verify::Told> told = verify::verify_platform(opened->config, opened->accounts, *model, *facts, done);
  return finish(cli, *opened, told, done);
}

Outcome verify_server(const Cli& cli, const std::string& name) {
  std::expected<Opened, Errors> opened = open(cli);
  if (!opened) return stop(opened);
  Result<emit::Model> model = verify::read_model(*opened->store, opened->config);
  if (!model) return stop(model);
  if (std::ranges::find(model->servers, name, &registry::Server::name) == model->servers.end()) {
    return std::unexpected(Errors{{Code::kNotFound, "there is no server '" + name + "'", {}, "see `aegirc export`"}});
  }
  machine::Done done;
  Result<void> made = machine::prepare_directories(opened->config, opened->accounts, done);
  if (!made) return stop(made);
  Result<verify::Told> told = verify::verify_servers(opened->config, opened->accounts, *model, {}, done);
  return finish(cli, *opened, told, done);
}

}  // namespace

void add_verify(CLI::App& app, Cli& cli) {
  const auto what = std::make_shared<What>();
  CLI::App* const command = app.add_subcommand(
      "verify", "Put owners, files and configuration right on this machine, and publish; run it after an edit");
  command->add_option("--site", what->sites, "A site's tree, settings.php, drushrc.php and Drush aliases")
      ->option_text("URI ...");
  command
      ->add_option("--platform", what->platform,
                   "A platform's code and rules: its .htaccess as it is now, once Apache has accepted it")
      ->option_text("NAME");
  command
      ->add_option("--server", what->server,
                   "A server's folders, and its web servers' configuration with the files that you have put there")
      ->option_text("NAME");
  command->require_option(1);
  command->callback([&cli, what] {
    cli.command = [&cli, what] {
      if (!what->platform.empty()) return verify_platform(cli, what->platform);
      if (!what->server.empty()) return verify_server(cli, what->server);
      return verify_sites(cli, what->sites);
    };
  });
}

}  // namespace aegir::cli
