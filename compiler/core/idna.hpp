// What a person types as a host name, turned into the site map's form (host_name.hpp). Compiler and sidecar only:
// the modules never see anything but A-labels.
#pragma once

#include <string>
#include <string_view>

#include "compiler/core/error.hpp"

namespace aegir {

/// Canonical form of a host name: IDNA2008 (UTS #46 non-transitional) A-labels, lower case, no trailing dot.
/// Rejects ports, paths, wildcards, names of more than 253 characters and labels of more than 63.
[[nodiscard]] Result<std::string> canonical_host(std::string_view typed);

/// As canonical_host(), but also takes `*.example.org` (a leading wildcard label over at least one label).
[[nodiscard]] Result<std::string> canonical_host_or_wildcard(std::string_view typed);

}  // namespace aegir
