#include "compiler/machine/wire.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <vector>

namespace aegir::machine {
namespace {

// A text is its first byte and the rest; an error is another first byte, its code, and its parts, each ended by a NUL.
constexpr char kText = 'T';
constexpr char kError = 'E';

std::uint32_t number(std::string_view text) {
  std::uint32_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::string pack(const Result<std::string>& result) {
  if (result) return kText + *result;
  const Error& error = result.error();
  std::string bytes{kError, static_cast<char>(error.code)};
  for (const std::string& part : {error.message, error.place.file, std::to_string(error.place.line),
                                  std::to_string(error.place.column), error.hint}) {
    bytes.append(part.c_str()) += '\0';
  }
  return bytes;
}

Result<std::string> unpack(std::string_view bytes) {
  if (bytes.starts_with(kText)) return std::string(bytes.substr(1));
  constexpr std::size_t kParts = 5;
  std::vector<std::string> parts;
  for (std::string_view rest = bytes.substr(std::min(bytes.size(), std::size_t{2})); !rest.empty();) {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) break;
    parts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (!bytes.starts_with(kError) || parts.size() != kParts) {
    return fail(Code::kInternal, "a child process that did a part of the work was cut short");
  }
  return std::unexpected(
      Error{static_cast<Code>(bytes[1]), parts[0], {parts[1], number(parts[2]), number(parts[3])}, parts[4]});
}

bool read_to_end(int fd, std::chrono::milliseconds patience, std::string& bytes) {
  const auto end = std::chrono::steady_clock::now() + patience;
  char chunk[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t size = ::read(fd, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return true;
    bytes.append(chunk, static_cast<std::size_t>(size));
  }
}

}  // namespace aegir::machine
