// Codebases with sites to be installed, without web servers: a copy of each, MariaDB, and a uid a site. The fixture is
// one of them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "compiler/core/config.hpp"
#include "sidecar/drush/codebase.hpp"
#include "tests/drupal/codebase.hpp"
#include "tests/drupal/drush/slot_runner.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::drupal {

/// The codebase of tests/fixtures/platform.
inline constexpr const char* kFixture = "fixture";

/// A site, and who runs it.
struct Place {
  drush::Site site;
  uid_t uid = 0;
  [[nodiscard]] std::string directory() const { return site.docroot + "/sites/" + site.uri; }
};

/// A site that was installed, and what was seen on the way.
struct Installed {
  Place place;
  drush::Status before;
  std::vector<drush::Line> log;
};

class World {
 public:
  /// The one of this process. Throws std::runtime_error, every time when it failed once.
  [[nodiscard]] static World& get();
  static void end();

  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() = default;

  /// A new site with its directory, settings.php (which names the profile to Drupal 7) and empty database, as aegirc
  /// makes them; not installed.
  [[nodiscard]] Place fresh(const std::string& codebase, const std::string& profile = "standard");
  /// The one site of a codebase that is installed; the first call does it, by our own install().
  [[nodiscard]] const Installed& installed(const std::string& codebase);
  [[nodiscard]] const std::string& version(const std::string& codebase) const {
    return codebases_.at(codebase).version;
  }
  std::string sql(const std::string& statements) const { return database_.sql(statements); }

 private:
  void copy(const Codebase& codebase);

  live::TempDir root_;
  Config config_;
  live::Port port_;
  live::MariaDbServer database_;
  std::map<std::string, Codebase> codebases_;
  std::map<std::string, Installed> installed_;
  unsigned sites_ = 0;
};

[[nodiscard]] inline SlotRunner runner_of(const Place& place,
                                          std::chrono::milliseconds most = std::chrono::minutes(5)) {
  return {place.uid, place.site.database.password, most};
}

/// What every site of these tests is installed as.
[[nodiscard]] inline drush::Installation usual_installation() {
  drush::Installation installation;
  installation.site_name = "Site of \"tests\" & more";
  installation.site_mail = "site@example.com";
  installation.account_mail = "owner@example.com";
  return installation;
}

/// Names of the codebases, the fixture last.
[[nodiscard]] std::vector<std::string> names_with_fixture();

/// Over all of them.
class DrushContract : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] static World& world() { return World::get(); }
  [[nodiscard]] const Place& installed() const { return world().installed(GetParam()).place; }
};

[[nodiscard]] inline std::string parameter_name(const testing::TestParamInfo<std::string>& info) { return info.param; }

/// The error of a call that must fail: it names command, site and a next step, and has neither the password, nor
/// control bytes, nor a login link in it.
template <class T>
Error refused(const Place& place, const Result<T>& result) {
  if (result) {
    ADD_FAILURE() << "this was to fail";
    return {};
  }
  const Error& error = result.error();
  EXPECT_THAT(error.message, testing::HasSubstr(place.site.uri));
  EXPECT_FALSE(error.hint.empty()) << error.message;
  EXPECT_LT(error.message.size(), 1000U) << error.message;
  const std::string text = describe(error);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr(place.site.database.password)));
  EXPECT_THAT(text, testing::Not(testing::ContainsRegex("user/reset/[0-9]")));
  for (const char c : error.message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << text;
  return error;
}

}  // namespace aegir::drupal
