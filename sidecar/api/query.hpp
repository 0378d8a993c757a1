// The target of a request, decoded: the segments of its path, and the members of its query, each asked for by name so
// that one that nobody knows is refused instead of being ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/core/error.hpp"
#include "compiler/registry/object_reader.hpp"

namespace aegir::api {

/// A path's segments, decoded once. kNotFound for an empty one, "." and ".."; kUsage for what is no URI, and for a
/// decoded slash, control character or broken UTF-8.
[[nodiscard]] Result<std::vector<std::string>> segments_of(std::string_view path);

class Query {
 public:
  /// kUsage for what is no query, and for a member that is there twice.
  [[nodiscard]] static Result<Query> parse(std::string_view text);

  /// Each takes the member, if it is there; what is wrong with one is told by finish().
  [[nodiscard]] std::string text(std::string_view name);
  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t fallback, std::uint64_t most);
  [[nodiscard]] bool flag(std::string_view name);
  template <class Words>
  auto word(std::string_view name, const Words& words) -> std::optional<decltype(words[0].second)> {
    const std::string value = text(name);
    if (value.empty()) return std::nullopt;
    for (const auto& [known, meaning] : words) {
      if (known == value) return meaning;
    }
    refuse_word(name, value, registry::ObjectReader::names_of(words));
    return std::nullopt;
  }

  /// The first thing that was wrong: a value, or a member that nobody has asked for.
  [[nodiscard]] Result<void> finish();

 private:
  void refuse(std::string message, std::string hint);
  void refuse_word(std::string_view name, const std::string& value, const std::vector<std::string_view>& words);

  std::vector<std::pair<std::string, std::string>> members_;
  std::vector<std::string_view> asked_;
  std::optional<Error> wrong_;
};

}  // namespace aegir::api
