#include "sidecar/drush/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace aegir::drush {
namespace {

const std::vector<std::string> kSecrets = {"S3cret"};

TEST(DrushText, IsHarmless) {
  const struct {
    std::string_view hostile;
    const char* shown;
  } cases[] = {
      {"plain", "plain"},
      {"", ""},
      {" a \t\r\n  b ", "a b"},
      {"\x1b[31;1mred\x1b[0m", "red"},
      {"\x1b]0;title\atext", "text"},
      {"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"},
      {"\x1b"
       "7saved",
       "saved"},
      {"\x1b", "\\x1b"},
      {"\x1b[31", "\\x1b[31"},
      {std::string_view("a\0b\bc", 5), "a\\x00b\\x08c"},
      {"gr\xc3\xbc\xc3\x9f \xff", "grüß \\xff"},
      {"\xc2\x9b"
       "31m",
       "\\xc2\\x9b31m"},
      {"pw=S3cret;", "pw=****;"},
      // A sequence in the midst of a secret does not hide it from us.
      {"S3\x1b[0mcret", "****"},
      {"go to https://x/user/reset/1/17/abc-DEF/login now", "go to https://x/user/reset/**** now"},
      {"Installation complete.  User name: admin  User password: 6F8KCrMs3k",
       "Installation complete. User name: admin User password: ****"},
  };
  for (const auto& [hostile, shown] : cases) EXPECT_EQ(harmless(hostile, kSecrets), shown) << hostile;
}

TEST(DrushText, IsCutByCharacters) {
  EXPECT_EQ(harmless("äöü", {}, 3), "äöü");
  EXPECT_EQ(harmless("äöüß", {}, 3), "äöü…");
  EXPECT_EQ(harmless(std::string(500, 'x'), {}), std::string(kLongestQuote, 'x') + "…");
}

// 64 MiB of what has to be masked again and again: it is not looked at.
TEST(DrushText, TakesNoTimeForWhatIsTooLong) {
  std::string much;
  while (much.size() < std::size_t{64} << 20U) much += "user/reset/1 S3cret ";
  EXPECT_LT(harmless(much, kSecrets).size(), 1000U);
  EXPECT_LT(reason_in(much, kSecrets).size(), 1000U);
  EXPECT_THAT(harmless(much, kSecrets), testing::Not(testing::HasSubstr("S3cret")));
}

TEST(DrushText, ReadsLevels) {
  const struct {
    const char* line;
    Level level;
    const char* text;
  } cases[] = {
      // Drush 12 and 13.
      {" [notice] Starting Drupal installation. This takes a while.", Level::kNotice,
       "Starting Drupal installation. This takes a while."},
      {" [success] Cache rebuild complete.", Level::kSuccess, "Cache rebuild complete."},
      {" [error]  Drupal\\Core\\X: no ", Level::kError, "Drupal\\Core\\X: no"},
      {"\x1b[33m[warning]\x1b[39m careful", Level::kWarning, "careful"},
      {">  [notice] Update started: user_update_10000", Level::kText, "> [notice] Update started: user_update_10000"},
      // Drush 8.
      {"'all' cache was cleared.                                               [success]", Level::kSuccess,
       "'all' cache was cleared."},
      {"No database updates required                                                [ok]", Level::kSuccess,
       "No database updates required"},
      {"Trying to access array offset on value of type bool                    [warning]", Level::kWarning,
       "Trying to access array offset on value of type bool"},
      {"environment.inc:662", Level::kText, "environment.inc:662"},
      {"[error]", Level::kError, ""},
      {"a [label] in between", Level::kText, "a [label] in between"},
      {"password S3cret [error]", Level::kError, "password ****"},
  };
  for (const auto& [line, level, text] : cases) {
    const Line read = read_line(line, kSecrets);
    EXPECT_EQ(read.level, level) << line;
    EXPECT_EQ(read.text, text);
  }
}

TEST(DrushText, FindsTheReason) {
  // Drush 13 without its database.
  EXPECT_EQ(
      reason_in("\nIn Connection.php line 185:\n                        \n  SQLSTATE[HY000] [1045] Access denied for "
                "user 'shop'@'127.0.0.1' (using password: YES)  \n\nIn Connection.php line 157:\n  again\n",
                kSecrets),
      "SQLSTATE[HY000] [1045] Access denied for user 'shop'@'127.0.0.1' (using password: YES); again");
  EXPECT_EQ(
      reason_in(
          "In SiteInstallCommands.php line 177:\n   \n  Internet:The server is offline.   \n  The installer  \n  \n"
          "more\n",
          kSecrets),
      "Internet:The server is offline. The installer");
  // Drush 13, an unknown command.
  EXPECT_EQ(reason_in("\n      \n  Command \"nonsense\" is not defined.  \n      \n", kSecrets),
            "Command \"nonsense\" is not defined.");
  // Drush 8: warnings are no reasons.
  EXPECT_EQ(
      reason_in("offset on bool   [warning]\nThe drush command could not be executed.   [error]\noffset   [warning]\n",
                kSecrets),
      "The drush command could not be executed.");
  EXPECT_EQ(reason_in("PHP Fatal error:  Uncaught Error: no S3cret\nStack trace:\n#0 {main}\n", kSecrets),
            "PHP Fatal error: Uncaught Error: no ****");
  EXPECT_EQ(reason_in("", kSecrets), "");
  EXPECT_EQ(reason_in("\n \n", kSecrets), "");
}

}  // namespace
}  // namespace aegir::drush
