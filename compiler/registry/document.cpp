#include "compiler/registry/document.hpp"

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>

#include "compiler/core/utf8.hpp"

namespace aegir::registry {
namespace {

constexpr std::size_t kMaxDepth = 32;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_number_byte(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/// What nlohmann says is wrong inside a string or number, without its number, its position and what it read last.
std::string reason_of(std::string_view what) {
  for (const std::string_view before : {"invalid string: ", "invalid number; "}) {
    const std::size_t at = what.find(before);
    if (at == std::string_view::npos) continue;
    what.remove_prefix(at + before.size());
    break;
  }
  return std::string(what.substr(0, what.find("; last read: '")));
}

/// What nlohmann expected at a token, in the words of a person, and the next step where it can be guessed.
std::pair<std::string_view, std::string_view> expectation(std::string_view what, std::string_view token) {
  std::string_view hint;
  if (token.starts_with('/') || token.starts_with('#')) hint = "JSON has no comments";
  if (token.starts_with('\'')) hint = "texts stand in double quotes";
  const bool closes = token.starts_with('}') || token.starts_with(']');
  if (what.find("parsing object key") != std::string_view::npos) {
    return {"a key in double quotes", closes ? "take away the comma before it" : hint};
  }
  if (what.find("parsing object separator") != std::string_view::npos) return {"':' after the key", hint};
  if (what.find("parsing object") != std::string_view::npos) return {"',' or '}'", hint};
  if (what.find("parsing array") != std::string_view::npos) return {"',' or ']'", hint};
  if (what.find("; expected end of input") != std::string_view::npos) {
    return {"the end of the document", token.starts_with('{') ? "a document is one object" : hint};
  }
  if (hint.empty() && !token.empty() && !closes) hint = "texts stand in double quotes";
  return {"a value", closes ? "take away the comma before it" : hint};
}

}  // namespace

/// Takes nlohmann's events. A token's place is found in the text itself: it begins behind the last one, after blanks,
/// commas and colons, since nlohmann tells no offsets.
class DocumentBuilder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  DocumentBuilder(Document& document, Places& places) : document_(document), text_(document.text_), places_(places) {
    if (text_.starts_with("\xef\xbb\xbf")) end_ = 3;  // a byte order mark, which the parser skips
  }

  // NOLINTBEGIN(readability-identifier-naming): the names that nlohmann calls
  bool null() { return add(token(Node::Kind::kNull, 4)); }
  bool boolean(bool value) {
    Node node = token(Node::Kind::kFlag, value ? 4 : 5);
    node.value_.number = value ? 1 : 0;
    return add(node);
  }
  bool number_integer(number_integer_t value) {
    Node node = number_token(Node::Kind::kNumber);
    node.negative_ = value < 0;
    node.value_.number = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    return add(node);
  }
  bool number_unsigned(number_unsigned_t value) {
    Node node = number_token(Node::Kind::kNumber);
    node.value_.number = value;
    return add(node);
  }
  bool number_float(number_float_t /*value*/, const string_t& /*raw*/) { return add(number_token(Node::Kind::kReal)); }
  bool string(string_t& value) { return add(text_token(value)); }
  bool key(string_t& value) { return add(text_token(value)); }
  bool binary(binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*size*/) { return open(Node::Kind::kObject); }
  bool start_array(std::size_t /*size*/) { return open(Node::Kind::kList); }
  bool end_object() {
    (void)token(Node::Kind::kNull, 1);
    note_duplicates();
    return close();
  }
  bool end_array() {
    (void)token(Node::Kind::kNull, 1);
    return close();
  }
  bool parse_error(std::size_t position, const std::string& /*last_token*/, const nlohmann::json::exception& error) {
    const std::string_view what = error.what();
    const std::size_t start = std::min(begin(), text_.size());
    if (what.find("invalid string") != std::string_view::npos) {  // here it is the byte that counts, not the token
      refuse(std::min(position - 1, text_.size()), "this text is not JSON: " + reason_of(what), {});
    } else if (what.find("invalid number") != std::string_view::npos) {
      refuse(start, "this number is not JSON: " + reason_of(what), {});
    } else if (what.find("number overflow") != std::string_view::npos) {
      refuse(start, "this number is too large", {});
    } else {
      const std::size_t stop = std::min(text_.find_first_of(" \t\r\n,:]}", start + 1), text_.size());
      const std::string_view token = text_.substr(start, stop - start);
      auto [expected, hint] = expectation(what, token);
      if (start > 0 && text_[start - 1] == '0' && start == end_) hint = "a number has no zero in front";
      refuse(start,
             "this is not JSON: expected " + std::string(expected) + ", found " +
                 (token.empty() ? "the end of the file" : printable(token)),
             std::string(hint));
    }
    return false;
  }
  // NOLINTEND(readability-identifier-naming)

  void refuse(std::size_t offset, std::string message, std::string hint) {
    error_ = {Code::kInvalid, std::move(message), places_.at(static_cast<std::uint32_t>(offset)), std::move(hint)};
  }

  /// Called when the parser has come to its end without an error.
  void finish() { document_.root_ = nodes_.at(0); }

  [[nodiscard]] const Error& error() const noexcept { return error_; }

 private:
  struct Open {
    Node node;
    std::size_t first;  ///< of its children in nodes_
  };

  [[nodiscard]] std::size_t begin() const {
    std::size_t at = end_;
    while (at < text_.size() && (is_space(text_[at]) || text_[at] == ',' || text_[at] == ':')) ++at;
    return at;
  }

