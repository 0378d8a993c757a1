#include "compiler/core/utf8.hpp"

namespace aegir {
namespace {

bool is_control(std::string_view sequence) noexcept {
  const auto first = static_cast<unsigned char>(sequence[0]);
  return first < 0x20 || first == 0x7f || (first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0);
}

/// The first `most` characters of `text` as a person sees them; takes them off it.
std::string take_visible(std::string_view& text, std::size_t most) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string shown;
  for (std::size_t characters = 0; !text.empty() && characters < most; ++characters) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0 || is_control(text.substr(0, length))) {
      const auto c = static_cast<unsigned char>(text[0]);
      shown += {'\\', 'x', kHex[c >> 4U], kHex[c & 15U]};
      text.remove_prefix(1);
    } else {
      shown += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return shown;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  // The second byte keeps out overlong forms, surrogates and what is above U+10FFFF.
  const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  return length;
}

std::size_t find_control_or_bad_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7f) {
      ++i;
      continue;
    }
    const std::size_t length = utf8_sequence(text.substr(i));
    if (length == 0 || is_control(text.substr(i, length))) return i;
    i += length;
  }
  return std::string_view::npos;
}

std::string visible(std::string_view text, std::size_t most) {
  std::string shown = take_visible(text, most);
  return text.empty() ? shown : shown + "…";
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 80;
  const std::string shown = take_visible(text, kMost);
  return "'" + shown + (text.empty() ? "'" : "'…");
}

}  // namespace aegir
