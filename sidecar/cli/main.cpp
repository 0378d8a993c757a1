// aegir, for people and scripts: asks aegird over its socket for what is to be done, and waits for it.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

#include "compiler/cli/usage.hpp"
#include "compiler/core/config.hpp"
#include "sidecar/cli/cli.hpp"

namespace {

using namespace aegir;

int finish(const client::Cli& cli) {
  const Result<void> arrived = cli.out.finish();
  return arrived ? cli.status : cli.out.fail(arrived.error());
}

/// Parses the command line and runs the command; the exit code of the program.
int run(int argc, char** argv) {
  client::Cli cli;
  cli.out.program = "aegir";
  CLI::App app("Looks after Drupal sites: asks aegird, which does the work, and waits for it.", "aegir");
  app.set_version_flag("--version", "aegir " AEGIR_VERSION);
  app.add_option("--config", cli.config_file, "Configuration of this machine, for the place of the socket")
      ->option_text("FILE=" + std::string(kConfigFile));
  app.add_option("--socket", cli.socket, "aegird's socket; api/socket in run_dir when left out")->option_text("PATH");
  app.add_option_function<std::string>(
         "--output",
         [&cli](const std::string& format) {
           cli.out.format = format == "json" ? cli::Format::kJson : cli::Format::kTable;
         },
         "How results and errors are printed")
      ->check(CLI::IsMember({"table", "json"}))
      ->option_text("table|json");
  app.fallthrough();
  app.require_subcommand(1);
  client::add_site(app, cli);
  client::add_platform(app, cli);
  client::add_server(app, cli);
  client::add_client(app, cli);
  client::add_task(app, cli);
  client::add_queue(app, cli);
  client::add_documentation(app, cli);
  app.footer(
      "root, aegir and members of group aegir-admin may use it. A command that is interrupted leaves its task at "
      "work.\n"
      "Exit codes: 0 done, 64 usage, 65 something is wrong with the data, 66 not found, 69 a task has failed, 70 "
      "internal,\n"
      "74 input or output, 75 try again later, 77 permission, 130 interrupted.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    (void)app.exit(asked);
    return finish(cli);
  } catch (const CLI::ParseError& error) {
    return cli.out.fail(cli::usage_error(app, error));
  }
  const client::Outcome outcome = cli.command();
  if (outcome) return finish(cli);
  const int code = cli.out.fail(outcome.error());
  return cli.status != 0 ? cli.status : code;
}

}  // namespace

int main(int argc, char** argv) {
  cli::fill_closed_descriptors();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "aegir: internal error: %s\n", error.what());
    return exit_code(Code::kInternal);
  }
}
