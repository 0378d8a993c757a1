// The files of Drupal, Backdrop and Drush for a few sites, compared with those below tests/golden/emit/drupal. After a
// change that is meant: AEGIR_UPDATE_GOLDEN=1 build/dev/tests/golden/emit/golden_emit, and read the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/emit/drupal.hpp"

namespace aegir::emit {
namespace {

namespace fs = std::filesystem;

SiteFacts facts(registry::Cms cms) {
  SiteFacts facts;
  facts.platform.name = "d10";
  facts.platform.server = "local";
  facts.platform.docroot = "/var/aegir/platforms/d10/web";
  facts.platform.cms = cms;
  facts.database = registry::DatabaseService{};
  facts.site.hash_salt = "salt'of\\this$site";
  facts.site.uri = "shop.example.com";
  facts.site.platform = "d10";
  facts.site.client = "acme";
  facts.site.aliases = {{"*.shop.example.com", ""}, {"www.shop.example.com", ""}};
  facts.site.redirect_to = "shop.example.com";
  facts.site.cron_key = "cron'key";
  facts.site.database = {"local", "shopexamplecom", "shop", "pass'wo\\rd$x"};
  return facts;
}

/// A package as a codebase or a site has it.
registry::Package package(registry::PackageKind kind, const std::string& name, const std::string& path,
                          registry::PackagePlace place, std::optional<std::uint32_t> schema, bool enabled) {
  return {kind, name, name + "'s title", "10.6.15", schema, enabled, path, place, false};
}

std::vector<php::Statement> parsed(std::string_view text) { return php::parse(text, "drushrc.php").value(); }

void compare(const std::string& name, const std::string& text) {
  const fs::path path = fs::path(AEGIR_SOURCE_DIR) / "tests/golden/emit/drupal" / name;
  if (std::getenv("AEGIR_UPDATE_GOLDEN") != nullptr) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  EXPECT_EQ(text, content.str()) << path;
}

TEST(DrupalGolden, Settings) {
  const Config config = parse_config("", "golden.conf").value();
  for (const auto& [name, cms] : {std::pair("drupal7", registry::Cms::kDrupal7),
                                  {"drupal8", registry::Cms::kDrupal8},
                                  {"backdrop", registry::Cms::kBackdrop}}) {
    SiteFacts site = facts(cms);
    const std::string cloaked = settings_php(config, site).value();
    compare(std::string(name) + ".settings.php", cloaked);
    EXPECT_EQ(is_cloaked(cloaked), true);
    EXPECT_FALSE(cloaked.contains("rd$x")) << "a cloaked password";
    site.site.cloaking = false;
    const std::string plain = settings_php(config, site).value();
    compare(std::string(name) + ".plain.settings.php", plain);
    EXPECT_EQ(is_cloaked(plain), false);
    site.database.reset();
    EXPECT_FALSE(is_cloaked(settings_php(config, site).value()).has_value());
  }
  EXPECT_FALSE(settings_php(config, facts(registry::Cms::kOther)));
  EXPECT_FALSE(is_cloaked("<?php\n$databases = array();\n").has_value());
}

TEST(DrupalGolden, TheOtherFilesOfASite) {
  const Config config = parse_config("", "golden.conf").value();
  const SiteFacts site = facts(registry::Cms::kDrupal8);
  compare("sites.php", sites_php());
  compare("cli.php", cli_php(site));
  compare("drushrc.php", site_drushrc(site, {}).text);
  compare(alias_file("shop.example.com"), site_alias(site));
  compare(alias_file("platform_d10"), platform_alias(site.platform));
  compare(alias_file("server_local"), server_alias(config, {"local",
                                                            "localhost",
                                                            {{registry::kApache}, {registry::kNginx, 8080, 8443}},
                                                            registry::DatabaseService{}}));
  EXPECT_EQ(site_yml_file("shop.example.com"), "shop_example_com.site.yml");
  EXPECT_NE(site_yml_file("shop_example.com"), "shop_example_com.site.yml") << "another site's alias";
  compare("shop_example_com.site.yml", site_yml(site).value());
  compare("drush.yml", drush_yml("/var/aegir/.drush/sites").value());
}

TEST(DrupalGolden, WhatPeopleSetInDrushrcStays) {
  const SiteFacts site = facts(registry::Cms::kDrupal8);
  const Drushrc kept = site_drushrc(site, parsed(R"(<?php 

$options['db_type'] = 'mysqli';
$options['db_passwd'] = 'old';
$options['packages'] = array (
  'modules' => 
  array (
    'node' => 
    array (
      'status' => '1',
    ),
  ),
);
// Our own.
$options['provision_x'] = array('a', "b"); # why
$options['aliases'] = array();
$options['shell-aliases']['up'] = 'updatedb -y';
/* two
   lines */
$command_specific['cron'] = array('quiet' => TRUE);
$_SERVER['HTTP_X'] = 'mine';

# Aegir additions
$_SERVER['db_type'] = $options['db_type'];
# Local non-aegir-generated additions.
@include_once('/var/aegir/elsewhere/local.drushrc.php');
include '/opt/x.inc';
)"));
  compare("drushrc.kept.php", kept.text);
  EXPECT_EQ(site_drushrc(site, parsed(kept.text)).text, kept.text) << "a second time changes it";
  const std::vector<std::string> names = {"$_SERVER['HTTP_X']", "$command_specific['cron']", "provision_x",
                                          "shell-aliases"};
  EXPECT_EQ(kept.kept, names);
}

TEST(DrupalGolden, PackagesInDrushrc) {
  using registry::PackageKind;
  using registry::PackagePlace;
  SiteFacts site = facts(registry::Cms::kDrupal8);
  site.core_version = "10.6.15";
  site.packages = {
      package(PackageKind::kModule, "node", "core/modules/node", PackagePlace::kCore, 8000, true),
      package(PackageKind::kModule, "own", "sites/shop.example.com/modules/own", PackagePlace::kSite, std::nullopt,
              false),
      {PackageKind::kModule, "gone", "", "", 8001, true, "", PackagePlace::kCore, false},
      package(PackageKind::kTheme, "stark", "core/themes/stark", PackagePlace::kCore, std::nullopt, true),
      package(PackageKind::kProfile, "standard", "core/profiles/standard", PackagePlace::kCore, 8000, true),
      package(PackageKind::kLibrary, "jquery.form", "libraries/jquery.form", PackagePlace::kPlatform, std::nullopt,
              false),
  };
  const std::string text = site_drushrc(site, {}).text;
  compare("packages.drushrc.php", text);
  EXPECT_EQ(site_drushrc(site, parsed(text)).text, text) << "a second time changes it";
  EXPECT_TRUE(site_drushrc(site, parsed(text)).kept.empty());
  site.packages.clear();
  EXPECT_TRUE(site_drushrc(site, parsed(text)).text.contains("$options['packages']")) << "what is not known stays";
  site.platform.cms = registry::Cms::kDrupal7;
  site.packages = {
      package(PackageKind::kModule, "views", "sites/all/modules/views", PackagePlace::kPlatform, 7301, true),
      package(PackageKind::kTheme, "bartik", "themes/bartik", PackagePlace::kCore, std::nullopt, true),
      package(PackageKind::kProfile, "shop", "profiles/shop", PackagePlace::kPlatform, 0, true)};
  compare("packages7.drushrc.php", site_drushrc(site, {}).text);
}

TEST(DrupalGolden, CloakingInDrushrc) {
  SiteFacts site = facts(registry::Cms::kDrupal8);
  const std::string asked = "<?php\n$options['provision_db_cloaking'] = FALSE; // a shell needs it\n";
  EXPECT_EQ(asks_for_cloaking(parsed(asked)), false);
  EXPECT_FALSE(site_drushrc(site, parsed(asked)).text.contains("provision_db_cloaking"))
      << "the registry cloaks it again";
  site.site.cloaking = false;
  EXPECT_TRUE(site_drushrc(site, parsed(asked))
                  .text.contains("$options['provision_db_cloaking'] = FALSE; // a shell needs it\n"));
  const std::string written = site_drushrc(site, {}).text;
  EXPECT_TRUE(written.contains("$options['provision_db_cloaking'] = false;\n"));
  EXPECT_EQ(site_drushrc(site, parsed(written)).text, written);
  for (const char* no : {"FALSE", "0", "'0'", "''"}) {
    EXPECT_EQ(asks_for_cloaking(parsed("<?php $options['provision_db_cloaking'] = " + std::string(no) + ";")), false);
  }
  EXPECT_EQ(asks_for_cloaking(parsed("<?php $options['provision_db_cloaking'] = TRUE;")), true);
  EXPECT_FALSE(asks_for_cloaking(parsed("<?php $options['x']['provision_db_cloaking'] = FALSE;")).has_value());
}

TEST(DrupalGolden, DrushrcOfAPlatform) {
  using registry::PackageKind;
  using registry::PackagePlace;
  const registry::Platform platform = facts(registry::Cms::kDrupal8).platform;
  registry::Codebase code;
  code.version = "10.6.15";
  code.profiles = {{"shop", "Shop", "", "1.0", "profiles/shop", false, {"en", "de"}},
                   {"standard", "Standard", "", "10.6.15", "core/profiles/standard", false, {"en"}},
                   {"testing", "Testing", "", "10.6.15", "core/profiles/testing", true, {"en"}}};
  code.packages = {
      package(PackageKind::kModule, "cart", "profiles/shop/modules/cart", PackagePlace::kProfile, 8000, false),
      package(PackageKind::kModule, "node", "core/modules/node", PackagePlace::kCore, 8000, false),
      {PackageKind::kModule, "node_test", "", "", 8000, false, "core/modules/node/x", PackagePlace::kCore, true},
      package(PackageKind::kModule, "token", "modules/contrib/token", PackagePlace::kPlatform, 8000, false),
      package(PackageKind::kTheme, "stark", "core/themes/stark", PackagePlace::kCore, std::nullopt, false),
      package(PackageKind::kProfile, "shop", "profiles/shop", PackagePlace::kPlatform, 8000, false),
      package(PackageKind::kProfile, "standard", "core/profiles/standard", PackagePlace::kCore, 8000, false),
      package(PackageKind::kLibrary, "dropzone", "libraries/dropzone", PackagePlace::kPlatform, std::nullopt, false)};
  const std::vector<php::Statement> present =
      parsed("<?php\n$options['mine'] = 1;\n$options['sites'] = array('old');\n$options['profiles'] = array('x');\n");
  const Drushrc drushrc = platform_drushrc(platform, code, present);
  compare("platform.drushrc.php", drushrc.text);
  EXPECT_EQ(drushrc.kept, std::vector<std::string>{"mine"});
  EXPECT_EQ(platform_drushrc(platform, code, parsed(drushrc.text)).text, drushrc.text);
  const Drushrc unread = platform_drushrc(platform, {}, present);
  EXPECT_TRUE(unread.text.contains("$options['profiles'] = array('x');")) << "what is not known stays";
  EXPECT_EQ(unread.kept, std::vector<std::string>{"mine"});
  compare("sites.drushrc.php", sites_drushrc({"a.example.com", "b.example.com"}));
}

}  // namespace
}  // namespace aegir::emit
