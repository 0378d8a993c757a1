#include "compiler/cli/publishing.hpp"

#include <CLI/CLI.hpp>

namespace aegir::cli {
namespace {

using publish::Report;

std::string sentence(const Report& report) {
  const std::string generation = "generation " + std::to_string(report.generation);
  switch (report.wrote) {
    case Report::Wrote::kNothing:
      return "Nothing new: " + generation + " is visible.";
    case Report::Wrote::kDelta:
      return "Published " + generation + ": " + count(report.touched, "changed name") + ", " + bytes(report.bytes) +
             " written" + (report.reason.empty() ? "" : " anew from the change log (" + report.reason + ")") +
             "; every request from now on sees it.";
    case Report::Wrote::kBase:
      break;
  }
  return "Published " + generation + " with a new base (" + report.reason + "): " + count(report.sites, "site") + ", " +
         bytes(report.bytes) + " written; every request from now on sees it.";
}

const char* word(Report::Wrote wrote) {
  switch (wrote) {
    case Report::Wrote::kNothing:
      return "nothing";
    case Report::Wrote::kDelta:
      return "delta";
    case Report::Wrote::kBase:
      break;
  }
  return "base";
}

void tell(const Output& out, const Report& report, std::uint64_t merged, const DoneBefore& before) {
  Json facts = before.facts;
  facts["generation"] = report.generation;
  facts["wrote"] = word(report.wrote);
  facts["bytes"] = report.bytes;
  facts["touched"] = report.touched;
  facts["merged_bytes"] = merged;
  if (!report.reason.empty()) facts["reason"] = report.reason;
  std::string text = before.sentence;
  if (!text.empty()) text += '\n';
  text += sentence(report);
  if (merged != 0) text += "\nMerged the changes since the last base into a new one of " + bytes(merged) + '.';
  out.did(text, facts);
}

/// After a reboot the live map is empty: its durable copy saves building it anew.
DoneBefore restored(const Output& out, const Config& config) {
  const Result<publish::Copied> copied = publish::restore(config);
  if (!copied && copied.error().code != Code::kNotFound) {
    out.note("the durable copy of the map is of no use: " + describe(copied.error()));
  }
  if (!copied || !copied->switched) return {};
  return {"Restored generation " + std::to_string(copied->generation) + " from the durable copy.",
          {{"restored", copied->generation}}};
}

}  // namespace

Error nothing_published() {
  return {Code::kConflict,
          "nothing was published",
          {},
          "put the directories above right, or delete the sites with `aegirc import`; then run this again"};
}

Outcome run_publisher(const Output& out, const Config& config, const KeyRing& keys, registry::Store& store,
                      const PublishStep& step, const DoneBefore& before) {
  publish::Publisher publisher(config, store, keys);
  Result<Report> report = step(publisher);
  if (!report) return stop(report);
  if (report->warning) out.note(describe(*report->warning));
  Result<Report> finished = publisher.finish();
  tell(out, *report, report->merged + (finished ? finished->merged : 0), before);
  if (!finished) return stop(finished);
  if (finished->warning) out.note(describe(*finished->warning));
  Result<publish::Copied> durable = publish::persist(config);
  if (!durable) {
    durable.error().message = "the change is visible, but its durable copy failed: " + durable.error().message;
    return stop(durable);
  }
  return {};
}

Outcome run_publisher(const Cli& cli, const PublishStep& step) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  Result<KeyRing> keys = map_keys(*config);
  if (!keys) return stop(keys);
  if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
  auto store = open_registry(*config, registry::Store::Mode::kWrite);
  if (!store) return stop(store);
  const DoneBefore before = restored(cli.out, *config);
  Result<Arrivals> arrivals = look_at_arrivals(*config, **store);
  if (!arrivals) return stop(arrivals);
  // With no map every site waits for this, and which ones are new can't be told.
  if (arrivals->map_is_known && !arrivals->foreign.empty()) {
    arrivals->foreign.push_back(nothing_published());
    return std::unexpected(std::move(arrivals->foreign));
  }
  return run_publisher(cli.out, *config, *keys, **store, step, before);
}

void add_publish(CLI::App& app, Cli& cli) {
  const auto rebuild = std::make_shared<bool>(false);
  CLI::App* const command =
      app.add_subcommand("publish", "Make the site map say what the registry says; nothing is reloaded");
  command->add_flag("--rebuild", *rebuild, "Build the base anew whatever is there, also the map of another registry");
  command->callback([&cli, rebuild] {
    cli.command = [&cli, rebuild] {
      return run_publisher(cli, [rebuild](publish::Publisher& map) {
        if (!*rebuild) return map.publish();
        return map.rebuild("aegirc publish --rebuild", publish::Publisher::Past::kOverruled);
      });
    };
  });
}

}  // namespace aegir::cli
