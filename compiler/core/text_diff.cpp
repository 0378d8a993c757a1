#include "compiler/core/text_diff.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

namespace aegir {
namespace {

constexpr std::size_t kContext = 3;
constexpr std::ptrdiff_t kMostDifferences = 2000;

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end == std::string_view::npos ? end : end + 1));
    text.remove_prefix(lines.back().size());
  }
  return lines;
}

/// A line that is kept (' '), goes ('-') or comes ('+').
struct Step {
  char sign = ' ';
  std::string_view line;
};
using Script = std::vector<Step>;

void replace_all(const Lines& before, const Lines& after, Script& script) {
  for (const std::string_view line : before) script.push_back({'-', line});
  for (const std::string_view line : after) script.push_back({'+', line});
}

/// The shortest script from `before` to `after` (E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986).
void shortest(const Lines& before, const Lines& after, Script& script) {
  using Index = std::ptrdiff_t;
  const auto n = static_cast<Index>(before.size());
  const auto m = static_cast<Index>(after.size());
  const auto at = [](const auto& list, Index index) { return list[static_cast<std::size_t>(index)]; };
  // reach[d][k + d]: the furthest line of `before` on diagonal k (x - y) with d differences.
  std::vector<std::vector<std::uint32_t>> reach;
  const auto furthest = [&](Index d, Index k) {
    return static_cast<Index>(reach[static_cast<std::size_t>(d)][static_cast<std::size_t>(k + d)]);
  };
  const auto goes_down = [&](Index d, Index k) {
    return k == -d || (k != d && furthest(d - 1, k - 1) < furthest(d - 1, k + 1));
  };
  const auto begin_of = [&](Index d, Index k) -> Index {
    if (d == 0) return 0;
    return goes_down(d, k) ? furthest(d - 1, k + 1) : furthest(d - 1, k - 1) + 1;
  };
  Index d = 0;
  for (bool arrived = false; !arrived; ++d) {
    if (d > kMostDifferences) return replace_all(before, after, script);
    reach.emplace_back(static_cast<std::size_t>(2 * d + 1));
    for (Index k = -d; k <= d && !arrived; k += 2) {
      Index x = begin_of(d, k);
      while (x < n && x - k < m && x - k >= 0 && at(before, x) == at(after, x - k)) ++x;
      reach.back()[static_cast<std::size_t>(k + d)] = static_cast<std::uint32_t>(x);
      arrived = x >= n && x - k >= m;
    }
  }
  Script backwards;
  Index x = n;
  for (Index k = n - m; --d >= 0;) {
    const Index begin = begin_of(d, k);
    while (x > begin) backwards.push_back({' ', at(before, --x)});
    if (d == 0) break;
    if (goes_down(d, k)) {
      backwards.push_back({'+', at(after, x - k - 1)});
      ++k;
    } else {
      backwards.push_back({'-', at(before, --x)});
      --k;
    }
  }
  script.insert(script.end(), backwards.rbegin(), backwards.rend());
}

Script script_of(const Lines& before, const Lines& after) {
  const auto same = [](auto a, const auto& a_end, auto b, const auto& b_end) {
    std::size_t count = 0;
    for (; a != a_end && b != b_end && *a == *b; ++a, ++b) ++count;
    return count;
  };
  const std::size_t head = same(before.begin(), before.end(), after.begin(), after.end());
  const auto from = static_cast<std::ptrdiff_t>(head);
  const std::size_t tail = same(before.rbegin(), before.rend() - from, after.rbegin(), after.rend() - from);
  const auto to = static_cast<std::ptrdiff_t>(tail);
  Script script;
  for (std::size_t i = 0; i < head; ++i) script.push_back({' ', before[i]});
  shortest({before.begin() + from, before.end() - to}, {after.begin() + from, after.end() - to}, script);
  for (std::size_t i = before.size() - tail; i < before.size(); ++i) script.push_back({' ', before[i]});
  return script;
}

std::string range(std::size_t begin, std::size_t count) {
  // An empty range is named by the line before it.
  std::string text = std::to_string(count == 0 ? begin : begin + 1);
  if (count != 1) text += ',' + std::to_string(count);
  return text;
}

}  // namespace

std::string unified_diff(const TextPair& texts, const ShownLine& shown) {
  if (texts.before == texts.after) return {};
  const Script script = script_of(lines_of(texts.before), lines_of(texts.after));
  std::string out = "--- " + std::string(texts.before_name) + "\n+++ " + std::string(texts.after_name) + '\n';
  std::size_t old_line = 0;
  std::size_t new_line = 0;
  const auto is_change = [](const Step& step) { return step.sign != ' '; };
  for (auto at = script.begin(); at != script.end();) {
    const auto change = std::find_if(at, script.end(), is_change);
    if (change == script.end()) break;
    const auto begin = change - std::min(change - at, static_cast<std::ptrdiff_t>(kContext));
    // A hunk goes on over up to twice the context of kept lines.
    auto end = change;
    for (auto next = change; next != script.end() && next - end <= static_cast<std::ptrdiff_t>(2 * kContext);
         next = std::find_if(end, script.end(), is_change)) {
      end = std::find_if_not(next, script.end(), is_change);
    }
    end += std::min(script.end() - end, static_cast<std::ptrdiff_t>(kContext));
    old_line += static_cast<std::size_t>(begin - at);
    new_line += static_cast<std::size_t>(begin - at);
    const auto count = [&](char other) {
      return static_cast<std::size_t>(std::count_if(begin, end, [&](const Step& step) { return step.sign != other; }));
    };
    out += "@@ -" + range(old_line, count('+')) + " +" + range(new_line, count('-')) + " @@\n";
    old_line += count('+');
    new_line += count('-');
    std::set<std::string> replaced;
    for (auto step = begin; step != end; ++step) {
      const bool whole = step->line.ends_with('\n');
      const std::string_view raw = step->line.substr(0, step->line.size() - (whole ? 1 : 0));
      std::string line = shown(raw);
      if (step->sign == '-' && line != raw) replaced.insert(line);
      if (step->sign == '+' && line != raw && replaced.contains(line)) line += " (changed)";
      out += step->sign + line + '\n';
      if (!whole) out += "\\ No newline at end of file\n";
    }
    at = end;
  }
  return out;
}

}  // namespace aegir
