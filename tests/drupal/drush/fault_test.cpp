// What the fixture's Drush does when it is told to misbehave, and that none of it is believed.
#include <chrono>

#include "tests/drupal/drush/world.hpp"

namespace aegir::drupal {
namespace {

using testing::HasSubstr;

class DrushFault : public testing::Test {
 protected:
  [[nodiscard]] static World& world() { return World::get(); }
  static void tell(const Place& place, const std::string& line) {
    live::put(place.directory() + "/private/fixture-fault", line + "\n");
  }
  void TearDown() override { tell(world().installed(kFixture).place, ""); }
};

TEST_F(DrushFault, NoAnswerIsBelieved) {
  const Place& place = world().installed(kFixture).place;
  const drush::Site& site = place.site;
  SlotRunner runner = runner_of(place, std::chrono::seconds(60));
  const struct {
    const char* fault;
    const char* words;  ///< that every call says
  } cases[] = {
      {"fail", "status 1: The fixture was told that"},
      {"late", "status 1: The fixture was told to fail at the end."},
      {"nothing", ""},
      {"garbage", ""},
      {"shell", ""},
      {"flood", "more than 16 MiB"},
      {"flood-errors", "more than 16 MiB"},
  };
  for (const auto& [fault, words] : cases) {
    SCOPED_TRACE(fault);
    tell(place, std::string("* ") + fault);
    const auto expect = [&](const Error& error) { EXPECT_THAT(error.message, HasSubstr(words)); };
    expect(refused(place, drush::status(runner, site)));
    expect(refused(place, drush::facts(runner, site)));
    expect(refused(place, drush::login_link(runner, site)));
    if (std::string_view(fault).starts_with("flood")) continue;  // a second each
    expect(refused(place, drush::inventory(runner, site)));
    expect(refused(place, drush::rebuild_caches(runner, site)));
    expect(refused(place, drush::run_cron(runner, site)));
    expect(refused(place, drush::pending_updates(runner, site)));
    expect(refused(place, drush::install(runner, site, usual_installation())));
  }
}

TEST_F(DrushFault, FalseAnswersAreRefused) {
  const Place& place = world().installed(kFixture).place;
  const drush::Site& site = place.site;
  SlotRunner runner = runner_of(place);
  const struct {
    const char* fault;
    const char* status;
    const char* facts;
    const char* login;
  } cases[] = {
      {"notice", "printed no JSON, but 'Notice:", "printed no JSON, but 'Notice:", "something else than one link"},
      {"twice", "printed no JSON", "printed no JSON", "something else than one link"},
      {"control", "control characters", "control characters", nullptr},
      {"other-site", "of 'sites/default'", "of 'sites/default'", nullptr},
      {"other-database", "database 'drupal'", "database 'drupal'", nullptr},
      {"false-host", nullptr, nullptr, "leads to 'https://evil.example'"},
      {"other-uid", nullptr, nullptr, "no one-time login of uid 1"},
  };
  for (const auto& [fault, status, facts, login] : cases) {
    SCOPED_TRACE(fault);
    tell(place, std::string("* ") + fault);
    if (status != nullptr) {
      EXPECT_THAT(refused(place, drush::status(runner, site)).message, HasSubstr(status));
    }
    if (facts != nullptr) {
      EXPECT_THAT(refused(place, drush::facts(runner, site)).message, HasSubstr(facts));
    }
    if (login != nullptr) {
      EXPECT_THAT(refused(place, drush::login_link(runner, site)).message, HasSubstr(login));
    }
  }
}

TEST_F(DrushFault, AHangIsEnded) {
  const Place& place = world().installed(kFixture).place;
  tell(place, "core-status hang");
  SlotRunner runner = runner_of(place, std::chrono::milliseconds(1500));
  EXPECT_EQ(refused(place, drush::status(runner, place.site)).code, Code::kBusy);
  EXPECT_TRUE(drush::facts(runner, place.site));  // only that command was told to
}

// Killed in the midst of its work: there is no site, and the next attempt makes one.
TEST_F(DrushFault, AnInstallationThatWasKilledIsBegunAgain) {
  const Place place = world().fresh(kFixture);
  SlotRunner runner = runner_of(place);
  for (const char* fault : {"half", "nothing", "garbage"}) {
    tell(place, std::string("site-install ") + fault);
    (void)refused(place, drush::install(runner, place.site, usual_installation()));
    EXPECT_FALSE(drush::status(runner, place.site)->installed) << fault;
  }
  tell(place, "");
  const Result<void> done = drush::install(runner, place.site, usual_installation());
  EXPECT_TRUE(done) << describe(done.error());
}

}  // namespace
}  // namespace aegir::drupal
