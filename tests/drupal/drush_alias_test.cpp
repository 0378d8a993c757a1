// Drush's aliases by hand: an empty environment but for HOME, from a folder that has nothing to do with the site, as
// the site's own uid and as aegir.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/drupal/drupal_test.hpp"

namespace aegir::drupal {
namespace {

using nlohmann::json;

class DrushAlias : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam().empty()) GTEST_SKIP() << describe_codebases();
    lab_ = &Lab::get();
    site_ = &lab_->installed(GetParam());
    struct stat settings{};
    ASSERT_EQ(::stat((site_->directory + "/settings.php").c_str(), &settings), 0);
    aegir_ = settings.st_uid;
    aegir_home_ = site_->directory.substr(0, site_->directory.find("/platforms/"));
  }
  [[nodiscard]] bool is_drush8() const { return site_->codebase.cms == registry::Cms::kDrupal7; }
  [[nodiscard]] std::string alias() const {
    std::string name = site_->uri;
    if (!is_drush8()) std::ranges::replace(name, '.', '_');
    return '@' + name;
  }
  /// What `drush @alias status` knows as `uid` with `home`.
  [[nodiscard]] json status(uid_t uid, const std::string& home) const {
    const std::string id = std::to_string(uid);
    const live::TempDir scratch;
    const live::Finished done =
        live::run({"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", "--", "sh", "-c",
                   "cd / && exec 2>/dev/null && exec env -i \"$@\"", "sh", "HOME=" + home, "/usr/bin/php8.2",
                   site_->codebase.drush, alias(), "status", "--format=json", "--fields=*"},
                  {}, std::chrono::minutes(2));
    const json fields = json::parse(done.output, nullptr, false);
    EXPECT_TRUE(done.status == 0 && fields.is_object()) << alias() << ": " << done.status << ": " << done.output;
    return fields.is_object() ? fields : json::object();
  }
  void expect_right(const json& fields) const {
    EXPECT_EQ(fields.value("site", ""), "sites/" + site_->uri) << fields;
    EXPECT_EQ(fields.value("root", ""), site_->codebase.docroot);
    EXPECT_EQ(fields.value("db-name", ""), site_->database);
    EXPECT_EQ(fields.value("db-status", ""), "Connected");
    EXPECT_EQ(fields.value("bootstrap", ""), "Successful");
  }

  Lab* lab_ = nullptr;
  const Site* site_ = nullptr;
  uid_t aegir_ = 0;
  std::string aegir_home_;
};

TEST_P(DrushAlias, IsRightForTheSitesUid) { expect_right(status(site_->uid, site_->home + "/home")); }

TEST_P(DrushAlias, IsRightForAegir) { expect_right(status(aegir_, aegir_home_)); }

std::vector<std::string> with_drush() {
  std::vector<std::string> names;
  for (const Codebase& codebase : codebases()) {
    if (!codebase.drush.empty()) names.push_back(codebase.name);
  }
  if (names.empty()) names.emplace_back();
  return names;
}

std::string codebase_name(const testing::TestParamInfo<std::string>& info) { return test_name(info.param); }

INSTANTIATE_TEST_SUITE_P(Codebases, DrushAlias, testing::ValuesIn(with_drush()), codebase_name);

}  // namespace
}  // namespace aegir::drupal
