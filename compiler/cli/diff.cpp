// diff: what publishing and compiling would change: the site map's names, the servers' fragments, and the files of
// sites, beside what is live. Writes nothing.
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <optional>

#include "compiler/cli/diff_files.hpp"
#include "compiler/cli/publishing.hpp"
#include "compiler/publish/compare.hpp"
#include "compiler/registry/json.hpp"

namespace aegir::cli {
namespace {

using publish::What;

constexpr std::string_view kMask = "********";

struct Options {
  std::string document;
  std::string map;
  bool replace = false;
  bool stat = false;
};

/// How many of one sort were added, changed and are gone.
struct Tally {
  std::string_view sort;  ///< in the plural
  std::array<std::uint64_t, 3> numbers{};
};

const char* word(What what) {
  constexpr std::array<const char*, 3> kWords = {"added", "changed", "gone"};
  return kWords[static_cast<std::size_t>(what)];
}

char sign(What what) { return std::string_view("+~-")[static_cast<std::size_t>(what)]; }

/// Prints the differences, or only counts them.
class Report {
 public:
  Report(const Output& out, bool stat) : out_(out), stat_(stat), report_(out) {}

  void list(std::string_view name) {
    if (!stat_) report_.list(name);
  }

  void entry(const publish::EntryChange& change) {
    count(change.kind == "setting"    ? 0
          : change.kind == "platform" ? 1
          : change.kind == "site"     ? 2
          : change.kind == "alias"    ? 3
                                      : 4,
          change.what);
    if (stat_) return;
    std::string text = std::string(1, sign(change.what)) + ' ' + change.kind + ' ' + change.name;
    Json fields = Json::object();
    for (const publish::FieldChange& field : change.fields) {
      text += "\n    " + field.field + "  " + sentence(change.what, field);
      Json& facts = fields[field.field];
      if (field.before) facts["before"] = field.secret ? std::string(kMask) : *field.before;
      if (field.after) facts["after"] = field.secret ? std::string(kMask) : *field.after;
    }
    report_.entry(text,
                  {{"change", word(change.what)}, {"kind", change.kind}, {"name", change.name}, {"fields", fields}});
  }

  void file(const publish::FileChange& change) {
    count(5, change.what);
    if (stat_) return;
    Json facts = {{"change", word(change.what)}, {"file", change.path}};
    std::string text = std::string(1, sign(change.what)) + " file " + change.path;
    if (!change.remark.empty()) {
      facts["remark"] = change.remark;
      text += ": " + change.remark;
    }
    if (!change.diff.empty()) {
      facts["diff"] = change.diff;
      text = (change.remark.empty() ? "" : text + '\n') + change.diff;
      text.pop_back();  // its line break is the entry's
    }
    report_.entry(text, facts);
  }

  /// Ends it; whether anything differs, or may do so among `uncompared` files.
  bool end(Json facts, std::uint64_t uncompared) {
    std::string text;
    std::uint64_t all = 0;
    std::vector<std::vector<std::string>> rows;
    for (const Tally& tally : tallies_) {
      std::vector<std::string> row{std::string(tally.sort)};
      Json& numbers = facts["count"][std::string(tally.sort)];
      std::uint64_t sum = 0;
      for (const What what : {What::kAdded, What::kChanged, What::kGone}) {
        const std::uint64_t number = tally.numbers[static_cast<std::size_t>(what)];
        sum += number;
        numbers[word(what)] = number;
        row.push_back(std::to_string(number) + ' ' + word(what));
        if (number == 0) continue;
        text += sum != number ? ", " : (text.empty() ? "" : "; ") + std::string(tally.sort) + ' ';
        text += row.back();
      }
      all += sum;
      rows.push_back(std::move(row));
    }
    facts["differs"] = all != 0;
    facts["not_compared"] = uncompared;
    if (stat_ && out_.format == Format::kTable) {
      constexpr std::array<std::string_view, 4> kColumns = {"sort", "added", "changed", "gone"};
      out_.table(kColumns, rows);
    } else if (stat_) {
      out_.did({}, facts);
    } else {
      std::string sentence = all == 0 ? "No difference." : "Differs: " + text + '.';
      if (uncompared != 0) sentence += " Not compared: " + cli::count(uncompared, "file") + '.';
      report_.end(sentence, facts);
    }
    return all != 0 || uncompared != 0;
  }

 private:
  void count(std::size_t sort, What what) { ++tallies_[sort].numbers[static_cast<std::size_t>(what)]; }

  static std::string sentence(What what, const publish::FieldChange& field) {
    if (field.secret) return field.before && field.after ? "changed" : field.after ? "set" : "removed";
    std::string before = field.before.value_or("none");
    std::string after = field.after.value_or("none");
    if (what == What::kAdded) return after;
    if (what == What::kGone) return before;
    return before + " -> " + after;
  }

