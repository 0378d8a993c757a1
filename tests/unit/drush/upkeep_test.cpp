#include <ctime>

#include "tests/unit/drush/fake_runner.hpp"

namespace aegir::drush {
namespace {

using testing::HasSubstr;

TEST(DrushCaches, MustSayThatTheyWereCleared) {
  FakeRunner runner;
  EXPECT_TRUE(rebuild_caches(runner.says("", " [success] Cache rebuild complete.\n").says(kFacts), test_site()));
  EXPECT_THAT(runner.programs[0].argv, testing::Contains("cache-rebuild"));
  EXPECT_TRUE(
      rebuild_caches(runner.says("", "offset   [warning]\nGeleert.         [success]\nmore  [warning]\n").says(kFacts),
                     test_site(registry::Cms::kDrupal7)));
  EXPECT_THAT(runner.programs[2].argv, testing::IsSupersetOf({"cache-clear", "all"}));
  // What PHP does with a shell script: it prints it, and ends with 0.
  const Result<void> nothing = rebuild_caches(runner.says("#!/usr/bin/env sh\n"), test_site());
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().message, HasSubstr("does not say that caches were cleared"));
  expect_decent(nothing.error());
  // Drush 12 on an empty database.
  const Result<void> empty = rebuild_caches(runner.says("", " [success] Cache rebuild complete.\n")
                                                .says("", "In Drupal.php line 169:\n\n  no container\n", 1),
                                            test_site());
  ASSERT_FALSE(empty);
  expect_decent(empty.error());
}

TEST(DrushCron, IsSeenInTheSitesClock) {
  const std::string now = std::to_string(std::time(nullptr) + 5);
  FakeRunner runner;
  EXPECT_TRUE(run_cron(runner.says("", " [error]  no internet\n").says(with(kFacts, "1795661395", now)), test_site()));
  const Result<void> nothing = run_cron(
      runner.says("", " [success] Cron run successful.\n").says(with(kFacts, "1795661395", "17")), test_site());
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().message, HasSubstr("says that cron did not run"));
  expect_decent(nothing.error());
}

TEST(DrushUpdates, AreRead) {
  const struct {
    const char* out;
    const char* err;
    std::vector<Update> updates;
  } cases[] = {
      {"", " [success] No database updates required.\n", {}},
      {"", "No database updates required                 [ok]\n", {}},
      {"[]", "", {}},
      {R"({"user_update_10000": {"module": "user", "update_id": 10000, "description": "10000 - Remove.", "type": "x"},
           "block-post-sort": {"module": "block", "update_id": "sort", "description": "Sort\n  them.", "type": "post-update"}})",
       "",
       {{"user", "10000", "10000 - Remove."}, {"block", "sort", "Sort them."}}},
      {R"([{"module": "User", "update_id": 7001, "description": "Remove."}])", "", {{"User", "7001", "Remove."}}},
      {R"([{"module": "User", "update_id": 7001}])", "", {{"User", "7001", ""}}},
  };
  for (const auto& [out, err, expected] : cases) {
    FakeRunner runner;
    const Result<std::vector<Update>> updates = pending_updates(runner.says(out, err), test_site());
    ASSERT_TRUE(updates) << describe(updates.error());
    EXPECT_EQ(*updates, expected) << out;
  }
}

TEST(DrushUpdates, SilenceSaysNothing) {
  for (const char* out : {"", "\n", "7", "\"none\"", "[7]", "{\"a\":{}}", "{\"a\":{\"module\":\"m\"}}",
                          "[{\"module\":\"m\",\"update_id\":null}]", "No updates"}) {
    FakeRunner runner;
    const Result<std::vector<Update>> updates = pending_updates(runner.says(out), test_site());
    ASSERT_FALSE(updates) << out;
    expect_decent(updates.error());
  }
}

TEST(DrushUpkeep, BackdropSaysItAsJson) {
  const Site site = test_site(registry::Cms::kBackdrop);
  FakeRunner runner;
  EXPECT_TRUE(rebuild_caches(runner.says(R"({"done":true})"), site));
  EXPECT_FALSE(rebuild_caches(runner.says(R"({"done":false})"), site));
  // bee ends with 0 whatever happens.
  EXPECT_FALSE(rebuild_caches(runner.says("Exception: boom in eval()"), site));
  const Result<std::vector<Update>> updates = pending_updates(
      runner.says(R"({"updates":{"user_1000":{"module":"user","update_id":1000,"description":"x"}}})"), site);
  ASSERT_TRUE(updates) << describe(updates.error());
  EXPECT_EQ(updates->size(), 1U);
  EXPECT_FALSE(pending_updates(runner.says("{}"), site));
}

}  // namespace
}  // namespace aegir::drush
