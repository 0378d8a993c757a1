// PHP that people have written: Verify asks PHP whether it can read it, before a visitor does.
#include <array>

#include "tests/root/verify/verified_site.hpp"

namespace aegir::cli {
namespace {

constexpr const char* kBroken = "<?php\n$sites['old.example'] =;\n";

class LintTest : public VerifiedSite {
 protected:
  /// `command` tells, once, that PHP can't read line 2 of `path`, and ends with status 65.
  void expect_unreadable(const std::string& command, const std::string& path) const {
    const live::Finished done = aegirc(command);
    EXPECT_EQ(done.status, 65) << command << ": " << done.output;
    const std::size_t at = done.output.find(path + ":2: ");
    ASSERT_NE(at, std::string::npos) << command << ": " << done.output;
    EXPECT_EQ(done.output.find(path + ":2: ", at + 1), std::string::npos) << done.output;
    const std::string told = done.output.substr(at, done.output.find("\naegirc", at) - at);
    EXPECT_NE(told.find("PHP can't read it: Parse error: syntax error"), std::string::npos) << told;
    EXPECT_NE(told.find("\n  next: mend the file"), std::string::npos) << told;
  }
};

TEST_F(LintTest, ASitesPhpThatPhpCantReadIsNotTakenOver) {
  const std::string sites = docroot() + "/sites/";
  fs::remove(sites + "sites.php");
  live::put(sites + "sites.php", kBroken);
  for (const char* command : {"verify --platform d10", "compile", "verify --site first.example"}) {
    fs::remove(sites + "all/drush/drushrc.php");
    fs::remove(site("settings.php"));
    expect_unreadable(command, sites + "sites.php");
    EXPECT_EQ(live::slurp(sites + "sites.php"), kBroken);
    EXPECT_FALSE(fs::exists(sites + "local.sites.php"));
    // All else is done.
    EXPECT_EQ(fs::exists(sites + "all/drush/drushrc.php"), !std::string_view(command).contains("--site"));
    EXPECT_EQ(fs::exists(site("settings.php")), !std::string_view(command).contains("--platform"));
  }
  // What is refused is not said to be as it should be, also when there is nothing else to do.
  for (const char* command : {"verify --platform d10", "verify --site first.example"}) {
    (void)aegirc(command);  // what the commands above left to be done
    const std::string told = aegirc(command).output;
    EXPECT_NE(told.find("Nothing was put right."), std::string::npos) << told;
    EXPECT_EQ(told.find("as they should be"), std::string::npos) << told;
  }
  // A new site does not wait for it.
  import_site("second.example");
  expect_unreadable("publish", sites + "sites.php");
  EXPECT_EQ(look("second.example"), "second.example");
  live::put(sites + "sites.php", "<?php\n$sites['old.example'] = 'first.example';\n");
  expect("verify --platform d10", 0, "note: " + sites + "sites.php: moved to local.sites.php");
}

TEST_F(LintTest, WhatEverySiteIncludesIsLookedAt) {
  const struct {
    std::string path;
    std::vector<std::string> commands;
  } rows[] = {
      {docroot() + "/sites/local.sites.php", {"verify --platform d10", "compile"}},
      {docroot() + "/sites/all/platform.settings.php", {"verify --platform d10", "compile"}},
      {config_.config_dir + "/includes/global.inc", {"verify --server web1", "verify --platform d10", "compile"}},
      {site("local.settings.php"), {"verify --site first.example"}},
      {site("local.drushrc.php"), {"verify --site first.example"}},
  };
  for (const auto& [path, commands] : rows) {
    fs::remove(path);
    live::put(path, kBroken);
    for (const std::string& command : commands) expect_unreadable(command, path);
    EXPECT_EQ(live::slurp(path), kBroken);
    live::put(path, "<?php\nif (getenv('HOME')) { $anything = array_map(fn($x) => $x, []); }\n");
    for (const std::string& command : commands) expect(command, 0, "");
  }
}

TEST_F(LintTest, WithoutThatPhpNothingIsTakenOverUnseen) {
  live::put(file("change.json"), R"({"blocks": {"b1": {"php_version": "9.9"}}})");
  expect("import " + file("change.json"), 0, "Imported");
  verify();
  const std::string sites = docroot() + "/sites/";
  fs::remove(sites + "sites.php");
  live::put(sites + "sites.php", "<?php\n# mine\n");
  const live::Finished done = aegirc("verify --platform d10");
  EXPECT_EQ(done.status, 65) << done.output;
  EXPECT_NE(done.output.find(sites + "sites.php: platform d10: nobody has looked whether PHP can read it, since there "
                                     "is no /usr/bin/php9.9\n  next: install the command-line PHP of that version"),
            std::string::npos)
      << done.output;
  EXPECT_FALSE(fs::exists(sites + "local.sites.php"));
}

}  // namespace
}  // namespace aegir::cli
