// The manual page of a program, made from the same command tree as its help, so that it can't say anything else.
#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace aegir::cli {

/// Text for man(7): no character of it is one of roff's. Each line break begins a line of its own.
[[nodiscard]] std::string roff(std::string_view text);

/// The page in section 1 of the program that `app` is the tree of, in the language of man(7). `summary` says in a few
/// words what it does. The footer of the tree ends with "Exit codes: …".
[[nodiscard]] std::string manual_page(const CLI::App& app, std::string_view summary);

}  // namespace aegir::cli
