#include "mod_aegir_apache/target.hpp"

#include <algorithm>

namespace aegir::apache {
namespace {

using namespace std::string_view_literals;

[[nodiscard]] bool equal_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return std::ranges::equal(text, lower,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace

Target split_target(std::string_view unparsed) noexcept {
  Target target;
  if (unparsed.starts_with('/')) {
    target.raw = unparsed;
    target.valid = true;
    return target;
  }
  const std::size_t colon = unparsed.find("://"sv);
  if (colon == 0 || colon == std::string_view::npos || unparsed.find_first_of("/?#"sv) < colon) return target;
  target.scheme = unparsed.substr(0, colon);
  if (equal_ignoring_case(target.scheme, "http"sv)) target.scheme = "http"sv;
  if (equal_ignoring_case(target.scheme, "https"sv)) target.scheme = "https"sv;
  const std::string_view rest = unparsed.substr(colon + 3);
  target.authority = rest.substr(0, rest.find_first_of("/?#"sv));
  target.raw = rest.substr(target.authority.size());
  target.valid = true;
  return target;
}

bool is_method(std::string_view method) noexcept {
  return !method.empty() &&
         std::ranges::all_of(method, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_' || c == '-'; });
}

}  // namespace aegir::apache
