// Reads the members of a JSON object into plain fields and notes everything that is wrong, with its place: another type
// than expected, a number out of range, a word that is not one of the known ones, a key that nobody asked for.
#pragma once

#include <concepts>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/registry/document.hpp"
#include "compiler/registry/words.hpp"

namespace aegir::registry {

/// Errors about a document, in the order in which they were found.
class Diagnostics {
 public:
  /// `form` is the next step for who wrote a value of another type.
  Diagnostics(const Document& document, std::string_view file,
              std::string_view form = "`aegirc schema` prints the form of a document")
      : document_(document), file_(file), form_(form) {}

  /// `path` names the value inside the document ("sites/shop.example/php"); it begins the message.
  void refuse(const Node& at, const std::string& path, std::string message, std::string hint = {},
              Code code = Code::kInvalid);
  /// "expected <expected>, found <the value>"
  void expected(const Node& at, const std::string& path, std::string_view expected, std::string hint = {});

  /// Refuses each key that an object of the document has twice.
  void refuse_duplicates();

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Whether the value at `path`, or one that it lies in, was refused by an entry from number `first` on.
  [[nodiscard]] bool covers(const std::string& path, std::size_t first) const;
  /// All errors, sorted by place.
  [[nodiscard]] std::vector<Error> take();

 private:
  struct Entry {
    std::uint32_t offset;
    std::string path;
    Error error;
  };
  const Document& document_;
  std::string file_;
  std::string form_;
  std::vector<Entry> entries_;
};

/// One object. Each read() returns whether the key is there with a good value; else the field stays as it is. When the
/// reader goes, keys that were never asked for are refused, with the nearest that was.
class ObjectReader {
 public:
  /// `null_hint` is the next step for who wrote null in place of the object.
  ObjectReader(Diagnostics& diagnostics, const Node& node, std::string path, std::string_view null_hint = {});
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string path(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "/" + std::string(key);
  }
  [[nodiscard]] Diagnostics& diagnostics() noexcept { return diagnostics_; }
  [[nodiscard]] const Node& node() const noexcept { return node_; }

  /// The value of `key`, of any type; null when it is not there.
  const Node* find(std::string_view key);
  /// Whether `key` is there, without asking for it.
  [[nodiscard]] bool has(std::string_view key) const {
    return node_.is(Node::Kind::kObject) && node_.find(key) != nullptr;
  }
  /// Refuses that `key` is missing.
  void missing(std::string_view key, std::string hint = {});

  bool read(std::string_view key, std::string& out);
  /// As read(), but null stands for the empty text.
  bool read_or_null(std::string_view key, std::string& out);
  bool read(std::string_view key, bool& out);
  bool read(std::string_view key, std::vector<std::string>& out);
  bool read(std::string_view key, std::int64_t& out);
  template <std::unsigned_integral Number>
  bool read(std::string_view key, Number& out) {
    std::uint64_t value = 0;
    if (!read_number(key, std::numeric_limits<Number>::max(), value)) return false;
    out = static_cast<Number>(value);
    return true;
  }
  template <class Words, class Enum>
  bool read_word(std::string_view key, const Words& words, Enum& out) {
    const Node* value = find(key);
    if (value == nullptr) return false;
    const std::size_t index = word_index(*value, path(key), names_of(words));
    if (index == words.size()) return false;
    out = words[index].second;
    return true;
  }
  /// Index of the word that `value` is, or the number of words when it is none (refused).
  std::size_t word_index(const Node& value, const std::string& path, const std::vector<std::string_view>& words);

  template <class Words>
  static std::vector<std::string_view> names_of(const Words& words) {
    std::vector<std::string_view> names;
    for (const auto& [name, meaning] : words) names.push_back(name);
    return names;
  }

 private:
  bool read_number(std::string_view key, std::uint64_t most, std::uint64_t& out);

  Diagnostics& diagnostics_;
  const Node& node_;
  std::string path_;
  std::vector<std::string_view> asked_;
};

}  // namespace aegir::registry
