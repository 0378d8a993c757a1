// lookup: what a module would answer a request for a host, from the same rules (map/route.hpp).
#include <CLI/CLI.hpp>

#include "compiler/cli/answer.hpp"
#include "compiler/cli/changes.hpp"
#include "compiler/registry/isolation.hpp"

namespace aegir::cli {
namespace {

/// Says so when the site shares its slot.
void add_isolation(const Cli& cli, registry::Store& store, Json& facts) {
  const auto site = store.find_site(facts["site"].get<std::string>());
  const auto blocks = store.blocks();
  if (!site || !*site || !blocks) return;
  for (const registry::Block& block : *blocks) {
    const std::optional<std::string> warning = registry::sharing_warning(**site, block);
    if (!warning) continue;
    facts["isolation"] = "shared";
    cli.out.note(*warning);
  }
}

/// What only the registry knows, and not everybody who may look into the map may open that.
void add_registry_facts(const Cli& cli, const Config& config, const Answer& answer, Json& facts) {
  const bool unserved = is_unserved(answer);
  if (!unserved && !facts.contains("site")) return;
  if (is_root() && !work_as_aegir(config)) return;
  const auto store = open_registry(cli.out, config, registry::Store::Mode::kRead);
  if (!store) return;
  if (!unserved) return add_isolation(cli, **store, facts);
  if (const Result<void> added = add_unserved(**store, answer, facts); !added) cli.out.note(describe(added.error()));
}

Outcome lookup(const Cli& cli, const Question& question) {
  if (question.host.contains("://")) {
    return std::unexpected(Errors{{Code::kUsage,
                                   "'" + question.host + "' is a URL, and lookup takes a host name and a path",
                                   {},
                                   "run `aegirc explain " + question.host + "`"}});
  }
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  auto answer = ask(*config, question);
  if (!answer) return stop(answer);
  Json facts = facts_of(*config, question, **answer);
  if (question.map.empty()) add_registry_facts(cli, *config, **answer, facts);
  cli.out.record(facts);
  return {};
}

}  // namespace

void add_lookup(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Question>();
  CLI::App* const command = app.add_subcommand("lookup", "Print what a web server answers for a host, and why");
  command->add_option("HOST", options->host, "Host name, with its port if it matters")->required();
  command->add_option("PATH", options->target, "Path and query")->capture_default_str();
  command->add_flag("--https", options->https, "Ask as over https");
  command->add_option("--service", options->service, "Ask as this web server [any that serves the site]")
      ->check(CLI::IsMember({"apache", "nginx"}));
  command->add_option("--map", options->map, "Map directory [the live map]")->option_text("DIR");
  command->callback([&cli, options] { cli.command = [&cli, options] { return lookup(cli, *options); }; });
}

}  // namespace aegir::cli
