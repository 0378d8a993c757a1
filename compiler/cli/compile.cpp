// compile: everything that a registry becomes, written anew: directories and owners, configuration fragments, the map.
// check: the same with nothing written.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>

#include "compiler/cli/publishing.hpp"
#include "compiler/core/atomic_file.hpp"
#include "compiler/emit/static.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/publish/certificates.hpp"
#include "compiler/publish/compile.hpp"
#include "compiler/publish/static_form.hpp"
#include "compiler/registry/isolation.hpp"
#include "compiler/verify/from_registry.hpp"

namespace aegir::cli {
namespace {

struct Options {
  std::string document;
  std::string out;
  bool static_form = false;
};

/// Directories and files of all sites. A new site that can't be prepared is kept back. One that is served already goes
/// on being served: what its own code or a person did to its directory is no reason to take it, or anybody else, away.
Result<FilesOfSites> prepare_sites(const Config& config, const Accounts& accounts, registry::Store& store,
                                   const emit::Model& model, const Arrivals& arrivals, machine::Done& done) {
  Result<FilesOfSites> files = FilesOfSites::load(config, accounts, store);
  if (!files) return files;
  std::unordered_map<std::string, const Arrival*> newcomers;
  for (const Arrival& site : arrivals.sites) newcomers[site.place.uri] = &site;
  std::vector<Unprepared> kept;
  Result<void> read = store.each_site([&](const registry::Site& site) -> Result<void> {
    if (site.block.empty()) return {};
    const auto newcomer = newcomers.find(site.uri);
    const bool is_new = newcomer != newcomers.end();
    if (is_new && newcomer->second->foreign) {
      kept.push_back({site.uri, *newcomer->second->foreign});
      return {};
    }
    Result<void> prepared = machine::prepare_site(config, accounts, files->sites().place_of(site), done);
    if (!is_new) {
      files->write_again(site, std::move(prepared), done);
      return {};
    }
    if (prepared) prepared = files->write(site, done);
    if (!prepared) kept.push_back({site.uri, std::move(prepared.error())});
    return {};
  });
  if (!read) return pass(read);
  if (Result<void> recorded = files->record(done); !recorded) return pass(recorded);
  Result<Errors> told = keep_back(store, std::move(kept));
  if (!told) return pass(told);
  files->add(*std::move(told));
  if (Result<void> forgotten = files->sites().forget_others(done); !forgotten) return pass(forgotten);
  for (const registry::Platform& platform : model.platforms) {
    if (Result<void> written = files->write_platform(platform, done); !written) return pass(written);
  }
  return files;
}

/// Those whose .htaccess a compile reads: all that are there.
std::set<std::string> names_of(const std::vector<registry::Platform>& platforms) {
  std::set<std::string> names;
  for (const registry::Platform& platform : platforms) {
    if (platform.state != registry::PlatformState::kDeleted) names.insert(platform.name);
  }
  return names;
}

/// Without a map of this registry new sites can't be told from those that were served: foreign directories stop all.
Errors none_known(Arrivals arrivals) {
  Errors errors;
  for (Arrival& site : arrivals.sites) {
    site.foreign->message = "the directory of site " + site.place.uri + " is another's: " + site.foreign->message;
    errors.push_back(*std::move(site.foreign));
  }
  errors.push_back({Code::kConflict,
                    "nothing was written or published",
                    {},
                    "put the directories above right, or delete the sites with `aegirc import`; then run this again"});
  return errors;
}

Outcome compile_machine(const Cli& cli, const Config& config) {
  if (!is_root()) {
    return std::unexpected(Errors{{Code::kPermission,
                                   "compile writes what root's programs read, and owners",
                                   {},
                                   "run it as root, or write everything elsewhere with --out DIR"}});
  }
  Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return stop(accounts);
  machine::Done done;
  if (Result<void> made = machine::prepare_directories(config, *accounts, done); !made) return stop(made);
  Result<KeyRing> keys = map_keys(config);
  if (!keys) return stop(keys);
  if (Result<void> became = machine::become_aegir(*accounts); !became) return stop(became);
  auto store = open_registry(cli.out, config, registry::Store::Mode::kWrite);
  if (!store) return stop(store);
  // What would not be published must not change the configuration either.
  const Result<void> may_publish = publish::Publisher(config, **store, *keys).may_publish();
  if (!may_publish) return std::unexpected(Errors{may_publish.error()});
  Result<emit::Model> model = verify::read_model(**store, config);
  if (!model) return stop(model);
  Result<Arrivals> arrivals = look_at_arrivals(config, **store);
  if (!arrivals) return stop(arrivals);
  if (!arrivals->map_is_known && !arrivals->sites.empty()) return std::unexpected(none_known(*std::move(arrivals)));
  Result<verify::Told> told = verify::verify_servers(config, *accounts, *model, names_of(model->platforms), done);
  if (!told) return stop(told);
  Result<FilesOfSites> files = prepare_sites(config, *accounts, **store, *model, *arrivals, done);
  if (!files) return stop(files);
  if (Result<void> noted = note_remains(cli.out, **store, arrivals->gone); !noted) return stop(noted);
  const DoneBefore before = tell(cli.out, *told, done);
  files->add(std::move(told->errors));
  return files->finish(run_publisher(
      cli.out, config, *keys, **store, [](publish::Publisher& map) { return map.rebuild("aegirc compile"); }, before));
}

/// Others find what they know the name of, as a web server's worker does, and can't list the sites that there are.
Result<void> make_directories(const std::string& path) {
  std::error_code error;
  const mode_t before = ::umask(S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH);
  std::filesystem::create_directories(path, error);
  (void)::umask(before);
  if (error) return fail_errno("can't be made", path, error.value());
  return {};
}

/// Each at its own path below `out`.
Result<void> write_below(const Config& config, const std::string& out, const std::vector<emit::File>& files) {
  // For others than root, and where there are no such accounts, it is only to be read.
  const Result<Accounts> accounts = resolve_accounts(config);
  for (const emit::File& file : files) {
    const std::string path = out + file.path;
    if (Result<void> made = make_directories(path.substr(0, path.rfind('/'))); !made) return made;
    WriteOptions options{.mode = file.mode};
    if (is_root() && accounts && path.ends_with(emit::kUsersEnd)) options.group = accounts->web_group;
    if (Result<void> written = write_file(path, file.content, options); !written) return written;
  }
  return {};
}

/// The static form, without a map.
Outcome compile_static(const Cli& cli, const Config& config, registry::Store& store, const std::string& out) {
  publish::FoundCertificates found;
  if (is_root()) {
    Result<emit::Model> model = verify::read_model(store, config);
    if (!model) return stop(model);
    Result<publish::FoundCertificates> all = publish::find_certificates(config, *model);
    if (!all) return stop(all);
    found = *std::move(all);
    for (const Error& error : found.errors) cli.out.note(describe(error));
    for (const std::string& note : found.notes) cli.out.note(note);
  }
  Result<std::vector<emit::File>> files = publish::static_form(store, config, found.certificates);
  if (!files) return stop(files);
  if (!is_root()) {
    cli.out.note("only root can read which .htaccess files Apache has accepted here: Apache's files are without them");
  }
  if (Result<void> written = write_below(config, out, *files); !written) return stop(written);
  cli.out.did("Wrote " + count(files->size(), "file") + " of the static form below " + out +
                  ". Apache's main file is static.conf in server_*/apache, nginx's in server_*/nginx.",
              {{"out", out}, {"files", files->size()}});
  return {};
}

/// Every file at its own path below `out`.
Outcome compile_below(const Cli& cli, const Config& config, const KeyRing& keys, registry::Store& store,
                      const std::string& out) {
  Result<emit::Model> model = verify::read_model(store);
  if (!model) return stop(model);
  Result<std::vector<emit::File>> files = emit::emit_all(config, *model);
  if (!files) return stop(files);
  if (Result<void> written = write_below(config, out, *files); !written) return stop(written);
  Config below = config;
  below.map_dir = out + config.map_dir;
  if (Result<void> made = make_directories(below.map_dir); !made) return stop(made);
  publish::Publisher publisher(below, store, keys);
  Result<publish::Report> report = publisher.rebuild("aegirc compile --out", publish::Publisher::Past::kNone);
  if (!report) return stop(report);
  cli.out.did("Wrote " + count(files->size(), "configuration file") + " and a map of " + count(report->sites, "site") +
                  " (generation " + std::to_string(report->generation) + ", " + bytes(report->bytes) + ") below " +
                  out + '.',
              {{"out", out},
               {"files", files->size()},
               {"map", below.map_dir},
               {"generation", report->generation},
               {"sites", report->sites},
               {"bytes", report->bytes}});
  return {};
}

/// Opens what is to be compiled. The static form needs no key of the map.
Outcome compile_out(const Cli& cli, const Config& config, const Options& options) {
  Result<KeyRing> keys =
      options.static_form ? KeyRing::parse(KeyRing::generate(1), "a key for this run") : map_keys(config);
  if (!keys) {
    if (keys.error().code == Code::kPermission) {
      keys.error().hint = "run it as root, or name a key of your own as map_key in a file for --config";
    }
    return stop(keys);
  }
  const auto write = [&](registry::Store& store) {
    return options.static_form ? compile_static(cli, config, store, options.out)
                               : compile_below(cli, config, *keys, store, options.out);
  };
  if (!options.document.empty()) {
    auto store = document_registry(cli.out, config, options.document);
    if (!store) return stop(store);
    return write(**store);
  }
  // The registry is opened as aegir, so that its files stay aegir's; DIR belongs to whoever runs the command.
  if (Result<void> done = work_as_aegir(config); !done) return stop(done);
  auto store = open_registry(cli.out, config, registry::Store::Mode::kRead);
  if (!store) return stop(store);
  if (!is_root()) return write(**store);
  Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return stop(root);
  return write(**store);
}

Outcome compile(const Cli& cli, const Options& options) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  if (!options.out.empty()) return compile_out(cli, *config, options);
  if (options.static_form) {
    return std::unexpected(Errors{
        {Code::kUsage, "the static form is written into a directory", {}, "add --out DIR, and look at what is there"}});
  }
  if (!options.document.empty()) {
    return std::unexpected(
        Errors{{Code::kUsage,
                "a document is compiled into a directory",
                {},
                "add --out DIR; or `aegirc import " + options.document + "`, then `aegirc compile`"}});
  }
  return compile_machine(cli, *config);
}

/// What is wrong with a site of the registry or document `where` beyond the registry's own rules.
void check_site(const publish::Compiler& compiler, const emit::Model& model, const registry::Site& site,
                const std::string& where, Errors& errors) {
  const auto platform = std::ranges::find(model.platforms, site.platform, &registry::Platform::name);
  const std::uint32_t limit = site.body_limit != 0 ? site.body_limit : platform->body_limit;
  if (site.php.post_max_size > limit) {
    errors.push_back({Code::kInvalid,
                      "site " + site.uri + ": post_max_size is " + std::to_string(site.php.post_max_size) +
                          " MiB, and the web servers take bodies of at most " + std::to_string(limit),
                      {where, 0, 0},
                      "lower the site's post_max_size, or raise body_limit of platform " + site.platform});
  }
  Result<std::optional<map::SiteRecord>> record = compiler.site(site);
  Result<void> fits;
  std::string bytes;
  if (!record) {
    fits = pass(record);
  } else if (*record) {
    fits = map::append_record(bytes, **record);
  }
  if (!fits) errors.push_back(std::move(fits.error()));
}

/// Sites that share a slot, by the name of their block.
class Sharing {
 public:
  explicit Sharing(const std::vector<registry::Block>& blocks) : blocks_(blocks) {}

