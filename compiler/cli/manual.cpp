#include "compiler/cli/manual.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "compiler/cli/command_tree.hpp"
#include "compiler/core/config.hpp"

namespace aegir::cli {

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

namespace {

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

std::string manual_page(const CLI::App& app, std::string_view summary) {
  const std::string& name = app.get_name();
  std::string capitals = name;
  std::ranges::transform(capitals, capitals.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
  const auto [notes, codes] = footer_of(app);
  std::string out = ".\\\" Made by " + name + " from its own command tree; changes are lost.\n.TH " + capitals +
                    " 1 \"\" \"" + name + " " AEGIR_VERSION "\" \"Aegir\"\n.SH NAME\n" + name + " \\- " +
                    roff(summary) + "\n.SH SYNOPSIS\n\\fB" + name +
                    "\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n"
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

}  // namespace aegir::cli
