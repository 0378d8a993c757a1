// Reads a file of the site map from end to end, unit by unit (FORMAT.md "Records"), verifying each record:
// for the publisher (which takes the delta before over into the next one), for merging, dump and verify.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/record.hpp"
#include "compiler/map/record_view.hpp"

namespace aegir::map {

struct AliasView {
  RecordView record;
  std::string_view target;
};

/// A site with its aliases, a candidate, a pass or a tombstone. The views point into the file.
struct UnitView {
  RecordView record;
  std::vector<AliasView> aliases;

  [[nodiscard]] std::string_view key() const noexcept { return record.key; }
  /// Copies of what it is; kSite and kCandidate, kPass respectively.
  [[nodiscard]] SiteRecord site() const;
  [[nodiscard]] PassRecord pass() const;
};

/// Walks through the units of a file in their order. The file must outlive it.
class UnitReader {
 public:
  explicit UnitReader(const MapFile& file) : file_(file), offset_(file.header().records_offset) {}

  /// Goes to the next unit; false at the end. kCorrupt names the offset of a record that is wrong or out of
  /// order.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const UnitView& unit() const noexcept { return unit_; }
  /// Where the unit begins in the file.
  [[nodiscard]] std::uint64_t offset() const noexcept { return unit_offset_; }

 private:
  [[nodiscard]] Result<bool> peek(RecordView& record) const;
  [[nodiscard]] std::unexpected<Error> refuse(const char* problem) const;

  const MapFile& file_;
  std::uint64_t offset_;
  std::uint64_t unit_offset_ = 0;
  UnitView unit_;
};

/// Walks through what a snapshot shows: the base's units where the delta is silent, the delta's where it speaks, no
/// tombstones. The snapshot must outlive it.
class MergedUnits {
 public:
  explicit MergedUnits(const Snapshot& snapshot);

  /// As UnitReader::next(). kCorrupt also when the delta left a name of a site that it replaced or buried.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const UnitView& unit() const noexcept { return from_delta_ ? delta_->unit() : base_unit_; }

 private:
  [[nodiscard]] Result<bool> next_of_base();
  [[nodiscard]] Result<bool> next_of_delta();
  [[nodiscard]] Result<bool> delta_has(std::string_view key) const;

  const Snapshot& snapshot_;
  UnitReader base_;
  std::optional<UnitReader> delta_;
  UnitView base_unit_;  ///< without the aliases that the delta took
  bool base_left_ = true, delta_left_ = true;
  bool from_base_ = true, from_delta_ = true;  ///< where the unit came from that was handed out last; both: none yet
};

}  // namespace aegir::map
