// The whole registry as one JSON document, out and in. The document's shape is published in
// schema/registry.schema.json; an export that is imported into an empty registry gives the same bytes again.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/registry/document.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::registry {

/// The document's JSON schema (draft 2020-12), as published.
[[nodiscard]] std::string_view json_schema();

struct ExportOptions {
  bool plain_secrets = false;  ///< write passwords and cron keys readable instead of sealed with the registry's key
};

/// Takes the next piece of a document.
using Sink = std::function<Result<void>(std::string_view)>;

/// Writes the registry, one state of it, to `sink` in pieces of about 64 KiB. Objects are in the order of their names,
/// fields in a fixed one: one registry always gives the same bytes.
[[nodiscard]] Result<void> export_json(Store& store, const ExportOptions& options, const Sink& sink);

/// The same as one string.
[[nodiscard]] Result<std::string> export_json(Store& store, const ExportOptions& options = {});

struct ImportOptions {
  /// The document becomes the whole registry: what it does not name goes (sites are deleted), fields that it leaves out
  /// get their defaults (but for a site's database, cron key and slot). An export that is imported so into an empty
  /// registry restores id, sequence, deleted sites, slots and audit.
  bool replace = false;
  bool dry_run = false;  ///< roll back at the end: the report tells what would have been done
  /// In a dry run of a document without errors, called before the end: the store reads as it would be.
  std::function<Result<void>()> preview = {};
};

/// What an import did.
struct ImportReport {
  std::size_t created = 0, changed = 0, deleted = 0, unchanged = 0;  ///< servers, clients, blocks, platforms, sites
  std::size_t generated_secrets = 0;  ///< database passwords and cron keys that the document left out
  bool settings_changed = false;
  bool restored = false;       ///< identity and history were taken over
  std::uint64_t sequence = 0;  ///< change sequence after the import
  /// What has changed that web servers and PHP-FPM read from files, and so see after a compile alone: "server main",
  /// "body_limit of shop.example".
  std::vector<std::string> in_files;
};

/// Imports a document in one transaction. What it names is created or changed: fields that it leaves out keep their
/// value, or have their default in a new object; a member of "web" or "aliases" that is null goes; `"state": "deleted"`
/// deletes. What it does not name stays (unless options.replace). With the setting require_disabled_before_delete (as
/// the document leaves it) only sites go that were not served before.
/// On failure nothing is written and every error that could be found is told, in the order of its place in `file`.
[[nodiscard]] std::expected<ImportReport, std::vector<Error>> import_json(Store& store, std::string_view text,
                                                                          std::string_view file,
                                                                          const ImportOptions& options,
                                                                          const Actor& actor);

}  // namespace aegir::registry
