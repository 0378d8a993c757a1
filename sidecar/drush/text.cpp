#include "sidecar/drush/text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "compiler/core/utf8.hpp"

namespace aegir::drush {
namespace {

constexpr char kEscape = '\x1b';
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kMask = "****";

/// Bytes of the terminal sequence at the start of `text` (ECMA-48); 0 when there is none.
std::size_t terminal_sequence(std::string_view text) {
  if (text.size() < 2 || text[0] != kEscape) return 0;
  if (text[1] == '[') {
    std::size_t at = 2;
    while (at < text.size() && text[at] >= 0x20 && text[at] < 0x40) ++at;
    return at < text.size() && text[at] >= 0x40 && text[at] < 0x7f ? at + 1 : 0;
  }
  if (text[1] == ']') {  // a title or a link, up to BEL or ESC backslash
    for (std::size_t at = 2; at < text.size(); ++at) {
      if (text[at] == '\a') return at + 1;
      if (text[at] == kEscape) return text.substr(at).starts_with("\x1b\\") ? at + 2 : 0;
    }
    return 0;
  }
  return text[1] >= 0x20 && text[1] < 0x7f ? 2 : 0;
}

/// Without terminal sequences, and with one blank for each run of blanks. What is too long to be shown is not looked
/// at, and cut between words, so that no half of a secret is left.
std::string plain(std::string_view hostile) {
  constexpr std::size_t kLooked = std::size_t{16} << 10U;
  if (hostile.size() > kLooked) {
    hostile = hostile.substr(0, kLooked);
    hostile = hostile.substr(0, hostile.find_last_of(kBlanks));
  }
  std::string text;
  while (!hostile.empty()) {
    if (const std::size_t length = terminal_sequence(hostile); length != 0) {
      hostile.remove_prefix(length);
    } else if (kBlanks.contains(hostile[0])) {
      if (!text.empty() && text.back() != ' ') text += ' ';
      hostile.remove_prefix(1);
    } else {
      text += hostile[0];
      hostile.remove_prefix(1);
    }
  }
  if (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

void mask_words_after(std::string& text, std::string_view before) {
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    const std::size_t end = std::min(text.find(' ', at), text.size());
    text.replace(at, end - at, kMask);
  }
}

std::string masked(std::string text, std::span<const std::string> secrets) {
  for (const std::string& secret : secrets) {
    if (secret.empty()) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      text.replace(at, secret.size(), kMask);
      at += kMask.size();
    }
  }
  mask_words_after(text, "user/reset/");
  mask_words_after(text, "User password: ");
  return text;
}

struct Label {
  std::string_view name;
  Level level;
};
constexpr std::array kLabels = {Label{"[notice]", Level::kNotice}, Label{"[success]", Level::kSuccess},
                                Label{"[ok]", Level::kSuccess},    Label{"[warning]", Level::kWarning},
                                Label{"[error]", Level::kError},   Label{"[status]", Level::kNotice},
                                Label{"[info]", Level::kText},     Label{"[debug]", Level::kText}};

/// Takes the label away from a line and says what it was.
Level take_label(std::string& line) {
  for (const Label& label : kLabels) {
    if (line.starts_with(label.name)) {
      line.erase(0, label.name.size());
    } else if (line.ends_with(label.name)) {
      line.erase(line.size() - label.name.size());
    } else {
      continue;
    }
    line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
    while (line.ends_with(' ')) line.pop_back();
    return label.level;
  }
  return Level::kText;
}

void add(std::string& list, const std::string& text, std::string_view between = "; ") {
  if (text.empty() || list.size() > kLongestLine) return;
  if (!list.empty()) list += between;
  list += text;
}

}  // namespace

std::string harmless(std::string_view hostile, std::span<const std::string> secrets, std::size_t longest) {
  return visible(masked(plain(hostile), secrets), longest);
}

Line read_line(std::string_view hostile, std::span<const std::string> secrets) {
  std::string text = plain(hostile);
  const Level level = take_label(text);
  return {level, visible(masked(std::move(text), secrets), kLongestLine)};
}

std::string reason_in(std::string_view errors, std::span<const std::string> secrets) {
  // Only the end can tell why it ended, and what can be 16 MiB long is not looked through for it.
  constexpr std::size_t kLooked = std::size_t{64} << 10U;
  if (errors.size() > kLooked) errors.remove_prefix(errors.size() - kLooked);
  std::string labelled;
  std::string exception;
  std::string last;
  enum class Box : std::uint8_t { kNone, kOpen, kRead } box = Box::kNone;
  while (!errors.empty()) {
    const std::size_t end = std::min(errors.find('\n'), errors.size());
    std::string text = plain(errors.substr(0, end));
    errors.remove_prefix(std::min(end + 1, errors.size()));
    if (text.empty()) {
      if (box == Box::kRead) box = Box::kNone;
      continue;
    }
    const Level level = take_label(text);
    const bool fatal = text.starts_with("PHP Fatal error:") || text.starts_with("Fatal error:") ||
                       text.starts_with("PHP Parse error:") || text.starts_with("Parse error:");
    if (level == Level::kError || fatal) add(labelled, text);
    if (level == Level::kText && text.starts_with("In ") && text.contains(" line ") && text.ends_with(':')) {
      box = Box::kOpen;
    } else if (box != Box::kNone) {
      add(exception, text, box == Box::kOpen ? "; " : " ");
      box = Box::kRead;
    }
    if (level != Level::kWarning) last = std::move(text);
  }
  for (const std::string* const reason : {&labelled, &exception, &last}) {
    if (!reason->empty()) return visible(masked(*reason, secrets), kLongestQuote);
  }
  return {};
}

}  // namespace aegir::drush
