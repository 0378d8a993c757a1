// How mod_aegir reads a request's target: as nginx does (the answers were taken from nginx 1.22).
#include "mod_aegir_apache/target.hpp"

#include <gtest/gtest.h>

namespace aegir::apache {
namespace {

TEST(Target, OfTheUsualForm) {
  const Target target = split_target("//evil.example/x?y");
  EXPECT_TRUE(target.valid);
  EXPECT_EQ(target.scheme, "");
  EXPECT_EQ(target.authority, "");
  EXPECT_EQ(target.raw, "//evil.example/x?y");
}

TEST(Target, OfAnAbsoluteUri) {
  const Target target = split_target("HTTP://user@B.test:8080/p/?q=http://c.test/");
  EXPECT_TRUE(target.valid);
  EXPECT_EQ(target.scheme, "http");
  EXPECT_EQ(target.authority, "user@B.test:8080");
  EXPECT_EQ(target.raw, "/p/?q=http://c.test/");
  EXPECT_EQ(split_target("hTTps://b.test/").scheme, "https");
  EXPECT_EQ(split_target("gopher://b.test/").scheme, "gopher");
  EXPECT_EQ(split_target("http://b.test").raw, "");
  EXPECT_EQ(split_target("http://b.test?x").raw, "?x");
  EXPECT_EQ(split_target("http://b.test?x").authority, "b.test");
  EXPECT_EQ(split_target("http:///x").authority, "");
}

TEST(Target, OfAnyOtherFormIsNone) {
  for (const char* sent : {"", "*", "a.test:80", "x/y", "://b.test/", "?http://b.test/", "x/http://b.test/"}) {
    EXPECT_FALSE(split_target(sent).valid) << sent;
  }
}

TEST(Method, IsOfCapitalLetters) {
  for (const char* method : {"GET", "PROPFIND", "M-SEARCH", "A_B"}) EXPECT_TRUE(is_method(method)) << method;
  for (const char* method : {"", "get", "Get", "G3T", "GET "}) EXPECT_FALSE(is_method(method)) << method;
}

}  // namespace
}  // namespace aegir::apache
