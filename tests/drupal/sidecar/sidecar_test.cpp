// A site's whole life on real codebases: what `aegir` says, and what visitors see through both web servers.
#include <gmock/gmock.h>

#include <filesystem>
#include <iostream>

#include "tests/drupal/codebase.hpp"
#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::drupal {
namespace {

using nlohmann::json;
using sidecar::Lab;
using testing::HasSubstr;

constexpr Lab::Server kBoth[] = {Lab::Server::kApache, Lab::Server::kNginx};

class SidecarOnDrupal : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "none") GTEST_SKIP() << describe_codebases();
    const auto& all = codebases();
    const auto codebase = std::ranges::find_if(all, [](const Codebase& each) { return each.name == GetParam(); });
    std::string docroot = codebase->docroot.substr(codebase->project.size());
    if (docroot.starts_with('/')) docroot.erase(0, 1);
    std::string config;
    if (!codebase->bee.empty()) config = "bee = " + copied(codebase->bee, 0) + "\n";
    // Drush 8 of Drupal 7 lies beside it: vendor/drush/drush/drush.php.
    constexpr int kAboveVendor = 3;
    if (codebase->cms == registry::Cms::kDrupal7) config = "drush = " + copied(codebase->drush, kAboveVendor) + "\n";
    lab_ = std::make_unique<Lab>(codebase->project, docroot, config);
    lab_->start_aegird();
    lab_->must_aegir({"platform", "add", "p1", "--docroot", lab_->docroot(), "--server", "main"});
  }
  Lab& lab() { return *lab_; }
  std::string body(Lab::Server server, const std::string& path = "/") {
    return lab().visit(server, "shop.example", path).body;
  }
  int status(Lab::Server server, const std::string& path = "/") {
    return lab().visit(server, "shop.example", path).status;
  }
  /// What Verify has read of the platform's code and of the site.
  void expect_packages(const std::string& uri) {
    const json code = ask({"platform", "show", "p1"}).at("codebase");
    std::vector<std::string> offered;
    for (const json& profile : code.at("profiles")) {
      if (!profile.at("hidden")) offered.push_back(profile.at("name"));
    }
    EXPECT_THAT(offered, testing::Not(testing::IsEmpty()));  // which ones is each distribution's own choice
    if (GetParam() == "d106") {
      EXPECT_EQ(code.at("version"), "10.6.15");
      EXPECT_THAT(offered, testing::ElementsAre("demo_umami", "minimal", "standard"));
    }
    const json site = ask({"site", "show", uri});
    const auto system = std::ranges::find_if(site.at("packages"), [](const json& package) {
      return package.at("kind") == "module" && package.at("name") == "system";
    });
    ASSERT_NE(system, site.at("packages").end());
    EXPECT_EQ(system->at("enabled"), true);
    EXPECT_EQ(system->at("version"), code.at("version"));
    EXPECT_TRUE(system->at("schema").is_number());
    const live::Finished read =
        live::run({"php", "-r",
                   "include $argv[1]; echo json_encode($options['packages']['modules']['system']['schema_version']);",
                   lab().directory(uri) + "/drushrc.php"});
    EXPECT_EQ(read.output, system->at("schema").dump());
  }
  json ask(std::vector<std::string> words) {
    words.insert(words.end(), {"--output", "json"});
    return json::parse(lab().must_aegir(words));
  }

 private:
  /// A tool's folder, so many above the one of its script, copied so that every site can read it; the script's path.
  std::string copied(const std::string& script, int above) {
    std::filesystem::path folder = std::filesystem::path(script).parent_path();
    for (int n = 0; n < above; ++n) folder = folder.parent_path();
    const std::string copy = tools_.path("tool");
    for (const auto& argv : {std::vector<std::string>{"cp", "-a", folder, copy},
                             std::vector<std::string>{"chmod", "-R", "u=rwX,go=rX", copy}}) {
      if (live::run(argv).status != 0) throw std::runtime_error(argv[0] + " failed");
    }
    return copy + script.substr(folder.string().size());
  }

  live::TempDir tools_;
  std::unique_ptr<Lab> lab_;
};

TEST_P(SidecarOnDrupal, ASiteLivesFromInstallToDelete) {
  const std::string uri = "shop.example";
  const std::string installed =
      lab().must_aegir({"site", "install", uri, "--platform", "p1", "--alias", "www.shop.example"});
  for (const Lab::Server server : kBoth) {
    EXPECT_EQ(status(server), 200) << installed;
    EXPECT_THAT(body(server), HasSubstr(uri));
    EXPECT_EQ(lab().visit(server, "www.shop.example").status, 200) << "an alias";
    EXPECT_EQ(status(server, "/sites/shop.example/settings.php"), 403);
  }
  expect_packages(uri);
  lab().must_aegir({"site", "verify", uri});
  expect_packages(uri);
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server), 200);
  const std::string link = lab().must_aegir({"site", "login", uri});
  EXPECT_THAT(link, HasSubstr("/user/reset/1/"));
  lab().must_aegir({"site", "disable", uri, "--yes"});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server), 503);
  lab().must_aegir({"site", "enable", uri});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server), 200);
  lab().must_aegir({"site", "disable", uri, "--yes"});
  lab().must_aegir({"site", "delete", uri, "--yes"});
  for (const Lab::Server server : kBoth) EXPECT_EQ(status(server), 404);
  EXPECT_EQ(lab().sql("SHOW DATABASES LIKE 'shop%'"), "");
  EXPECT_FALSE(std::filesystem::exists(lab().directory(uri)));
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Codebase& codebase : codebases()) all.push_back(codebase.name);
  if (all.empty()) all.emplace_back("none");
  return all;
}

INSTANTIATE_TEST_SUITE_P(Codebases, SidecarOnDrupal, testing::ValuesIn(names()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace aegir::drupal
