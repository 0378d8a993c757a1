#include "compiler/cli/publishing.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>

#include "compiler/publish/https.hpp"

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

/// Directory and files of a new site.
Result<void> prepare_arrival(const Config& config, const Accounts& accounts, registry::Store& store,
                             const Arrival& arrival, FilesOfSites& files, machine::Done& done) {
  if (arrival.foreign) return std::unexpected(*arrival.foreign);
  if (Result<void> made = machine::prepare_site(config, accounts, arrival.place, done); !made) return made;
  Result<std::optional<registry::Site>> site = store.find_site(arrival.place.uri);
  if (!site) return pass(site);
  return site->has_value() ? files.write(**site, done) : Result<void>();
}

/// Tells which of these sites have a limit that the map says nothing of, and that waits for the web servers' files.
Result<void> note_body_limits(const Output& out, const Config& config, registry::Store& store,
                              const std::vector<std::string>& uris) {
  constexpr std::size_t kMostNotes = 10;
  const Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return std::unexpected(platforms.error());
  std::size_t waiting = 0;
  for (const std::string& uri : uris) {
    const Result<std::optional<registry::Site>> site = store.find_site(uri);
    if (!site) return std::unexpected(site.error());
    if (!site->has_value()) continue;
    const auto platform = std::ranges::find(*platforms, (*site)->platform, &registry::Platform::name);
    const Result<bool> in_force = verify::body_limit_is_in_force(config, *platform, **site);
    if (!in_force) return std::unexpected(in_force.error());
    if (*in_force || ++waiting > kMostNotes) continue;
    out.note("body_limit of " + uri + " is in force after `aegirc verify --server " + platform->server +
             "` (or `aegirc compile`), not by this publish");
  }
  if (waiting > kMostNotes) out.note("and those of " + std::to_string(waiting - kMostNotes) + " more sites");
  return {};
}

/// What a publish needs on the disk first: directories and files of the sites that are new to the live map, files of
/// those that have changed, and no files of those that are gone.
Result<std::optional<FilesOfSites>> prepare_changes(const Output& out, const Config& config, registry::Store& store,
                                                    DoneBefore& before) {
  Result<Arrivals> arrivals = look_at_arrivals(config, store);
  if (!arrivals) return pass(arrivals);
  // With no map every site waits for this, and which ones are new can't be told.
  if (!arrivals->map_is_known ||
      (arrivals->sites.empty() && arrivals->changed.empty() && arrivals->gone.empty() && arrivals->platforms.empty())) {
    return std::optional<FilesOfSites>();
  }
  std::vector<std::string> uris = arrivals->changed;
  for (const Arrival& arrival : arrivals->sites) uris.push_back(arrival.place.uri);
  if (Result<void> noted = note_body_limits(out, config, store, uris); !noted) return pass(noted);
  const Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return std::unexpected(accounts.error());
  Result<FilesOfSites> files = FilesOfSites::load(config, *accounts, store);
  if (!files) return pass(files);
  machine::Done done;
  for (const Gone& gone : arrivals->gone) files->forget(gone.name, done);
  if (Result<void> noted = note_remains(out, store, arrivals->gone); !noted) return pass(noted);
  for (const std::string& uri : arrivals->changed) {
    Result<std::optional<registry::Site>> site = store.find_site(uri);
    if (!site) return pass(site);
    if (site->has_value()) files->write_again(**site, {}, done);
  }
  machine::Done new_ones;
  std::vector<Unprepared> unprepared;
  for (const Arrival& arrival : arrivals->sites) {
    Result<void> prepared = prepare_arrival(config, *accounts, store, arrival, *files, new_ones);
    if (!prepared) unprepared.push_back({arrival.place.uri, std::move(prepared.error())});
  }
  if (const std::size_t prepared = arrivals->sites.size() - unprepared.size(); prepared != 0 && !new_ones.empty()) {
    if (!before.sentence.empty()) before.sentence += '\n';
    before.sentence += "Prepared the directories of " + count(prepared, "new site") + '.';
  }
  done.insert(done.end(), new_ones.begin(), new_ones.end());
  if (Result<void> recorded = files->record(done); !recorded) return pass(recorded);
  Result<Errors> kept = keep_back(store, std::move(unprepared));
  if (!kept) return pass(kept);
  files->add(*std::move(kept));
  for (const std::uint32_t id : arrivals->platforms) {
    const Result<std::optional<registry::Platform>> platform = store.find_platform(id);
    if (!platform) return std::unexpected(platform.error());
    if (!platform->has_value()) continue;
    if (Result<void> written = files->write_platform(**platform, done); !written) return pass(written);
  }
  if (!done.empty()) before.facts["done"] = done;
  if (Result<void> noted = note_https(out, config, store, uris); !noted) return pass(noted);
  return files;
}

}  // namespace

Result<void> note_https(const Output& out, const Config& config, registry::Store& store,
                        const std::vector<std::string>& uris) {
  const Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return std::unexpected(servers.error());
  const Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return std::unexpected(platforms.error());
  publish::HttpsNotes notes(config, *servers, *platforms);
  for (const std::string& uri : uris) {
    const Result<std::optional<registry::Site>> site = store.find_site(uri);
    if (!site) return std::unexpected(site.error());
    if (site->has_value() && publish::is_by_https_alone(**site)) notes.look({(*site)->uri, (*site)->platform});
  }
  for (const std::string& note : notes.take()) out.note(note);
  return {};
}

std::string put_right(const machine::Done& done, std::string_view nothing) {
  constexpr std::size_t kMostShown = 10;
  std::vector<std::string> entries;  // one a path, whose owner and mode are two lines of `done`
  for (const std::string& line : done) {
    const std::size_t what = line.find(": ") + 2;
    if (!entries.empty() && entries.back().starts_with(line.substr(0, what))) {
      entries.back() += ", " + line.substr(what);
    } else {
      entries.push_back(line);
    }
  }
  if (entries.empty()) return std::string(nothing);
  std::string text = count(entries.size(), "directory or file", "directories and files") + " put right:";
  for (const std::string& entry : std::span(entries).first(std::min(entries.size(), kMostShown)))
    text += "\n  " + entry;
  if (entries.size() > kMostShown) {
    text += "\n  and " + std::to_string(entries.size() - kMostShown) + " more, which --output json lists";
  }
  return text;
}

DoneBefore tell(const Output& out, const verify::Told& told, const machine::Done& done) {
  for (const std::string& note : told.notes) out.note(note);
  machine::Done files;
  std::string more;
  bool pools = false;
  for (const std::string& line : done) {
    if (!line.starts_with('/')) {
      more += '\n' + line + '.';  // of a server
      continue;
    }
    files.push_back(line);
    // PHP of a person that all sites of a platform run.
    if (line.contains(": moved to ")) out.note(line + ", which it includes");
    pools = pools || (line.contains("/php/") && line.ends_with(": written"));
  }
  if (pools) more += "\nConfiguration of PHP-FPM changed. Next: start or restart the master of each block.";
  DoneBefore before;
  // What was refused is told below this: then nothing was "as it should be".
  before.sentence = put_right(files, told.errors.empty() ? "Directories, owners and fragments were as they should be."
                                                         : "Nothing was put right.") +
                    more;
  before.facts["done"] = done;
  return before;
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
  Result<std::optional<FilesOfSites>> files = prepare_changes(cli.out, *config, **store, before);
  if (!files) return stop(files);
  Outcome published = run_publisher(cli.out, *config, *keys, **store, step, before);
  if (!files->has_value()) return published;
  return (*files)->finish(std::move(published));
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