  Node token(Node::Kind kind, std::size_t size) {
    Node node;
    node.kind_ = kind;
    const std::size_t at = begin();
    node.offset_ = static_cast<std::uint32_t>(at);
    end_ = at + size;
    return node;
  }

  Node number_token(Node::Kind kind) {
    Node node = token(kind, 0);
    if (end_ < text_.size() && text_[end_] == '-') ++end_;
    // The parser ends a number behind a leading zero, and takes what follows for the next token.
    const bool zero = end_ + 1 < text_.size() && text_[end_] == '0' && text_[end_ + 1] >= '0' && text_[end_ + 1] <= '9';
    if (zero) ++end_;
    while (!zero && end_ < text_.size() && is_number_byte(text_[end_])) ++end_;
    return node;
  }

  Node text_token(const std::string& value) {
    Node node = token(Node::Kind::kText, 1);
    const std::size_t first = end_;
    while (text_[end_] != '"') end_ += text_[end_] == '\\' ? 2 : 1;
    node.size_ = static_cast<std::uint32_t>(value.size());
    const std::string_view raw = text_.substr(first, end_ - first);
    ++end_;
    if (raw == value) {
      node.value_.text = raw.data();
    } else {
      char* copy = static_cast<char*>(document_.memory_->allocate(value.size() + 1, 1));
      std::ranges::copy(value, copy);
      node.value_.text = copy;
    }
    return node;
  }

  bool add(const Node& node) {
    nodes_.push_back(node);
    return true;
  }

  bool open(Node::Kind kind) {
    open_.push_back({token(kind, 1), nodes_.size()});
    if (open_.size() <= kMaxDepth) return true;
    refuse(open_.back().node.offset_, "nested deeper than " + std::to_string(kMaxDepth) + " levels", {});
    return false;
  }

  bool close() {
    auto [node, first] = open_.back();
    open_.pop_back();
    const std::size_t count = nodes_.size() - first;
    node.size_ = static_cast<std::uint32_t>(node.kind_ == Node::Kind::kObject ? count / 2 : count);
    node.value_.nodes = nullptr;
    if (count > 0) {
      Node* nodes = static_cast<Node*>(document_.memory_->allocate(count * sizeof(Node), alignof(Node)));
      std::uninitialized_copy_n(nodes_.begin() + static_cast<std::ptrdiff_t>(first), count, nodes);
      node.value_.nodes = nodes;
    }
    nodes_.resize(first);
    return add(node);
  }

  void note_duplicates() {
    std::vector<const Node*> keys;
    for (std::size_t i = open_.back().first; i < nodes_.size(); i += 2) keys.push_back(&nodes_[i]);
    std::ranges::stable_sort(keys, {}, [](const Node* key) { return key->text(); });
    for (std::size_t i = 1; i < keys.size(); ++i) {
      if (keys[i]->text() == keys[i - 1]->text()) document_.duplicates_.push_back({*keys[i - 1], *keys[i]});
    }
  }

  Document& document_;
  std::string_view text_;
  Places& places_;
  std::size_t end_ = 0;  ///< of the last token
  std::vector<Node> nodes_;
  std::vector<Open> open_;
  Error error_;
};

std::span<const Node::Member> Node::members() const noexcept {
  static_assert(sizeof(Member) == 2 * sizeof(Node) && std::is_standard_layout_v<Member>);
  return {reinterpret_cast<const Member*>(value_.nodes), size_};
}

const Node* Node::find(std::string_view key) const noexcept {
  for (const Member& member : members()) {
    if (member.key.text() == key) return &member.value;
  }
  return nullptr;
}

Result<Document> Document::parse(std::string_view text, std::string_view file) {
  if (text.size() > kMaxDocument) {
    return fail_at(file, Code::kInvalid, "the document has more than " + std::to_string(kMaxDocument) + " bytes",
                   "import it in parts: what a document does not name stays");
  }
  Places places(text, file);
  Document document;
  document.text_ = text;
  DocumentBuilder builder(document, places);
  // The parser takes a NUL byte for the end of its input.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    builder.refuse(nul, "this is not JSON: a NUL byte", {});
    return std::unexpected<Error>(builder.error());
  }
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return std::unexpected<Error>(builder.error());
  builder.finish();
  return document;
}

std::string Document::found(const Node& node) const {
  switch (node.kind()) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kFlag:
      return node.flag() ? "true" : "false";
    case Node::Kind::kNumber:
    case Node::Kind::kReal: {
      const std::string_view rest = text_.substr(node.offset(), 40);
      return "the number " + std::string(rest.substr(0, std::ranges::find_if_not(rest, is_number_byte) - rest.begin()));
    }
    case Node::Kind::kText:
      return "the text " + printable(node.text());
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kObject:
      return "an object";
  }
  return {};
}

Place Places::at(std::uint32_t offset) {
  if (line_starts_.empty()) {
    line_starts_.push_back(0);
    for (std::size_t at = 0; (at = text_.find('\n', at)) != std::string_view::npos;) {
      line_starts_.push_back(static_cast<std::uint32_t>(++at));
    }
  }
  const auto line = std::ranges::upper_bound(line_starts_, offset) - 1;
  std::uint32_t column = 1;
  for (std::uint32_t i = *line; i < offset; ++i)
    column += (static_cast<unsigned char>(text_[i]) & 0xc0U) != 0x80 ? 1 : 0;
  return {file_, static_cast<std::uint32_t>(line - line_starts_.begin()) + 1, column};
}

}  // namespace aegir::registry
