#include "compiler/core/php_literal.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "compiler/core/utf8.hpp"

namespace aegir::php {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Result<std::vector<Statement>> run() {
    if (text_.empty()) return std::vector<Statement>();
    if (!text_.starts_with("<?php") || (text_.size() > 5 && !kBlanks.contains(text_[5]))) return refuse("'<?php'");
    at_ = 5;
    while (true) {
      const bool same_line = skip_blanks();
      if (at_ == text_.size()) return std::move(statements_);
      if (take("?>")) {
        (void)skip_blanks();
        if (at_ != text_.size()) return refuse("nothing after '?>'");
        return std::move(statements_);
      }
      if (Result<void> read = statement(same_line); !read) return pass(read);
    }
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool sees(std::string_view token) const { return text_.substr(at_).starts_with(token); }

  /// Takes `token` when it comes next.
  bool take(std::string_view token) {
    if (!sees(token)) return false;
    at_ += token.size();
    return true;
  }

  /// Whether everything that was skipped was on one line.
  bool skip_blanks() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && kBlanks.contains(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin).find('\n') == std::string_view::npos;
  }

  [[nodiscard]] std::string_view word() const {
    std::size_t end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    return text_.substr(at_, end - at_);
  }

  /// Counts on from where it was asked last: statements only come later.
  [[nodiscard]] std::uint32_t line_of(std::size_t at) {
    line_ += static_cast<std::uint32_t>(std::ranges::count(text_.substr(counted_, at - counted_), '\n'));
    counted_ = at;
    return line_;
  }

  [[nodiscard]] std::string found() const {
    if (at_ >= text_.size()) return "the end of the file";
    if (const std::string_view name = word(); !name.empty()) return printable(name);
    const std::size_t length = std::max<std::size_t>(utf8_sequence(text_.substr(at_)), 1);
    return printable(text_.substr(at_, length));
  }

  [[nodiscard]] std::unexpected<Error> refuse(std::string_view expected) {
    const std::size_t line_begin = text_.substr(0, at_).rfind('\n') + 1;  // npos + 1 is 0
    return std::unexpected(Error{Code::kInvalid,
                                 "expected " + std::string(expected) + ", found " + found(),
                                 {file_, line_of(at_), static_cast<std::uint32_t>(at_ - line_begin + 1)},
                                 {}});
  }

  Result<void> need(std::string_view token) {
    (void)skip_blanks();
    if (take(token)) return {};
    return refuse("'" + std::string(token) + "'");
  }

  Result<void> statement(bool same_line) {
    const std::size_t begin = at_;
    Statement statement;
    statement.line = line_of(begin);
    Result<void> read;
    if (peek() == '#' || sees("//") || sees("/*")) {
      read = comment();
      if (read && same_line && !statements_.empty()) {
        statements_.back().text += ' ' + std::string(text_.substr(begin, at_ - begin));
        return {};
      }
    } else if (peek() == '$') {
      statement.kind = Statement::Kind::kAssignment;
      read = assignment(statement);
    } else {
      statement.kind = Statement::Kind::kInclude;
      read = include(statement);
    }
    if (!read) return read;
    statement.text = text_.substr(begin, at_ - begin);
    statements_.push_back(std::move(statement));
    return {};
  }

  /// A comment that PHP takes for one. It ends before its line's end.
  Result<void> comment() {
    if (take("/*")) {
      const std::size_t end = text_.find("*/", at_);
      if (end == std::string_view::npos) {
        at_ = text_.size();
        return refuse("'*/'");
      }
      at_ = end + 2;
      return {};
    }
    if (sees("#[")) return refuse("a comment or '$'; PHP 8 takes '#[' for an attribute");
    const std::size_t end = std::min(text_.find_first_of("\r\n", at_), text_.size());
    if (const std::size_t close = text_.substr(at_, end - at_).find("?>"); close != std::string_view::npos) {
      at_ += close;
      return refuse("a comment without '?>', which ends the PHP");
    }
    at_ = end;
    return {};
  }

  Result<void> assignment(Statement& statement) {
    if (Result<void> read = place(statement.variable, statement.path); !read) return read;
    if (Result<void> read = need("="); !read) return read;
    (void)skip_blanks();
    if (peek() == '$') {
      std::string variable;
      std::vector<Key> path;
      if (Result<void> read = place(variable, path); !read) return read;
    } else {
      Result<Value> read = value(0);
      if (!read) return pass(read);
      statement.value = *std::move(read);
    }
    return need(";");
  }

