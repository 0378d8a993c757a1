// Drush's aliases and the clients' links: where they lie, and that they go with their site.
#include "tests/root/verify/verified_site.hpp"

namespace aegir::cli {
namespace {

TEST_F(VerifiedSite, AliasesOfEverything) {
  const std::string aegirs = "0440 " + std::to_string(kAegir) + ":" + std::to_string(kAegir);
  for (const char* name : {"first.example.alias.drushrc.php", "platform_d10.alias.drushrc.php",
                           "server_web1.alias.drushrc.php", "sites/first_example.site.yml", "drush.yml"}) {
    EXPECT_EQ(owner_and_mode(drush(name)), aegirs) << name;
  }
  const std::string slots = "0440 " + std::to_string(kSlot) + ":" + std::to_string(kSlot);
  for (const char* name : {"first.example.alias.drushrc.php", "sites/first_example.site.yml", "drush.yml"}) {
    EXPECT_EQ(owner_and_mode(slot_drush(name)), slots) << name;
    EXPECT_FALSE(reads(kOther, slot_drush(name))) << name;
  }
  constexpr const char* kShow = R"(include $argv[1];
$a = $aliases['first.example'];
echo $a['platform'], ' ', $a['server'], ' ', $a['site_path'];)";
  const live::Finished done = live::run({"php", "-n", "-r", kShow, "--", drush("first.example.alias.drushrc.php")});
  EXPECT_EQ(done.output, "@platform_d10 @server_web1 " + docroot() + "/sites/first.example");
  EXPECT_NE(live::slurp(drush("drush.yml")).find('"' + drush("sites") + '"'), std::string::npos);
  EXPECT_NE(live::slurp(slot_drush("drush.yml")).find('"' + slot_drush("sites") + '"'), std::string::npos);
}

TEST_F(VerifiedSite, APersonsDrushYmlStays) {
  fs::remove(drush("drush.yml"));
  live::put(drush("drush.yml"), "options:\n  ansi: false\n");
  expect_told(drush("drush.yml"), "somebody's own file");
  EXPECT_EQ(look("first.example"), "first.example");
  const std::string own = "drush:\n  paths:\n    alias-path: [" + drush("sites") + "]\n";
  live::put(drush("drush.yml"), own);
  verify();
  EXPECT_EQ(live::slurp(drush("drush.yml")), own);
}

TEST_F(VerifiedSite, LinksOfTheClient) {
  const std::string clients = config_.aegir_root + "/clients/";
  EXPECT_EQ(fs::read_symlink(clients + "acme/first.example"), docroot() + "/sites/first.example");
  EXPECT_TRUE(fs::is_directory(clients + "acme/backups"));
  live::put(file("client.json"), R"({"clients": {"other": {}}, "sites": {"first.example": {"client": "other"}}})");
  expect("import " + file("client.json"), 0, "Imported");
  verify();
  EXPECT_EQ(fs::read_symlink(clients + "other/first.example"), docroot() + "/sites/first.example");
  EXPECT_FALSE(fs::is_symlink(clients + "acme/first.example"));
}

TEST_F(VerifiedSite, WhatWasWrittenForASiteGoesWithIt) {
  import_site("second.example");
  expect("publish", 0, "Published");
  const std::vector<std::string> written = {drush("second.example.alias.drushrc.php"),
                                            drush("sites/second_example.site.yml"), cli_file("second.example"),
                                            config_.aegir_root + "/clients/acme/second.example"};
  for (const std::string& path : written) EXPECT_TRUE(fs::is_symlink(path) || fs::exists(path)) << path;
  for (const char* command : {"publish", "compile"}) {
    set_state("second.example", "disabled");
    set_state("second.example", "deleted");
    expect(command, 0, "Published");
    for (const std::string& path : written) EXPECT_FALSE(fs::is_symlink(path) || fs::exists(path)) << path;
    EXPECT_TRUE(fs::exists(cli_file())) << "of the other site";
    fs::remove_all(docroot() + "/sites/second.example");
    import_site("second.example");
    expect("publish", 0, "Published");
    for (const std::string& path : written) EXPECT_TRUE(fs::is_symlink(path) || fs::exists(path)) << path;
  }
}

TEST_F(VerifiedSite, ANameThatBecomesAnAliasIsForgottenAsASite) {
  import_site("second.example");
  expect("publish", 0, "Published");
  set_state("second.example", "disabled");
  set_state("second.example", "deleted");
  change(R"("aliases": {"second.example": {}})");
  live::put(drush("second.example.alias.drushrc.php.mine"), "a person's");
  expect("publish", 0, "Published");
  EXPECT_FALSE(fs::exists(drush("second.example.alias.drushrc.php")));
  EXPECT_FALSE(fs::exists(cli_file("second.example")));
  EXPECT_TRUE(fs::exists(drush("second.example.alias.drushrc.php.mine")));
  EXPECT_TRUE(live::slurp(drush("first.example.alias.drushrc.php")).contains("0 => 'second.example'"));
}

TEST_F(VerifiedSite, AnAliasThatAPersonWroteIsNotTakenAway) {
  live::put(drush("second.example.alias.drushrc.php"), "<?php\n$aliases['second.example'] = array('uri' => 'x');\n");
  ASSERT_EQ(::chown(drush("second.example.alias.drushrc.php").c_str(), kAegir, kAegir), 0);
  change(R"("aliases": {"second.example": {}})");
  expect("publish", 0, "Published");
  EXPECT_TRUE(fs::exists(drush("second.example.alias.drushrc.php")));
}

TEST_F(VerifiedSite, SitesThatShareASlotKeepTheirAliases) {
  live::put(file("shared.json"), R"({
  "blocks": {"shared": {"server": "web1", "slots": 1, "isolation": "shared", "first_uid": 300100}},
  "sites": {"second.example": {"platform": "d10", "client": "acme", "slot": {"block": "shared", "number": 0}, "cloaking": false,
                               "database": {"server": "web1"}},
            "third.example": {"platform": "d10", "client": "acme", "slot": {"block": "shared", "number": 0}, "database": {"server": "web1"}}}
})");
  expect("import " + file("shared.json"), 0, "Imported");
  expect("compile", 0, "Published");
  expect("verify --site second.example", 0, "note: site second.example is not isolated");
  expect("verify --site second.example", 0, "it is uncloaked as well");
  const std::string folder = slot_home(config_, "shared", 0) + "/home/.drush/";
  for (const char* name : {"second.example.alias.drushrc.php", "third.example.alias.drushrc.php"}) {
    EXPECT_TRUE(fs::exists(folder + name)) << name;
  }
}

}  // namespace
}  // namespace aegir::cli
