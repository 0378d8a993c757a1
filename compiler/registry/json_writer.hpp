// Writes JSON piece by piece: indented where a person reads line by line, on one line where an object is small.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/registry/json.hpp"

namespace aegir::registry {

class JsonWriter {
 public:
  explicit JsonWriter(const Sink& sink) : sink_(sink) {}

  /// Begins an object or list, as the document, as the value of `key` or as an entry of a list. All that lies in an
  /// `on_one_line` one is written without line breaks.
  void open(char bracket, bool on_one_line = false);
  void open(std::string_view key, char bracket, bool on_one_line = false);
  void close(char bracket);

  void member(std::string_view key, std::string_view text);
  void member(std::string_view key, const char* text) { member(key, std::string_view(text)); }
  void member(std::string_view key, std::integral auto number) { raw_member(key, std::to_string(number)); }
  void member(std::string_view key, bool flag) { raw_member(key, flag ? "true" : "false"); }
  /// Null when `text` is empty.
  void optional(std::string_view key, std::string_view text);
  void null(std::string_view key) { raw_member(key, "null"); }
  void entry(std::string_view text);
  /// The line break at the end of the document.
  void end() { buffer_ += '\n'; }

  /// Hands on what is ready when it has become large; with `all` whatever there is.
  [[nodiscard]] Result<void> flush(bool all);

 private:
  void next();
  void name(std::string_view key);
  void raw_member(std::string_view key, std::string_view raw);
  void quote(std::string_view text);

  const Sink& sink_;
  std::string buffer_;
  std::size_t depth_ = 0;
  std::size_t line_depth_ = 0;  ///< depth of the outermost object on one line, 0: none
  bool first_ = true;           ///< nothing yet in the innermost object
};

}  // namespace aegir::registry
