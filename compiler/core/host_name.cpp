#include "compiler/core/host_name.hpp"

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

/// Parses the digits after ':'; false when they are no port.
bool parse_port(std::string_view digits, std::uint16_t& port) noexcept {
  if (digits.empty()) return true;  // "example:" is the default port (RFC 3986 §3.2.3)
  if (digits.size() > 5) return false;
  unsigned value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > 65535) return false;
  port = static_cast<std::uint16_t>(value);
  return true;
}

}  // namespace

HostAndPort normalise_host(std::string_view authority, HostBuffer& buffer) noexcept {
  HostAndPort result;
  const std::size_t colon = authority.find(':');
  if (colon != std::string_view::npos) {
    if (!parse_port(authority.substr(colon + 1), result.port)) {
      result.status = HostStatus::kMalformed;
      return result;
    }
    authority = authority.substr(0, colon);
  }
  if (!authority.empty() && authority.back() == '.') authority.remove_suffix(1);
  if (authority.empty()) return result;
  const bool too_long = authority.size() > kMaxHostName;
  char previous = '.';  // a leading dot is as wrong as two in a row
  for (std::size_t i = 0; i < authority.size(); ++i) {
    const char c = kHostBytes[static_cast<unsigned char>(authority[i])];
    if (c == 0 || (c == '.' && previous == '.')) {
      result.status = HostStatus::kMalformed;
      return result;
    }
    if (!too_long) buffer[i] = c;
    previous = c;
  }
  if (previous == '.') {
    result.status = HostStatus::kMalformed;
    return result;
  }
  if (too_long) {
    result.status = HostStatus::kTooLong;
    return result;
  }
  result.status = HostStatus::kOk;
  result.name = std::string_view(buffer.data(), authority.size());
  return result;
}

bool is_canonical_host(std::string_view name) noexcept {
  HostBuffer buffer;
  const HostAndPort host = normalise_host(name, buffer);
  return host.status == HostStatus::kOk && host.name == name;
}

unsigned label_count(std::string_view name) noexcept {
  if (!name.empty() && name.front() == '.') name.remove_prefix(1);
  if (name.empty()) return 0;
  unsigned labels = 1;
  for (const char c : name) labels += c == '.' ? 1 : 0;
  return labels;
}

}  // namespace aegir
