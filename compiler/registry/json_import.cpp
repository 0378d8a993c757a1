#include "compiler/registry/importer.hpp"
#include "compiler/registry/json.hpp"

namespace aegir::registry {

std::expected<ImportReport, std::vector<Error>> import_json(Store& store, std::string_view text, std::string_view file,
                                                            const ImportOptions& options, const Actor& actor) {
  const Result<Document> document = Document::parse(text, file);
  if (!document) return std::unexpected(std::vector<Error>{document.error()});
  Importer importer(store, *document, file, options);
  bool complete = false;
  Result<void> preview;
  const Result<std::uint64_t> sequence = store.transact(actor, [&](Writer& writer) -> Result<void> {
    if (Result<void> done = importer.run(writer); !done) return done;
    complete = true;
    if (importer.diagnostics().size() > 0) return fail(Code::kInvalid, "the document has errors");
    if (options.dry_run && options.preview) preview = options.preview();
    if (options.dry_run) return fail(Code::kConflict, "a dry run");
    return {};
  });
  std::vector<Error> errors = importer.diagnostics().take();
  if (!complete && !sequence) errors.insert(errors.begin(), sequence.error());  // the store itself has failed
  if (!preview) errors.push_back(std::move(preview.error()));
  const bool rolled_back = options.dry_run && complete;
  if (errors.empty() && !sequence && !rolled_back) errors.push_back(sequence.error());
  const Result<std::uint64_t> present = rolled_back ? store.sequence() : sequence;
  if (errors.empty() && !present) errors.push_back(present.error());
  if (!errors.empty()) return std::unexpected(std::move(errors));
  ImportReport report = importer.report();
  report.sequence = *present;
  return report;
}

}  // namespace aegir::registry
