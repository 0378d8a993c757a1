// What becomes SQL text stays one name, one string.
#include "sidecar/database/quote.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace aegir::database {
namespace {

TEST(DatabaseQuotes, KeepNamesAndStringsTogether) {
  EXPECT_EQ(quoted_name("a`b"), "`a``b`");
  EXPECT_EQ(quoted_text("a'b\\c"), "'a\\'b\\\\c'");
  EXPECT_EQ(quoted_account("a'", "h'"), "'a\\''@'h\\''");
  EXPECT_EQ(grant_pattern("a_b%`"), "`a\\_b\\%```");
}

TEST(DatabaseQuotes, PasswordHashIsMariaDbs) {
  // SELECT PASSWORD('123456') of MariaDB 10.11.
  EXPECT_EQ(password_hash("123456"), "*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9");
}

RC_GTEST_PROP(DatabaseQuotes, ATextEndsAtItsLastByteOnly, (const std::string& any)) {
  const std::string quoted = quoted_text(any);
  std::string read;
  std::size_t i = 1;
  for (; i < quoted.size() && quoted[i] != '\''; ++i) {
    if (quoted[i] == '\\') ++i;
    read += quoted[i];
  }
  RC_ASSERT(i == quoted.size() - 1);
  RC_ASSERT(read == any);
}

RC_GTEST_PROP(DatabaseQuotes, APatternGivesItsNameBack, (const std::string& any)) {
  RC_ASSERT(unescaped_pattern(escaped_pattern(any)) == any);
}

}  // namespace
}  // namespace aegir::database
