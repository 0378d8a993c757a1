// What aegirc and aegir have in common as programs: how a command line becomes an exit code, and what the tree of
// commands says of itself to shells and to man. `Cli` is a program's own: out, command and status are members of it.
// Only what adds commands includes this: it brings the whole of CLI11.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "compiler/cli/completion.hpp"
#include "compiler/cli/outcome.hpp"
#include "compiler/cli/output.hpp"
#include "compiler/cli/usage.hpp"

namespace aegir::cli {

/// --output, the last of the global options, and what holds for every tree.
template <class Cli>
void add_output_option(CLI::App& app, Cli& cli) {
  app.add_option_function<std::string>(
         "--output",
         [&cli](const std::string& format) { cli.out.format = format == "json" ? Format::kJson : Format::kTable; },
         "How results and errors are printed")
      ->check(CLI::IsMember({"table", "json"}))
      ->option_text("table|json");
  app.fallthrough();
  app.require_subcommand(1);
}

/// Parses the command line and runs the command that it names; the exit code of the program.
template <class Cli>
int run_command_line(CLI::App& app, Cli& cli, int argc, char** argv) {
  const auto finish = [&cli] {
    const Result<void> arrived = cli.out.finish();
    return arrived ? cli.status : cli.out.fail(arrived.error());
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    (void)app.exit(asked);
    return finish();
  } catch (const CLI::ParseError& error) {
    return cli.out.fail(usage_error(app, error));
  }
  const Outcome outcome = cli.command();
  if (outcome) return finish();
  const int code = cli.out.fail(outcome.error());
  return cli.status != 0 ? cli.status : code;
}

/// The whole of a program: `run` makes the tree and runs it. No exception leaves it.
inline int guarded(const char* program, int argc, char** argv, int (*run)(int, char**)) {
  fill_closed_descriptors();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "%s: internal error: %s\n", program, error.what());
    return exit_code(Code::kInternal);
  }
}

/// The command chosen prints what `make` makes of the tree, which ends with a line break.
template <class Cli>
void print_of_tree(const CLI::App& app, Cli& cli, const std::function<std::string(const CLI::App&)>& make) {
  cli.command = [&app, &cli, make]() -> Outcome {
    std::string text = make(app);
    text.pop_back();
    cli.out.did(text, {{"text", text}});
    return {};
  };
}

/// `completion`.
template <class Cli>
void add_completion(CLI::App& app, Cli& cli) {
  const auto shell = std::make_shared<std::string>("bash");
  CLI::App* const completion = app.add_subcommand("completion", "Print a script that completes command lines");
  completion->add_option("SHELL", *shell, "For which shell")
      ->check(CLI::IsMember({"bash", "zsh"}))
      ->capture_default_str();
  completion->callback(
      [&app, &cli, shell] { print_of_tree(app, cli, *shell == "zsh" ? zsh_completion : bash_completion); });
}

}  // namespace aegir::cli
