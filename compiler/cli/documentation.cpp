#include "compiler/cli/documentation.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "compiler/cli/cli.hpp"

namespace aegir::cli {
namespace {

using Commands = std::vector<const CLI::App*>;

Commands commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// "aegirc map dump".
std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + ' ' + app.get_name();
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional) {
  return app.get_options([positional](const CLI::Option* option) { return option->get_positional() == positional; });
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() != 0; }

/// The words that an option takes, "table json"; empty when it takes others.
std::string choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();  // TEXT:{table,json}
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  std::string words = type.substr(open + 1, close - open - 1);
  std::ranges::replace(words, ',', ' ');
  return words;
}

std::string names_of(const CLI::Option& option, const char* between) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "" : between) + ("-" + name);
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "" : between) + ("--" + name);
  return names;
}

void each_app(const CLI::App& app, const std::function<void(const CLI::App&)>& visit) {
  visit(app);
  for (const CLI::App* command : commands_of(app)) each_app(*command, visit);
}

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

std::string bash_completion(const CLI::App& app) {
  std::string commands;  // which words lead to another command
  std::string values;    // what an option or a positional takes
  std::string words;     // what can come next
  std::string global;
  for (const CLI::Option* option : options_of(app, false)) global += ' ' + names_of(*option, " ");
  each_app(app, [&](const CLI::App& at) {
    const std::string path = path_of(at);
    if (at.get_parent() != nullptr) commands += "            '" + path + "') command='" + path + "' ;;\n";
    std::string next;
    for (const CLI::App* command : commands_of(at)) next += command->get_name() + ' ';
    for (const CLI::Option* option : options_of(at, true)) {
      if (const std::string choices = choices_of(*option); !choices.empty()) next += choices + ' ';
    }
    for (const CLI::Option* option : options_of(at, false)) {
      if (&at != &app && option != at.get_help_ptr()) next += names_of(*option, " ") + ' ';
      if (!takes_value(*option)) continue;
      const std::string pattern = &at == &app ? "*' " : "'" + path + " ";
      values += "        " + pattern + names_of(*option, ("'|" + pattern).c_str()) + "') words='" +
                choices_of(*option) + "'; value=1 ;;\n";
    }
    words += "            '" + path + "') words='" + next + "' ;;\n";
  });
  return "# Completion of aegirc in bash. Made by `aegirc completion`; changes are lost.\n"
         "_aegirc_value() {\n"
         "    words= value=\n"
         "    case \"$command $1\" in\n" +
         values +
         "    esac\n"
         "}\n"
         "_aegirc() {\n"
         "    local command=aegirc words value i at=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
         "    for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "        _aegirc_value \"${COMP_WORDS[i - 1]}\"\n"
         "        [ -z \"$value\" ] || continue\n"
         "        case \"$command ${COMP_WORDS[i]}\" in\n" +
         commands +
         "        esac\n"
         "    done\n"
         "    if [ \"$at\" = = ]; then at=; elif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
         "    _aegirc_value \"$before\"\n"
         "    if [ -z \"$value\" ]; then\n"
         "        case \"$command\" in\n" +
         words +
         "        esac\n"
         "        words=\"$words" +
         global +
         "\"\n"
         "    fi\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$at\"))\n"
         "}\n"
         "complete -o default -F _aegirc aegirc\n";
}

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
      if (const std::string footer = at.get_footer(); !footer.empty()) out += ".PP\n" + roff(footer) + '\n';
    });
  }
  out += ".SH EXIT STATUS\n" + roff(codes) + "\n.SH FILES\n.TP\n\\fI" + roff(kConfigFile) +
         "\\fR\nConfiguration of this machine.\n";
  return out;
}

void add_documentation(CLI::App& app, Cli& cli) {
  const auto print = [&app, &cli](std::string (*make)(const CLI::App&)) {
    cli.command = [&app, &cli, make]() -> Outcome {
      std::string text = make(app);
      text.pop_back();
      cli.out.did(text, {{"text", text}});
      return {};
    };
  };
  const auto shell = std::make_shared<std::string>("bash");
  CLI::App* const completion = app.add_subcommand("completion", "Print a script that completes command lines");
  completion->add_option("SHELL", *shell, "For which shell")->check(CLI::IsMember({"bash"}))->capture_default_str();
  completion->callback([print, shell] { print(bash_completion); });
  app.add_subcommand("manual", "Print the manual page aegirc(1), as `man -l -` reads it")->callback([print] {
    print(manual_page);
  });
}

}  // namespace aegir::cli
