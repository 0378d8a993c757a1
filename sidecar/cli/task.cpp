// aegir task …, aegir queue …
#include <CLI/CLI.hpp>

#include "sidecar/cli/verbs.hpp"

namespace aegir::client {
namespace {

/// "2026-11-26T03:14:07.123Z info    [database] text"
std::string text_of(const Json& line) {
  const std::string level = line.value("level", std::string());
  std::string text = line.value("time", std::string()) + ' ' + level;
  constexpr std::size_t kWidest = 7;  // "warning", "success"
  text.append(kWidest - std::min(level.size(), kWidest) + 1, ' ');
  const Json step = line.value("step", Json());
  if (step.is_string()) text += '[' + step.get<std::string>() + "] ";
  return text + line.value("text", std::string());
}

/// A command about one task, named by its number.
template <class Body>
CLI::App* add_on_task(CLI::App& noun, Cli& cli, const char* name, const char* help, const Body& body) {
  CLI::App* const command = noun.add_subcommand(name, help);
  const auto id = std::make_shared<std::uint64_t>(0);
  command->add_option("ID", *id, "Number of the task")->required();
  command->callback([&cli, id, body] {
    cli.command = [&cli, id, body]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      return body(*api, *id);
    };
  });
  return command;
}

std::string path_of(std::uint64_t id) { return "/v1/tasks/" + std::to_string(id); }

void add_list(CLI::App& noun, Cli& cli) {
  struct Filter {
    std::string site;
    std::string platform;
    std::string server;
    std::string state;
    std::uint64_t limit = 50;
  };
  const auto filter = std::make_shared<Filter>();
  CLI::App* const command =
      noun.add_subcommand("list", "List tasks, newest first: id, state, kind, verb, object, time");
  CLI::Option* const site =
      command->add_option("--site", filter->site, "Those of this site, also a deleted one")->option_text("URI");
  CLI::Option* const platform = command->add_option("--platform", filter->platform, "Those of this platform")
                                    ->option_text("NAME")
                                    ->excludes(site);
  command->add_option("--server", filter->server, "Those of this server")
      ->option_text("NAME")
      ->excludes(site)
      ->excludes(platform);
  command->add_option("--state", filter->state, "Those of this state")
      ->check(CLI::IsMember({"queued", "processing", "success", "warning", "error", "cancelled"}))
      ->option_text("queued|processing|success|warning|error|cancelled");
  command->add_option("--limit", filter->limit, "So many at most; 50 when left out")
      ->check(CLI::Range(1, 500))
      ->option_text("N");
  command->callback([&cli, filter] {
    cli.command = [&cli, filter]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      std::string target = "/v1/tasks?limit=" + std::to_string(filter->limit);
      if (!filter->site.empty()) target += "&kind=site&object=" + encoded(filter->site);
      if (!filter->platform.empty()) target += "&kind=platform&object=" + encoded(filter->platform);
      if (!filter->server.empty()) target += "&kind=server&object=" + encoded(filter->server);
      if (!filter->state.empty()) target += "&state=" + filter->state;
      const Reply page = api->get(target);
      if (!page) return std::unexpected(page.error());
      print_list(cli, "tasks", page->at("tasks"), {"id", "state", "kind", "verb", "object", "created"});
      return {};
    };
  });
}

void add_retry(CLI::App& noun, Cli& cli) {
  const auto no_wait = std::make_shared<bool>(false);
  CLI::App* const command =
      add_on_task(noun, cli, "retry", "Ask again for what has ended without success",
                  [&cli, no_wait](const Api& api, std::uint64_t id) -> Outcome {
                    Interrupt::watch();
                    const Reply task = api.post(path_of(id) + "/retry", {});
                    if (!task) return std::unexpected(task.error());
                    const auto next = task->value("id", std::uint64_t{0});
                    if (*no_wait) {
                      cli.out.did("task " + std::to_string(next) + " is " + task->value("state", std::string()), *task);
                      return {};
                    }
                    const auto end = watch_task(cli, api, next, "");
                    if (!end) return std::unexpected(end.error());
                    return report_end(cli, api, next, *end);
                  });
  CLI::Option* const wait =
      command->add_flag_callback("--wait", [] {}, "Wait for the end, with live progress and log (the default)");
  command->add_flag("--no-wait", *no_wait, "Only put it into the queue")->excludes(wait);
}

