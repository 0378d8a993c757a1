// The last configuration of a web server that was seen in force, kept in one file beside the fragments, so that it can
// be put back whole.
#pragma once

#include <map>
#include <string>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"

namespace aegir::publish {

/// Contents by path.
using Files = std::map<std::string, std::string>;

/// kNotFound when none was in force yet. `service` is "apache" or "nginx".
[[nodiscard]] Result<Files> read_last_good(const Config& config, const std::string& service);

[[nodiscard]] Result<void> write_last_good(const Config& config, const Accounts& accounts, const std::string& service,
                                           const Files& files);

}  // namespace aegir::publish
