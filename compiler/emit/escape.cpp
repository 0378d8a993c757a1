#include "compiler/emit/escape.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "compiler/core/utf8.hpp"

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

std::string php_number(std::int64_t number) {
  // PHP takes the digits of the least integer, without their sign, for a float.
  if (number == std::numeric_limits<std::int64_t>::min()) return std::to_string(number + 1) + "-1";
  return std::to_string(number);
}

std::string php_number(double number) {
  if (std::isnan(number)) return "NAN";
  if (std::isinf(number)) return number < 0 ? "-INF" : "INF";
  char digits[32];
  std::string text(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string php_array(const php::Array& array, std::size_t indent) {
  const std::string blanks(indent, ' ');
  std::string text = "array (\n";
  for (const php::Element& element : array) {
    const std::string* const name = std::get_if<std::string>(&element.key);
    text += blanks + "  " + (name != nullptr ? php(*name) : php_number(std::get<std::int64_t>(element.key))) + " => ";
    if (std::holds_alternative<php::Array>(element.value.data)) text += '\n' + blanks + "  ";
    text += php(element.value, indent + 2) + ",\n";
  }
  return text + blanks + ')';
}

// What YAML does not print as it is: control characters, line and paragraph separator, the byte order mark, what is no
// character. All of them lie below U+10000.
bool is_unprintable(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff ||
         code == 0xfffe || code == 0xffff;
}

std::uint32_t code_of(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return first;
  std::uint32_t code = first & (0x7fU >> sequence.size());
  for (const char c : sequence.substr(1)) code = code << 6U | (static_cast<unsigned char>(c) & 0x3fU);
  return code;
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

std::string php(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\0') {
      text += "' . \"\\0\" . '";
      continue;
    }
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + '\'';
}

std::string php(const php::Value& value, std::size_t indent) {
  struct Printer {
    std::size_t indent;
    std::string operator()(std::monostate) const { return "NULL"; }
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return php_number(number); }
    std::string operator()(double number) const { return php_number(number); }
    std::string operator()(const std::string& text) const { return php(text); }
    std::string operator()(const php::Array& array) const { return php_array(array, indent); }
  };
  return std::visit(Printer{indent}, value.data);
}

Result<std::string> yaml(std::string_view value) {
  std::string text = "\"";
  while (!value.empty()) {
    const std::size_t length = utf8_sequence(value);
    if (length == 0) return fail(Code::kInvalid, "contains bytes that are not UTF-8");
    const std::string_view character = value.substr(0, length);
    if (const std::uint32_t code = code_of(character); is_unprintable(code)) {
      char escape[8];
      (void)std::snprintf(escape, sizeof escape, "\\u%04x", code);
      text += escape;
    } else {
      if (character == "\"" || character == "\\") text += '\\';
      text += character;
    }
    value.remove_prefix(length);
  }
  return text + '"';
}

}  // namespace aegir::emit
