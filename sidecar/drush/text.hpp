// What a tenant's programs print, made fit for people's eyes: no control bytes, no secrets, not too long; and the level
// of a line of a log.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace aegir::drush {

/// How Drush labels what it logs. kText has no label: a line that goes on, or another program's.
enum class Level : std::uint8_t { kText, kNotice, kSuccess, kWarning, kError };

/// One line of a log.
struct Line {
  Level level = Level::kText;
  std::string text;  ///< harmless()
};

/// Hears the lines of a call while it runs, from a thread of the runner's, one at a time.
using Progress = std::function<void(const Line&)>;

/// The longest line that is passed on, in characters.
inline constexpr std::size_t kLongestLine = 1000;
/// How much of a program's words an error quotes.
inline constexpr std::size_t kLongestQuote = 200;

/// `hostile` on one line: terminal sequences taken out, runs of blanks made one, control characters and broken UTF-8 as
/// \xNN, and "…" after `longest` characters. Each of `secrets` is shown as "****", and so are what a one-time login
/// link has after its "user/reset/" and the password that Drush's installer makes up and prints.
[[nodiscard]] std::string harmless(std::string_view hostile, std::span<const std::string> secrets,
                                   std::size_t longest = kLongestQuote);

/// Reads a line of a log: "[notice] text" as Drush 9 and later write it, "text  [ok]" as Drush 8 does. The labels are
/// notice, success, ok (a success), warning, error, and of those that nobody needs a level for status, info, debug.
[[nodiscard]] Line read_line(std::string_view hostile, std::span<const std::string> secrets);

/// Says in one quote why a program failed, as far as it told on standard error: its errors; else what follows "In
/// File.php line 12:", as Drush 9 and later tell of an exception; else its last line. Empty when it said nothing.
[[nodiscard]] std::string reason_in(std::string_view errors, std::span<const std::string> secrets);

}  // namespace aegir::drush
