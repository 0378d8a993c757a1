#include "compiler/cli/documentation.hpp"

#include <CLI/CLI.hpp>

#include "compiler/cli/cli.hpp"
#include "compiler/cli/manual.hpp"
#include "compiler/cli/program.hpp"
#include "compiler/core/config_keys.hpp"
#include "compiler/registry/json.hpp"

namespace aegir::cli {

std::string config_page() {
  std::string out =
      ".\\\" Made by aegirc from the keys that it reads; changes are lost.\n"
      ".TH AEGIR.CONF 5 \"\" \"aegirc " AEGIR_VERSION
      "\" \"Aegir\"\n"
      ".SH NAME\naegir.conf \\- what aegirc must know of a machine before it can open the registry\n"
      ".SH SYNOPSIS\n\\fI" +
      roff(kConfigFile) +
      "\\fR, or the file of \\fBaegirc \\-\\-config\\fR\n"
      ".SH DESCRIPTION\n"
      "One \\fIkey\\fR = \\fIvalue\\fR a line. A # at the beginning of a line or after a blank begins a comment. A "
      "value is one word or, for a list, several with blanks between them; a word with blanks or a # stands in double "
      "quotes. Paths are absolute. An empty file gives every key its default. All other settings stand in the registry "
      "(\\fBaegirc export\\fR).\n"
      ".SH KEYS\n";
  for (const ConfigKey& key : config_keys()) {
    out += ".TP\n\\fB" + roff(key.name) + "\\fR = \\fI" + roff(key.value) + "\\fR\n" + roff(key.meaning) +
           ". Default: " + roff(key.fallback) + ".\n";
  }
  return out + ".SH SEE ALSO\n\\fBaegirc\\fR(1)\n";
}

void add_documentation(CLI::App& app, Cli& cli) {
  add_completion(app, cli);
  app.add_subcommand("schema", "Print the JSON schema of a registry's document")->callback([&app, &cli] {
    print_of_tree(app, cli, [](const CLI::App&) { return std::string(registry::json_schema()); });
  });
  const auto page = std::make_shared<std::string>("aegirc");
  CLI::App* const manual = app.add_subcommand("manual", "Print a manual page, as `man -l -` reads it");
  manual->add_option("PAGE", *page, "aegirc(1) or aegir.conf(5)")
      ->check(CLI::IsMember({"aegirc", "aegir.conf"}))
      ->capture_default_str();
  manual->callback([&app, &cli, page] {
    print_of_tree(app, cli, [page](const CLI::App& tree) {
      return *page == "aegirc" ? manual_page(tree, "compiles an Aegir registry to what web servers read")
                               : config_page();
    });
  });
}

}  // namespace aegir::cli
