// aegirc, the compiler: registry in, site map and configuration fragments out. Works without the sidecar.
#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <exception>

#include "compiler/cli/cli.hpp"
#include "compiler/core/nearest.hpp"

namespace {

using namespace aegir;

/// The first word that nobody asked for, with the option that is near to it.
Error unknown_option(const CLI::App& app, const CLI::App& command, Error usage) {
  std::vector<std::string> known;
  for (const CLI::App* at : {&app, &command}) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  }
  for (const std::string& word : app.remaining(true)) {
    if (!word.starts_with("--")) continue;
    const std::string option = word.substr(0, word.find('='));
    usage.message = "there is no option '" + option + "'";
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    if (const std::string_view near = nearest(option, candidates); !near.empty()) {
      usage.hint = "did you mean `" + std::string(near) + "`?";
    }
    break;
  }
  return usage;
}

/// What is wrong with a command line, as one of our errors. CLI11 asks for a command before it looks at a word that is
/// none, so a misspelt command is said here.
Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string commands = "aegirc";
  for (auto chosen = at->get_subcommands(); !chosen.empty(); chosen = at->get_subcommands()) {
    at = chosen.front();
    commands += ' ' + at->get_name();
  }
  Error usage{Code::kUsage, error.what(), {}, "see `" + commands + " --help`"};
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return unknown_option(app, *at, std::move(usage));
  if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) return usage;
  std::vector<std::string> known;
  for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(command->get_name());
  }
  if (known.empty()) return usage;
  const std::vector<std::string> words = app.remaining(true);
  if (words.empty()) {
    usage.message = "a command is missing";
    return usage;
  }
  usage.message = "there is no command '" + commands + ' ' + words.front() + "'";
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  if (const std::string_view near = nearest(words.front(), candidates); !near.empty()) {
    usage.hint = "did you mean `" + commands + ' ' + std::string(near) + "`?";
  }
  return usage;
}

int finish(const cli::Cli& cli) {
  const Result<void> arrived = cli.out.finish();
  return arrived ? cli.status : cli.out.fail(arrived.error());
}

/// A file that is opened must not become standard output by taking its closed descriptor. Each closed one is filled
/// with what can't be used as it would be, so that using it fails as before.
void fill_closed_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
      (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // takes the lowest free number: fd
    }
  }
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
    return cli.out.fail(usage_error(app, error));
  }
  const cli::Outcome outcome = cli.command();
  return outcome ? finish(cli) : cli.out.fail(outcome.error());
}

}  // namespace

int main(int argc, char** argv) {
  fill_closed_descriptors();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "aegirc: internal error: %s\n", error.what());
    return exit_code(Code::kInternal);
  }
}
