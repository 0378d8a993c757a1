// What bash and zsh complete, and the walk through the command tree that it is made from.
#include "compiler/cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "compiler/cli/command_tree.hpp"

namespace aegir::cli {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + ' ' + app.get_name();
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional) {
  return app.get_options([positional](const CLI::Option* option) { return option->get_positional() == positional; });
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() != 0; }

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

namespace {

/// What both shells' scripts are made of: case branches, each with a word of the line in front of it.
struct Cases {
  std::string commands;  ///< which words lead to another command
  std::string values;    ///< what an option takes
};

Cases cases_of(const CLI::App& app) {
  Cases cases;
  each_app(app, [&](const CLI::App& at) {
    const std::string path = path_of(at);
    if (at.get_parent() != nullptr) cases.commands += "            '" + path + "') command='" + path + "' ;;\n";
    for (const CLI::Option* option : options_of(at, false)) {
      if (!takes_value(*option)) continue;
      const std::string pattern = &at == &app ? "*' " : "'" + path + " ";
      cases.values += "        " + pattern + names_of(*option, ("'|" + pattern).c_str()) + "') choices='" +
                      choices_of(*option) + "'; value=1 ;;\n";
    }
  });
  return cases;
}

/// The words of what a positional of `app` takes, with a blank behind each.
std::string choices_for(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : options_of(app, true)) {
    if (const std::string choices = choices_of(*option); !choices.empty()) words += choices + ' ';
  }
  return words;
}

/// An entry of zsh's _describe, quoted: "name:what it is".
std::string described(const std::string& name, const std::string& text) {
  std::string entry;
  for (const char c : name) entry += c == ':' ? std::string("\\:") : std::string(1, c);
  entry += ':' + text;
  std::string quoted = " '";
  for (const char c : entry) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + '\'';
}

/// The options of `app`, each name with its description.
std::string described_options(const CLI::App& app) {
  std::string entries;
  for (const CLI::Option* option : options_of(app, false)) {
    if (app.get_parent() != nullptr && option == app.get_help_ptr()) continue;
    for (const std::string& name : option->get_lnames()) entries += described("--" + name, option->get_description());
  }
  return entries;
}

/// What the word $1 of a command line takes, in both shells.
std::string value_function(const std::string& name, const Cases& cases) {
  return "_" + name +
         "_value() {\n"
         "    choices= value=\n"
         "    case \"$command $1\" in\n" +
         cases.values +
         "    esac\n"
         "}\n";
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const std::string& name = app.get_name();
  const Cases cases = cases_of(app);
  std::string words;  // what can come next
  std::string global;
  for (const CLI::Option* option : options_of(app, false)) global += ' ' + names_of(*option, " ");
  each_app(app, [&](const CLI::App& at) {
    std::string next;
    for (const CLI::App* command : commands_of(at)) next += command->get_name() + ' ';
    next += choices_for(at);
    for (const CLI::Option* option : options_of(at, false)) {
      if (&at != &app && option != at.get_help_ptr()) next += names_of(*option, " ") + ' ';
    }
    words += "            '" + path_of(at) + "') words='" + next + "' ;;\n";
  });
  return "# Completion of " + name + " in bash. Made by `" + name + " completion`; changes are lost.\n" +
         value_function(name, cases) + "_" + name +
         "() {\n"
         "    local command=" +
         name +
         " words choices value i at=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - "
         "1]}\n"
         "    for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "        _" +
         name +
         "_value \"${COMP_WORDS[i - 1]}\"\n"
         "        [ -z \"$value\" ] || continue\n"
         "        case \"$command ${COMP_WORDS[i]}\" in\n" +
         cases.commands +
         "        esac\n"
         "    done\n"
         "    if [ \"$at\" = = ]; then at=; elif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
         "    _" +
         name +
         "_value \"$before\"\n"
         "    words=$choices\n"
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
         "complete -o default -F _" +
         name + " " + name + "\n";
}

std::string zsh_completion(const CLI::App& app) {
  const std::string& name = app.get_name();
  const Cases cases = cases_of(app);
  std::string cases_of_next;
  each_app(app, [&](const CLI::App& at) {
    std::string commands;
    for (const CLI::App* command : commands_of(at))
      commands += described(command->get_name(), command->get_description());
    cases_of_next += "        '" + path_of(at) + "') next=(" + commands + ") flags=(" +
                     (&at == &app ? std::string() : described_options(at)) + ") choices='" + choices_for(at) + "' ;;\n";
  });
  return "#compdef " + name +
         "\n"
         "# Completion of " +
         name + " in zsh. Made by `" + name + " completion zsh`; changes are lost.\n" + value_function(name, cases) +
         "_" + name +
         "() {\n"
         "    local command=" +
         name +
         " choices value i\n"
         "    local -a next flags line=(\"${(@)words[1,CURRENT]}\")\n"
         "    for ((i = 2; i < ${#line}; ++i)); do\n"
         "        _" +
         name +
         "_value \"${line[i - 1]}\"\n"
         "        [[ -z $value ]] || continue\n"
         "        case \"$command ${line[i]}\" in\n" +
         cases.commands +
         "        esac\n"
         "    done\n"
         "    _" +
         name +
         "_value \"${line[-2]}\"\n"
         "    if [[ -n $value ]]; then\n"
         "        if [[ -n $choices ]]; then compadd -- ${=choices}; else _files; fi\n"
         "        return\n"
         "    fi\n"
         "    case \"$command\" in\n" +
         cases_of_next +
         "    esac\n"
         "    flags+=(" +
         described_options(app) +
         ")\n"
         "    if [[ ${line[-1]} == -* ]]; then\n"
         "        _describe -o option flags\n"
         "    elif [[ -n $choices ]]; then\n"
         "        compadd -- ${=choices}\n"
         "    elif [[ $#next -gt 0 ]]; then\n"
         "        _describe command next\n"
         "    else\n"
         "        _files\n"
         "    fi\n"
         "}\n"
         "if [[ ${funcstack[1]} == _" +
         name + " ]]; then _" + name + "; else compdef _" + name + " " + name + "; fi\n";
}

}  // namespace aegir::cli
