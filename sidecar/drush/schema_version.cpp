#include "sidecar/drush/schema_version.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "compiler/core/atomic_file.hpp"

namespace aegir::drush {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// The number at the start of `text`, behind blanks; `after` is what follows it.
std::optional<std::uint32_t> number_in(std::string_view text, std::string_view& after) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  after = text.substr(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// Where a number stands among others. Backdrop began again at 1000 after Drupal 7's.
std::int64_t rank(std::uint32_t number, registry::Cms cms) {
  const bool older = cms == registry::Cms::kBackdrop && number >= 7000 && number < 9000;
  return std::int64_t{number} - (older ? 9000 : 0);
}

}  // namespace

std::uint32_t schema_in(const std::string& folder, const std::string& name, registry::Cms cms) {
  const std::uint32_t lowest = cms == registry::Cms::kDrupal8 ? 8000 : 0;
  const Result<std::string> source = read_file(folder + '/' + name + ".install", std::size_t{4} << 20U);
  if (!source) return lowest;
  std::optional<std::uint32_t> newest;
  const auto take = [&](std::uint32_t number) {
    if (!newest || rank(number, cms) > rank(*newest, cms)) newest = number;
  };
  const std::string function = "function " + name + "_update_";
  const std::string_view text = *source;
  for (std::size_t at = text.find(function); at != std::string_view::npos; at = text.find(function, at)) {
    at += function.size();
    std::string_view rest = text.substr(at);
    std::string_view after;
    if (rest.starts_with("last_removed")) {
      rest = rest.substr(0, rest.find('}'));
      const std::size_t returns = rest.find("return");
      if (returns == std::string_view::npos) continue;
      if (const auto number = number_in(rest.substr(returns + 6), after)) take(*number);
    } else if (const auto number = number_in(rest, after)) {
      after.remove_prefix(std::min(after.find_first_not_of(kBlanks), after.size()));
      if (after.starts_with('(')) take(*number);
    }
  }
  return newest ? std::max(*newest, lowest) : lowest;
}

}  // namespace aegir::drush
