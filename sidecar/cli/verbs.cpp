#include "sidecar/cli/verbs.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <fstream>
#include <iostream>
#include <thread>

#include "sidecar/cli/person.hpp"

namespace aegir::client {
namespace {

/// What became of one of several objects.
struct Row {
  std::string state;  ///< of its task, "refused", or "not asked"
  std::optional<std::uint64_t> task;
  std::string message;  ///< what went wrong, or what it hands out
  int exit_code = 0;
};

constexpr int kUnavailable = 69;
constexpr int kInterrupted = 130;

/// Wishes of one verb.
class Work {
 public:
  Work(const Cli& cli, const Api& api, const Verb& verb, const VerbOptions& options, const Json& request)
      : cli_(cli), api_(api), verb_(verb), options_(options), request_(request) {}

  [[nodiscard]] Reply ask(const std::string& object) const {
    Json wish = {{"kind", verb_.kind}, {"verb", verb_.name}};
    if (!object.empty()) wish["object"] = object;
    if (!request_.empty()) wish["request"] = request_;
    if (options_.priority != 0) wish["priority"] = options_.priority;
    if (options_.after != 0) wish["after"] = options_.after;
    if (options_.dry_run) wish["dry_run"] = true;
    return api_.post("/v1/tasks", wish);
  }

  /// One of several, to its end.
  [[nodiscard]] Row finish(const std::string& object) const {
    const Reply task = ask(object);
    if (!task) return failed(task.error());
    if (options_.dry_run) return {"could be queued", {}, "", 0};
    const auto id = task->value("id", std::uint64_t{0});
    if (options_.no_wait) return {text_at(*task, "state"), id, "", 0};
    const auto end = watch_task(cli_, api_, id, object);
    if (!end) {
      Row row = failed(end.error());
      row.task = id;
      return row;
    }
    if (!*end) return {"goes on", id, "", kInterrupted};
    const std::string state = text_at(**end, "state");
    const bool is_good = state == "success" || state == "warning";
    const std::string handout = is_good ? take_handout(api_, id) : "";
    if (is_good && handout.empty() && verb_.name == "login") {
      return {state, id, std::string(kLinkTaken), exit_code(Code::kConflict)};
    }
    return {state, id, handout.empty() ? text_at(**end, "message") : handout, is_good ? 0 : kUnavailable};
  }

 private:
  [[nodiscard]] static Row failed(const Errors& errors) {
    return {"refused", {}, describe(errors.front()), exit_code(errors.front().code)};
  }

  const Cli& cli_;
  const Api& api_;
  const Verb& verb_;
  const VerbOptions& options_;
  const Json& request_;
};

Outcome run_one(Cli& cli, const Api& api, const Work& work, const Verb& verb, const VerbOptions& options,
                const std::string& object) {
  const Reply task = work.ask(object);
  if (!task) return std::unexpected(task.error());
  const std::string what = verb.kind + ' ' + verb.name + (object.empty() ? "" : " ") + object;
  if (options.dry_run) {
    cli.out.did("dry run: " + what + " could be queued", *task);
    return {};
  }
  const auto id = task->value("id", std::uint64_t{0});
  if (options.no_wait) {
    cli.out.did("task " + std::to_string(id) + " (" + what + ") is " + text_at(*task, "state"), *task);
    return {};
  }
  if (task->value("second", false)) cli.out.note("the same was asked for before: task " + std::to_string(id));
  const auto end = watch_task(cli, api, id, "");
  if (!end) return std::unexpected(end.error());
  return report_end(cli, api, id, *end);
}

Outcome run_many(Cli& cli, const Work& work, const Verb& verb, const VerbOptions& options,
                 const std::vector<std::string>& objects) {
  std::vector<Row> rows(objects.size(), Row{"not asked", {}, "", kInterrupted});
  std::atomic<std::size_t> next = 0;
  {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min<std::size_t>(options.parallel, objects.size());
    for (std::size_t n = 0; n < count; ++n) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < objects.size() && !Interrupt::happened(); at = next++) {
          rows[at] = work.finish(objects[at]);
        }
      });
    }
  }
  std::vector<std::vector<std::string>> table;
  Json list = Json::array();
  std::size_t good = 0;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const Row& row = rows[at];
    good += row.exit_code == 0 ? 1U : 0U;
    if (cli.status == 0) cli.status = row.exit_code;
    std::string first_line = row.message.substr(0, row.message.find('\n'));
    table.push_back({objects[at], row.task ? std::to_string(*row.task) : "-", row.state, std::move(first_line)});
    list.push_back({{verb.kind, objects[at]},
                    {"task", row.task ? Json(*row.task) : Json()},
                    {"state", row.state},
                    {"message", row.message.empty() ? Json() : Json(row.message)}});
  }
  const std::size_t bad = rows.size() - good;
  if (cli.out.format == cli::Format::kTable) {
    const std::vector<std::string_view> columns = {verb.kind, "task", "state", "message"};
    cli.out.table(columns, table);
  }
  cli.out.did(verb.name + ": " + cli::count(good, "done", "done") + ", " + cli::count(bad, "not", "not"),
              {{"tasks", list}, {"done", good}, {"not_done", bad}});
  if (Interrupt::happened()) {
    cli.out.note("what is in the queue goes on: see `aegir task list`, cancel one with `aegir task cancel ID`");
  }
  return {};
}

