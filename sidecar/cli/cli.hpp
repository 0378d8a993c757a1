// The parts of aegir: what all commands share, and one function for each noun that adds its commands to the tree.
// main.cpp only puts them together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/cli/output.hpp"
#include "sidecar/cli/api.hpp"

// Its header only where options are added: clang-tidy takes a minute for it.
namespace CLI {
class App;
}

namespace aegir::client {

/// One run of aegir: the global options, and the command that was chosen.
struct Cli {
  std::string config_file;  ///< empty: the machine's, if there is one
  std::string socket;       ///< empty: api/socket in the configuration's run_dir
  cli::Output out;
  std::function<Outcome()> command;
  int status = 0;  ///< exit code of the program when it is not 0
};

void add_server(CLI::App& app, Cli& cli);
void add_block(CLI::App& app, Cli& cli);
void add_platform(CLI::App& app, Cli& cli);
void add_client(CLI::App& app, Cli& cli);
void add_site(CLI::App& app, Cli& cli);
void add_task(CLI::App& app, Cli& cli);
void add_queue(CLI::App& app, Cli& cli);
void add_documentation(CLI::App& app, Cli& cli);  ///< completion, manual

/// aegird's API, at the socket that the options or the configuration name.
[[nodiscard]] std::expected<Api, Errors> api_of(const Cli& cli);

[[nodiscard]] std::unexpected<Errors> stop_with(Code code, std::string message, std::string hint = {});

/// Prints one thing: a line for each of its members, or the object as it is.
void print_record(const Cli& cli, const Json& object);
/// Prints a list: columns, each a member of the entries, or {"<name>": [ … ]}.
void print_list(const Cli& cli, std::string_view name, const Json& list, const std::vector<std::string>& columns);

/// A list in a thing, which people are shown as a table of its own, without what is hidden.
struct Part {
  const char* pointer;  ///< where it is in the thing (RFC 6901)
  std::vector<std::string> columns;
};

/// A command that prints the one thing at `path` + NAME.
void add_show(CLI::App& noun, Cli& cli, const char* name, const char* help, const std::string& path,
              std::vector<Part> parts = {});

}  // namespace aegir::client
