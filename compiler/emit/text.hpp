// A configuration file in the making. Literal text and values of the model have different types, so that no value can
// get into a file without its language's escape function.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::emit {

/// Text that stands in our source code.
class Literal {
 public:
  consteval Literal(const char* text) : text_(text) {}  // NOLINT(google-explicit-constructor): that is its use
  [[nodiscard]] std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

/// A value of the model; `field` names it in an error ("platform d10: docroot").
struct Value {
  std::string_view text;
  std::string_view field;
};

/// A value with something of ours before it in the same word: from=PATH. Quotes count only at the beginning of a word,
/// so that the whole of it is escaped.
struct Word {
  Literal before;
  Value value;
};

/// Several of them, each escaped, with blanks between.
struct Values {
  const std::vector<std::string>& list;
  std::string_view field;
};

/// Collects lines. The first value that its language can't say makes take() fail.
class Text {
 public:
  using Escape = Result<std::string> (*)(std::string_view);
  explicit Text(Escape escape) : escape_(escape) {}

  void line(Literal text = "") { add(text), text_ += '\n'; }
  /// One line with a part of the model (Value, Values or a number) in it.
  template <class Part>
  void line(Literal before, const Part& part, Literal after = "") {
    add(before);
    add(part);
    line(after);
  }

  template <class First, class Second>
  void line(Literal before, const First& first, const Second& second, Literal after) {
    add(before);
    add(first);
    add(second);
    line(after);
  }

  [[nodiscard]] Result<std::string> take() && {
    if (!error_.message.empty()) return std::unexpected(std::move(error_));
    return std::move(text_);
  }

 private:
  void add(Literal text) { text_ += text.view(); }
  void add(std::unsigned_integral auto number) { text_ += std::to_string(number); }
  void add(Values values) {
    std::string_view blank;
    for (const std::string& text : values.list) {
      text_ += std::exchange(blank, " ");
      add(Value{text, values.field});
    }
  }
  void add(const Word& word) {
    const std::string whole = std::string(word.before.view()) + std::string(word.value.text);
    add(Value{whole, word.value.field});
  }
  void add(Value value) {
    Result<std::string> escaped = escape_(value.text);
    if (escaped) {
      text_ += *escaped;
    } else if (error_.message.empty()) {
      error_ = std::move(escaped.error());
      error_.message =
          std::string(value.field) + " " + error_.message + " and can't be written to a configuration file";
    }
  }

  Escape escape_;
  std::string text_;
  Error error_;
};

}  // namespace aegir::emit