  Result<void> place(std::string& variable, std::vector<Key>& path) {
    ++at_;  // the dollar
    if (!is_letter(peek())) return refuse("the name of a variable");
    variable = word();
    at_ += variable.size();
    for ((void)skip_blanks(); take("["); (void)skip_blanks()) {
      Result<Value> read = scalar();
      if (!read) return pass(read);
      Result<Key> key = key_of(*read);
      if (!key) return pass(key);
      path.push_back(*std::move(key));
      if (Result<void> closed = need("]"); !closed) return closed;
    }
    return {};
  }

  Result<void> include(Statement& statement) {
    take("@");
    const std::string name = lower(word());
    if (name != "include_once" && name != "include" && name != "require_once" && name != "require") {
      return refuse("'$options[…] = …;', a comment or an include");
    }
    at_ += name.size();
    (void)skip_blanks();
    const bool in_parentheses = take("(");
    (void)skip_blanks();
    bool whole = true;
    if (lower(word()) == "__dir__") {
      at_ += 7;
      whole = false;
    } else if (lower(word()) == "dirname") {
      at_ += 7;
      if (Result<void> read = need("("); !read) return read;
      (void)skip_blanks();
      if (lower(word()) != "__file__") return refuse("'__FILE__'");
      at_ += 8;
      if (Result<void> read = need(")"); !read) return read;
      whole = false;
    }
    if (!whole) {
      if (Result<void> read = need("."); !read) return read;
    }
    (void)skip_blanks();
    Result<std::string> path = string();
    if (!path) return pass(path);
    statement.file = *std::move(path);
    if (in_parentheses) {
      if (Result<void> read = need(")"); !read) return read;
    }
    return need(";");
  }

  Result<Value> value(std::size_t depth) {
    (void)skip_blanks();
    if (take("(")) {
      (void)skip_blanks();
      if (lower(word()) != "object") return refuse("'object'");
      at_ += 6;
      if (Result<void> read = need(")"); !read) return pass(read);
      (void)skip_blanks();
      if (lower(word()) != "array") return refuse("'array'");
    }
    if (peek() == '[') return array(depth);
    const std::string name = lower(word());
    if (name == "array") return array(depth);
    if (peek() == '\\' || name == "stdclass") {
      take("\\");
      if (lower(word()) != "stdclass") return refuse("'stdClass'");
      at_ += 8;
      if (!take("::__set_state(")) return refuse("'::__set_state('");
      (void)skip_blanks();
      if (lower(word()) != "array") return refuse("'array'");
      Result<Value> read = array(depth);
      if (!read) return read;
      if (Result<void> closed = need(")"); !closed) return pass(closed);
      return read;
    }
    return scalar();
  }

  Result<Value> array(std::size_t depth) {
    if (depth == kDeepest) return refuse("arrays at most " + std::to_string(kDeepest) + " deep");
    std::string_view close = "]";
    if (!take("[")) {
      at_ += 5;  // array
      if (Result<void> read = need("("); !read) return pass(read);
      close = ")";
    }
    Elements elements;
    while (true) {
      (void)skip_blanks();
      if (take(close)) return Value{std::move(elements.array)};
      Result<Value> read = value(depth + 1);
      if (!read) return read;
      (void)skip_blanks();
      if (take("=>")) {
        Result<Key> key = key_of(*read);
        if (!key) return pass(key);
        read = value(depth + 1);
        if (!read) return read;
        elements.put(*std::move(key), *std::move(read));
      } else {
        elements.put(elements.next, *std::move(read));
      }
      (void)skip_blanks();
      if (!take(",") && !sees(close)) return refuse("',' or '" + std::string(close) + "'");
    }
  }

  /// PHP's array: a key that comes again keeps its place and takes the later value.
  struct Elements {
    Array array;
    std::map<Key, std::size_t> places;
    std::int64_t next = 0;

    void put(Key key, Value value) {
      const auto [place, is_new] = places.try_emplace(key, array.size());
      if (!is_new) {
        array[place->second].value = std::move(value);
        return;
      }
      if (const auto* number = std::get_if<std::int64_t>(&key); number != nullptr && *number >= next) {
        next = *number == std::numeric_limits<std::int64_t>::max() ? *number : *number + 1;
      }
      array.push_back({std::move(key), std::move(value)});
    }
  };

