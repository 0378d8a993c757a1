// The files that Verify writes into a site's directory: what they hold, who may read them, what stays a person's.
#include "tests/root/verify/verified_site.hpp"

namespace aegir::cli {
namespace {

TEST_F(VerifiedSite, OwnersAndModesOfTheFiles) {
  const std::string group = std::to_string(kAegir) + ":" + std::to_string(kSlot);
  for (const char* name : {"settings.php", "drushrc.php", "local.settings.php"}) {
    EXPECT_EQ(owner_and_mode(site(name)), "0440 " + group) << name;
    EXPECT_TRUE(reads(kSlot, site(name))) << name;
    EXPECT_FALSE(reads(kOther, site(name))) << name;
    EXPECT_FALSE(reads(kWeb, site(name))) << name;
  }
  EXPECT_EQ(owner_and_mode(cli_file()), "0440 " + group);
  EXPECT_TRUE(reads(kSlot, cli_file()));
  EXPECT_TRUE(reads(kAegir, cli_file()));
  EXPECT_FALSE(reads(kOther, cli_file()));
  EXPECT_FALSE(reads(kWeb, cli_file()));
  EXPECT_EQ(owner_and_mode(docroot() + "/sites/sites.php"),
            "0644 " + std::to_string(kAegir) + ":" + std::to_string(kAegir));
  // Names of sites are for no tenant.
  EXPECT_TRUE(reads(kSlot, docroot() + "/sites/all/drush/drushrc.php"));
  EXPECT_FALSE(reads(kSlot, docroot() + "/sites/all/drush/sites.drushrc.php"));
  const live::Finished done = live::run({"php", "-n", "-r", "include $argv[1]; echo implode(' ', $options['sites']);",
                                         "--", docroot() + "/sites/all/drush/drushrc.php"});
  EXPECT_EQ(done.output, "first.example");
}

TEST_F(VerifiedSite, ASecondRunChangesNothing) {
  verify();
  const auto before = change_times();
  expect("verify --site first.example", 0, "Directories and files were as they should be.");
  expect("publish", 0, "Nothing new");
  expect("compile", 0, "Directories, owners and fragments were as they should be.");
  EXPECT_EQ(change_times(), before);
}

TEST_F(VerifiedSite, WhatIsWrongIsPutRightAndHasANewTime) {
  const std::string settings = text("settings.php");
  const std::int64_t time = modified(site("settings.php"));
  edit("settings.php", settings + "// by hand\n");
  const std::int64_t later = time + 100;
  const timespec times[2] = {{later, 0}, {later, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, site("settings.php").c_str(), times, 0), 0);
  expect("verify --site first.example", 0, "put right");
  EXPECT_EQ(text("settings.php"), settings);
  EXPECT_GT(modified(site("settings.php")), later) << "PHP's OPcache would go on with the other one";
  fs::remove(site("settings.php"));
  fs::remove(cli_file());
  fs::remove(site("local.settings.php"));
  verify();
  EXPECT_EQ(text("settings.php"), settings);
  EXPECT_TRUE(reads(kSlot, cli_file()));
  EXPECT_TRUE(reads(kSlot, site("local.settings.php")));
}

TEST_F(VerifiedSite, LinksAndForeignFilesAreNotFollowed) {
  const std::string target = file("target");
  live::put(target, "untouched");
  for (const char* name : {"settings.php", "drushrc.php"}) {
    const std::string content = text(name);
    fs::remove(site(name));
    fs::create_symlink(target, site(name));
    expect_told(site(name), "found");
    EXPECT_EQ(live::slurp(target), "untouched");
    fs::remove(site(name));
    live::put(site(name), content);
  }
  verify();
}

TEST_F(VerifiedSite, WhatIsAPersonsStays) {
  edit("local.settings.php", "<?php\n$order[] = 'local';\n");
  edit("local.drushrc.php", "<?php\n$options['mine'] = getenv('HOME');\n");
  verify();
  EXPECT_EQ(text("local.settings.php"), "<?php\n$order[] = 'local';\n");
  EXPECT_EQ(text("local.drushrc.php"), "<?php\n$options['mine'] = getenv('HOME');\n");
  EXPECT_EQ(owner_and_mode(site("local.settings.php")), "0440 " + std::to_string(kAegir) + ":" + std::to_string(kSlot));
  EXPECT_TRUE(text("drushrc.php").ends_with("@include_once('" + site("local.drushrc.php") + "');\n"));
}

TEST_F(VerifiedSite, AdditionsComeInTheirOrder) {
  live::put(config_.config_dir + "/includes/global.inc",
            "<?php\n$order[] = 'global';\n$settings['hash_salt'] = 'x';\n");
  live::put(docroot() + "/sites/all/platform.settings.php", "<?php\n$order[] = 'platform';\n");
  edit("local.settings.php", "<?php\n$order[] = 'local';\n");
  verify();
  EXPECT_EQ(with_settings(kSlot, "echo implode(' ', $order), ' ', $settings['hash_salt'];"), "global platform local x");
}

TEST_F(VerifiedSite, CredentialsOnACommandLine) {
  constexpr const char* kShow =
      "$d = $databases['default']['default']; echo $d['driver'], ' ', $d['database'], ' ', $d['username'], ' ', "
      "$d['host'], ' ', $d['port'], ' ', strlen($d['password']), ' ', isset($_SERVER['db_passwd']) ? 'kept' : 'gone';";
  change(R"("database": {"server": "web1", "name": "shop", "user": "shop_user", "password": "pass'w\\$rd"})");
  expect("publish", 0, "Published");
  const std::string expected = "mysql shop shop_user localhost 3306 10 kept";
  EXPECT_EQ(with_settings(kSlot, kShow), expected);
  EXPECT_EQ(with_settings(kAegir, kShow), expected);
  EXPECT_FALSE(text("settings.php").contains("pass'")) << "a cloaked password";
  // Those in the environment come first.
  EXPECT_EQ(with_settings(kSlot, kShow,
                          {"db_type=mysql", "db_name=other", "db_user=u", "db_passwd=p", "db_host=h", "db_port=1"}),
            "mysql other u h 1 1 kept");
}

TEST_F(VerifiedSite, TheSaltStays) {
  const std::string salt = with_settings(kSlot, "echo $settings['hash_salt'];");
  EXPECT_GE(salt.size(), 32U);
  change(R"("profile": "minimal")");
  verify();
  fs::remove(site("settings.php"));
  verify();
  EXPECT_EQ(with_settings(kSlot, "echo $settings['hash_salt'];"), salt);
}

TEST_F(VerifiedSite, OthersSitesPhpGoesOnToCount) {
  const std::string sites = docroot() + "/sites/";
  fs::remove(sites + "sites.php");
  live::put(sites + "sites.php", "<?php\n$sites['old.example'] = 'first.example';\n");
  verify();
  EXPECT_EQ(live::slurp(sites + "local.sites.php"), "<?php\n$sites['old.example'] = 'first.example';\n");
  const live::Finished done =
      live::run({"php", "-n", "-r", "include $argv[1]; echo $sites['old.example'];", "--", sites + "sites.php"});
  EXPECT_EQ(done.output, "first.example");
  // The second time there is one already: neither of the two is overwritten.
  fs::remove(sites + "sites.php");
  live::put(sites + "sites.php", "<?php\n# mine\n");
  expect("verify --site first.example", 65, "there is a local.sites.php already");
  EXPECT_EQ(live::slurp(sites + "sites.php"), "<?php\n# mine\n");
  EXPECT_NE(live::slurp(sites + "local.sites.php").find("old.example"), std::string::npos);
}

TEST_F(VerifiedSite, SaysWhatItCantVerify) {
  expect("verify --site nobody.example", 66, "there is no site 'nobody.example'");
  change(R"("aliases": {"www.first.example": {}})");
  expect("verify --site www.first.example", 66, "is an alias of the site first.example");
  expect("verify --site first.example", 77, "", kStranger);
  expect("verify", 64, "--site");
}

}  // namespace
}  // namespace aegir::cli
