// How aegirc publishes on a machine: key as root, registry and map as aegir, then what may come after the change is
// visible (merging a grown delta, the durable copy), then one report.
#pragma once

#include <functional>

#include "compiler/cli/cli.hpp"
#include "compiler/publish/publisher.hpp"

namespace aegir::cli {

using PublishStep = std::function<Result<publish::Report>(publish::Publisher&)>;

/// What a command did before it published, to be told first.
struct DoneBefore {
  std::string sentence;
  Json facts = Json::object();
};

/// Runs `step` on the live map, ends a merge, writes the durable copy, and says what was done.
[[nodiscard]] Outcome run_publisher(const Output& out, const Config& config, const KeyRing& keys,
                                    registry::Store& store, const PublishStep& step, const DoneBefore& before = {});

/// The same with everything that it needs opened first: what `publish` and `map compact` do.
[[nodiscard]] Outcome run_publisher(const Cli& cli, const PublishStep& step);

/// The last error of a command that found directories of sites that are another's.
[[nodiscard]] Error nothing_published();

/// Sites that the live map does not have yet, or not in this place.
struct Arrivals {
  bool map_is_known = false;  ///< there is a map of this registry; without one every site is new
  Errors foreign;             ///< one for each whose directory is another's
};
/// Looks where the new sites are to lie. Only root can tell whose a directory is: for others nothing is foreign.
[[nodiscard]] Result<Arrivals> look_at_arrivals(const Config& config, registry::Store& store);

}  // namespace aegir::cli
