// The model, turned into records of the site map: what a name redirects to, where its PHP listens, its credentials
// sealed. The only place that knows both sides. full_compile() writes a whole base; the publisher uses the same
// functions for the few sites that changed, so that both give the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/map/record.hpp"
#include "compiler/map/writer.hpp"
#include "compiler/registry/model.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::publish {

/// Where `name` redirects to, empty when it is served in place: its own target (`own`), else its site's
/// (`site_target`), but never to itself. A target is a host name or an origin.
[[nodiscard]] std::string_view effective_target(std::string_view name, std::string_view own,
                                                std::string_view site_target);

/// What stands in the map for a candidate: a site under a probe's name, or a pass to the live record.
using ProbeRecord = std::variant<map::SiteRecord, map::PassRecord>;

/// Compiles sites against the platforms, database servers and settings of one state of a registry. Immutable once
/// loaded; may be used from any thread.
class Compiler {
 public:
  /// Reads what sites refer to. `keys` seals; it may be empty when no site needs it.
  [[nodiscard]] static Result<Compiler> load(registry::Store& store, const Config& config, const KeyRing& keys);

  /// The record of a site, or nothing for one that is not in the map (installing, deleted). Fails when it needs a key
  /// and there is none, or names a platform or a database server that is not there.
  [[nodiscard]] Result<std::optional<map::SiteRecord>> site(const registry::Site& site) const;
  [[nodiscard]] Result<ProbeRecord> candidate(const registry::Candidate& candidate) const;
  /// The row of a platform; one without services for a deleted one ("gone", deltas only).
  [[nodiscard]] static map::PlatformRecord platform(const registry::Platform& platform);

  /// Rows of all platforms that are not deleted, sorted by id.
  [[nodiscard]] std::vector<map::PlatformRecord> platforms() const;
  [[nodiscard]] const std::string& console() const noexcept { return settings_.console_url; }
  [[nodiscard]] std::uint32_t key_id() const noexcept { return keys_.current_id(); }

 private:
  Compiler(const Config& config, const KeyRing& keys) : config_(config), keys_(keys) {}
  [[nodiscard]] Result<map::SiteRecord> record(const registry::Site& site) const;
  [[nodiscard]] Result<std::vector<unsigned char>> seal(const registry::Site& site) const;
  [[nodiscard]] Result<std::string> authentication(const registry::Site& site) const;

  Config config_;
  KeyRing keys_;
  registry::Settings settings_;
  std::vector<registry::Platform> platforms_;
  std::unordered_map<std::string, std::uint32_t> platform_ids_;
  std::unordered_map<std::string, registry::DatabaseService> databases_;
};

/// Writes a base with every site of the registry into `target`, with the registry's sequence as its generation. One
/// thread reads SQLite, one seals and writes; memory holds the names and a few batches. The same registry gives the
/// same bytes.
[[nodiscard]] Result<map::Written> full_compile(registry::Store& store, const Config& config, const KeyRing& keys,
                                                const map::Target& target);

}  // namespace aegir::publish
