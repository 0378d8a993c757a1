// Reads a file of the site map from end to end, unit by unit (FORMAT.md "Records"), verifying each record:
// for the publisher (which takes the delta before over into the next one), for merging, dump and verify.
#pragma once

#include <cstdint>
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

}  // namespace aegir::map
