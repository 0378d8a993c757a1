// How the path of a request is read: as nginx does (the answers were taken from nginx 1.22).
#include "compiler/map/request_path.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace aegir::map {
namespace {

/// The path as it is looked up, or "-" for what is refused. The buffer has exactly the size that is promised to be
/// enough, and what counts as plain must be what resolving makes of it.
std::string normalised(std::string_view raw) {
  std::vector<char> out(raw.size());
  const auto plain = plain_path(raw);
  if (plain && !raw.starts_with('/')) return std::string(*plain);
  const auto resolved = resolve_path(raw, out.data());
  if (plain) {
    EXPECT_EQ(resolved, plain) << raw;
  }
  return resolved ? std::string(*resolved) : "-";
}

TEST(Path, IsLeftAloneWhenThereIsNothingToResolve) {
  const std::string raw = "/sites/a.example/files/x.txt?q=%00/../";
  const auto path = plain_path(raw);
  ASSERT_TRUE(path);
  EXPECT_EQ(*path, "/sites/a.example/files/x.txt");
  EXPECT_EQ(path->data(), raw.data()) << "no copy is made";
}

TEST(Path, ThatIsPlainIsTheSameResolved) {
  for (const char* raw : {"/", "/a", "/a/", "/a.b/c.", "/a/b/c?d//e", "/sites/a.example/files/", "/a..b/c"}) {
    EXPECT_TRUE(plain_path(raw)) << raw;
    EXPECT_NE(normalised(raw), "-") << raw;
  }
}

TEST(Path, OfAnAbsoluteUriWithoutOneIsTheRoot) {
  EXPECT_EQ(normalised(""), "/");
  EXPECT_EQ(normalised("?x=1"), "/");
}

TEST(Path, IsDecodedThenResolved) {
  EXPECT_EQ(normalised("/%61b"), "/ab");
  EXPECT_EQ(normalised("/a%2Fb"), "/a/b");
  EXPECT_EQ(normalised("/a%2f%2e%2E%2fb"), "/b");
  EXPECT_EQ(normalised("/a%3Fb?c"), "/a?b") << "an encoded ? is none";
  EXPECT_EQ(normalised("/a%23b"), "/a#b");
  EXPECT_EQ(normalised("/%252e%252e/b"), "/%2e%2e/b") << "decoded once";
  EXPECT_EQ(normalised("/a%0d%0ab"), "/a\r\nb");
}

TEST(Path, HasNoDotsAndNoDoubleSlashes) {
  EXPECT_EQ(normalised("//a///b//"), "/a/b/");
  EXPECT_EQ(normalised("/./a/./b/."), "/a/b/");
  EXPECT_EQ(normalised("/a/../b"), "/b");
  EXPECT_EQ(normalised("/a/b/.."), "/a/");
  EXPECT_EQ(normalised("/a/.."), "/");
  EXPECT_EQ(normalised("/a/b/../../c"), "/c");
  EXPECT_EQ(normalised("/a/..b/...c/.d"), "/a/..b/...c/.d") << "names that only begin with dots";
  EXPECT_EQ(normalised("/.well-known//acme-challenge/x"), "/.well-known/acme-challenge/x");
  EXPECT_EQ(normalised("/a/%2e%2e/.well-known/./acme-challenge/x"), "/.well-known/acme-challenge/x");
}

TEST(Path, AboveTheRootIsRefused) {
  for (const char* raw : {"/..", "/../x", "/a/../../x", "/%2e%2e/x", "/a/%2e./../x", "//../x", "/./../"}) {
    EXPECT_EQ(normalised(raw), "-") << raw;
  }
}

TEST(Path, WithBrokenEncodingIsRefused) {
  for (const char* raw : {"/%", "/%4", "/%zz", "/%4g", "/%g4", "/a%00b", "/a%", "/%?41"}) {
    EXPECT_EQ(normalised(raw), "-") << raw;
  }
}

}  // namespace
}  // namespace aegir::map
