// A .htaccess as Apache takes it apart: lines that say something, and their words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aegir::emit {

struct HtaccessLine {
  std::size_t number = 0;          ///< of the file, from 1; the first of continued lines
  std::string text;                ///< blanks made single
  std::vector<std::string> words;  ///< without their quotes; the first one in lower case
};

/// The lines of `text` but for comments and empty ones. A backslash at the end of a line continues it.
[[nodiscard]] std::vector<HtaccessLine> htaccess_lines(std::string_view text);

/// ASCII letters in lower case.
[[nodiscard]] std::string lower(std::string text);

}  // namespace aegir::emit
