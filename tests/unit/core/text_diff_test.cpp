// unified_diff(): what patch(1) makes of it, which lines it shows, and how secrets show.
#include "compiler/core/text_diff.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace aegir {
namespace {

std::string as_it_is(std::string_view line) { return std::string(line); }

std::string diff(std::string_view before, std::string_view after, const ShownLine& shown = as_it_is) {
  return unified_diff({before, after, "a", "b"}, shown);
}

TEST(UnifiedDiff, OfEqualTextsIsEmpty) {
  EXPECT_EQ(diff("", ""), "");
  EXPECT_EQ(diff("x\ny", "x\ny"), "");
}

TEST(UnifiedDiff, ShowsThreeLinesAroundAChange) {
  EXPECT_EQ(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(UnifiedDiff, HasAHunkForEachDistantChange) {
  EXPECT_EQ(diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "1\n2\n3\n4\n5\n6\n7\nb\nc\n"),
            "--- a\n+++ b\n@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n@@ -7,3 +6,4 @@\n 6\n 7\n b\n+c\n");
  EXPECT_EQ(diff("a\n1\n2\n3\n4\n5\n6\nb\n", "1\n2\n3\n4\n5\n6\n"),
            "--- a\n+++ b\n@@ -1,8 +1,6 @@\n-a\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n");
}

TEST(UnifiedDiff, OfNothingHasAnEmptyRange) {
  EXPECT_EQ(diff("", "x\n"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
  EXPECT_EQ(diff("x\n", ""), "--- a\n+++ b\n@@ -1 +0,0 @@\n-x\n");
}

TEST(UnifiedDiff, SaysThatTheLastLineHasNoEnd) {
  EXPECT_EQ(diff("x\n", "x"), "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n");
}

TEST(UnifiedDiff, TellsThatAMaskedLineChanged) {
  const auto masked = [](std::string_view line) {
    return line.starts_with("key ") ? std::string("key ***") : std::string(line);
  };
  EXPECT_EQ(diff("key one\nx\n", "key two\nx\nkey three\n", masked),
            "--- a\n+++ b\n@@ -1,2 +1,3 @@\n-key ***\n+key *** (changed)\n x\n+key *** (changed)\n");
  EXPECT_EQ(diff("x\n", "key one\nx\n", masked), "--- a\n+++ b\n@@ -1 +1,2 @@\n+key ***\n x\n");
}

/// What a unified difference makes of `before`: kept and added lines, with what no hunk shows taken over.
std::string applied(std::string_view before, const std::string& patch) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < before.size();) {
    const std::size_t end = before.find('\n', at);
    lines.emplace_back(before.substr(at, end + 1 - at));
    at = end + 1;
  }
  std::string out;
  std::size_t line = 0;
  std::size_t at = patch.find("@@ -");
  while (at != std::string::npos && at < patch.size()) {
    const std::size_t end = patch.find('\n', at);
    const std::string text = patch.substr(at, end + 1 - at);
    at = end + 1;
    if (text.starts_with("@@ -")) {
      std::size_t begin = std::stoul(text.substr(4));
      const bool empty = text.substr(0, text.find(" +")).ends_with(",0");
      for (begin -= empty ? 0 : 1; line < begin; ++line) out += lines.at(line);
    } else if (text.front() == '+') {
      out += text.substr(1);
    } else {
      EXPECT_EQ(lines.at(line), text.substr(1));
      if (text.front() == ' ') out += text.substr(1);
      ++line;
    }
  }
  for (; line < lines.size(); ++line) out += lines[line];
  return out;
}

TEST(UnifiedDiff, MakesTheNewTextOfTheOldOne) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same texts each time
  const auto text = [&](std::mt19937::result_type most) {
    std::string lines;
    for (auto n = random() % (most + 1); n > 0; --n) (lines += static_cast<char>('a' + random() % 4)) += '\n';
    return lines;
  };
  for (int i = 0; i < 3000; ++i) {
    const std::string before = text(30);
    const std::string after = text(30);
    const std::string patch = diff(before, after);
    ASSERT_EQ(applied(before, patch), after) << before << "---\n" << after << "---\n" << patch;
  }
}

TEST(UnifiedDiff, IsShort) {
  std::string before;
  std::string after;
  for (int i = 0; i < 20000; ++i) {
    before += std::to_string(i) + '\n';
    if (i != 5000) after += std::to_string(i) + '\n';
    if (i == 15000) after += "new\n";
  }
  EXPECT_EQ(diff(before, after),
            "--- a\n+++ b\n@@ -4998,7 +4998,6 @@\n 4997\n 4998\n 4999\n-5000\n 5001\n 5002\n 5003\n"
            "@@ -14999,6 +14998,7 @@\n 14998\n 14999\n 15000\n+new\n 15001\n 15002\n 15003\n");
}

TEST(UnifiedDiff, OfTextsThatHaveNothingInCommonIsWholeAndQuick) {
  std::string before;
  std::string after;
  for (int i = 0; i < 20000; ++i) {
    before += "a" + std::to_string(i) + '\n';
    after += "b" + std::to_string(i) + '\n';
  }
  EXPECT_EQ(applied(before, diff(before, after)), after);
}

}  // namespace
}  // namespace aegir
