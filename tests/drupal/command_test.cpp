// A site's own Drush (for Backdrop: bee) on the command line, as the uid of its slot.
#include <nlohmann/json.hpp>

#include "tests/drupal/drupal_test.hpp"

namespace aegir::drupal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class DrupalCommand : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam().empty()) GTEST_SKIP() << describe_codebases();
    lab_ = &Lab::get();
    site_ = &lab_->installed(GetParam());
  }
  [[nodiscard]] registry::Cms cms() const { return site_->codebase.cms; }
  /// Runs it and expects that it succeeds; its output.
  [[nodiscard]] Ended run(const std::vector<std::string>& arguments, bool credentials = true) const {
    Ended ended = lab_->drush(*site_, arguments, credentials);
    EXPECT_EQ(ended.status, 0) << arguments.front() << ":\n" << ended.out << ended.err;
    return ended;
  }
  /// When cron last ran, in seconds since 1970.
  [[nodiscard]] std::string last_cron() const {
    switch (cms()) {
      case registry::Cms::kDrupal8:
        return run({"state:get", "system.cron_last"}).out;
      case registry::Cms::kDrupal7:
        return run({"variable-get", "cron_last", "--exact"}).out;
      default:
        return run({"state-get", "cron_last"}).out;
    }
  }

  Lab* lab_ = nullptr;
  const Site* site_ = nullptr;
};

// Also without the credentials in the environment, as a person runs it: settings.php finds them.
TEST_P(DrupalCommand, StatusNamesTheSiteAndItsDatabase) {
  for (const bool credentials : {true, false}) {
    SCOPED_TRACE(credentials);
    if (cms() == registry::Cms::kBackdrop) {
      const Ended status = run({"status"}, credentials);
      EXPECT_THAT(status.out, HasSubstr(site_->codebase.version));
      EXPECT_THAT(status.out, HasSubstr(site_->uri));
      EXPECT_THAT(status.out, HasSubstr(site_->database));
      continue;
    }
    const Ended status = run({"status", "--format=json", "--fields=*"}, credentials);
    const json fields = json::parse(status.out, nullptr, false);
    ASSERT_TRUE(fields.is_object()) << status.out << status.err;
    EXPECT_EQ(fields.value("site", ""), "sites/" + site_->uri) << status.out;
    EXPECT_EQ(fields.value("db-name", ""), site_->database);
    EXPECT_EQ(fields.value("db-status", ""), "Connected");
    EXPECT_EQ(fields.value("drupal-version", ""), site_->codebase.version);
    EXPECT_EQ(fields.value("bootstrap", ""), "Successful");
  }
}

TEST_P(DrupalCommand, CachesAreCleared) {
  switch (cms()) {
    case registry::Cms::kDrupal8:
      (void)run({"cache:rebuild"});
      break;
    case registry::Cms::kDrupal7:
      (void)run({"cache-clear", "all"});
      break;
    default:
      (void)run({"cache-clear", "all"});
  }
  for (const Lab::Server server : {Lab::Server::kApache, Lab::Server::kNginx}) {
    const live::Response page = live::ask(lab_->endpoint(server), live::get(lab_->authority(server, site_->uri), "/"));
    EXPECT_EQ(page.status, 200) << page.raw;
  }
}

TEST_P(DrupalCommand, CronRuns) {
  const std::string before = last_cron();
  // Cron's clock has seconds.
  ASSERT_TRUE(live::eventually([&] {
    (void)run({"cron"});
    return last_cron() != before;
  })) << before;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Codebase& codebase : codebases()) all.push_back(codebase.name);
  if (all.empty()) all.emplace_back();
  return all;
}

std::string codebase_name(const testing::TestParamInfo<std::string>& info) { return test_name(info.param); }

INSTANTIATE_TEST_SUITE_P(Codebases, DrupalCommand, testing::ValuesIn(names()), codebase_name);

}  // namespace
}  // namespace aegir::drupal
