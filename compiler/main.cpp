// aegirc, the compiler: registry in, site map and configuration fragments out. Works without the sidecar.
#include <CLI/CLI.hpp>

#include "compiler/cli/cli.hpp"
#include "compiler/cli/program.hpp"

namespace {

using namespace aegir;

/// Makes the tree of commands and runs the one that is asked for; the exit code of the program.
int run(int argc, char** argv) {
  cli::Cli cli;
  CLI::App app("Compiles an Aegir registry to what web servers read: the site map and configuration fragments.",
               "aegirc");
  app.set_version_flag("--version", "aegirc " AEGIR_VERSION);
  app.add_option("--config", cli.config_file, "Configuration of this machine")
      ->option_text("FILE=" + std::string(kConfigFile));
  cli::add_output_option(app, cli);
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
  return cli::run_command_line(app, cli, argc, argv);
}

}  // namespace

int main(int argc, char** argv) { return cli::guarded("aegirc", argc, argv, run); }
