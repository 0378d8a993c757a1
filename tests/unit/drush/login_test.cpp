// The login link: which one is taken, and that no other is shown.
#include "tests/unit/drush/fake_runner.hpp"

namespace aegir::drush {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "gR2FBaKZlpK1aerSc_6hGQLydeQnt3Cl8z_jg4S9h0Y";

TEST(DrushLogin, TakesTheSitesOwnLink) {
  for (const std::string prefix : {"", "/de", "/pt-br"}) {
    for (const std::string end : {"/login", ""}) {
      const std::string link =
          "https://shop.example:8443" + prefix + "/user/reset/1/1795661349/" + std::string(kSecret) + end;
      FakeRunner runner;
      const Result<std::string> given = login_link(runner.says(link + "\n"), test_site());
      ASSERT_TRUE(given) << describe(given.error());
      EXPECT_EQ(*given, link);
      EXPECT_FALSE(runner.programs[0].on_line);
      EXPECT_THAT(runner.programs[0].argv, testing::IsSupersetOf({"user-login", "--uid=1", "--no-browser"}));
    }
  }
}

TEST(DrushLogin, BackdropGivesItAsJson) {
  FakeRunner runner;
  runner.says(std::string(R"({"link":"https:\/\/shop.example:8443\/user\/reset\/1\/1795661349\/)") + kSecret +
              R"(\/login"})");
  const Result<std::string> given = login_link(runner, test_site(registry::Cms::kBackdrop));
  ASSERT_TRUE(given) << describe(given.error());
  EXPECT_EQ(*given, std::string("https://shop.example:8443/user/reset/1/1795661349/") + kSecret + "/login");
}

TEST(DrushLogin, RefusesAllOthersAndShowsNone) {
  const std::string path = std::string("/user/reset/1/1795661349/") + kSecret + "/login";
  const struct {
    std::string out;
    const char* words;
  } cases[] = {
      {"", "printed no link"},
      {" \n", "printed no link"},
      {"https://evil.example" + path, "leads to 'https://evil.example' and not to https://shop.example:8443"},
      {"http://shop.example:8443" + path, "leads to 'http://shop.example:8443' and not"},
      {"https://shop.example" + path, "leads to 'https://shop.example' and not"},
      {"https://shop.example:84433" + path, "leads to"},
      {"https://shop.example:8443@evil.example" + path, "leads to 'https://shop.example:8443@evil.example'"},
      {"https://shop.example:8443.evil.example" + path, "leads to"},
      {"https://shop.example:8443\\@evil.example" + path, "no one-time login of uid 1"},
      {"https://SHOP.example:8443" + path, "leads to"},
      {"javascript://shop.example" + path, "leads to"},
      {path, "something else than one link"},
      {"Notice: x\nhttps://shop.example:8443" + path, "something else than one link"},
      {"https://shop.example:8443" + path + "\nhttps://evil.example" + path, "something else than one link"},
      {"https://shop.example:8443" + path + " [notice]", "something else than one link"},
      {"https://shop.example:8443/user/reset/2/1795661349/" + std::string(kSecret), "no one-time login of uid 1"},
      {"https://shop.example:8443/user/reset/1/x/" + std::string(kSecret), "no one-time login of uid 1"},
      {"https://shop.example:8443" + path + "?destination=//evil.example", "no one-time login of uid 1"},
      {"https://shop.example:8443" + path + "#x", "no one-time login of uid 1"},
      {"https://shop.example:8443" + path + "/x", "no one-time login of uid 1"},
      {"https://shop.example:8443/a/b" + path, "no one-time login of uid 1"},
      {"https://shop.example:8443/../user/reset/1/1/" + std::string(kSecret), "no one-time login of uid 1"},
      {"https://shop.example:8443/user/reset/1/1795661349/%0d%0a" + std::string(kSecret), "no one-time login of uid 1"},
      {std::string("https://shop.example:8443") + '\0' + path, "leads to 'https://shop.example:8443\\x00'"},
      {"https://shop.example:8443\x1b[2J" + path, "leads to"},
      {"https://" + std::string(1000000, 'x') + path, "something else than one link"},
  };
  for (const auto& [out, words] : cases) {
    FakeRunner runner;
    const Result<std::string> given = login_link(runner.says(out), test_site());
    ASSERT_FALSE(given) << out.substr(0, 200);
    EXPECT_THAT(given.error().message, HasSubstr(words)) << out.substr(0, 200);
    EXPECT_THAT(describe(given.error()), Not(HasSubstr(kSecret)));
    expect_decent(given.error());
  }
}

TEST(DrushLogin, AFailureShowsNoLinkEither) {
  FakeRunner runner;
  runner.says("", std::string(" [error] no: https://shop.example:8443/user/reset/1/17/") + kSecret + "/login", 1);
  const Result<std::string> given = login_link(runner, test_site());
  ASSERT_FALSE(given);
  EXPECT_THAT(describe(given.error()), Not(HasSubstr(kSecret)));
  FakeRunner bee;
  bee.says(std::string("{\"link\": \"https://shop.example:8443/user/reset/1/17/") + kSecret + "/login\"} x");
  EXPECT_THAT(describe(login_link(bee, test_site(registry::Cms::kBackdrop)).error()), Not(HasSubstr(kSecret)));
}

}  // namespace
}  // namespace aegir::drush
