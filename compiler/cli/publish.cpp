#include "compiler/cli/publishing.hpp"

#include <CLI/CLI.hpp>

namespace aegir::cli {
namespace {

using publish::Report;

std::string sentence(const Report& report) {
  const std::string generation = "generation " + std::to_string(report.generation);
  switch (report.wrote) {
    case Report::Wrote::kNothing:
      return "Nothing new: " + generation + " is visible" +
             (report.verified ? "." : "; its records were not verified, `aegirc map verify` does that.");
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
DoneBefore restored(const Output& out, const Config& config, registry::Store& store) {
  const Result<publish::Copied> copied = publish::restore(config, store);
  if (!copied && copied.error().code != Code::kNotFound) {
    out.note("the durable copy of the map is of no use: " + describe(copied.error()));
  }
  if (!copied || !copied->switched) return {};
  return {"Restored generation " + std::to_string(copied->generation) + " from the durable copy.",
          {{"restored", copied->generation}}};
}

Result<void> prepare_arrival(const Config& config, const Accounts& accounts, const Arrival& site, machine::Done& done) {
  if (site.foreign) return std::unexpected(*site.foreign);
  return machine::prepare_site(config, accounts, site.place, done);
}

/// The directories of the sites that are new to the live map. Returns what is to be told of those that are kept back.
Result<Errors> prepare_arrivals(const Config& config, registry::Store& store, DoneBefore& before) {
  Result<Arrivals> arrivals = look_at_arrivals(config, store);
  if (!arrivals) return pass(arrivals);
  // With no map every site waits for this, and which ones are new can't be told.
  if (!arrivals->map_is_known || arrivals->sites.empty()) return Errors();
  const Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return std::unexpected(accounts.error());
  machine::Done done;
  std::vector<Unprepared> unprepared;
  for (const Arrival& site : arrivals->sites) {
    Result<void> prepared = prepare_arrival(config, *accounts, site, done);
    if (!prepared) unprepared.push_back({site.place.uri, std::move(prepared.error())});
  }
  if (const std::size_t prepared = arrivals->sites.size() - unprepared.size(); prepared != 0 && !done.empty()) {
    if (!before.sentence.empty()) before.sentence += '\n';
    before.sentence += "Prepared the directories of " + count(prepared, "new site") + '.';
    before.facts["done"] = done;
  }
  return keep_back(store, std::move(unprepared));
}

}  // namespace

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
  // A base that is built anew may have the name of a damaged one.
  const publish::Copy copy = report->wrote == Report::Wrote::kBase ? publish::Copy::kAll : publish::Copy::kMissing;
  Result<publish::Copied> durable = publish::persist(config, copy);
  if (!durable) {
    durable.error().message = "the change is visible, but its durable copy failed: " + durable.error().message;
    return stop(durable);
  }
  return {};
}

Outcome with(Errors errors, Outcome outcome) {
  if (errors.empty()) return outcome;
  if (!outcome) errors.insert(errors.begin(), outcome.error().begin(), outcome.error().end());
  return std::unexpected(std::move(errors));
}

Outcome run_publisher(const Cli& cli, const PublishStep& step) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  Result<KeyRing> keys = map_keys(*config);
  if (!keys) return stop(keys);
  if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
  auto store = open_registry(cli.out, *config, registry::Store::Mode::kWrite);
  if (!store) return stop(store);
  DoneBefore before = restored(cli.out, *config, **store);
  Result<Errors> kept = prepare_arrivals(*config, **store, before);
  if (!kept) return stop(kept);
  return with(*std::move(kept), run_publisher(cli.out, *config, *keys, **store, step, before));
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
