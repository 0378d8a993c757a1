// What a publish would change in the site map: the registry's names beside those of a published state, both in the
// order of their keys, so that memory stays flat at any number of sites. Secrets are compared and never handed out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/map/reader.hpp"
#include "compiler/publish/compile.hpp"

namespace aegir::publish {

enum class What : std::uint8_t { kAdded, kChanged, kGone };

/// One field before and after; nothing where it is not there. A secret's text is empty: it is only told that it
/// differs.
struct FieldChange {
  std::string field;
  std::optional<std::string> before, after;
  bool secret = false;
  bool operator==(const FieldChange&) const = default;
};

/// One name of the map, platform or setting.
struct EntryChange {
  What what = What::kChanged;
  std::string kind;  ///< "setting", "platform", "site", "alias", "probe": what it becomes, or was when it is gone
  std::string name;
  std::vector<FieldChange> fields;  ///< those that differ; of what is added or gone all that it has
  bool operator==(const EntryChange&) const = default;
};

using OnChange = std::function<Result<void>(const EntryChange&)>;

/// Tells `told` everything in which the registry, as `compiler` was loaded from it, differs from `live` (null: nothing
/// is published): settings, platforms by name, then names in the order of their sites. A name that went from one site
/// to another is told once, as changed. With `keys`, the key ring that `compiler` seals with, passwords are compared;
/// without (null) only whether there is one, and the compiler may seal with any key.
/// Ends with the first error of `told`. kCorrupt when a record of `live` is broken.
[[nodiscard]] Result<void> compare_map(registry::Store& store, const Compiler& compiler, const KeyRing* keys,
                                       const map::Snapshot* live, const OnChange& told);

}  // namespace aegir::publish
