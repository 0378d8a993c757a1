// A JSON document in memory, with the place of every value: what nlohmann's parser reads, kept in nodes that know where
// in the text they came from. Small (24 bytes a value, text is not copied), since a document may hold a million sites.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"

namespace aegir::registry {

/// Documents above this are refused (offsets in nodes have 32 bits).
inline constexpr std::size_t kMaxDocument = std::size_t{2} << 30U;

/// One value. Views point into the document.
class Node {
 public:
  enum class Kind : std::uint8_t { kNull, kFlag, kNumber, kReal, kText, kList, kObject };
  struct Member;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is(Kind kind) const noexcept { return kind_ == kind; }
  /// Where the value begins, in bytes from the start of the text.
  [[nodiscard]] std::uint32_t offset() const noexcept { return offset_; }

  [[nodiscard]] bool flag() const noexcept { return value_.number != 0; }
  /// A whole number: its amount and whether it is below 0.
  [[nodiscard]] std::uint64_t number() const noexcept { return value_.number; }
  [[nodiscard]] bool negative() const noexcept { return negative_; }
  [[nodiscard]] std::string_view text() const noexcept { return {value_.text, size_}; }
  [[nodiscard]] std::span<const Node> list() const noexcept { return {value_.nodes, size_}; }
  [[nodiscard]] std::span<const Member> members() const noexcept;
  /// The member of an object with that key, or null.
  [[nodiscard]] const Node* find(std::string_view key) const noexcept;

 private:
  friend class DocumentBuilder;
  union Value {
    std::uint64_t number;
    const char* text;
    const Node* nodes;
  };
  Value value_{0};
  std::uint32_t size_ = 0;
  std::uint32_t offset_ = 0;
  Kind kind_ = Kind::kNull;
  bool negative_ = false;
};

struct Node::Member {
  Node key;  ///< a text
  Node value;
};

class Document {
 public:
  /// A key that an object has twice.
  struct Duplicate {
    Node first, second;
  };

  /// Parses `text`, which must live as long as the document. The error is the first one of syntax, or that it is too
  /// deep or too large, with its place in `file`.
  [[nodiscard]] static Result<Document> parse(std::string_view text, std::string_view file);

  [[nodiscard]] const Node& root() const noexcept { return root_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] const std::vector<Duplicate>& duplicates() const noexcept { return duplicates_; }
  /// The value as it stands in the text, for a message: what kind it is, and shortened.
  [[nodiscard]] std::string found(const Node& node) const;

 private:
  friend class DocumentBuilder;
  std::string_view text_;
  std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_ =
      std::make_unique<std::pmr::monotonic_buffer_resource>();
  Node root_;
  std::vector<Duplicate> duplicates_;
};

/// Turns offsets of `text` into places; line and column count from 1, columns in characters.
class Places {
 public:
  Places(std::string_view text, std::string_view file) : text_(text), file_(file) {}
  [[nodiscard]] Place at(std::uint32_t offset);

 private:
  std::string_view text_;
  std::string file_;
  std::vector<std::uint32_t> line_starts_;  ///< filled at the first question
};

}  // namespace aegir::registry
