#include "compiler/publish/compare_files.hpp"

#include <algorithm>
#include <array>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/text_diff.hpp"

namespace aegir::publish {
namespace {

constexpr std::string_view kMask = "********";

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/// Where the first name of a secret ends in `line`; npos when there is none.
std::size_t end_of_secret_name(std::string_view line) {
  constexpr std::array<std::string_view, 6> kNames = {"passw", "hash_salt", "cron_key", "cron-key", "secret", "db_url"};
  std::string lower(line);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::size_t first = std::string::npos;
  for (const std::string_view name : kNames) first = std::min(first, lower.find(name));
  if (first == std::string::npos) return first;
  while (first < line.size() && is_word_byte(line[first])) ++first;
  return first;
}

/// Where the value begins that stands behind a name: behind what closes the name, an assignment and one quote.
std::size_t begin_of_value(std::string_view line, std::size_t at) {
  const auto skip = [&](std::string_view set, std::size_t most) {
    while (at < line.size() && most-- > 0 && set.find(line[at]) != std::string_view::npos) ++at;
  };
  skip("'\"])", 3);
  skip(" \t", line.size());
  skip("=:,", 1);
  skip(">", 1);
  skip(" \t", line.size());
  skip("'\"", 1);
  return at;
}

void mask_url_password(std::string& line) {
  for (std::size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
    const std::size_t end = line.find_first_of("/ '\"\t", at + 3);
    const std::size_t sign = line.rfind('@', end == std::string::npos ? line.size() : end);
    const std::size_t colon = line.find(':', at + 3);
    if (sign == std::string::npos || colon == std::string::npos || sign < colon) continue;
    line.replace(colon + 1, sign - colon - 1, kMask);
  }
}

}  // namespace

std::string masked(std::string_view line) {
  std::string text(line);
  const std::size_t end = end_of_secret_name(line);
  if (end != std::string_view::npos) {
    const std::size_t value = begin_of_value(line, end);
    const std::string_view between = line.substr(end, value - end);
    const std::size_t first = line.find_first_not_of(" \t");
    const bool prose =
        line.substr(first).starts_with("# ") && between.find_first_of("'\"=>:,") == std::string_view::npos;
    const std::string_view rest = line.substr(value);
    if (!prose && !rest.empty() && rest != ";" && !rest.starts_with("$aegir_")) {
      text.replace(value, std::string::npos, kMask);
      if (const char quote = line[value - 1]; quote == '\'' || quote == '"') text += quote;
    }
  }
  mask_url_password(text);
  return text;
}

std::optional<FileChange> compare_texts(const std::string& path, const std::optional<std::string>& present,
                                        const std::optional<std::string_view>& wanted, std::string_view source) {
  if (present == wanted) return std::nullopt;
  const std::string live = path + "\tlive";
  const std::string compiled = source.empty() ? path + "\tcompiled" : std::string(source);
  FileChange change;
  change.what = !present ? What::kAdded : wanted ? What::kChanged : What::kGone;
  change.path = path;
  change.diff = unified_diff({.before = present ? std::string_view(*present) : std::string_view(),
                              .after = wanted.value_or(std::string_view()),
                              .before_name = present ? std::string_view(live) : "/dev/null",
                              .after_name = wanted ? std::string_view(compiled) : "/dev/null"},
                             masked);
  return change;
}

Result<std::optional<FileChange>> compare_file(const std::string& path, const std::optional<std::string_view>& wanted) {
  Result<std::string> content = read_file(path);
  if (!content && content.error().code != Code::kNotFound) return pass(content);
  std::optional<std::string> present;
  if (content) present = *std::move(content);
  return compare_texts(path, present, wanted);
}

}  // namespace aegir::publish
