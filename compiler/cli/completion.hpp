// What bash and zsh complete of a program's command lines, made from the same tree as its help.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace aegir::cli {

/// A script that bash sources: completes commands, options and the words that they take; files everywhere else.
[[nodiscard]] std::string bash_completion(const CLI::App& app);

/// The same for zsh: a file _PROGRAM in its fpath, or sourced.
[[nodiscard]] std::string zsh_completion(const CLI::App& app);

}  // namespace aegir::cli
