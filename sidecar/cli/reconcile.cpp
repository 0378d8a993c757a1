#include "sidecar/cli/reconcile.hpp"

#include <CLI/CLI.hpp>

#include "sidecar/cli/verbs.hpp"

namespace aegir::client {
namespace {

/// As `aegirc diff` has it: something differs.
constexpr int kDiffers = 1;

/// One line for what was found, and one for what can be done.
std::string lines_of(const std::string& what, const Json& row) {
  const std::string next = text_at(row, "next");
  return next.empty() ? what : what + "\n    next: " + next;
}

void print(const Cli& cli, const Json& result) {
  if (cli.out.format == cli::Format::kJson) return cli.out.record(result);
  for (const Json& row : result.value("differences", Json::array())) {
    cli.out.did(lines_of(text_at(row, "about") + ": " + text_at(row, "what") + " (" + text_at(row, "fate") + ")", row),
                {});
  }
  for (const Json& row : result.value("others", Json::array())) {
    cli.out.did(lines_of("not ours: " + text_at(row, "what"), row), {});
  }
  const auto found = result.value("found", std::uint64_t{0});
  if (found == 0) return cli.out.did("No difference.", {});
  cli.out.did(cli::count(found, "difference") + ": " + std::to_string(result.value("mended", std::uint64_t{0})) +
                  " mended, " + std::to_string(result.value("to_be_mended", std::uint64_t{0})) + " to be mended, " +
                  std::to_string(result.value("left", std::uint64_t{0})) + " left to a person",
              {});
}

Outcome run(Cli& cli, bool look, bool no_wait) {
  const auto api = api_of(cli);
  if (!api) return std::unexpected(api.error());
  Interrupt::watch();
  const Reply task = api->post(
      "/v1/tasks", {{"kind", "registry"}, {"verb", "reconcile"}, {"request", {{"mode", look ? "look" : "mend"}}}});
  if (!task) return std::unexpected(task.error());
  const auto id = task->value("id", std::uint64_t{0});
  if (no_wait) {
    cli.out.did("task " + std::to_string(id) + " (reconcile) is " + text_at(*task, "state"), *task);
    return {};
  }
  const auto end = api->watch(id, [](const std::string&, const Json&) {});
  if (!end) return std::unexpected(end.error());
  const auto result = *end ? (*end)->find("result") : Json::const_iterator();
  if (!*end || result == (*end)->end() || !result->is_object()) return report_end(cli, *api, id, *end);
  print(cli, *result);
  if (result->value("found", std::uint64_t{0}) != 0) cli.status = kDiffers;
  return {};
}

}  // namespace

void add_reconcile(CLI::App& app, Cli& cli) {
  CLI::App* const command =
      app.add_subcommand("reconcile", "Compare registry, disk, databases, site map and slots, and mend what differs");
  const auto look = std::make_shared<bool>(false);
  const auto no_wait = std::make_shared<bool>(false);
  command->add_flag("--dry-run", *look, "Only say what differs");
  command->add_flag_callback("--yes", [] {}, "Accepted everywhere; nothing is asked here");
  CLI::Option* const wait = command->add_flag_callback("--wait", [] {}, "Wait for the end (the default)");
  command->add_flag("--no-wait", *no_wait, "Only put it into the queue")->excludes(wait);
  command->footer(
      "What is compiled from the registry is written again, and what a delete or a failed install has left is "
      "removed.\nDirectories and databases that no site has are named, and never touched.\n"
      "Exit codes: 0 no difference, 1 something differed, others as of aegir.");
  command->callback(
      [&cli, look, no_wait] { cli.command = [&cli, look, no_wait] { return run(cli, *look, *no_wait); }; });
}

}  // namespace aegir::client
