// The command tree of a program as completion and manual page walk through it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace aegir::cli {

/// The commands right below `app`.
[[nodiscard]] std::vector<const CLI::App*> commands_of(const CLI::App& app);

/// With all that stands before it: "aegirc map dump".
[[nodiscard]] std::string path_of(const CLI::App& app);

[[nodiscard]] std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional);

[[nodiscard]] bool takes_value(const CLI::Option& option);

/// The words that an option takes, "table json"; empty when it takes others.
[[nodiscard]] std::string choices_of(const CLI::Option& option);

/// "-h, --help".
[[nodiscard]] std::string names_of(const CLI::Option& option, const char* between);

/// `app` and every command below it, before those below that.
void each_app(const CLI::App& app, const std::function<void(const CLI::App&)>& visit);

}  // namespace aegir::cli
