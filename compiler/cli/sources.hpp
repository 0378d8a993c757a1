// Where in the web servers' configuration it stands how a platform's requests are answered: file and line, read from
// the files as they are.
#pragma once

#include <string>
#include <string_view>

#include "compiler/cli/cli.hpp"

namespace aegir::cli {

/// Adds to `facts`, for each web server of the platform: the catch-all, the platform's fragment, the section or
/// location that `path` (as it is served) falls to, rules of the platform's .htaccess, and what people have written
/// themselves. Files that are not there are left out. Reads as root when the process can.
[[nodiscard]] Result<void> add_sources(const Config& config, const registry::Platform& platform, std::string_view site,
                                       std::string_view path, Json& facts);

}  // namespace aegir::cli
