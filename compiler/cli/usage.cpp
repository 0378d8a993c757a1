#include "compiler/cli/usage.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>

#include "compiler/core/nearest.hpp"

namespace aegir::cli {
namespace {

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

}  // namespace

// CLI11 asks for a command before it looks at a word that is none, so a misspelt command is said here.
Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  std::string commands = app.get_name();
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

void fill_closed_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
      (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // takes the lowest free number: fd
    }
  }
}

}  // namespace aegir::cli
