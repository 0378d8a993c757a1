// What real Drush does when something is wrong, exit status 0 or not: our calls refuse it, and the fixture fails alike.
#include <sys/stat.h>

#include <filesystem>

#include "tests/drupal/drush/world.hpp"

namespace aegir::drupal {
namespace {

using testing::HasSubstr;

class DrushFailure : public DrushContract {
 protected:
  /// Every call but status() and install(): none of them works without a site.
  static void expect_all_refused(const Place& place) {
    SlotRunner runner = runner_of(place);
    (void)refused(place, drush::facts(runner, place.site));
    (void)refused(place, drush::inventory(runner, place.site));
    (void)refused(place, drush::login_link(runner, place.site));
    (void)refused(place, drush::rebuild_caches(runner, place.site));
    (void)refused(place, drush::run_cron(runner, place.site));
    (void)refused(place, drush::pending_updates(runner, place.site));
  }
};

TEST_P(DrushFailure, AWrongPasswordIsNoSite) {
  Place place = installed();
  place.site.database.password = "WrongCanaryOfThePassword";
  SlotRunner runner = runner_of(place);
  const Result<drush::Status> status = drush::status(runner, place.site);
  ASSERT_TRUE(status) << describe(status.error());
  EXPECT_FALSE(status->installed);
  expect_all_refused(place);
  (void)refused(place, drush::install(runner, place.site, usual_installation()));
  // And it has left the site as it was.
  SlotRunner right = runner_of(installed());
  EXPECT_TRUE(drush::status(right, installed().site)->installed);
}

TEST_P(DrushFailure, AnEmptyDatabaseIsNoSite) { expect_all_refused(world().fresh(GetParam())); }

// Drush answers for sites/default, with status 0.
TEST_P(DrushFailure, ASiteWithoutADirectoryIsNotAnother) {
  Place place = installed();
  place.site.uri = "nobody.test";
  place.site.origin = "http://nobody.test";
  SlotRunner runner = runner_of(place);
  const Error error = refused(place, drush::status(runner, place.site));
  EXPECT_EQ(error.code, Code::kConflict) << describe(error);
  (void)refused(place, drush::install(runner, place.site, usual_installation()));
  EXPECT_FALSE(std::filesystem::exists(place.site.docroot + "/sites/default/settings.php"));
  EXPECT_FALSE(std::filesystem::exists(place.directory()));
}

TEST_P(DrushFailure, AnotherDatabaseIsNotTheSites) {
  const Place place = world().fresh(GetParam());
  live::put(place.directory() + "/local.settings.php",
            "<?php\n$databases['default']['default']['database'] = 'other';\n");
  SlotRunner runner = runner_of(place);
  const Error error = refused(place, drush::status(runner, place.site));
  EXPECT_EQ(error.code, Code::kConflict) << describe(error);
  EXPECT_THAT(error.message, HasSubstr("'other'"));
  EXPECT_EQ(refused(place, drush::install(runner, place.site, usual_installation())).code, Code::kConflict);
}

TEST_P(DrushFailure, AProfileThatIsNotThereIsNotInstalled) {
  const Place place = world().fresh(GetParam());
  SlotRunner runner = runner_of(place);
  drush::Installation installation = usual_installation();
  installation.profile = "nosuch";
  const Error error = refused(place, drush::install(runner, place.site, installation));
  EXPECT_EQ(error.code, Code::kInvalid) << describe(error);
  EXPECT_FALSE(drush::status(runner, place.site)->installed);
}

// Drupal 7 takes English without a word.
TEST_P(DrushFailure, ALanguageThatNobodyBringsIsNotEnglish) {
  const Place place = world().fresh(GetParam());
  SlotRunner runner = runner_of(place);
  drush::Installation installation = usual_installation();
  installation.language = "eo";
  const Error error = refused(place, drush::install(runner, place.site, installation));
  EXPECT_EQ(error.code, Code::kInvalid) << describe(error);
}

// What a module prints when its file has something in front of its code.
TEST_P(DrushFailure, WordsInFrontOfAnAnswerAreNotTaken) {
  const Place place = world().fresh(GetParam());
  live::put(place.directory() + "/local.settings.php", "<?php\nprint \"Welcome\\n\";\n");
  SlotRunner runner = runner_of(place);
  EXPECT_THAT(refused(place, drush::status(runner, place.site)).message, HasSubstr("printed no JSON, but 'Welcome"));
}

TEST_P(DrushFailure, WhiteSpaceAndAMarkInFrontAre) {
  const Place place = world().fresh(GetParam());
  live::put(place.directory() + "/local.settings.php", "\xef\xbb\xbf<?php\n?>\n\n");
  SlotRunner runner = runner_of(place);
  const Result<drush::Status> status = drush::status(runner, place.site);
  EXPECT_TRUE(status) << describe(status.error());
}

// PHP's own complaints are no part of the answer.
TEST_P(DrushFailure, NoticesOfPhpAreNoAnswer) {
  const Place place = world().fresh(GetParam());
  live::put(place.directory() + "/local.settings.php",
            "<?php\nerror_reporting(E_ALL);\n$x = $undefined . strtotime([]['y']);\n");
  SlotRunner runner = runner_of(place);
  const Result<drush::Status> status = drush::status(runner, place.site);
  EXPECT_TRUE(status) << describe(status.error());
}

INSTANTIATE_TEST_SUITE_P(Codebases, DrushFailure, testing::ValuesIn(names_with_fixture()), parameter_name);

}  // namespace
}  // namespace aegir::drupal
