#include "compiler/map/request_path.hpp"

#include <cstring>

namespace aegir::map {
namespace {

using namespace std::string_view_literals;

[[nodiscard]] int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

[[nodiscard]] std::string_view path_of(std::string_view raw) noexcept { return raw.substr(0, raw.find('?')); }

/// Decodes into `out` and returns the length, or nothing for what is no encoding.
[[nodiscard]] std::optional<std::size_t> decode(std::string_view path, char* out) noexcept {
  std::size_t length = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      if (i + 2 >= path.size()) return std::nullopt;
      const int high = hex_digit(path[i + 1]);
      const int low = hex_digit(path[i + 2]);
      if (high < 0 || low < 0 || (high | low) == 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    out[length++] = c;
  }
  return length;
}

}  // namespace

std::optional<std::string_view> plain_path(std::string_view raw) noexcept {
  const std::string_view path = path_of(raw);
  if (path.empty()) return "/"sv;
  if (path.find('%') != std::string_view::npos) return std::nullopt;
  for (std::size_t slash = 0; slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    if (slash + 1 < path.size() && (path[slash + 1] == '/' || path[slash + 1] == '.')) return std::nullopt;
  }
  return path;
}

std::optional<std::string_view> resolve_path(std::string_view raw, char* out) noexcept {
  const std::optional<std::size_t> decoded = decode(path_of(raw), out);
  if (!decoded) return std::nullopt;

  // In place: `used` is never beyond the segment that is read. Everything before `used` ends in a slash.
  std::size_t used = 1;
  for (std::size_t begin = 1; begin <= *decoded;) {
    const char* const slash = static_cast<const char*>(std::memchr(out + begin, '/', *decoded - begin));
    const std::size_t end = slash == nullptr ? *decoded : static_cast<std::size_t>(slash - out);
    const std::string_view segment(out + begin, end - begin);
    if (segment == ".."sv) {
      if (used == 1) return std::nullopt;
      --used;
      while (out[used - 1] != '/') --used;
    } else if (segment != "."sv && !segment.empty()) {
      std::memmove(out + used, segment.data(), segment.size());
      used += segment.size();
      if (slash != nullptr) out[used++] = '/';
    }
    begin = end + 1;
  }
  return std::string_view(out, used);
}

}  // namespace aegir::map
