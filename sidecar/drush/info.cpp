#include "sidecar/drush/info.hpp"

#include <yaml.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "compiler/core/utf8.hpp"

namespace aegir::drush {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

/// libyaml's parser, and the event that it has read last.
class Events {
 public:
  explicit Events(std::string_view text) {
    if (yaml_parser_initialize(&parser_) == 0) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    ready_ = true;
  }
  ~Events() {
    yaml_event_delete(&event_);
    if (ready_) yaml_parser_delete(&parser_);
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  /// False: the text is no YAML (or memory is gone).
  bool next() {
    yaml_event_delete(&event_);
    return ready_ && yaml_parser_parse(&parser_, &event_) != 0;
  }
  [[nodiscard]] yaml_event_type_t type() const { return event_.type; }
  [[nodiscard]] std::string text() const {
    return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length};
  }
  [[nodiscard]] const yaml_mark_t& mark() const { return event_.start_mark; }
  [[nodiscard]] const yaml_mark_t& problem_mark() const { return parser_.problem_mark; }
  [[nodiscard]] std::string problem() const { return parser_.problem != nullptr ? parser_.problem : "unreadable"; }

 private:
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool ready_ = false;
};

std::unexpected<Error> wrong(std::string_view file, const yaml_mark_t& mark, std::string message) {
  return std::unexpected(
      Error{Code::kInvalid,
            std::move(message),
            {std::string(file), static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)},
            {}});
}

/// What closes what, in the count of open lists and mappings.
int depth_change(yaml_event_type_t type) {
  if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT) return 1;
  return type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT ? -1 : 0;
}

}  // namespace

Result<Info> parse_info_yml(std::string_view text, std::string_view file) {
  Events events(text);
  Info info;
  std::string key;
  bool has_key = false;
  int depth = 0;
  while (events.next()) {
    const yaml_event_type_t type = events.type();
    if (type == YAML_STREAM_END_EVENT) return info;
    const bool is_scalar = type == YAML_SCALAR_EVENT;
    if (depth == 0 && (is_scalar || type == YAML_SEQUENCE_START_EVENT)) {
      return wrong(file, events.mark(), "a mapping of keys to values was expected");
    }
    if (depth == 1 && is_scalar && !has_key) {
      key = events.text();
      has_key = true;
      if (info.contains(key)) return wrong(file, events.mark(), "the key " + printable(key) + " stands here twice");
      continue;
    }
    const int change = depth_change(type);
    if (depth == 1 && !has_key && change >= 0) return wrong(file, events.mark(), "a key must be a plain text");
    if (depth == 1 && has_key) {
      if (is_scalar) info.emplace(key, events.text());
      has_key = false;
    }
    depth += change;
  }
  return wrong(file, events.problem_mark(), "this is no YAML: " + events.problem());
}

Info parse_info(std::string_view text) {
  Info info;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    const std::size_t equals = line.find('=');
    const std::string_view key = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || key.empty() || key.front() == ';' || key.contains('[')) {
      text.remove_prefix(std::min(end + 1, text.size()));
      continue;
    }
    std::string_view value = trimmed(line.substr(equals + 1));
    std::size_t next = end;
    if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
      // It goes on to the next such quote, also over lines.
      const auto open = static_cast<std::size_t>(value.data() - text.data());
      const std::size_t close = text.find(value.front(), open + 1);
      if (close != std::string_view::npos) {
        value = text.substr(open + 1, close - open - 1);
        next = std::min(text.find('\n', close), text.size());
      }
    }
    info.insert_or_assign(std::string(key), std::string(value));
    text.remove_prefix(std::min(next + 1, text.size()));
  }
  return info;
}

bool says_yes(const Info& info, std::string_view key) {
  const auto found = info.find(key);
  if (found == info.end()) return false;
  std::string value = found->second;
  std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(c | 0x20U); });
  return value == "true" || found->second == "1";
}

}  // namespace aegir::drush
