#include "sidecar/drush/codebase.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "sidecar/drush/schema_version.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::drush {
namespace {

using registry::Cms;
using testing::ElementsAre;
using testing::HasSubstr;

class DrushCodebase : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& text) const { live::put(root_.path(path), text); }
  void put_drupal10() const {
    put("core/lib/Drupal.php", "<?php\nclass Drupal {\n  const VERSION = '10.6.15';\n");
    put("core/profiles/standard/standard.info.yml", "name: Standard\ntype: profile\nversion: VERSION\n");
    put("core/profiles/testing/testing.info.yml", "name: Testing\ntype: profile\nhidden: true\n");
    put("core/profiles/testing/tests/x/x.info.yml", "name: X\ntype: profile\n");
    put("core/modules/node/node.info.yml", "name: Node\ntype: module\nversion: VERSION\n");
    put("core/modules/node/node.install",
        "<?php\nfunction node_update_last_removed() {\n  return 8700;\n}\nfunction node_update_8301() {}\n");
  }
  [[nodiscard]] Codebase read() const { return read_codebase(root_.path()).value(); }

  live::TempDir root_;
};

std::vector<std::string> names_of(const std::vector<Package>& packages) {
  std::vector<std::string> names;
  for (const Package& package : packages) names.push_back(package.path);
  return names;
}

TEST_F(DrushCodebase, KnowsItsCore) {
  EXPECT_EQ(core_of(root_.path()).error().code, Code::kNotFound);
  put("includes/bootstrap.inc", "define('VERSION', '7.105');");
  EXPECT_EQ(*core_of(root_.path()), (Core{Cms::kDrupal7, "7.105"}));
  put("core/includes/bootstrap.inc", "define('BACKDROP_VERSION', '1.27.1');");
  EXPECT_EQ(*core_of(root_.path()), (Core{Cms::kBackdrop, "1.27.1"}));
  put_drupal10();
  EXPECT_EQ(*core_of(root_.path()), (Core{Cms::kDrupal8, "10.6.15"}));
}

TEST_F(DrushCodebase, HasProfilesAndTheirLanguages) {
  put_drupal10();
  put("profiles/contrib/shop/shop.info.yml", "name: Shop\ntype: profile\ndescription: Sells\nversion: 2.1.0\n");
  put("profiles/contrib/shop/modules/cart/cart.info.yml", "name: Cart\ntype: module\n");
  put("profiles/contrib/shop/src/no/no.info.yml", "name: No\ntype: module\n");
  for (const char* file :
       {"drupal-10.6.15.de.po", "drupal-10.6.x.pt-br.po", "shop-2.1.de.po", "x.po", "drupal-10.fr.po",
        "drupal-10.6.15.averylongcode.po", "drupal-10.6.15.d\xff.po", "drupal-10.6.15.en.po"}) {
    put(std::string("profiles/contrib/shop/translations/") + file, "");
  }
  put("sites/all/translations/drupal-10.6.15.nl.po", "");
  const Codebase codebase = read();
  ASSERT_EQ(codebase.profiles.size(), 3U);
  const Profile shop{"shop", "Shop", "Sells", "2.1.0", "profiles/contrib/shop", false, {"en", "de", "nl", "pt-br"}};
  EXPECT_EQ(codebase.profiles[0], shop);
  EXPECT_EQ(codebase.profiles[1].name, "standard");
  EXPECT_EQ(codebase.profiles[1].version, "10.6.15");
  EXPECT_THAT(codebase.profiles[1].languages, ElementsAre("en", "nl"));
  EXPECT_TRUE(codebase.profiles[2].hidden);
  EXPECT_THAT(translations_of(root_.path(), shop, "de"),
              ElementsAre(root_.path("profiles/contrib/shop/translations/drupal-10.6.15.de.po")));
  EXPECT_TRUE(translations_of(root_.path(), shop, "en").empty());
  EXPECT_TRUE(translations_of(root_.path(), shop, "fr").empty());
  EXPECT_TRUE(codebase.complaints.empty());
}

TEST_F(DrushCodebase, HasPackages) {
  put_drupal10();
  put("modules/contrib/views_x/views_x.info.yml", "name: Views X\ntype: module\nversion: '8.x-3.2'\n");
  put("modules/contrib/views_x/views_x.install",
      "<?php\nfunction views_x_update_8302 () {}\nfunction views_x_update_9001() {}");
  put("modules/config/config.info.yml", "name: Config\ntype: module\n");
  put("modules/contrib/views_x/config/install/views.info.yml", "name: No\ntype: module\n");
  put("modules/contrib/.git/no.info.yml", "name: No\ntype: module\n");
  put("themes/own/own.info.yml", "name: Own\ntype: theme\n");
  put("libraries/ckeditor/package.json", R"({"version": "4.22.1"})");
  put("libraries/README", "");
  put("sites/shop.example/modules/own_x/own_x.info.yml", "name: No\ntype: module\n");
  const Codebase codebase = read();
  EXPECT_THAT(names_of(codebase.packages),
              ElementsAre("modules/config", "core/modules/node", "modules/contrib/views_x", "themes/own",
                          "core/profiles/standard", "core/profiles/testing", "libraries/ckeditor"));
  EXPECT_EQ(codebase.packages[1].schema, 8700U);
  EXPECT_EQ(codebase.packages[0].schema, 8000U);
  EXPECT_EQ(codebase.packages[2].schema, 9001U);
  EXPECT_EQ(codebase.packages[2].version, "8.x-3.2");
  EXPECT_EQ(codebase.packages[3].schema, std::nullopt);
  EXPECT_EQ(codebase.packages[6].version, "4.22.1");
}

