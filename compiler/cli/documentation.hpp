// The command tree as other programs read it: what bash completes, and the manual page. Made from the same tree as the
// help, so that they can't say anything else.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace aegir::cli {

/// A script that bash sources: completes commands, options and the words that they take; files everywhere else.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

/// aegirc(1) in the language of man(7).
[[nodiscard]] std::string manual_page(const CLI::App& app);

}  // namespace aegir::cli
