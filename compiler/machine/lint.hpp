// Whether PHP can read a file of a person's, before anything relies on it. PHP compiles it and runs nothing of it; its
// own parser could have a bug, so that it never works with root's or aegir's rights here.
#pragma once

#include <string>
#include <string_view>

#include "compiler/machine/privilege.hpp"

namespace aegir::machine {

/// Who looks at files that are no site's: the kernel's nobody, who owns nothing.
inline constexpr Identity kNobody{65534, 65534};

/// Asks the command-line PHP of `version` ("8.2"; Config::php_cli says where it is) whether it can compile `content`,
/// as `who`, within bounds of time and memory. `path` is where it lies, for the message. kInvalid with PHP's message
/// and line; kConflict when there is no such PHP. Needs root, at hand or in reserve, and no other threads.
[[nodiscard]] Result<void> lint_php(const Config& config, const std::string& version, Identity who,
                                    std::string_view content, const std::string& path);

}  // namespace aegir::machine