  void look(const registry::Site& site) {
    const auto block = std::ranges::find(blocks_, site.block, &registry::Block::name);
    if (block == blocks_.end()) return;
    std::optional<std::string> warning = registry::sharing_warning(site, *block);
    if (!warning) return;
    // One line a block, and one for each site that makes it worse.
    if (counts_[block->name]++ == 0 || !site.cloaking) warnings_.push_back(*std::move(warning));
  }
  void tell(const Output& out) const {
    for (const std::string& warning : warnings_) out.note(warning);
    for (const auto& [block, number] : counts_) {
      if (number > 1) out.note("block " + block + " is shared by " + count(number, "site"));
    }
  }

 private:
  const std::vector<registry::Block>& blocks_;
  std::map<std::string, std::uint64_t> counts_;
  std::vector<std::string> warnings_;
};

/// How far the live map is behind, as a second line; empty when it can't be read or is not behind.
std::string lag(const Config& config, std::uint64_t sequence) {
  const Result<map::Current> current = map::read_current(config.map_dir);
  if (!current || current->generation == sequence) return {};
  return "\nThe live map has generation " + std::to_string(current->generation) + ": run `aegirc publish`.";
}

Outcome check(const Cli& cli, const std::string& document) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  std::unique_ptr<registry::Store> store;
  if (!document.empty()) {
    auto opened = document_registry(cli.out, *config, document);
    if (!opened) return stop(opened);
    store = *std::move(opened);
  } else {
    if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
    auto opened = open_registry(cli.out, *config, registry::Store::Mode::kRead);
    if (!opened) return stop(opened);
    store = *std::move(opened);
  }
  const std::string what = document.empty() ? config->registry : document;
  Result<KeyRing> keys = KeyRing::parse(KeyRing::generate(1), "a key for this run");  // nothing of it is kept
  if (!keys) return stop(keys);
  Result<publish::Compiler> compiler = publish::Compiler::load(*store, *config, *keys);
  if (!compiler) return stop(compiler);
  Result<emit::Model> model = verify::read_model(*store);
  if (!model) return stop(model);
  Errors errors;
  std::uint64_t files = 0;
  Result<void> emitted = emit::emit_each(*config, *model, [&](const emit::File&) -> Result<void> {
    ++files;
    return {};
  });
  if (!emitted) errors.push_back(std::move(emitted.error()));
  std::uint64_t sites = 0;
  Sharing sharing(model->blocks);
  Result<void> read = store->each_site([&](const registry::Site& site) -> Result<void> {
    ++sites;
    check_site(*compiler, *model, site, what, errors);
    sharing.look(site);
    return {};
  });
  if (!read) return stop(read);
  sharing.tell(cli.out);
  if (!errors.empty()) return std::unexpected(std::move(errors));
  Result<std::uint64_t> sequence = store->sequence();
  if (!sequence) return stop(sequence);
  const auto platforms = std::ranges::count_if(
      model->platforms, [](const auto& each) { return each.state != registry::PlatformState::kDeleted; });
  cli.out.did(what + " is good: " + count(sites, "site") + ", " +
                  count(static_cast<std::uint64_t>(platforms), "platform") + ", " + count(files, "configuration file") +
                  '.' + (document.empty() ? lag(*config, *sequence) : ""),
              {{"checked", what}, {"sites", sites}, {"platforms", platforms}, {"files", files}});
  return {};
}

}  // namespace

void add_compile(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App* const compiling =
      app.add_subcommand("compile", "Write everything anew: directories and owners, configuration, the site map");
  compiling->add_option("DOCUMENT", options->document, "A registry's JSON document [the registry]; needs --out");
  compiling->add_option("--out", options->out, "Write every file at its own path below DIR; needs no root")
      ->option_text("DIR");
  compiling->add_flag("--static", options->static_form,
                      "Write a virtual host for each site, for servers without the modules; needs --out");
  compiling->callback([&cli, options] { cli.command = [&cli, options] { return compile(cli, *options); }; });

  const auto document = std::make_shared<std::string>();
  CLI::App* const checking = app.add_subcommand("check", "Say everything that is wrong, and write nothing");
  checking->add_option("DOCUMENT", *document, "A registry's JSON document [the registry]");
  checking->callback([&cli, document] { cli.command = [&cli, document] { return check(cli, *document); }; });
}

}  // namespace aegir::cli
