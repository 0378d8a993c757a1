// aegirc as root and the directories of new sites: what publish and compile make, and what keeps a site back.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

TEST_F(AegircAsRoot, ASiteInAnothersDirectoryIsKeptBackAlone) {
  const std::string files = config_.aegir_root + "/platforms/d10/sites/second.example/files";
  for (const char* command : {"publish", "compile"}) {
    live::put(files + "/left.txt", "left by the site that had this name before");
    ASSERT_EQ(::chown(files.c_str(), kStranger, kStranger), 0);
    import_site("second.example");
    expect("import " + file("document.json"), 0,
           "note: site second.example is new, and its directory is another's: " + files +
               ": found a directory of uid " + std::to_string(kStranger) + ", expected a directory of uid ");
    import_site("third.example");
    // The others don't wait for it.
    const live::Finished done = aegirc(command);
    EXPECT_EQ(done.status, 65) << done.output;
    EXPECT_NE(done.output.find("Published generation"), std::string::npos) << done.output;
    EXPECT_NE(done.output.find(files + ": site second.example is kept back in state installing: found a directory"),
              std::string::npos)
        << done.output;
    EXPECT_NE(done.output.find("chown -R "), std::string::npos) << done.output;
    EXPECT_EQ(look("third.example"), "third.example");
    EXPECT_EQ(look("second.example"), "unknown");
    expect("publish", 0, "Nothing new");
    fs::remove_all(files);
    set_state("second.example", "enabled");
    expect("publish", 0, "Published generation");
    EXPECT_EQ(look("second.example"), "second.example");
    for (const char* site : {"second.example", "third.example"}) {
      set_state(site, "disabled");
      set_state(site, "deleted");
      fs::remove_all(config_.aegir_root + "/platforms/d10/sites/" + site);
    }
    expect("publish", 0, "Published generation");
  }
}

TEST_F(AegircAsRoot, ANewSitesDirectoryIsMadeByPublish) {
  import_site("second.example");
  expect("publish", 0, "Prepared the directories of 1 new site.");
  struct stat status{};
  ASSERT_EQ(::stat((config_.aegir_root + "/platforms/d10/sites/second.example/private/temp").c_str(), &status), 0);
  EXPECT_EQ(look("second.example"), "second.example");
}

TEST_F(AegircAsRoot, PublishWritesThePlatformsListOfItsSites) {
  const std::string list = config_.aegir_root + "/platforms/d10/sites/all/drush/sites.drushrc.php";
  import_site("second.example");
  expect("publish", 0, "Published generation");
  EXPECT_NE(live::slurp(list).find("second.example"), std::string::npos) << live::slurp(list);
  set_state("second.example", "disabled");
  set_state("second.example", "deleted");
  expect("publish", 0, "Published generation");
  EXPECT_EQ(live::slurp(list).find("second.example"), std::string::npos) << live::slurp(list);
  // A new platform's too, once its code is there.
  const std::string other = config_.aegir_root + "/platforms/other";
  live::put(file("platform.json"), R"({"platforms": {"other": {"docroot": ")" + other + R"("}}})");
  expect("import " + file("platform.json"), 0, "Imported");
  fs::create_directories(other + "/sites");
  for (const std::string& path : {other, other + "/sites"}) ASSERT_EQ(::chown(path.c_str(), kAegir, kAegir), 0);
  expect("publish", 0, "Published generation");
  EXPECT_TRUE(fs::exists(other + "/sites/all/drush/drushrc.php"));
  EXPECT_TRUE(fs::exists(other + "/sites/sites.php"));
}

TEST_F(AegircAsRoot, WhatADeletedSiteLeavesIsTold) {
  for (const char* command : {"publish", "compile"}) {
    import_site("second.example");
    expect("publish", 0, "Published generation");
    set_state("second.example", "disabled");
    set_state("second.example", "deleted");
    const std::string directory = config_.aegir_root + "/platforms/d10/sites/second.example";
    expect(command, 0,
           "note: site second.example is deleted; what stays until you remove it: " + directory + " and the database ");
    expect(command, 0, "generation");
    EXPECT_EQ(aegirc(command).output.find("is deleted"), std::string::npos) << "told once";
    fs::remove_all(directory);
  }
}

