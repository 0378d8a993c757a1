// aegir, for people and scripts: asks aegird over its socket for what is to be done, and waits for it.
#include <CLI/CLI.hpp>

#include "compiler/cli/program.hpp"
#include "compiler/core/config.hpp"
#include "sidecar/cli/cli.hpp"
#include "sidecar/cli/reconcile.hpp"

namespace {

using namespace aegir;

/// Makes the tree of commands and runs the one that is asked for; the exit code of the program.
int run(int argc, char** argv) {
  client::Cli cli;
  cli.out.program = "aegir";
  CLI::App app("Looks after Drupal sites: asks aegird, which does the work, and waits for it.", "aegir");
  app.set_version_flag("--version", "aegir " AEGIR_VERSION);
  app.add_option("--config", cli.config_file, "Configuration of this machine, for the place of the socket")
      ->option_text("FILE=" + std::string(kConfigFile));
  app.add_option("--socket", cli.socket, "aegird's socket; api/socket in run_dir when left out")->option_text("PATH");
  cli::add_output_option(app, cli);
  client::add_site(app, cli);
  client::add_platform(app, cli);
  client::add_server(app, cli);
  client::add_block(app, cli);
  client::add_client(app, cli);
  client::add_task(app, cli);
  client::add_queue(app, cli);
  client::add_reconcile(app, cli);
  client::add_documentation(app, cli);
  app.footer(
      "A first site:\n"
      "  aegir platform add d10 --docroot /var/aegir/platforms/d10/web\n"
      "  aegir site install shop.example --platform d10\n"
      "  aegir site login shop.example\n"
      "root, aegir and members of group aegir-admin may use it. A command that is interrupted leaves its task at "
      "work.\n"
      "Exit codes: 0 done, 64 usage, 65 something is wrong with the data, 66 not found, 69 a task has failed, 70 "
      "internal,\n"
      "74 input or output, 75 try again later, 77 permission, 130 interrupted.");
  return cli::run_command_line(app, cli, argc, argv);
}

}  // namespace

int main(int argc, char** argv) { return cli::guarded("aegir", argc, argv, run); }
