// Caches, cron and the updates that wait.
#include <ctime>

#include "sidecar/drush/answers.hpp"
#include "sidecar/drush/calls.hpp"
#include "sidecar/drush/php.hpp"

namespace aegir::drush {
namespace {

/// Whether a log says that something succeeded. The words may be in the site's language; the label is Drush's.
bool says_success(std::string_view log) {
  while (!log.empty()) {
    const std::size_t end = std::min(log.find('\n'), log.size());
    if (read_line(log.substr(0, end), {}).level == Level::kSuccess) return true;
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  return false;
}

/// Runs PHP in a Backdrop that says {"done": true}.
Result<void> do_in_backdrop(process::Runner& runner, const Command& command, std::string_view source,
                            const Progress& progress) {
  const Result<process::Output> output = command.run(runner, evaluation(command.site(), source, kWorking, progress));
  if (!output) return std::unexpected(output.error());
  const Result<registry::Document> document = command.json(output->out);
  if (!document) return std::unexpected(document.error());
  const Result<bool> done = Members(command, "its answer", document->root()).flag("done");
  if (!done) return std::unexpected(done.error());
  if (!*done) return command.wrong("Backdrop says that it did not do it");
  return {};
}

/// A text, or a number as a text.
Result<std::string> word(const Members& members, std::string_view key) {
  if (const Result<std::uint64_t> number = members.number(key); number) return std::to_string(*number);
  return members.text(key, 256);
}

Result<Update> read_update(const Command& command, const registry::Node& node) {
  const Members members(command, "an update", node);
  Result<std::string> module = members.text("module", 256);
  if (!module) return pass(module);
  Result<std::string> id = word(members, "update_id");
  if (!id) return pass(id);
  // Descriptions come from a comment in a module's code, and are for people alone.
  const registry::Node* const description = node.find("description");
  Update update{std::move(*module), std::move(*id), {}};
  if (description != nullptr && description->is(registry::Node::Kind::kText)) {
    update.description = command.quote(description->text());
  }
  return update;
}

Result<std::vector<Update>> read_updates(const Command& command, const registry::Node& node) {
  std::vector<Update> updates;
  const auto add = [&](const registry::Node& update) -> Result<void> {
    Result<Update> read = read_update(command, update);
    if (!read) return pass(read);
    updates.push_back(std::move(*read));
    return {};
  };
  if (node.is(registry::Node::Kind::kList)) {  // Drush 8, and any when there is none
    for (const registry::Node& update : node.list()) {
      if (Result<void> added = add(update); !added) return pass(added);
    }
  } else if (node.is(registry::Node::Kind::kObject)) {
    for (const registry::Node::Member& update : node.members()) {
      if (Result<void> added = add(update.value); !added) return pass(added);
    }
  } else {
    return command.wrong("its answer is no list of updates");
  }
  return updates;
}

}  // namespace

Result<void> rebuild_caches(process::Runner& runner, const Site& site, const Progress& progress) {
  if (site.cms == registry::Cms::kBackdrop) {
    return do_in_backdrop(runner, Command(site, "cache-clear"), backdrop_caches_source(), progress);
  }
  const std::vector<std::string> arguments = site.cms == registry::Cms::kDrupal7
                                                 ? std::vector<std::string>{"cache-clear", "all"}
                                                 : std::vector<std::string>{"cache-rebuild"};
  const Command command(site, arguments.front());
  const Result<process::Output> output = command.run(runner, tool_program(site, arguments, kWorking, progress));
  if (!output) return std::unexpected(output.error());
  if (!says_success(output->err)) return command.wrong("it ended well, but does not say that caches were cleared");
  // Drush 12 clears those of an empty database too.
  const Result<Facts> after = facts(runner, site);
  if (!after) return std::unexpected(after.error());
  return {};
}

Result<void> run_cron(process::Runner& runner, const Site& site, const Progress& progress) {
  const Command command(site, "core-cron");
  const auto begin = static_cast<std::uint64_t>(std::time(nullptr));
  if (site.cms == registry::Cms::kBackdrop) {
    if (Result<void> done = do_in_backdrop(runner, command, backdrop_cron_source(), progress); !done) {
      return pass(done);
    }
  } else {
    const Result<process::Output> output = command.run(runner, tool_program(site, {"core-cron"}, kWorking, progress));
    if (!output) return std::unexpected(output.error());
  }
  Result<Facts> after = facts(runner, site);
  if (!after) return pass(after);
  if (after->cron_last < begin) {
    return command.wrong("it ended well, but the site says that cron did not run",
                         "look whether another cron of the site is at work: its lock is free after 15 minutes");
  }
  return {};
}

Result<std::vector<Update>> pending_updates(process::Runner& runner, const Site& site) {
  const bool backdrop = site.cms == registry::Cms::kBackdrop;
  const Command command(site, "updatedb-status");
  const Result<process::Output> output =
      command.run(runner, backdrop ? evaluation(site, backdrop_updates_source(), kQuick)
                                   : tool_program(site, {"updatedb-status", "--format=json"}, kQuick));
  if (!output) return std::unexpected(output.error());
  // Without updates Drush prints no document, and logs a success. Nothing at all says nothing.
  if (!backdrop && output->out.find_first_not_of(" \t\r\n") == std::string::npos && says_success(output->err)) {
    return std::vector<Update>();
  }
  const Result<registry::Document> document = command.json(output->out);
  if (!document) return std::unexpected(document.error());
  if (!backdrop) return read_updates(command, document->root());
  const registry::Node* const updates =
      document->root().is(registry::Node::Kind::kObject) ? document->root().find("updates") : nullptr;
  if (updates == nullptr) return command.wrong("its answer has no updates");
  return read_updates(command, *updates);
}

}  // namespace aegir::drush
