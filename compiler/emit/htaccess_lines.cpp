#include "compiler/emit/htaccess_lines.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace aegir::emit {
namespace {

using Words = std::vector<std::string>;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// As Apache takes a line apart: a word may be quoted, and a backslash keeps a quote in it.
Words words_of(std::string_view text) {
  Words words;
  while (!text.empty()) {
    if (is_blank(text.front())) {
      text.remove_prefix(1);
      continue;
    }
    const char quote = text.front() == '"' || text.front() == '\'' ? text.front() : '\0';
    if (quote != '\0') text.remove_prefix(1);
    std::string word;
    while (!text.empty() && (quote != '\0' ? text.front() != quote : !is_blank(text.front()))) {
      if (quote != '\0' && text.size() > 1 && text[0] == '\\' && text[1] == quote) text.remove_prefix(1);
      word += text.front();
      text.remove_prefix(1);
    }
    if (quote != '\0' && !text.empty()) text.remove_prefix(1);
    words.push_back(std::move(word));
  }
  return words;
}

std::string with_single_blanks(std::string_view text) {
  std::string single;
  for (const char c : text) {
    if (!is_blank(c)) {
      single += c;
    } else if (!single.empty() && single.back() != ' ') {
      single += ' ';
    }
  }
  while (single.ends_with(' ')) single.pop_back();
  return single;
}

}  // namespace

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::vector<HtaccessLine> htaccess_lines(std::string_view text) {
  std::vector<HtaccessLine> lines;
  std::string joined;
  std::size_t first = 1;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (part.ends_with('\r')) part.remove_suffix(1);
    if (joined.empty()) first = number;
    const bool goes_on = part.ends_with('\\');
    joined += goes_on ? part.substr(0, part.size() - 1) : part;
    if (goes_on && !text.empty()) continue;
    HtaccessLine line{first, with_single_blanks(joined), {}};
    joined.clear();
    if (line.text.empty() || line.text.front() == '#') continue;
    line.words = words_of(line.text.starts_with('<') && line.text.ends_with('>')
                              ? std::string_view(line.text).substr(0, line.text.size() - 1)
                              : std::string_view(line.text));
    line.words.front() = lower(line.words.front());
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace aegir::emit
