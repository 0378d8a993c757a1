#include "compiler/registry/object_reader.hpp"

#include <algorithm>

#include "compiler/core/nearest.hpp"
#include "compiler/core/utf8.hpp"

namespace aegir::registry {
namespace {

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view near = nearest(word, candidates);
  return near.empty() ? std::string() : "did you mean " + printable(near) + "?";
}

std::string list_of(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

}  // namespace

void Diagnostics::refuse(const Node& at, const std::string& path, std::string message, std::string hint, Code code) {
  std::string text = path.empty() ? std::move(message) : path + ": " + message;
  entries_.push_back({at.offset(), path, {code, std::move(text), {}, std::move(hint)}});
}

void Diagnostics::expected(const Node& at, const std::string& path, std::string_view expected, std::string hint) {
  if (hint.empty()) hint = form_;
  refuse(at, path, "expected " + std::string(expected) + ", found " + document_.found(at), std::move(hint));
}

void Diagnostics::refuse_duplicates() {
  Places places(document_.text(), file_);
  for (const auto& [first, second] : document_.duplicates()) {
    refuse(second, "",
           "the key " + printable(second.text()) + " is in this object already, at line " +
               std::to_string(places.at(first.offset()).line),
           "keep one of the two");
  }
}

bool Diagnostics::covers(const std::string& path, std::size_t first) const {
  return std::any_of(entries_.begin() + static_cast<std::ptrdiff_t>(first), entries_.end(), [&](const Entry& entry) {
    return !entry.path.empty() && path.starts_with(entry.path) &&
           (path.size() == entry.path.size() || path[entry.path.size()] == '/');
  });
}

std::vector<Error> Diagnostics::take() {
  std::ranges::stable_sort(entries_, {}, &Entry::offset);
  Places places(document_.text(), file_);
  std::vector<Error> errors;
  errors.reserve(entries_.size());
  for (Entry& entry : entries_) {
    entry.error.place = places.at(entry.offset);
    errors.push_back(std::move(entry.error));
  }
  entries_.clear();
  return errors;
}

ObjectReader::ObjectReader(Diagnostics& diagnostics, const Node& node, std::string path, std::string_view null_hint)
    : diagnostics_(diagnostics), node_(node), path_(std::move(path)) {
  if (node.is(Node::Kind::kObject)) return;
  diagnostics_.expected(node, path_, "an object", node.is(Node::Kind::kNull) ? std::string(null_hint) : std::string());
}

ObjectReader::~ObjectReader() {
  if (!node_.is(Node::Kind::kObject)) return;
  for (const Node::Member& member : node_.members()) {
    const std::string_view key = member.key.text();
    if (std::ranges::find(asked_, key) != asked_.end()) continue;
    std::string hint = did_you_mean(key, asked_);
    if (hint.empty()) {
      std::vector<std::string_view> keys = asked_;  // some are asked for twice
      std::ranges::sort(keys);
      keys.erase(std::ranges::unique(keys).begin(), keys.end());
      hint = "the keys here are " + list_of(keys);
    }
    diagnostics_.refuse(member.key, path_, "there is no key " + printable(key) + " here", std::move(hint));
  }
}

const Node* ObjectReader::find(std::string_view key) {
  asked_.push_back(key);
  return node_.is(Node::Kind::kObject) ? node_.find(key) : nullptr;
}

void ObjectReader::missing(std::string_view key, std::string hint) {
  if (node_.is(Node::Kind::kObject)) {
    diagnostics_.refuse(node_, path(key), "is missing", std::move(hint));
  }
}

bool ObjectReader::read(std::string_view key, std::string& out) {
  const Node* value = find(key);
  if (value == nullptr) return false;
  if (!value->is(Node::Kind::kText)) {
    diagnostics_.expected(*value, path(key), "a text");
    return false;
  }
  out = value->text();
  return true;
}

bool ObjectReader::read_or_null(std::string_view key, std::string& out) {
  const Node* value = find(key);
  if (value == nullptr) return false;
  if (!value->is(Node::Kind::kText) && !value->is(Node::Kind::kNull)) {
    diagnostics_.expected(*value, path(key), "a text or null");
    return false;
  }
  out = value->is(Node::Kind::kText) ? value->text() : std::string_view();
  return true;
}

bool ObjectReader::read(std::string_view key, bool& out) {
  const Node* value = find(key);
  if (value == nullptr) return false;
  if (!value->is(Node::Kind::kFlag)) {
    diagnostics_.expected(*value, path(key), "true or false");
    return false;
  }
  out = value->flag();
  return true;
}

bool ObjectReader::read(std::string_view key, std::vector<std::string>& out) {
  const Node* value = find(key);
  if (value == nullptr) return false;
  if (!value->is(Node::Kind::kList)) {
    diagnostics_.expected(*value, path(key), "a list of texts");
    return false;
  }
  std::vector<std::string> texts;
  for (const Node& entry : value->list()) {
    if (entry.is(Node::Kind::kText)) {
      texts.emplace_back(entry.text());
    } else {
      diagnostics_.expected(entry, path(key), "a text");
    }
  }
  if (texts.size() != value->list().size()) return false;
  out = std::move(texts);
  return true;
}

bool ObjectReader::read(std::string_view key, std::int64_t& out) {
  const Node* value = find(key);
  if (value == nullptr) return false;
  if (!value->is(Node::Kind::kNumber) || value->number() > std::uint64_t{1} << 53U) {
    diagnostics_.expected(*value, path(key), "a whole number of at most 53 bits");
    return false;
  }
  out = value->negative() ? -static_cast<std::int64_t>(value->number()) : static_cast<std::int64_t>(value->number());
  return true;
}

bool ObjectReader::read_number(std::string_view key, std::uint64_t most, std::uint64_t& out) {
  const Node* value = find(key);
  if (value == nullptr) return false;
  // Larger ones lose digits in many JSON programs (RFC 8259 §6).
  most = std::min(most, std::uint64_t{1} << 53U);
  if (!value->is(Node::Kind::kNumber) || value->negative() || value->number() > most) {
    diagnostics_.expected(*value, path(key), "a whole number from 0 to " + std::to_string(most));
    return false;
  }
  out = value->number();
  return true;
}

std::size_t ObjectReader::word_index(const Node& value, const std::string& path,
                                     const std::vector<std::string_view>& words) {
  const std::string_view text = value.is(Node::Kind::kText) ? value.text() : std::string_view();
  const auto word = std::ranges::find(words, text);
  if (word == words.end()) {
    diagnostics_.expected(value, path, (words.size() > 1 ? "one of " : "") + list_of(words), did_you_mean(text, words));
  }
  return static_cast<std::size_t>(word - words.begin());
}

}  // namespace aegir::registry
