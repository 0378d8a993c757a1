// aegirc, the compiler: registry in, site map and configuration fragments out. Works without the sidecar.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

#include "compiler/cli/cli.hpp"
#include "compiler/cli/usage.hpp"

namespace {

using namespace aegir;

int finish(const cli::Cli& cli) {
  const Result<void> arrived = cli.out.finish();
  return arrived ? cli.status : cli.out.fail(arrived.error());
}

/// Parses the command line and runs the command; the exit code of the program.
int run(int argc, char** argv) {
  cli::Cli cli;
  CLI::App app("Compiles an Aegir registry to what web servers read: the site map and configuration fragments.",
               "aegirc");
  app.set_version_flag("--version", "aegirc " AEGIR_VERSION);
  app.add_option("--config", cli.config_file, "Configuration of this machine")
      ->option_text("FILE=" + std::string(kConfigFile));
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
  cli::add_compile(app, cli);
  cli::add_diff(app, cli);
  cli::add_publish(app, cli);
  cli::add_verify(app, cli);
  cli::add_lookup(app, cli);
  cli::add_explain(app, cli);
  cli::add_keygen(app, cli);
  cli::add_registry(app, cli);
  cli::add_map(app, cli);
  cli::add_documentation(app, cli);
  app.footer(
      "A document has the form that `aegirc export` writes; `aegirc schema` prints its schema, and `aegirc import "
      "--help`\nsays how sites come and go. Exit codes: 0 done, 64 usage, 65 something is wrong with the data, 66 not "
      "found, 70 internal,\n"
      "73 can't make a file, 74 input or output, 75 held by another process, 77 permission, 78 made by a newer "
      "version.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    (void)app.exit(asked);
    return finish(cli);
  } catch (const CLI::ParseError& error) {
    return cli.out.fail(cli::usage_error(app, error));
  }
  const cli::Outcome outcome = cli.command();
  return outcome ? finish(cli) : cli.out.fail(outcome.error());
}

}  // namespace

int main(int argc, char** argv) {
  cli::fill_closed_descriptors();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "aegirc: internal error: %s\n", error.what());
    return exit_code(Code::kInternal);
  }
}
