#include "sidecar/drush/site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/live/harness/temp_dir.hpp"

namespace aegir::drush {
namespace {

using registry::Cms;
using testing::HasSubstr;

void put_drush(const std::string& project, const std::string& version) {
  live::put(project + "/vendor/drush/drush/drush.php", "<?php\n");
  live::put(project + "/vendor/composer/installed.json",
            R"({"packages": [{"name": "drupal/core", "version": "1"}, {"name": "drush/drush", "version": ")" + version +
                R"("}]})");
}

TEST(DrushTool, IsTheCodebasesOwn) {
  const live::TempDir root;
  put_drush(root.path("p"), "13.3.0");
  Result<Tool> tool = find_tool(root.path("p/web"), Cms::kDrupal8, root.path("elsewhere/drush.php"));
  ASSERT_TRUE(tool) << describe(tool.error());
  EXPECT_EQ(*tool, (Tool{root.path("p/vendor/drush/drush/drush.php"), "13.3.0", 13}));
  // A docroot that is its own project.
  put_drush(root.path("q"), "v12.5.3");
  tool = find_tool(root.path("q"), Cms::kDrupal8);
  ASSERT_TRUE(tool) << describe(tool.error());
  EXPECT_EQ(tool->major, 12U);
}

TEST(DrushTool, IsTheOneThatTheSettingNames) {
  const live::TempDir root;
  put_drush(root.path("drush8"), "8.4.12");
  live::put(root.path("drush8/vendor/bin/drush"), "#!/bin/sh\n");
  for (const char* named : {"drush8/vendor/drush/drush/drush.php", "drush8/vendor/bin/drush"}) {
    const Result<Tool> tool = find_tool(root.path("d7"), Cms::kDrupal7, root.path(named));
    ASSERT_TRUE(tool) << describe(tool.error());
    EXPECT_EQ(*tool, (Tool{root.path("drush8/vendor/drush/drush/drush.php"), "8.4.12", 8}));
  }
}

TEST(DrushTool, SaysItsVersionInOneOfThreePlaces) {
  const live::TempDir root;
  const std::string script = root.path("vendor/drush/drush/drush.php");
  live::put(script, "<?php\n");
  const auto version = [&] {
    const Result<Tool> tool = find_tool(root.path(), Cms::kDrupal8);
    return tool ? tool->version : describe(tool.error());
  };
  EXPECT_THAT(version(), HasSubstr("the version of this Drush stands neither"));
  live::put(root.path("vendor/drush/drush/drush.info.yml"), "name: drush\ndrush_version: '9.7.3'\n");
  EXPECT_EQ(version(), "9.7.3");
  live::put(root.path("vendor/drush/drush/drush.info"), "drush_version=8.4.12\n");
  EXPECT_EQ(version(), "8.4.12");
  live::put(root.path("vendor/composer/installed.json"), R"([{"name": "drush/drush", "version": "dev-main"}])");
  EXPECT_EQ(version(), "dev-main");
  live::put(root.path("vendor/composer/installed.json"), "{");
  EXPECT_THAT(version(), HasSubstr("installed.json:1:"));
}

TEST(DrushTool, MissesNothingSilently) {
  const live::TempDir root;
  put_drush(root.path("new"), "13.3.0");
  live::put(root.path("bin/drush"), "#!/bin/sh\n");
  const struct {
    Cms cms;
    std::string named;
    Code code;
    const char* words;
  } cases[] = {
      {Cms::kDrupal8, "", Code::kNotFound, "require drush/drush in the codebase"},
      {Cms::kDrupal7, "", Code::kNotFound, "install Drush 8"},
      {Cms::kDrupal7, root.path("none/drush.php"), Code::kNotFound, "none/drush.php"},
      {Cms::kDrupal7, root.path("bin/drush"), Code::kNotFound, "install Drush 8"},
      {Cms::kDrupal7, "drush", Code::kInvalid, "no absolute path"},
      {Cms::kDrupal7, root.path("x/../new/vendor/bin/drush"), Code::kInvalid, "no absolute path"},
      {Cms::kDrupal7, root.path("new/vendor/drush/drush/drush.php"), Code::kInvalid, "Drush 13.3.0 can't run Drupal 7"},
      {Cms::kBackdrop, "", Code::kNotFound, "bee.php"},
      {Cms::kBackdrop, root.path("bee.php"), Code::kNotFound, "none is at"},
  };
  for (const auto& [cms, named, code, words] : cases) {
    const Result<Tool> tool = find_tool(root.path("site"), cms, named);
    ASSERT_FALSE(tool) << named;
    EXPECT_EQ(tool.error().code, code) << named;
    EXPECT_THAT(describe(tool.error()), HasSubstr(words));
    EXPECT_FALSE(tool.error().hint.empty());
  }
}

TEST(DrushTool, FindsBee) {
  const live::TempDir root;
  live::put(root.path("bee/bee.php"), "<?php\n");
  live::put(root.path("bee/includes/globals.inc"), "<?php\ndefine('BEE_VERSION', '1.x-1.2.x-dev');\n");
  const Result<Tool> tool = find_tool(root.path("backdrop"), Cms::kBackdrop, root.path("bee/bee.php"));
  ASSERT_TRUE(tool) << describe(tool.error());
  EXPECT_EQ(*tool, (Tool{root.path("bee/bee.php"), "1.x-1.2.x-dev", 0}));
}

}  // namespace
}  // namespace aegir::drush
