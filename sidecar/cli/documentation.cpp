// aegir completion, aegir manual: made from the tree of commands itself.
#include <CLI/CLI.hpp>

#include "compiler/cli/completion.hpp"
#include "compiler/cli/manual.hpp"
#include "sidecar/cli/cli.hpp"

namespace aegir::client {

void add_documentation(CLI::App& app, Cli& cli) {
  const auto print = [&app, &cli](const std::function<std::string(const CLI::App&)>& make) {
    cli.command = [&app, &cli, make]() -> Outcome {
      std::string text = make(app);
      text.pop_back();
      cli.out.did(text, {{"text", text}});
      return {};
    };
  };
  const auto shell = std::make_shared<std::string>("bash");
  CLI::App* const completion = app.add_subcommand("completion", "Print a script that completes command lines");
  completion->add_option("SHELL", *shell, "For which shell")
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->capture_default_str();
  completion->callback([print, shell] { print(*shell == "zsh" ? cli::zsh_completion : cli::bash_completion); });
  app.add_subcommand("manual", "Print aegir(1), as `man -l -` reads it")->callback([print] {
    print([](const CLI::App& tree) { return cli::manual_page(tree, "asks aegird to look after Drupal sites"); });
  });
}

}  // namespace aegir::client