/// Lines of a file, or of standard input ("-"); # begins a comment.
Result<std::vector<std::string>> names_in(const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) return fail_errno("the file can't be opened", file, errno);
  }
  std::istream& lines = file == "-" ? std::cin : opened;
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos) continue;
    names.push_back(line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin));
  }
  return names;
}

/// What the options choose.
std::expected<std::vector<std::string>, Errors> chosen(const Api& api, const Verb& verb, const Choice& choice) {
  const bool is_filter = choice.all || !choice.platform.empty() || !choice.client.empty();
  if (int{!choice.names.empty()} + int{!choice.from_file.empty()} + int{is_filter} != 1) {
    return stop_with(Code::kUsage, "say which " + verb.kind + "s are meant, in one way",
                     std::string("name them, or use --from-file FILE, or --all") +
                         (verb.kind == "site" ? ", --platform NAME, --client NAME" : ""));
  }
  std::vector<std::string> names = choice.names;
  if (!choice.from_file.empty()) {
    Result<std::vector<std::string>> read = names_in(choice.from_file);
    if (!read) return cli::stop(read);
    names = *std::move(read);
  } else if (is_filter) {
    std::string target = "/v1/" + verb.kind + "s";
    if (verb.kind == "site") {
      target += "?limit=500";
      if (!choice.platform.empty()) target += "&platform=" + encoded(choice.platform);
      if (!choice.client.empty()) target += "&client=" + encoded(choice.client);
      if (!verb.state.empty()) target += "&state=" + verb.state;
    }
    const Reply list = api.all(target, verb.kind + "s", "after");
    if (!list) return std::unexpected(list.error());
    for (const Json& entry : *list) names.push_back(text_at(entry, verb.kind == "site" ? "uri" : "name"));
  }
  std::vector<std::string> seen;
  for (std::string& name : names) {
    if (std::ranges::find(seen, name) == seen.end()) seen.push_back(std::move(name));
  }
  if (!seen.empty()) return seen;
  return stop_with(Code::kNotFound, "there is no such " + verb.kind,
                   "see `aegir " + verb.kind + " list`" +
                       (verb.state.empty() ? "" : "; only those that are " + verb.state + " are meant"));
}

Outcome ask_person(const Verb& verb, const VerbOptions& options, const std::vector<std::string>& objects) {
  if (verb.question.empty() || options.yes || options.dry_run) return {};
  std::string question = verb.question;
  const std::string what =
      objects.size() == 1 ? verb.kind + " " + objects.front() : cli::count(objects.size(), verb.kind, verb.kind + "s");
  question.replace(question.find("{}"), 2, what);
  Result<void> sure = confirm(question, "add --yes");
  if (!sure) return cli::stop(sure);
  return {};
}

}  // namespace

