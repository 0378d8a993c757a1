#include "compiler/cli/documentation.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "compiler/cli/cli.hpp"
#include "compiler/cli/command_tree.hpp"
#include "compiler/core/config_keys.hpp"
#include "compiler/registry/json.hpp"

namespace aegir::cli {
namespace {

/// Text for man(7): no character of it is one of roff's. Each line break begins a line of its own.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`' || c == '\'') {
      out += c == '`' ? "\\(ga" : "\\(aq";
    } else {
      out += c;
    }
    line_begins = c == '\n';
  }
  return out;
}

/// What an option is called with its value: "--map DIR", "HOST".
std::string shown(const CLI::Option& option) {
  if (option.get_positional()) return roff(option.get_name(true));
  std::string text = "\\fB" + roff(names_of(option, ", ")) + "\\fR";
  if (!takes_value(option)) return text;
  std::string value = option.get_option_text();
  if (value.empty()) {
    value = choices_of(option);
    std::ranges::replace(value, ' ', '|');
  }
  return text + " \\fI" + roff(value) + "\\fR";
}

void write_options(std::string& out, const CLI::App& app) {
  for (const bool positional : {true, false}) {
    for (const CLI::Option* option : options_of(app, positional)) {
      if (app.get_parent() != nullptr && option == app.get_help_ptr()) continue;
      out += ".TP\n" + shown(*option) + '\n' + roff(option->get_description()) + ".\n";
    }
  }
}

std::string synopsis(const CLI::App& app) {
  std::string text = "\\fB" + roff(path_of(app)) + "\\fR";
  bool options = false;
  for (const CLI::Option* option : options_of(app, false)) options = options || option != app.get_help_ptr();
  if (options) text += " [\\fIOPTIONS\\fR]";
  for (const CLI::Option* option : options_of(app, true)) {
    const std::string name = "\\fI" + roff(option->get_name(true)) + "\\fR";
    text += option->get_required() ? ' ' + name : " [" + name + ']';
  }
  return text;
}

/// What stands below the options in the help, up to and from "Exit codes: ".
std::pair<std::string, std::string> footer_of(const CLI::App& app) {
  const std::string footer = app.get_footer();
  const std::size_t codes = std::min(footer.size(), footer.find("Exit codes: "));
  return {footer.substr(0, footer.find_last_not_of(" \n", codes == 0 ? 0 : codes - 1) + 1), footer.substr(codes)};
}

}  // namespace

std::string manual_page(const CLI::App& app) {
  const auto [notes, codes] = footer_of(app);
  std::string out =
      ".\\\" Made by aegirc from its own command tree; changes are lost.\n"
      ".TH AEGIRC 1 \"\" \"aegirc " AEGIR_VERSION
      "\" \"Aegir\"\n"
      ".SH NAME\naegirc \\- compiles an Aegir registry to what web servers read\n"
      ".SH SYNOPSIS\n\\fBaegirc\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n"
      ".SH DESCRIPTION\n";
  out += roff(app.get_description()) + "\n.PP\n" + roff(notes) +
         "\n.SH OPTIONS\nThey may stand before and after the command.\n";
  write_options(out, app);
  out += ".SH COMMANDS\n";
  for (const CLI::App* top : commands_of(app)) {
    each_app(*top, [&](const CLI::App& at) {
      if (!commands_of(at).empty()) return;
      out +=
          ".SS " + roff(path_of(at)) + "\n.nh\n" + synopsis(at) + "\n.hy\n.PP\n" + roff(at.get_description()) + ".\n";
      write_options(out, at);
      if (at.get_footer().empty()) return;
      std::istringstream footer(at.get_footer());
      const char* before = ".PP\n";
      for (std::string line; std::getline(footer, line); before = ".br\n") out += before + roff(line) + '\n';
    });
  }
  out += ".SH EXIT STATUS\n" + roff(codes) + "\n.SH FILES\n.TP\n\\fI" + roff(kConfigFile) +
         "\\fR\nConfiguration of this machine, see \\fBaegir.conf\\fR(5).\n";
  return out;
}

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
  completion->callback([print, shell] { print(*shell == "zsh" ? zsh_completion : bash_completion); });
  app.add_subcommand("schema", "Print the JSON schema of a registry's document")->callback([print] {
    print([](const CLI::App&) { return std::string(registry::json_schema()); });
  });
  const auto page = std::make_shared<std::string>("aegirc");
  CLI::App* const manual = app.add_subcommand("manual", "Print a manual page, as `man -l -` reads it");
  manual->add_option("PAGE", *page, "aegirc(1) or aegir.conf(5)")
      ->check(CLI::IsMember({"aegirc", "aegir.conf"}))
      ->capture_default_str();
  manual->callback([print, page] {
    print([page](const CLI::App& tree) { return *page == "aegirc" ? manual_page(tree) : config_page(); });
  });
}

}  // namespace aegir::cli
