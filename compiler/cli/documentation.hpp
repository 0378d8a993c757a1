// What other programs read: what bash and zsh complete, and the manual pages. Made from the same tree as the help, and
// from the keys that the parser of the configuration knows, so that they can't say anything else.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace aegir::cli {

/// A script that bash sources: completes commands, options and the words that they take; files everywhere else.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

/// The same for zsh: a file _aegirc in its fpath, or sourced.
[[nodiscard]] std::string zsh_completion(const CLI::App& app);

/// aegir.conf(5) in the language of man(7).
[[nodiscard]] std::string config_page();

/// aegirc(1) in the language of man(7).
[[nodiscard]] std::string manual_page(const CLI::App& app);

}  // namespace aegir::cli