  const Output& out_;
  bool stat_;
  LongReport report_;
  std::array<Tally, 6> tallies_ = {
      {{"settings", {}}, {"platforms", {}}, {"sites", {}}, {"aliases", {}}, {"probes", {}}, {"files", {}}}};
};

/// The key ring that compiles and whether it is the map's; without that any key does, and secrets are not compared.
struct Sealing {
  KeyRing keys;
  bool compares = false;
};

Result<Sealing> sealing(const Output& out, const Config& config) {
  Result<KeyRing> keys = KeyRing::read(config.map_key);
  if (keys) return Sealing{*std::move(keys), true};
  if (keys.error().code != Code::kNotFound && keys.error().code != Code::kPermission) return pass(keys);
  out.note("passwords in the site map are not compared, for want of its key: " + describe(keys.error()));
  Result<KeyRing> any = KeyRing::parse(KeyRing::generate(1), "a key for this run");
  if (!any) return pass(any);
  return Sealing{*std::move(any), false};
}

/// Whatever is published there; null and a note when nothing is.
Result<publish::Snapshot> published(const Output& out, const std::string& directory) {
  Result<publish::Snapshot> live = map::open_published(directory, nullptr);
  if (live || live.error().code != Code::kNotFound) return live;
  out.note("nothing is published in " + directory);
  return publish::Snapshot();
}

/// Compares one state of a registry; whether anything differs.
Result<bool> compare(const Output& out, const Config& config, registry::Store& store, const Sealing& sealing,
                     const publish::Snapshot& live, bool stat) {
  Result<publish::Compiler> compiler = publish::Compiler::load(store, config, sealing.keys);
  if (!compiler) return pass(compiler);
  const Result<std::uint64_t> sequence = store.sequence();
  if (!sequence) return std::unexpected(sequence.error());
  Report report(out, stat);
  report.list("names");
  Result<void> done = publish::compare_map(store, *compiler, sealing.compares ? &sealing.keys : nullptr, live.get(),
                                           [&](const publish::EntryChange& change) -> Result<void> {
                                             report.entry(change);
                                             return {};
                                           });
  if (!done) return pass(done);
  report.list("files");
  const Result<std::uint64_t> uncompared =
      compare_files(out, config, store, [&](const publish::FileChange& change) { report.file(change); });
  if (!uncompared) return std::unexpected(uncompared.error());
  Json facts = {{"generation", *sequence}};
  if (live) facts["live_generation"] = live->generation();
  return report.end(std::move(facts), *uncompared);
}

Outcome diff(Cli& cli, const Options& options) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  Result<std::string> document;
  if (!options.document.empty()) document = read_document(options.document);
  if (!document) return stop(document);
  Result<Sealing> keys = sealing(cli.out, *config);
  if (!keys) return stop(keys);
  Result<publish::Snapshot> live = published(cli.out, options.map.empty() ? config->map_dir : options.map);
  if (!live) return stop(live);
  Result<bool> differs = false;
  const auto look = [&](registry::Store& store) -> Result<void> {
    differs = compare(cli.out, *config, store, *keys, *live, options.stat);
    if (!differs) return std::unexpected(differs.error());
    return {};
  };
  if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
  const Result<bool> exists = registry::Store::exists(config->registry);
  if (!exists) return std::unexpected(Errors{exists.error()});
  if (options.document.empty() || *exists) {
    auto store = open_registry(cli.out, *config,
                               options.document.empty() ? registry::Store::Mode::kRead : registry::Store::Mode::kWrite);
    if (!store) return stop(store);
    if (options.document.empty()) {
      const Result<void> done = (*store)->snapshot([&] { return look(**store); });
      if (!done) return std::unexpected(Errors{done.error()});
    } else {
      auto done =
          registry::import_json(**store, *document, document_name(options.document),
                                {.replace = options.replace, .dry_run = true, .preview = [&] { return look(**store); }},
                                actor("aegirc diff"));
      if (!done) return stop(done);
    }
  } else {
    auto store = document_registry(cli.out, *config, options.document, *document);
    if (!store) return stop(store);
    if (Result<void> done = look(**store); !done) return stop(done);
  }
  cli.status = *differs ? 1 : 0;
  return {};
}

}  // namespace

void add_diff(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand("diff", "Show what publishing and compiling would change");
  command->add_option("DOCUMENT", options->document,
                      "Compare as after `aegirc import DOCUMENT` [the registry as it is]");
  command->add_flag("--replace", options->replace, "As after `aegirc import --replace DOCUMENT`");
  command->add_flag("--stat", options->stat, "Only how many of each sort differ");
  command->add_option("--map", options->map, "Map directory [the live map]")->option_text("DIR");
  command->footer(
      "Files of sites, platforms and Drush only root can read. Owners and modes are not looked at. Exit codes: 0 no "
      "difference, 1 something differs or can't be compared, others as of aegirc.");
  command->callback([&cli, options] { cli.command = [&cli, options] { return diff(cli, *options); }; });
}

}  // namespace aegir::cli
