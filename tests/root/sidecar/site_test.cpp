// A site's whole life on the fixture: platform, install, log in, disable, enable, delete, each asked for with `aegir`
// and seen through both web servers.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr Lab::Server kBoth[] = {Lab::Server::kApache, Lab::Server::kNginx};

class SiteTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { the_lab = Lab::on_fixture(); }
  static void TearDownTestSuite() { the_lab.reset(); }
  static Lab& lab() { return *the_lab; }

  static int status(Lab::Server server, const std::string& host) { return lab().visit(server, host).status; }
  static bool has_database(const std::string& like) { return !lab().sql("SHOW DATABASES LIKE '" + like + "'").empty(); }

 private:
  inline static std::unique_ptr<Lab> the_lab;
};

TEST_F(SiteTest, LivesFromInstallToDelete) {
  const std::string uri = "shop.example";
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server, uri), 404);
  const std::string installed = lab().must_aegir({"site", "install", uri, "--platform", "p1"});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server, uri), 200) << installed;
  EXPECT_TRUE(has_database("shop_example"));
  EXPECT_TRUE(std::filesystem::is_directory(lab().directory(uri) + "/files"));
  EXPECT_THAT(lab().must_aegir({"site", "list"}), HasSubstr(uri));
  EXPECT_THAT(lab().must_aegir({"site", "log", uri}), HasSubstr("answers with status 200"));

  const std::string link = lab().must_aegir({"site", "login", uri});
  EXPECT_THAT(link, HasSubstr("/user/reset/1/"));
  lab().must_aegir({"site", "verify", uri});

  lab().must_aegir({"site", "disable", uri, "--yes"});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server, uri), 503);
  lab().must_aegir({"site", "enable", uri});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server, uri), 200);

  const live::Finished refused = lab().aegir({"site", "delete", uri, "--yes"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.output, HasSubstr("aegir site disable " + uri));
  lab().must_aegir({"site", "disable", uri, "--yes"});
  lab().must_aegir({"site", "delete", uri, "--yes"});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server, uri), 404);
  EXPECT_FALSE(has_database("shop_example"));
  EXPECT_FALSE(std::filesystem::exists(lab().directory(uri)));
  EXPECT_THAT(lab().must_aegir({"site", "list"}), Not(HasSubstr(uri)));
  EXPECT_THAT(lab().must_aegir({"site", "list", "--deleted"}), HasSubstr(uri));
  // Its name is free at once.
  lab().must_aegir({"site", "install", uri, "--platform", "p1"});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server, uri), 200);
}

TEST_F(SiteTest, AFailedInstallTakesNothingThatWasThereBefore) {
  const std::string uri = "kept.example";
  const std::string file = lab().directory(uri) + "/files/picture.png";
  live::put(file, "somebody's");
  for (const std::string& path : {lab().directory(uri), lab().directory(uri) + "/files", file}) {
    ASSERT_EQ(::chown(path.c_str(), Lab::kAegir, 33), 0);  // as Aegir 3 left its sites: www-data
  }
  const live::Finished refused = lab().aegir({"site", "install", uri, "--platform", "p1"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.output, HasSubstr("something lies there already"));
  EXPECT_EQ(live::slurp(file), "somebody's");
  EXPECT_FALSE(has_database("kept_example"));
  EXPECT_THAT(lab().must_aegir({"site", "list"}), Not(HasSubstr(uri)));
}

TEST_F(SiteTest, APlatformIsServedByAllThatItsServerHas) {
  const std::string docroot = lab().config().aegir_root + "/platforms/p3";
  std::filesystem::create_directories(docroot);
  std::filesystem::copy(lab().docroot() + "/core", docroot + "/core", std::filesystem::copy_options::recursive);
  lab().must_aegir({"server", "add", "second", "--nginx", "8099"});
  // It brings no Drush, which nobody has to learn from its first site.
  EXPECT_THAT(lab().must_aegir({"platform", "add", "p3", "--docroot", docroot, "--server", "second"}),
              AllOf(HasSubstr("this codebase has no Drush of its own"), HasSubstr("require drush/drush"),
                    HasSubstr("is done, with warnings")));
  EXPECT_THAT(lab().must_aegir({"platform", "show", "p3"}), ContainsRegex("services +nginx\n"));
  EXPECT_THAT(lab().must_aegir({"platform", "show", "p1"}), ContainsRegex("services +apache,nginx\n"));
  lab().must_aegir({"platform", "delete", "p3", "--yes"});
}

TEST_F(SiteTest, ABlockGivesItsSlotsAsSoonAsItIsAdded) {
  const std::string docroot = lab().config().aegir_root + "/platforms/p4";
  std::filesystem::copy(AEGIR_SOURCE_DIR "/tests/fixtures/platform", docroot, std::filesystem::copy_options::recursive);
  lab().must_aegir({"block", "add", "spare", "--server", "main", "--slots", "2"});
  EXPECT_THAT(lab().must_aegir({"block", "list"}), ContainsRegex("spare +main +8.2 +2 "));
  EXPECT_THAT(lab().must_aegir({"block", "show", "spare"}),
              ContainsRegex("first_uid +" + std::to_string(Lab::kFirstSlot + Lab::kSlots) + "\n"));
  lab().must_aegir({"platform", "add", "p4", "--docroot", docroot, "--server", "main", "--block", "spare"});
  lab().must_aegir({"site", "install", "spare.example", "--platform", "p4"});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server, "spare.example"), 200);
  EXPECT_THAT(lab().must_aegir({"site", "show", "spare.example"}), ContainsRegex("slot.block +spare\n"));
  const auto refused = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"block", "add", "more", "--server", "main"};
    words.insert(words.end(), more.begin(), more.end());
    const live::Finished done = lab().aegir(words);
    EXPECT_NE(done.status, 0);
    return done.output;
  };
  EXPECT_THAT(refused({"--php", "5.2"}), AllOf(HasSubstr("PHP 5.2 is not there"), HasSubstr("next: install it")));
  EXPECT_THAT(refused({"--slots", "4000"}), HasSubstr("widen uid_first and uid_last"));
  EXPECT_THAT(lab().aegir({"block", "add", "spare", "--server", "main"}).output,
              HasSubstr("there is a block 'spare' already"));
}

TEST_F(SiteTest, WhatCantWorkIsRefusedBeforeItIsInTheRegistry) {
  const live::Finished outside = lab().aegir({"platform", "add", "p2", "--docroot", "/usr/share", "--server", "main"});
  EXPECT_NE(outside.status, 0);
  EXPECT_THAT(outside.output, HasSubstr("lies in none of platform_roots"));
  EXPECT_THAT(outside.output, HasSubstr("copy the codebase into " + lab().config().aegir_root + "/platforms"));
  const live::Finished again = lab().aegir({"site", "install", "shop.example", "--platform", "p1"});
  EXPECT_NE(again.status, 0);
  EXPECT_THAT(again.output, HasSubstr("there is a site shop.example already"));
  const live::Finished profile =
      lab().aegir({"site", "install", "other.example", "--platform", "p1", "--profile", "nothing"});
  EXPECT_NE(profile.status, 0);
  EXPECT_THAT(profile.output, HasSubstr("has no profile 'nothing'"));
  EXPECT_THAT(lab().must_aegir({"site", "list", "--deleted"}), Not(HasSubstr("other.example")));
  const live::Finished taken = lab().aegir({"platform", "delete", "p1", "--yes"});
  EXPECT_NE(taken.status, 0);
  EXPECT_THAT(taken.output, HasSubstr("has sites, shop.example among them"));
}

}  // namespace
}  // namespace aegir::sidecar
