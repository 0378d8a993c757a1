// What aegird does for the worker when the registry is held against the machine: it looks, and changes nothing. Called
// in a child of aegird's own, which works as aegir with root in reserve.
#pragma once

#include <utility>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/verify/compare.hpp"
#include "sidecar/wire/reconcile_order.hpp"

namespace aegir::monitor {

[[nodiscard]] Result<wire::Comparison> compare(const Config& config, const Accounts& accounts,
                                               const wire::CompareOrder& order);
[[nodiscard]] Result<wire::Survey> survey(const Config& config, const Accounts& accounts,
                                          const wire::SurveyOrder& order);

// For who compares one thing.

/// What keeps something from being looked at. A directory that is missing is put right as all else.
void take(wire::Compared& found, Result<void> looked);
void take(wire::Compared& found, Result<std::vector<Error>> looked);
/// Each file that would change becomes a line of `found`, which must outlive the answer. Without its difference, which
/// may be long and is anybody's who may change the file.
[[nodiscard]] verify::OnFile line_into(wire::Compared& found);

}  // namespace aegir::monitor
