// Commands that want something done: they put verbs into the queue, one for each name, and wait for their ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/cli/cli.hpp"

namespace aegir::client {

/// The options of every such command.
struct VerbOptions {
  bool no_wait = false;
  bool dry_run = false;
  bool yes = false;
  std::int32_t priority = 0;
  std::uint64_t after = 0;
  unsigned parallel = 4;
};

/// Several objects, as a person names them.
struct Choice {
  std::vector<std::string> names;
  std::string from_file;
  bool all = false;
  std::string platform;
  std::string client;
};

/// A verb, how it is asked for.
struct Verb {
  std::string kind;
  std::string name;
  std::string state = {};     ///< --all takes the sites of this state alone; empty: all
  std::string question = {};  ///< asked before: "Delete {} for ever?"; empty: none
};

/// Adds the options to a command.
std::shared_ptr<VerbOptions> add_verb_options(CLI::App& command, bool is_asked, bool is_many);

/// Asks for the verb on each of the objects, at most `parallel` at a time, waits for the ends and says what became of
/// them. The exit code is that of the first that went wrong.
[[nodiscard]] Outcome run_verb(Cli& cli, const Verb& verb, const VerbOptions& options,
                               const std::vector<std::string>& objects, const Json& request);

/// A command for a verb whose request is `request` once it is chosen: one object, named NAME.
CLI::App* add_verb(CLI::App& noun, Cli& cli, const Verb& verb, const char* name, const char* help,
                   std::function<std::expected<Json, Errors>()> request);

/// A command for a verb on several objects.
CLI::App* add_verb_on_many(CLI::App& noun, Cli& cli, const Verb& verb, const char* name, const char* help,
                           std::function<Json()> request);

/// Watches a task, shows its steps and log on standard error, and says how it has ended. `name` stands before each line
/// when several are watched at a time; may be empty. Nothing: interrupted.
[[nodiscard]] std::expected<std::optional<Json>, Errors> watch_task(const Cli& cli, const Api& api, std::uint64_t id,
                                                                    const std::string& name);

/// How a task's log is printed.
struct LogOptions {
  bool follow = false;
  bool debug = false;
};

/// Adds the options to a command, which must live no longer than `options`.
void add_log_options(CLI::App& command, LogOptions& options);

/// Prints a task's log: as it stands, or until the task has ended. JSON has all of its lines.
[[nodiscard]] Outcome print_log(Cli& cli, const Api& api, std::uint64_t id, const LogOptions& options);

/// Takes what a task hands to who asked for it, such as a link to log in; empty: nothing. The next one gets nothing.
[[nodiscard]] std::string take_handout(const Api& api, std::uint64_t id);
/// What is said of a login that hands out nothing any more.
inline constexpr std::string_view kLinkTaken = "its link was handed out already, or aegird was started anew meanwhile";

/// Prints the end of one task and what it hands out, or that it goes on.
[[nodiscard]] Outcome report_end(Cli& cli, const Api& api, std::uint64_t id, std::optional<Json> task);

}  // namespace aegir::client
