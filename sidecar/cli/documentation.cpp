// aegir completion, aegir manual: made from the tree of commands itself.
#include <CLI/CLI.hpp>

#include "compiler/cli/manual.hpp"
#include "compiler/cli/program.hpp"
#include "sidecar/cli/cli.hpp"

namespace aegir::client {

void add_documentation(CLI::App& app, Cli& cli) {
  cli::add_completion(app, cli);
  app.add_subcommand("manual", "Print aegir(1), as `man -l -` reads it")->callback([&app, &cli] {
    cli::print_of_tree(app, cli, [](const CLI::App& tree) {
      return cli::manual_page(tree, "asks aegird to look after Drupal sites");
    });
  });
}

}  // namespace aegir::client
