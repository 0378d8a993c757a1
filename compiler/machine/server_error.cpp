#include "compiler/machine/server_error.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace aegir::machine {
namespace {

using namespace std::string_view_literals;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

std::string_view first_line(std::string_view text) {
  text = trimmed(text);
  return trimmed(text.substr(0, text.find('\n')));
}

std::uint32_t number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

/// The lines of an error log that say why a server did not start, without their beginnings.
std::string grave_lines(std::string_view log) {
  std::string text;
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    const std::string_view line = log.substr(at, end - at);
    at = end + 1;
    constexpr std::string_view kGrave[] = {":emerg]", ":alert]", ":crit]", ":error]"};
    if (std::ranges::none_of(kGrave, [&](std::string_view sign) { return line.contains(sign); })) continue;
    const std::size_t message = line.rfind("] AH");
    if (!text.empty()) text += '\n';
    text += trimmed(message == std::string_view::npos ? line : line.substr(message + 2));
  }
  return text;
}

}  // namespace

bool take_place(std::string_view& message, Place& place) {
  if (!message.starts_with('/')) return false;
  const std::size_t second = message.find(": ");
  const std::size_t first = message.rfind(':', second - 1);
  if (second == std::string_view::npos || first == std::string_view::npos) return false;
  const std::uint32_t line = number(message.substr(first + 1, second - first - 1));
  if (line == 0) return false;
  place = {std::string(message.substr(0, first)), line, 0};
  message = message.substr(second + 2);
  return true;
}

Error apache_error(std::string_view output) {
  constexpr std::string_view kBefore = "yntax error on line ";
  Error error{Code::kInvalid, {}, {}, {}};
  const std::size_t found = output.rfind(kBefore);
  if (found == std::string_view::npos) {
    error.message = grave_lines(output);
    if (error.message.empty()) error.message = trimmed(output);
    return error;
  }
  std::string_view rest = output.substr(found + kBefore.size());
  const std::size_t of = rest.find(" of ");
  const std::size_t colon = std::min(rest.find(":\n", of), rest.find(": ", of));
  if (of != std::string_view::npos && colon != std::string_view::npos) {
    error.place = {std::string(rest.substr(of + 4, colon - of - 4)), number(rest.substr(0, of)), 0};
    rest = rest.substr(colon + 1);
  }
  std::string_view message = first_line(rest);
  (void)take_place(message, error.place);
  error.message = message;
  return error;
}

Error nginx_error(std::string_view output) {
  constexpr std::string_view kBefore = "[emerg] ";
  Error error{Code::kInvalid, {}, {}, {}};
  const std::size_t found = output.find(kBefore);
  if (found == std::string_view::npos) {
    error.message = trimmed(output);
    return error;
  }
  std::string_view message = first_line(output.substr(found + kBefore.size()));
  // In a log, and to stderr once that is one, the process goes before: "12#12: ".
  if (const std::size_t process = message.find_first_not_of("0123456789#"); message.substr(process).starts_with(": ")) {
    message = message.substr(process + 2);
  }
  const std::size_t in = message.rfind(" in /");
  const std::size_t colon = message.rfind(':');
  if (in != std::string_view::npos && colon != std::string_view::npos && colon > in) {
    if (const std::uint32_t line = number(message.substr(colon + 1))) {
      error.place = {std::string(message.substr(in + 4, colon - in - 4)), line, 0};
      message = message.substr(0, in);
    }
  }
  error.message = message;
  return error;
}

}  // namespace aegir::machine
