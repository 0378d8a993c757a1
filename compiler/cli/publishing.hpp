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

}  // namespace aegir::cli