TEST_F(AegircAsRoot, WhatWasPutRightIsNamed) {
  const std::string sites = config_.aegir_root + "/platforms/d10/sites/";
  ASSERT_EQ(::chmod((sites + "first.example/settings.php").c_str(), 0666), 0);
  expect("verify --site first.example", 0, "1 directory or file put right:\n  " + sites + "first.example/settings.php");
  const std::string modules = sites + "first.example/modules/m";
  for (int i = 0; i < 12; ++i) {
    const std::string module = modules + std::to_string(i) + ".module";
    live::put(module, "<?php\n");
    ASSERT_EQ(::chown(module.c_str(), kAegir, kAegir), 0);
  }
  const std::string shown = aegirc("verify --site first.example").output;
  EXPECT_TRUE(shown.starts_with("12 directories and files put right:\n  " + modules)) << shown;
  EXPECT_NE(shown.find("\n  and 2 more, which --output json lists\n"), std::string::npos) << shown;
  EXPECT_EQ(std::ranges::count(shown, '\n'), 13) << shown;
}

TEST_F(AegircAsRoot, ABrokenDirectoryOfASiteHoldsNobodyUp) {
  const std::string temp = config_.aegir_root + "/platforms/d10/sites/first.example/private/temp";
  fs::rename(temp, temp + ".old");
  fs::create_symlink("/etc", temp);  // as first.example's own PHP could
  import_site("second.example");
  const live::Finished done = aegirc("compile");
  EXPECT_EQ(done.status, 65) << done.output;
  EXPECT_NE(done.output.find(temp + ": site first.example goes on as it is: found a symbolic link"), std::string::npos)
      << done.output;
  EXPECT_EQ(look("first.example"), "first.example");
  EXPECT_EQ(look("second.example"), "second.example");
}

TEST_F(AegircAsRoot, WhatASiteThatIsGoneHasLeftIsNotGivenToTheNextOfItsName) {
  import_site("second.example");
  expect("publish", 0, "Published generation");
  const std::string site = config_.aegir_root + "/platforms/d10/sites/second.example";
  live::put(site + "/settings.php", "its password");
  ASSERT_EQ(::chown((site + "/settings.php").c_str(), kAegir, kAegir), 0);
  expect("compile", 0, "put right");
  struct stat before{};
  ASSERT_EQ(::stat((site + "/settings.php").c_str(), &before), 0);
  EXPECT_EQ(before.st_mode & 07777, 0440U);
  set_state("second.example", "disabled");
  set_state("second.example", "deleted");
  expect("publish", 0, "Published generation");
  for (const char* left : {"/files", "/private"}) {
    import_site("second.example");
    for (const char* command : {"compile", "publish"}) {
      expect(command, std::string_view(command) == "compile" ? 65 : 0, "");
      struct stat after{};
      ASSERT_EQ(::stat((site + "/settings.php").c_str(), &after), 0);
      EXPECT_EQ(after.st_gid, before.st_gid) << command << " without " << left;
      ASSERT_EQ(::stat(site.c_str(), &after), 0);
      EXPECT_EQ(after.st_gid, before.st_gid) << command << " without " << left;
      EXPECT_EQ(look("second.example"), "unknown");
    }
    set_state("second.example", "deleted");
    fs::remove_all(site + left);  // at last the settings alone are left
  }
}

TEST_F(AegircAsRoot, ADocrootThatCantBeLookedAtKeepsBackItsOwnSitesAlone) {
  const std::string dead = config_.aegir_root + "/platforms/dead";
  fs::create_symlink(dead, dead);  // to itself: every look at what is below it fails
  import_site("third.example");
  live::put(file("document.json"), R"({"platforms": {"dead": {"server": "web1", "docroot": ")" + dead +
                                       R"("}}, "sites": {"second.example": {"platform": "dead", "client": "acme",
                                           "database": {"server": "web1"}}}})");
  expect("import " + file("document.json"), 0, "Imported");
  const live::Finished done = aegirc("publish");
  EXPECT_EQ(done.status, 65) << done.output;
  EXPECT_NE(done.output.find("site second.example is kept back in state installing"), std::string::npos) << done.output;
  EXPECT_EQ(look("second.example"), "unknown");
  EXPECT_EQ(look("third.example"), "third.example");
}

TEST_F(AegircAsRoot, ADirectoryOfAnotherOrALinkIsNotTakenForANewSite) {
  const std::string sites = config_.aegir_root + "/platforms/d10/sites/";
  fs::create_directory(sites + "second.example");
  ASSERT_EQ(::chown((sites + "second.example").c_str(), kStranger, kStranger), 0);
  fs::create_directory_symlink("first.example", sites + "third.example");
  import_site("second.example");
  import_site("third.example");
  const live::Finished done = aegirc("publish");
  EXPECT_EQ(done.status, 65);
  for (const char* site : {"second.example", "third.example"}) {
    EXPECT_NE(done.output.find(sites + site + ": site " + site + " is kept back"), std::string::npos) << done.output;
    EXPECT_EQ(look(site), "unknown");
  }
}

}  // namespace
}  // namespace aegir::cli
