// Writes one file of the site map (FORMAT.md): a base with all sites, or a delta with what changed since.
//
// Units come in the order of their keys and go straight to a temporary file beside the final one, so that
// memory holds only the names (about 40 bytes each); finish() adds the index and the header and renames. The
// same content gives the same bytes, whoever writes them.
#pragma once

#include <sodium.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/error.hpp"
#include "compiler/map/format.hpp"
#include "compiler/map/record.hpp"

namespace aegir::map {

struct UnitView;

/// What a file is, apart from its units.
struct FileInfo {
  FileKind kind = FileKind::kBase;
  std::array<unsigned char, 16> registry_id{};
  std::uint64_t generation = 0;
  std::uint64_t history_tag = 0;  ///< of the generation, registry::Store::tag_of()
  std::uint32_t key_id = 0;       ///< the key that credentials are sealed with now
  std::string console;            ///< origin of the console; empty: none
  /// Deltas: both from the header of the base they belong to.
  std::uint64_t base_generation = 0;
  std::array<unsigned char, 16> hash_key{};
};

/// FileInfo of a delta on top of `base`, with the base's registry.
[[nodiscard]] FileInfo delta_of(const Header& base, std::uint64_t generation);

/// Where a file is written.
struct Target {
  std::string directory;
  bool durable = false;  ///< fsync file and directory; leave out on a tmpfs
  mode_t mode = 0640;    ///< the group comes from the directory (setgid)
};

/// A file that is in its place.
struct Written {
  std::string name;  ///< in its directory, as CURRENT has it
  Header header{};
};

/// Writes one file. Used from one thread. After an error the writer is of no more use; its temporary file is
/// gone when the writer is.
class Writer {
 public:
  /// Begins a file. `platforms` are sorted by id; one without services (deltas only) says that it is gone.
  [[nodiscard]] static Result<Writer> create(const Target& target, const FileInfo& info,
                                             std::span<const PlatformRecord> platforms);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) = delete;
  ~Writer();

  /// Adds a site with its aliases, or a candidate. Every unit's key must be greater than the one before
  /// (kInternal).
  [[nodiscard]] Result<void> add(const SiteRecord& site);
  [[nodiscard]] Result<void> add(const PassRecord& pass_record);
  /// Deltas only: the name does not exist any more.
  [[nodiscard]] Result<void> add_tombstone(std::string_view key);
  /// Adds a unit of another file as it is, sealed bytes included.
  [[nodiscard]] Result<void> add(const UnitView& unit);

  /// Writes index and header, syncs when durable, and renames the file to its name. kConflict when two units
  /// have the same name, kIo (naming path and next step) when the file system refuses.
  [[nodiscard]] Result<Written> finish();

 private:
  /// What is kept of a name until the index is built.
  struct Name {
    std::uint32_t record;  ///< offset / 8
    std::uint8_t size;     ///< of the key, in keys_
  };
  Writer(Target target, const FileInfo& info);
  [[nodiscard]] Result<void> begin(std::span<const PlatformRecord> platforms, std::string_view console);
  [[nodiscard]] Result<std::uint32_t> start_unit(std::string_view key);
  [[nodiscard]] Result<void> name(std::string_view key, std::size_t start);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<void> index();
  [[nodiscard]] Result<void> conflict(std::string_view key, std::uint32_t record) const;
  [[nodiscard]] bool fill(std::vector<Bucket>& buckets, Result<void>& problem) const;
  [[nodiscard]] std::uint64_t position() const noexcept { return flushed_ + buffer_.size(); }

  Target target_;
  Header header_{};
  Fd fd_;
  std::string temporary_;  ///< empty: none to remove
  std::string buffer_;     ///< bytes after flushed_
  std::uint64_t flushed_ = 0;
  crypto_generichash_state digest_{};
  std::string last_key_;
  std::string keys_;
  std::vector<Name> names_;
};

}  // namespace aegir::map