TEST_F(DrushCodebase, ComplainsOfBrokenFilesAndGoesOn) {
  put_drupal10();
  put("modules/a/a.info.yml", "name: 'open\n");
  put("modules/b/b.info.yml", "name: \"B\\e[31m\"\ntype: module\nversion: \"1\\n2\"\n");
  put("modules/c/c.info.yml", std::string(1 << 20, ' '));
  std::filesystem::create_symlink("/etc/passwd", root_.path("modules/b/d.info.yml"));
  put("modules/e\n/e.info.yml", "name: E\ntype: module\n");
  std::filesystem::create_directory_symlink(root_.path("modules"), root_.path("modules/loop"));
  const Codebase codebase = read();
  EXPECT_THAT(codebase.complaints, testing::Contains(HasSubstr("a.info.yml:2:1: this is no YAML")));
  EXPECT_THAT(codebase.complaints, testing::Contains(HasSubstr("c.info.yml")));
  EXPECT_THAT(codebase.complaints, testing::Contains(HasSubstr("d.info.yml")));
  EXPECT_THAT(codebase.complaints, testing::Contains(HasSubstr("its path is no plain text")));
  bool found = false;
  for (const Package& package : codebase.packages) {
    if (package.path != "modules/b") continue;
    found = true;
    EXPECT_EQ(package.title, "B");
    EXPECT_EQ(package.version, "1 2");
  }
  EXPECT_TRUE(found);
}

TEST_F(DrushCodebase, ReadsDrupal7) {
  put("includes/bootstrap.inc", "define('VERSION', '7.105');");
  put("profiles/standard/standard.info", "name = Standard\nversion = VERSION\ncore = 7.x\nhidden = TRUE\n");
  put("profiles/standard/standard.profile", "<?php\n");
  put("profiles/standard/translations/de.po", "");
  put("profiles/standard/translations/drupal-7.105.fr.po", "");
  put("modules/node/node.info", "name = Node\nversion = VERSION\n");
  put("modules/node/node.module", "<?php\n");
  put("modules/node/node.install", "<?php\nfunction node_update_7016() {}\n");
  put("modules/node/tests/node_test.info", "name = Test\nhidden = TRUE\n");
  put("modules/node/tests/node_test.module", "");
  put("themes/bartik/bartik.info", "name = Bartik\n");
  put("sites/all/modules/views/views.info", "name = Views\nversion = \"7.x-3.2\"\n");
  put("sites/all/modules/views/views.module", "");
  const Codebase codebase = read();
  EXPECT_THAT(names_of(codebase.packages), ElementsAre("modules/node", "modules/node/tests", "sites/all/modules/views",
                                                       "themes/bartik", "profiles/standard"));
  EXPECT_EQ(codebase.packages[0].schema, 7016U);
  EXPECT_EQ(codebase.packages[0].place, PackagePlace::kCore);
  EXPECT_TRUE(codebase.packages[1].hidden);
  EXPECT_EQ(codebase.packages[2].schema, 0U);
  EXPECT_EQ(codebase.packages[2].place, PackagePlace::kPlatform);
  ASSERT_EQ(codebase.profiles.size(), 1U);
  EXPECT_TRUE(codebase.profiles[0].hidden);
  EXPECT_THAT(codebase.profiles[0].languages, ElementsAre("en", "de", "fr"));
}

TEST_F(DrushCodebase, KnowsSchemaVersionsFromTheSource) {
  const struct {
    const char* source;
    unsigned schema;
  } cases[] = {{"", 8000},
               {"function m_update_8001() {}", 8001},
               {"function m_update_8001() {}\nfunction m_update_9100() {}\nfunction m_update_8002() {}", 9100},
               {"function other_update_9999() {}", 8000},
               {"function m_update_dependencies() { return 9999; }", 8000},
               {"function m_update_last_removed() {\n  return 10100;\n}", 10100},
               {"function m_update_last_removed() {}\nfunction f() { return 9999; }", 8000},
               {"function m_update_99999999999999() {}", 8000},
               {"function m_update_8001_helper() {}", 8000}};
  for (const auto& [source, schema] : cases) {
    put("m/m.install", source);
    EXPECT_EQ(schema_in(root_.path("m"), "m", Cms::kDrupal8), schema) << source;
  }
  EXPECT_EQ(schema_in(root_.path("none"), "m", Cms::kDrupal7), 0U);
  put("m/m.install", "function m_update_last_removed() { return 7101; }\nfunction m_update_1004() {}");
  EXPECT_EQ(schema_in(root_.path("m"), "m", Cms::kBackdrop), 1004U);
  put("m/m.install", "function m_update_last_removed() { return 7101; }");
  EXPECT_EQ(schema_in(root_.path("m"), "m", Cms::kBackdrop), 7101U);
}

}  // namespace
}  // namespace aegir::drush
