// Where a site stands: core-status, which answers whatever the state, and php-eval, which needs all of it.
#include "sidecar/drush/answers.hpp"
#include "sidecar/drush/calls.hpp"
#include "sidecar/drush/php.hpp"

namespace aegir::drush {

Result<void> check_is_this_site(const Command& command, const Members& members, std::string_view database_key) {
  const Site& site = command.site();
  // The directory first: without one of its own there is no database either.
  const Result<std::string> directory = members.text_or_empty("site");
  if (!directory) return std::unexpected(directory.error());
  if (*directory != "sites/" + site.uri) {
    return command.wrong("the answer is of " +
                             (directory->empty() ? "no site" : '\'' + command.quote(*directory) + '\'') +
                             " and not of sites/" + site.uri,
                         "look that sites/" + site.uri +
                             "/settings.php is there and that the site's uid can read it: "
                             "verify the site",
                         Code::kConflict);
  }
  const Result<std::string> database = members.text(database_key);
  if (!database) return std::unexpected(database.error());
  if (*database != site.database.name) {
    return command.wrong(
        "the answer is of the database '" + command.quote(*database) + "' and not of " + site.database.name,
        "look for another $databases in the site's local.settings.php, or in those of the platform", Code::kConflict);
  }
  return {};
}

Result<Status> status(process::Runner& runner, const Site& site) {
  const bool backdrop = site.cms == registry::Cms::kBackdrop;
  const Command command(site, "core-status");
  const Result<process::Output> output = command.run(
      runner, backdrop ? php_program(site, backdrop_status_source(), {site.uri}, kQuick)
                       // Fewer fields would do, but for Drush 8, which prints all; the password is of none of these.
                       : tool_program(site,
                                      {"core-status", "--format=json",
                                       "--fields=drupal-version,site,db-name,db-status,bootstrap,install-profile"},
                                      kQuick));
  if (!output) return std::unexpected(output.error());
  const Result<registry::Document> document = command.json(output->out);
  if (!document) return std::unexpected(document.error());
  const Members members(command, "its answer", document->root());
  Result<std::string> version = members.text("drupal-version", 64);
  if (!version) return pass(version);
  if (Result<void> same = check_is_this_site(command, members, "db-name"); !same) return pass(same);
  // The words are in the site's language with Drush 8; that there are any says it.
  const Result<std::string> connected = members.text_or_empty("db-status");
  if (!connected) return std::unexpected(connected.error());
  const Result<std::string> bootstrap = members.text_or_empty("bootstrap");
  if (!bootstrap) return std::unexpected(bootstrap.error());
  Result<std::string> profile = members.text_or_empty("install-profile", 128);
  if (!profile) return pass(profile);
  Status status;
  status.core_version = std::move(*version);
  status.installed = !connected->empty() && !bootstrap->empty();
  if (status.installed) status.profile = std::move(*profile);
  return status;
}

Result<Facts> read_facts(const Command& command, const registry::Node& node) {
  const Members members(command, "its answer", node);
  if (Result<void> same = check_is_this_site(command, members, "database"); !same) return pass(same);
  Facts facts;
  for (const auto& [key, member] : {std::pair{"version", &Facts::core_version}, std::pair{"profile", &Facts::profile},
                                    std::pair{"language", &Facts::language}}) {
    Result<std::string> text = members.text(key, 128);
    if (!text) return pass(text);
    facts.*member = std::move(*text);
  }
  const Result<bool> maintenance = members.flag("maintenance");
  if (!maintenance) return std::unexpected(maintenance.error());
  const Result<std::uint64_t> cron = members.number("cron");
  if (!cron) return std::unexpected(cron.error());
  facts.maintenance = *maintenance;
  facts.cron_last = *cron;
  return facts;
}

process::Program evaluation(const Site& site, std::string_view source, Milliseconds patience,
                            const Progress& progress) {
  const bool bee = site.cms == registry::Cms::kBackdrop;
  return tool_program(site, {bee ? "eval" : "php-eval", std::string(source)}, patience, progress);
}

Result<Facts> facts(process::Runner& runner, const Site& site) {
  const Command command(site, "php-eval");
  const Result<process::Output> output = command.run(runner, evaluation(site, facts_source(site.cms), kQuick));
  if (!output) return std::unexpected(output.error());
  const Result<registry::Document> document = command.json(output->out);
  if (!document) return std::unexpected(document.error());
  return read_facts(command, document->root());
}

}  // namespace aegir::drush
