// What a new delta holds: the delta before it, with the changes of the registry since put over it. Reads no record of
// the base: the change log names every host name that is concerned (store.hpp), and what the registry no longer knows
// becomes a tombstone.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "compiler/map/units.hpp"
#include "compiler/publish/compile.hpp"

namespace aegir::publish {

/// Collects one delta. Used from one thread; store, compiler and the old delta must outlive it.
class Delta {
 public:
  Delta(registry::Store& store, const Compiler& compiler) : store_(store), compiler_(compiler) {}

  /// Takes over everything of the delta before. kCorrupt when one of its records is wrong.
  [[nodiscard]] Result<void> take(const map::MapFile& old);
  /// Looks at what changed as the registry has it now.
  [[nodiscard]] Result<void> apply(const std::vector<registry::Change>& changes);
  /// Host names, platforms and settings that apply() found concerned, names of the same site included.
  [[nodiscard]] std::size_t touched() const noexcept { return settled_.size() + touched_tables_; }
  /// Writes it as a delta of `base`, holding the registry's state `generation`.
  [[nodiscard]] Result<map::Written> write(const map::Target& target, const map::Header& base,
                                           std::uint64_t generation) const;

 private:
  using Tombstone = std::monostate;
  using Fresh = std::variant<Tombstone, map::SiteRecord, map::PassRecord>;

  [[nodiscard]] Result<void> apply_platform(const registry::Change& change);
  [[nodiscard]] Result<void> settle(const std::string& key);
  [[nodiscard]] Result<void> settle_probe(const std::string& key);
  void evict(std::string_view key);

  registry::Store& store_;
  const Compiler& compiler_;
  std::map<std::string_view, map::UnitView> kept_;                  ///< by unit key; the views point into the old delta
  std::unordered_map<std::string_view, std::string_view> unit_of_;  ///< every key of kept_ to its unit's
  std::map<std::string, Fresh> fresh_;
  std::map<std::uint32_t, map::PlatformRecord> platforms_;
  std::vector<std::string> work_;            ///< map keys to look at
  std::unordered_set<std::string> settled_;  ///< map keys whose present state is in fresh_
  std::optional<std::vector<registry::Candidate>> candidates_;
  std::size_t touched_tables_ = 0;
};

}  // namespace aegir::publish
