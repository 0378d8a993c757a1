// export and import: the registry as one JSON document.
#include "compiler/registry/json.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>

#include "compiler/cli/publishing.hpp"
#include "compiler/core/atomic_file.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::cli {
namespace {

struct ExportOptions {
  std::string file = "-";
  bool plain = false;
};

struct ImportOptions {
  std::string file;
  bool replace = false;
  bool dry_run = false;
};

/// Writes a document to `file`, as who started the command: root in root's directories, not aegir.
/// Replaces a regular file, and writes into what is none (/dev/stdout, a pipe): root's rename would take its place.
Result<void> put_document(const std::string& file, const std::string& text) {
  struct stat status{};
  if (::lstat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode)) {
    Result<void> written = write_file(file, text);
    if (!written && written.error().code == Code::kNotFound) {
      written.error().code = Code::kCantCreate;
      written.error().place.file = file;  // not its temporary name
      written.error().hint = "make the directory it is to lie in, or name another file";
    }
    return written;
  }
  if (S_ISLNK(status.st_mode) && ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    return fail_at(file, Code::kInvalid, "is a symbolic link, which would be replaced",
                   "name the file that it leads to");
  }
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd || !write_all(fd.get(), text)) return fail_errno("can't be written", file, errno);
  return {};
}

Result<void> write_document(const std::string& file, const std::string& text) {
  if (!is_root()) return put_document(file, text);
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  return put_document(file, text);
}

Outcome export_registry(const Cli& cli, const ExportOptions& options) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
  auto store = open_registry(cli.out, *config, registry::Store::Mode::kRead);
  if (!store) return stop(store);
  const registry::ExportOptions how{.plain_secrets = options.plain};
  if (options.file == "-") {
    Result<void> written = registry::export_json(**store, how, [](std::string_view piece) -> Result<void> {
      if (!write_all(STDOUT_FILENO, piece)) return fail_errno("can't be written", "standard output", errno);
      return {};
    });
    if (!written) return stop(written);
    return {};
  }
  Result<std::string> text = registry::export_json(**store, how);
  if (!text) return stop(text);
  if (Result<void> written = write_document(options.file, *text); !written) return stop(written);
  cli.out.did("Wrote the registry to " + options.file + " (" + bytes(text->size()) + ", " +
                  (options.plain ? "with its secrets readable: keep it safe)." : "secrets sealed)."),
              {{"file", options.file}, {"bytes", text->size()}, {"plain", options.plain}});
  return {};
}

std::string sentence(const registry::ImportReport& report, const ImportOptions& options) {
  std::string text = options.dry_run ? "Would import " : "Imported ";
  text += document_name(options.file) + ": " + std::to_string(report.created) + " created, " +
          std::to_string(report.changed) + " changed, " + std::to_string(report.deleted) + " deleted, " +
          std::to_string(report.unchanged) + " unchanged";
  if (report.settings_changed) text += "; settings changed";
  if (report.generated_secrets != 0) text += "; " + count(report.generated_secrets, "missing secret") + " made up";
  if (options.dry_run) return text + ". Nothing was written.";
  const bool is_new = report.created + report.changed + report.deleted != 0 || report.settings_changed;
  return text + ". Run `aegirc publish` to make it visible" + (is_new ? "." : " (nothing is new).");
}

/// What is in the way of new sites is only told: the uid that a directory has to have is known from now on.
void note_foreign(const Output& out, const Config& config, registry::Store& store) {
  constexpr std::size_t kMostNotes = 10;
  const Result<Arrivals> arrivals = look_at_arrivals(config, store);
  if (!arrivals) return out.note("could not look at the directories of new sites: " + describe(arrivals.error()));
  std::size_t foreign = 0;
  for (const Arrival& site : arrivals->sites) {
    if (!site.foreign || ++foreign > kMostNotes) continue;
    out.note("site " + site.place.uri + " is new, and its directory is another's: " + describe(*site.foreign));
  }
  if (foreign > kMostNotes) out.note("and " + std::to_string(foreign - kMostNotes) + " more such sites");
}

Outcome import_registry(const Cli& cli, const ImportOptions& options) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  Result<std::string> text = read_document(options.file);
  if (!text) return stop(text);
  if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
  auto store = open_registry(cli.out, *config, registry::Store::Mode::kCreate);
  if (!store) return stop(store);
  auto report = registry::import_json(**store, *text, document_name(options.file),
                                      {.replace = options.replace, .dry_run = options.dry_run},
                                      actor("aegirc import " + options.file));
  if (!report) return stop(report);
  if (!options.dry_run) note_foreign(cli.out, *config, **store);
  cli.out.did(sentence(*report, options), {{"file", options.file},
                                           {"created", report->created},
                                           {"changed", report->changed},
                                           {"deleted", report->deleted},
                                           {"unchanged", report->unchanged},
                                           {"settings_changed", report->settings_changed},
                                           {"generated_secrets", report->generated_secrets},
                                           {"sequence", report->sequence},
                                           {"dry_run", options.dry_run}});
  return {};
}

}  // namespace

void add_registry(CLI::App& app, Cli& cli) {
  const auto out = std::make_shared<ExportOptions>();
  CLI::App* const writing = app.add_subcommand("export", "Write the registry as one JSON document");
  writing->add_option("FILE", out->file, "Where to; - is standard output")->capture_default_str();
  writing->add_flag("--plain", out->plain, "Write passwords and keys readable instead of sealed");
  writing->callback([&cli, out] { cli.command = [&cli, out] { return export_registry(cli, *out); }; });

  const auto in = std::make_shared<ImportOptions>();
  CLI::App* const reading =
      app.add_subcommand("import", "Create and change what a JSON document names, in one transaction");
  reading->add_option("FILE", in->file, "The document; - is standard input")->required();
  reading->add_flag("--replace", in->replace, "The document becomes the whole registry: what it does not name goes");
  reading->add_flag("--dry-run", in->dry_run, "Say what would be done, and write nothing");
  reading->callback([&cli, in] { cli.command = [&cli, in] { return import_registry(cli, *in); }; });
}

}  // namespace aegir::cli
