// Which paths of a platform are closed and which scripts PHP may run, for each CMS: one list for both servers. What
// holds for every platform, such as that nothing runs below files/, is the modules' business (compiler/map/route).
#pragma once

#include "compiler/emit/text.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::emit {

/// Patterns are regular expressions as PCRE and ECMAScript read them, case-sensitive, to be found anywhere in a decoded
/// path that begins with a slash. They contain no quotes. What the .htaccess files of Drupal and Backdrop close is
/// closed by them, or more.
struct Rules {
  /// The scripts that PHP runs, with or without path info. Looked at first: path info may look like a closed file.
  Literal scripts;
  /// Closed by where they lie or what they are called. (A site's private/ is left to the modules: what X-Accel-Redirect
  /// and X-Sendfile name there may be called anything.)
  Literal closed_paths;
  /// Closed by the end of their name: source code and its backups.
  Literal closed_ends;
  /// Scripts that live in core/ by now; 301 leads there, query included. $1 is the script's name. Empty: none.
  Literal moved_to_core;
  /// How many days browsers keep static files; 0: nobody tells them.
  unsigned kept_days;
};

[[nodiscard]] const Rules& rules_of(registry::Cms cms);

/// Files that Drupal hands out by itself, whatever they are called, also with a language before.
inline constexpr Literal kHandedOut = R"(^/(?:[^/]+/)?system/(?:files|temporary)/)";

/// Every file that PHP somewhere is mapped to, to be matched in any case: closed when it is there and no `scripts`
/// name it, the CMS's to answer when it is not.
inline constexpr Literal kAnyScript = R"(\.(?:php[0-9s]?|pht|phtml|phar)(?:/|$))";

}  // namespace aegir::emit
