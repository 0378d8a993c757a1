// A task as the person sees it who waits for it.
#include <cstdio>
#include <set>

#include "compiler/cli/output.hpp"
#include "sidecar/cli/verbs.hpp"

namespace aegir::client {
namespace {

/// A line on standard error; control bytes never reach a terminal.
void say(const std::string& name, std::string text) {
  if (!name.empty()) text = name + ": " + text;
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  text += '\n';
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
}

/// What a task is, for a sentence: "site install shop.example".
std::string wanted_of(const Json& task) {
  const std::string object = text_at(task, "object");
  return text_at(task, "kind") + ' ' + text_at(task, "verb") + (object.empty() ? "" : " ") + object;
}

/// The exit code of sysexits(3) for what "wanted to be done and was not".
constexpr int kUnavailable = 69;
/// As shells have it for a program that SIGINT ended.
constexpr int kInterrupted = 130;

}  // namespace

std::expected<std::optional<Json>, Errors> watch_task(const Cli& cli, const Api& api, std::uint64_t id,
                                                      const std::string& name) {
  const bool is_shown = cli.out.format == cli::Format::kTable;
  std::size_t steps = 0;
  std::set<std::pair<std::size_t, bool>> shown;  // each step once, and its undo once
  return api.watch(id, [&](const std::string& event, const Json& data) {
    if (!is_shown) return;
    if (event == "log") {
      const std::string level = text_at(data, "level");
      if (level == "debug") return;
      return say(name, "  " + (level == "warning" || level == "error" ? level + ": " : "") + text_at(data, "text"));
    }
    if (event != "step") return;
    const std::size_t number = data.value("number", std::size_t{0}) + 1;
    const bool is_undone = text_at(data, "state").starts_with("und");
    if (!shown.insert({number, is_undone}).second) return;
    steps = data.value("of", steps);
    const std::string place = std::to_string(number) + (steps == 0 ? "" : "/" + std::to_string(steps));
    say(name, (is_undone ? "[undo " : "[") + place + "] " + text_at(data, "name"));
  });
}

std::string take_handout(const Api& api, std::uint64_t id) {
  const Reply given = api.post("/v1/tasks/" + std::to_string(id) + "/handout", {});
  return given ? text_at(*given, "secret") : "";  // most tasks have none
}

Outcome report_end(Cli& cli, const Api& api, std::uint64_t id, std::optional<Json> task) {
  const std::string number = std::to_string(id);
  if (!task) {
    cli.status = kInterrupted;
    cli.out.note("task " + number + " goes on: see it with `aegir task show " + number +
                 "`, cancel it with `aegir task cancel " + number + "`");
    return {};
  }
  const std::string state = text_at(*task, "state");
  const std::string sentence = "task " + number + " (" + wanted_of(*task) + ")";
  if (state == "success" || state == "warning") {
    const std::string handout = take_handout(api, id);
    if (!handout.empty()) (*task)["handout"] = handout;
    if (handout.empty() && text_at(*task, "verb") == "login") {
      return stop_with(Code::kConflict, sentence + ": " + std::string(kLinkTaken), "ask for a new one");
    }
    // A link to log in is alone on standard output, for a browser or a script.
    if (cli.out.format == cli::Format::kJson || text_at(*task, "verb") != "login") {
      cli.out.did(sentence + (state == "success" ? " succeeded" : " is done, with warnings"), *task);
    }
    if (cli.out.format == cli::Format::kTable) {
      const auto result = task->find("result");
      if (result != task->end() && result->is_object() && !result->empty()) print_record(cli, *result);
      if (!handout.empty()) cli.out.did(handout, {});
    }
    if (state == "warning") cli.out.note(text_at(*task, "message"));
    return {};
  }
  if (cli.out.format == cli::Format::kJson) cli.out.did("", *task);
  cli.status = kUnavailable;
  const std::string message = text_at(*task, "message");
  return stop_with(
      Code::kConflict,
      sentence + (state == "cancelled" ? " was cancelled" : " has failed") + (message.empty() ? "" : ": " + message),
      "see `aegir task log " + number + "`; ask again with `aegir task retry " + number + "`");
}

}  // namespace aegir::client
