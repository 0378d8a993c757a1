// Names of databases and users: made from a uri, readable, bounded, and never one that MariaDB gives a meaning to.
#include "sidecar/database/names.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace aegir::database {
namespace {

TEST(DatabaseNames, AreReadable) {
  EXPECT_EQ(name_for("shop.example.com", 1), "shop_example_com");
  EXPECT_EQ(name_for("shop.example.com", 2), "shop_example_com_2");
  EXPECT_EQ(name_for("xn--mnchen-3ya.de", 1), "xn__mnchen_3ya_de");
  EXPECT_EQ(name_for("abcdefghijklmnopqrstuvwxyz.abcde", 1), "abcdefghijklmnopqrstuvwxyz_abcde");
}

TEST(DatabaseNames, ALongUriIsCutAndKeepsItsDigest) {
  const std::string one = name_for("a-very-long-name-of-a-site-one.example.org", 1);
  const std::string two = name_for("a-very-long-name-of-a-site-two.example.org", 1);
  EXPECT_EQ(one.size(), kLongestName);
  EXPECT_TRUE(one.starts_with("a_very_long_name_of_a_s_")) << one;
  EXPECT_NE(one, two);
  EXPECT_EQ(one.substr(0, 24), two.substr(0, 24));
}

TEST(DatabaseNames, KeepAwayFromWhatMariaDbGivesAMeaning) {
  for (const char* uri : {"test", "test.example", "mysql", "sys", "root", "public", "performance-schema"}) {
    EXPECT_TRUE(name_for(uri, 1).starts_with("site_")) << name_for(uri, 1);
  }
  EXPECT_EQ(name_for("testing.example", 1), "testing_example");
}

TEST(DatabaseNames, OfOthersAreJudged) {
  for (const char* good : {"a", "Shop_1", "a-b$c"}) {
    EXPECT_TRUE(is_site_database(good)) << good;
    EXPECT_TRUE(is_site_user(good)) << good;
  }
  for (const char* bad : {"", "a b", "a`b", "a'b", "a.b", "a/b", "ä", "a\nb"}) {
    EXPECT_FALSE(is_site_database(bad)) << bad;
    EXPECT_FALSE(is_site_user(bad)) << bad;
  }
  EXPECT_TRUE(is_site_database(std::string(64, 'a')));
  EXPECT_FALSE(is_site_database(std::string(65, 'a')));
  EXPECT_TRUE(is_site_user(std::string(80, 'a')));
  EXPECT_FALSE(is_site_user(std::string(81, 'a')));
  for (const char* own : {"mysql", "MySQL", "sys", "information_schema"}) EXPECT_FALSE(is_site_database(own)) << own;
  for (const char* own : {"root", "Root", "mysql", "PUBLIC"}) EXPECT_FALSE(is_site_user(own)) << own;
  for (const char* good : {"localhost", "127.0.0.1", "::1", "10.0.0.%", "10.0.0.0/255.255.255.0", "web-1.example"}) {
    EXPECT_TRUE(is_account_host(good)) << good;
  }
  for (const char* bad : {"", "a'b", "a b", "a\\", "a@b", "a\"b"}) EXPECT_FALSE(is_account_host(bad)) << bad;
}

RC_GTEST_PROP(DatabaseNames, AreBoundedPlainAndDifferentForEachNumber, (const std::string& any)) {
  const std::string uri = "x" + any;
  std::set<std::string> names;
  for (const unsigned number : {1U, 2U, 9U, 10U, 99U, 1000U}) {
    const std::string name = name_for(uri, number);
    RC_ASSERT(name == name_for(uri, number));
    RC_ASSERT(!name.empty() && name.size() <= kLongestName);
    RC_ASSERT(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos);
    RC_ASSERT(is_site_database(name) && is_site_user(name));
    RC_ASSERT(names.insert(name).second);
  }
}

RC_GTEST_PROP(DatabaseNames, LongUrisWithOneBeginningDoNotMeet, (const std::set<std::uint32_t>& ends)) {
  std::set<std::string> names;
  for (const std::uint32_t end : ends) {
    names.insert(name_for("the-same-beginning-of-all-these-names." + std::to_string(end) + ".example", 1));
  }
  RC_ASSERT(names.size() == ends.size());
}

}  // namespace
}  // namespace aegir::database
