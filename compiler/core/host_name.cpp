#include "compiler/core/host_name.hpp"

#include <algorithm>

namespace aegir {
namespace {

/// The canonical form of each byte of a host name, 0 for bytes that no host name has. '.' stands for itself.
constexpr std::array<char, 256> make_host_bytes() {
  std::array<char, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c);
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c - 'A' + 'a');
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = static_cast<char>(c);
  table['-'] = '-';
  table['_'] = '_';
  table['.'] = '.';
  return table;
}

constexpr std::array<char, 256> kHostBytes = make_host_bytes();

/// Parses the digits after ':'; false when they are no port. None at all would be one by RFC 3986 §3.2.3; httpd refuses
/// that before any module of it can look, so nobody else takes it either.
bool parse_port(std::string_view digits, std::uint16_t& port) noexcept {
  if (digits.empty() || digits.size() > 5) return false;
  unsigned value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value == 0 || value > 65535) return false;
  port = static_cast<std::uint16_t>(value);
  return true;
}

}  // namespace

HostAndPort normalise_host(std::string_view authority, HostBuffer& buffer) noexcept {
  HostAndPort result;
  // One pass over the name up to the first byte that no name has. Every request pays for it, so letters and digits
  // cost one comparison: '-', '.' and what is no byte of a name sort before them.
  std::size_t size = 0;
  std::size_t dot = std::string_view::npos;  // the last one; the next must not follow at once, nor come first
  const auto scan = [&](std::size_t end, auto store) noexcept {
    for (; size < end; ++size) {
      const char c = kHostBytes[static_cast<unsigned char>(authority[size])];
      if (c <= '.') {
        if (c == 0 || (c == '.' && size - dot == 1)) return;
        if (c == '.') dot = size;
      }
      store(c);
    }
  };
  scan(std::min(authority.size(), buffer.size()), [&](char c) noexcept { buffer[size] = c; });
  if (size == buffer.size()) scan(authority.size(), [](char) noexcept {});
  if (size < authority.size() && authority[size] == '.' && size == 0) ++size;  // "." is an empty name with its dot
  if (size < authority.size() && (authority[size] != ':' || !parse_port(authority.substr(size + 1), result.port))) {
    result.status = HostStatus::kMalformed;
    return result;
  }
  if (size > 0 && authority[size - 1] == '.') --size;
  if (size == 0) return result;
  if (size > kMaxHostName) {
    result.status = HostStatus::kTooLong;
    return result;
  }
  result.status = HostStatus::kOk;
  result.name = std::string_view(buffer.data(), size);
  return result;
}

bool is_canonical_host(std::string_view name) noexcept {
  HostBuffer buffer;
  const HostAndPort host = normalise_host(name, buffer);
  return host.status == HostStatus::kOk && host.name == name;
}

std::string dotless_host(std::string_view name) {
  std::string text;
  for (const char c : name) text += c == '.' ? "_" : c == '_' ? "_U" : std::string(1, c);
  return text;
}

unsigned label_count(std::string_view name) noexcept {
  if (!name.empty() && name.front() == '.') name.remove_prefix(1);
  if (name.empty()) return 0;
  unsigned labels = 1;
  for (const char c : name) labels += c == '.' ? 1 : 0;
  return labels;
}

}  // namespace aegir
