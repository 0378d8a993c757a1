#include "compiler/emit/escape.hpp"

#include <algorithm>

namespace aegir::emit {
namespace {

// nginx takes no argument above 4096 bytes (NGX_CONF_BUFFER), and quoting may double a value.
constexpr std::size_t kLongest = 2048;
constexpr std::size_t kLongestFpm = 1024;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// The rules that all three languages share.
Result<void> check(std::string_view value, std::size_t longest) {
  if (value.size() > longest) return fail(Code::kInvalid, "is longer than " + std::to_string(longest) + " bytes");
  if (std::ranges::any_of(value, is_control)) return fail(Code::kInvalid, "contains a control character");
  return {};
}

// In double quotes, with a backslash before double quotes and backslashes.
std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  text += '"';
  return text;
}

}  // namespace

Result<std::string> apache(std::string_view value) {
  if (Result<void> ok = check(value, kLongest); !ok) return pass(ok);
  if (value.find("${") != std::string_view::npos) return fail(Code::kInvalid, "contains '${'");
  return quoted(value);
}

Result<std::string> nginx(std::string_view value) {
  if (Result<void> ok = check(value, kLongest); !ok) return pass(ok);
  if (value.find('$') != std::string_view::npos) return fail(Code::kInvalid, "contains '$'");
  return quoted(value);
}

Result<std::string> fpm(std::string_view value) {
  if (Result<void> ok = check(value, kLongestFpm); !ok) return pass(ok);
  if (value.empty()) return fail(Code::kInvalid, "is empty");
  if (const std::size_t at = value.find_first_of("$\"\\"); at != std::string_view::npos) {
    return fail(Code::kInvalid, std::string("contains '") + value[at] + "'");
  }
  return '"' + std::string(value) + '"';
}

}  // namespace aegir::emit