void add_queue_command(CLI::App& noun, Cli& cli, const char* name, const char* help, const std::string& path) {
  noun.add_subcommand(name, help)->callback([&cli, path] {
    cli.command = [&cli, path]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      const Reply queue = path == "/v1/queue" ? api->get(path) : api->post(path, {});
      if (!queue) return std::unexpected(queue.error());
      print_record(cli, *queue);
      return {};
    };
  });
}

}  // namespace

void add_log_options(CLI::App& command, LogOptions& options) {
  command.add_flag("-f,--follow", options.follow, "Go on until the task has ended");
  command.add_flag("--debug", options.debug, "Also each file that was written or put right");
}

Outcome print_log(Cli& cli, const Api& api, std::uint64_t id, const LogOptions& options) {
  const bool is_table = cli.out.format == cli::Format::kTable;
  Json lines = Json::array();
  const auto print = [&](const Json& line) {
    if (!is_table) {
      lines.push_back(line);
    } else if (options.debug || line.value("level", std::string()) != "debug") {
      cli.out.did(text_of(line), {});
    }
  };
  if (options.follow) {
    Interrupt::watch();
    const auto end = api.watch(id, [&](const std::string& event, const Json& data) {
      if (event == "log") print(data);
    });
    if (!end) return std::unexpected(end.error());
  } else {
    const Reply all = api.all(path_of(id) + "/log?limit=1000", "lines", "after");
    if (!all) return std::unexpected(all.error());
    for (const Json& line : *all) print(line);
  }
  if (!is_table) cli.out.did("", {{"lines", lines}});
  return {};
}

void add_task(CLI::App& app, Cli& cli) {
  CLI::App* const noun = app.add_subcommand("task", "What was asked for, and what became of it");
  noun->require_subcommand(1);
  add_list(*noun, cli);
  add_on_task(*noun, cli, "show", "Show a task and its steps", [&cli](const Api& api, std::uint64_t id) -> Outcome {
    const Reply task = api.get(path_of(id));
    if (!task) return std::unexpected(task.error());
    print_record(cli, *task);
    return {};
  });
  const auto options = std::make_shared<LogOptions>();
  CLI::App* const log =
      add_on_task(*noun, cli, "log", "Print the log of a task",
                  [&cli, options](const Api& api, std::uint64_t id) { return print_log(cli, api, id, *options); });
  add_log_options(*log, *options);
  add_on_task(*noun, cli, "handout", "Print what a task hands to who asked for it, such as a link; once",
              [&cli](const Api& api, std::uint64_t id) -> Outcome {
                const Reply given = api.post(path_of(id) + "/handout", {});
                if (!given) return std::unexpected(given.error());
                cli.out.did(given->value("secret", std::string()), *given);
                return {};
              });
  add_on_task(*noun, cli, "cancel", "Cancel a task; what it has done is taken back",
              [&cli](const Api& api, std::uint64_t id) -> Outcome {
                const Reply task = api.post(path_of(id) + "/cancel", {});
                if (!task) return std::unexpected(task.error());
                const bool ended = task->value("state", std::string()) == "cancelled";
                cli.out.did("task " + std::to_string(id) + (ended ? " is cancelled" : " is being taken back"), *task);
                return {};
              });
  add_on_task(*noun, cli, "skip",
              "Leave the step that fails again and again, when it fails once more; the task goes on",
              [&cli](const Api& api, std::uint64_t id) -> Outcome {
                const Reply task = api.post(path_of(id) + "/skip", {});
                if (!task) return std::unexpected(task.error());
                cli.out.did("task " + std::to_string(id) + " tries its step once more, and goes on without it", *task);
                return {};
              });
  add_retry(*noun, cli);
}

void add_queue(CLI::App& app, Cli& cli) {
  CLI::App* const noun = app.add_subcommand("queue", "The queue of tasks");
  noun->require_subcommand(1);
  add_queue_command(*noun, cli, "show", "Show how many tasks there are of each state", "/v1/queue");
  add_queue_command(*noun, cli, "pause", "Let no task begin; what has begun goes on", "/v1/queue/pause");
  add_queue_command(*noun, cli, "resume", "Let tasks begin again", "/v1/queue/resume");
}

}  // namespace aegir::client
