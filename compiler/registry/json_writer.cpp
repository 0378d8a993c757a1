#include "compiler/registry/json_writer.hpp"

namespace aegir::registry {

void JsonWriter::next() {
  if (depth_ == 0) return;
  if (!first_) buffer_ += ',';
  if (line_depth_ == 0) {
    buffer_ += '\n';
    buffer_.append(2 * depth_, ' ');
  } else if (!first_) {
    buffer_ += ' ';
  }
  first_ = false;
}

void JsonWriter::name(std::string_view key) {
  next();
  quote(key);
  buffer_ += ": ";
}

void JsonWriter::open(char bracket, bool on_one_line) {
  next();
  buffer_ += bracket;
  ++depth_;
  if (on_one_line && line_depth_ == 0) line_depth_ = depth_;
  first_ = true;
}

void JsonWriter::open(std::string_view key, char bracket, bool on_one_line) {
  name(key);
  buffer_ += bracket;
  ++depth_;
  if (on_one_line && line_depth_ == 0) line_depth_ = depth_;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  const bool on_one_line = line_depth_ != 0;
  if (line_depth_ == depth_) line_depth_ = 0;
  --depth_;
  if (!first_ && !on_one_line) {
    buffer_ += '\n';
    buffer_.append(2 * depth_, ' ');
  }
  buffer_ += bracket;
  first_ = false;
}

void JsonWriter::member(std::string_view key, std::string_view text) {
  name(key);
  quote(text);
}

void JsonWriter::optional(std::string_view key, std::string_view text) {
  if (text.empty()) {
    null(key);
  } else {
    member(key, text);
  }
}

void JsonWriter::raw_member(std::string_view key, std::string_view raw) {
  name(key);
  buffer_ += raw;
}

void JsonWriter::entry(std::string_view text) {
  next();
  quote(text);
}

void JsonWriter::quote(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  buffer_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (buffer_ += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      buffer_ += "\\u00";
      buffer_ += kHex[static_cast<unsigned char>(c) >> 4U];
      buffer_ += kHex[static_cast<unsigned char>(c) & 15U];
    } else {
      buffer_ += c;
    }
  }
  buffer_ += '"';
}

Result<void> JsonWriter::flush(bool all) {
  if (buffer_.empty() || (!all && buffer_.size() < (std::size_t{64} << 10U))) return {};
  Result<void> done = sink_(buffer_);
  buffer_.clear();
  return done;
}

}  // namespace aegir::registry