std::shared_ptr<VerbOptions> add_verb_options(CLI::App& command, bool is_asked, bool is_many) {
  auto options = std::make_shared<VerbOptions>();
  // Behind what a command has of its own.
  const char* const group = "How it is done";
  CLI::Option* const wait =
      command.add_flag_callback("--wait", [] {}, "Wait for the end, with live progress and log (the default)");
  wait->group(group);
  command.add_flag("--no-wait", options->no_wait, "Only put it into the queue")->excludes(wait)->group(group);
  command.add_flag("--dry-run", options->dry_run, "Only look whether it could be done")->group(group);
  command
      .add_flag("--yes", options->yes,
                is_asked ? "Do not ask whether you are sure" : "Accepted everywhere; nothing is asked here")
      ->group(group);
  command.add_option("--priority", options->priority, "Higher ones begin first; 0 when left out")
      ->option_text("N")
      ->group(group);
  command.add_option("--after", options->after, "Begin when that task has ended well")
      ->option_text("TASK")
      ->group(group);
  if (is_many) {
    command.add_option("--parallel", options->parallel, "Have so many in the queue at a time; 4 when left out")
        ->check(CLI::Range(1, 64))
        ->option_text("N")
        ->group(group);
  }
  return options;
}

Outcome run_verb(Cli& cli, const Verb& verb, const VerbOptions& options, const std::vector<std::string>& objects,
                 const Json& request) {
  const auto api = api_of(cli);
  if (!api) return std::unexpected(api.error());
  if (Outcome sure = ask_person(verb, options, objects); !sure) return sure;
  Interrupt::watch();
  const Work work(cli, *api, verb, options, request);
  if (objects.size() == 1) return run_one(cli, *api, work, verb, options, objects.front());
  return run_many(cli, work, verb, options, objects);
}

CLI::App* add_verb(CLI::App& noun, Cli& cli, const Verb& verb, const char* name, const char* help,
                   std::function<std::expected<Json, Errors>()> request) {
  CLI::App* const command = noun.add_subcommand(verb.name, help);
  const auto object = std::make_shared<std::string>();
  command
      ->add_option(name, *object,
                   verb.kind == "site" ? "Its host name, such as shop.example" : "What it is to be called")
      ->required();
  const auto options = add_verb_options(*command, !verb.question.empty(), false);
  command->callback([&cli, verb, object, options, request = std::move(request)] {
    cli.command = [&cli, verb, object, options, request]() -> Outcome {
      const auto wanted = request();
      if (!wanted) return std::unexpected(wanted.error());
      return run_verb(cli, verb, *options, {*object}, *wanted);
    };
  });
  return command;
}

CLI::App* add_verb_on_many(CLI::App& noun, Cli& cli, const Verb& verb, const char* name, const char* help,
                           std::function<Json()> request) {
  CLI::App* const command = noun.add_subcommand(verb.name, help);
  const auto choice = std::make_shared<Choice>();
  command->add_option(name, choice->names, "Which ones");
  command->add_flag("--all", choice->all, verb.state.empty() ? "All of them" : "All that are " + verb.state);
  if (verb.kind == "site") {
    command->add_option("--platform", choice->platform, "Those on this platform")->option_text("NAME");
    command->add_option("--client", choice->client, "Those of this client")->option_text("NAME");
  }
  command->add_option("--from-file", choice->from_file, "Those that are named in FILE, one a line; - is standard input")
      ->option_text("FILE");
  const auto options = add_verb_options(*command, !verb.question.empty(), true);
  command->callback([&cli, verb, choice, options, request = std::move(request)] {
    cli.command = [&cli, verb, choice, options, request]() -> Outcome {
      const auto api = api_of(cli);
      if (!api) return std::unexpected(api.error());
      const auto names = chosen(*api, verb, *choice);
      if (!names) return std::unexpected(names.error());
      return run_verb(cli, verb, *options, *names, request());
    };
  });
  return command;
}

}  // namespace aegir::client
