// export and import: the registry as one JSON document.
#include "compiler/registry/json.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <span>

#include "compiler/cli/publishing.hpp"
#include "compiler/core/atomic_writer.hpp"
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

/// Where a document goes that is written as it comes: what is regular is replaced at the end, what is none
/// (/dev/stdout, a pipe) is written into: root's rename would take its place. Opened and ended as who started the
/// command: root in root's directories, not aegir.
class DocumentFile {
 public:
  static Result<DocumentFile> begin(const std::string& file) {
    DocumentFile document;
    Result<void> opened = as_starter([&] { return document.open(file); });
    if (!opened) return pass(opened);
    return document;
  }
  DocumentFile(DocumentFile&& other) noexcept = default;
  DocumentFile& operator=(DocumentFile&&) = delete;
  ~DocumentFile() {
    if (!writer_) return;
    // What was not finished can only go as whom it came. Nobody can be told of an error here.
    [[maybe_unused]] const Result<void> gone = as_starter([&]() -> Result<void> {
      writer_.reset();
      return {};
    });
  }

  Result<void> write(std::string_view piece) {
    size_ += piece.size();
    if (writer_) return writer_->write(piece);
    if (!write_all(fd_.get(), piece)) return fail_errno("can't be written", file_, errno);
    return {};
  }
  Result<void> finish() {
    if (!writer_) return {};
    return as_starter([&] { return writer_->finish(); });
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  DocumentFile() = default;
  static Result<void> as_starter(const std::function<Result<void>()>& body) {
    if (!is_root()) return body();
    const Result<machine::AsRoot> root = machine::AsRoot::begin();
    if (!root) return std::unexpected(root.error());
    return body();
  }
  Result<void> open(const std::string& file) {
    file_ = file;
    struct stat status{};
    if (::lstat(file.c_str(), &status) != 0 || S_ISREG(status.st_mode)) {
      Result<AtomicWriter> writer = AtomicWriter::begin(file);
      if (writer) {
        writer_.emplace(*std::move(writer));
        return {};
      }
      if (writer.error().code == Code::kNotFound) {
        writer.error().code = Code::kCantCreate;
        writer.error().place.file = file;  // not its temporary name
        writer.error().hint = "make the directory it is to lie in, or name another file";
      }
      return pass(writer);
    }
    if (S_ISLNK(status.st_mode) && ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      return fail_at(file, Code::kInvalid, "is a symbolic link, which would be replaced",
                     "name the file that it leads to");
    }
    fd_ = Fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd_) return fail_errno("can't be written", file, errno);
    return {};
  }

  std::string file_;
  std::optional<AtomicWriter> writer_;
  Fd fd_;
  std::uint64_t size_ = 0;
};

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
  Result<DocumentFile> file = DocumentFile::begin(options.file);
  if (!file) return stop(file);
  Result<void> written =
      registry::export_json(**store, how, [&file](std::string_view piece) { return file->write(piece); });
  if (written) written = file->finish();
  if (!written) return stop(written);
  cli.out.did("Wrote the registry to " + options.file + " (" + bytes(file->size()) + ", " +
                  (options.plain ? "with its secrets readable: keep it safe)." : "secrets sealed)."),
              {{"file", options.file}, {"bytes", file->size()}, {"plain", options.plain}});
  return {};
}

/// The first few of `names`, and how many more there are.
std::string first_of(std::span<const std::string> names) {
  constexpr std::size_t kMostShown = 5;
  std::string text;
  for (const std::string& name : names.first(std::min(names.size(), kMostShown))) {
    text += (text.empty() ? "" : ", ") + name;
  }
  if (names.size() > kMostShown) text += " and " + std::to_string(names.size() - kMostShown) + " more";
  return text;
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
  text += ". Run `aegirc publish` to make it visible";
  if (!report.in_files.empty()) {
    text += ", and `aegirc compile` (or `aegirc verify --server NAME`) for what servers read from files: " +
            first_of(report.in_files);
  }
  return text + (is_new ? "." : " (nothing is new).");
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
                                           {"needs_compile", report->in_files},
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
  reading->footer(
      "What the document names is created or changed, and keeps the fields that it leaves out; what it does not name "
      "stays. Its form: `aegirc schema`; an example: `aegirc export`.\n"
      "To disable a site:  {\"sites\": {\"shop.example\": {\"state\": \"disabled\"}}}\n"
      "To enable it:       {\"sites\": {\"shop.example\": {\"state\": \"enabled\"}}}   (or \"maintenance\")\n"
      "To delete it, once it is disabled: \"state\": \"deleted\"; so are servers, blocks, clients and platforms.\n"
      "An alias goes with: {\"sites\": {\"shop.example\": {\"aliases\": {\"www.shop.example\": null}}}}\n"
      "Web servers see it after `aegirc publish`; a new or changed server, block or platform, and a site's "
      "\"body_limit\", need `aegirc compile`.");
  reading->callback([&cli, in] { cli.command = [&cli, in] { return import_registry(cli, *in); }; });
}

}  // namespace aegir::cli