  Result<Key> key_of(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value.data)) return *number;
    if (const auto* text = std::get_if<std::string>(&value.data)) return to_key(*text);
    return refuse("a string or a whole number as the key before this");
  }

  Result<Value> scalar() {
    (void)skip_blanks();
    if (peek() == '\'' || peek() == '"') {
      Result<std::string> text = string();
      if (!text) return pass(text);
      return Value{*std::move(text)};
    }
    if (is_digit(peek()) || peek() == '-' || peek() == '.') return number();
    const std::string name = lower(word());
    const auto take_word = [&](Value value) -> Result<Value> {
      at_ += name.size();
      return value;
    };
    if (name == "true") return take_word({true});
    if (name == "false") return take_word({false});
    if (name == "null") return take_word({});
    if (word() == "INF") return take_word({std::numeric_limits<double>::infinity()});
    if (word() == "NAN") return take_word({std::numeric_limits<double>::quiet_NaN()});
    return refuse("a value (a string, a number, TRUE, FALSE, NULL or an array)");
  }

  /// Strings, with dots between them.
  Result<std::string> string() {
    std::string text;
    while (true) {
      Result<void> read = peek() == '\''  ? single_quoted(text)
                          : peek() == '"' ? double_quoted(text)
                                          : refuse("a string");
      if (!read) return pass(read);
      const std::size_t end = at_;
      (void)skip_blanks();
      if (!take(".")) {
        at_ = end;
        return text;
      }
      (void)skip_blanks();
    }
  }

  Result<void> single_quoted(std::string& text) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\'') return {};
      const bool escape = c == '\\' && (peek() == '\\' || peek() == '\'');
      text += escape ? text_[at_++] : c;
    }
    return refuse("\"'\" at the end of the string");
  }

  /// Refuses what PHP would put something else in for.
  Result<void> double_quoted(std::string& text) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '$') return refuse("a string without variables");
      ++at_;
      if (c == '"') return {};
      if (c != '\\') {
        text += c;
        continue;
      }
      constexpr std::string_view kEscapes = "\\\"$nrt0";
      constexpr std::string_view kMeant("\\\"$\n\r\t\0", 7);
      const std::size_t escape = kEscapes.find(peek());
      if (escape == std::string_view::npos || (peek() == '0' && is_digit(peek(1)))) {
        return refuse("one of \\\\ \\\" \\$ \\n \\r \\t \\0 as the only escapes");
      }
      text += kMeant[escape];
      ++at_;
    }
    return refuse("'\"' at the end of the string");
  }

  Result<Value> number() {
    const bool negative = take("-");
    if (word() == "INF") {
      at_ += 3;
      return Value{negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity()};
    }
    const std::size_t begin = at_;
    const auto digits = [&] {
      const std::size_t first = at_;
      while (is_digit(peek())) ++at_;
      return at_ != first;
    };
    const bool whole = digits();
    bool is_float = false;
    if (peek() == '.' && (is_digit(peek(1)) || (whole && !(peek(1) == ' ')))) {
      ++at_;
      is_float = digits() || whole;
    }
    if (!whole && !is_float) return refuse("a number");
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return refuse("the digits of an exponent");
      is_float = true;
    }
    if (is_letter(peek())) return refuse("a decimal number");
    std::string digits_text(text_.substr(begin, at_ - begin));
    if (digits_text.size() > 1 && digits_text[0] == '0' && !is_float) {
      at_ = begin;
      return refuse("a decimal number without zeros before it");
    }
    if (negative) digits_text.insert(0, 1, '-');
    std::int64_t integer = 0;
    const char* const end = digits_text.data() + digits_text.size();
    if (!is_float && std::from_chars(digits_text.data(), end, integer).ec == std::errc()) {
      // The least integer is printed as a difference, since its digits alone are too large for one.
      if (integer == kLeast + 1 && take("-1")) return Value{kLeast};
      return Value{integer};
    }
    double real = 0;
    const auto [stop, error] = std::from_chars(digits_text.data(), end, real);
    if (error == std::errc::result_out_of_range) {  // as PHP: too large is infinite, too small is nothing
      const bool small = digits_text.find("e-") != std::string::npos || digits_text.find("E-") != std::string::npos;
      real = small ? 0 : std::numeric_limits<double>::infinity();
      if (negative) real = -real;
    } else if (error != std::errc() || stop != end) {
      return refuse("a number");
    }
    return Value{real};
  }

  std::string_view text_;
  std::string file_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;  ///< lines are counted up to here
  std::uint32_t line_ = 1;
  std::vector<Statement> statements_;
};

}  // namespace

bool operator==(const Value& left, const Value& right) {
  // NaN is the same value as NaN here.
  const double* const a = std::get_if<double>(&left.data);
  const double* const b = std::get_if<double>(&right.data);
  if (a != nullptr && b != nullptr && std::isnan(*a)) return std::isnan(*b);
  return left.data == right.data;
}

bool operator==(const Element& left, const Element& right) {
  return left.key == right.key && left.value == right.value;
}

Key to_key(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && stop == end && std::to_string(number) == text) return number;
  return std::string(text);
}

Result<std::vector<Statement>> parse(std::string_view text, std::string_view file) {
  if (text.size() > kLargestFile) {
    return fail_at(file, Code::kInvalid, "is larger than " + std::to_string(kLargestFile >> 20U) + " MiB");
  }
  return Parser(text, file).run();
}

}  // namespace aegir::php
