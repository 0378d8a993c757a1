#include "tests/drupal/drupal_test.hpp"

#include <iostream>

namespace aegir::drupal {
namespace {

/// Says what the tests ran with, and ends what they started.
class Frame : public testing::Environment {
 public:
  void SetUp() override { std::cout << describe_codebases() << '\n' << std::flush; }
  void TearDown() override { Lab::end(); }
};

const testing::Environment* const kFrame = testing::AddGlobalTestEnvironment(new Frame);

}  // namespace

std::string DrupalSite::login_link(Lab::Server server) const {
  const std::string base = "http://" + lab().authority(server, site().uri);
  const Ended made = cms() == registry::Cms::kBackdrop
                         ? lab().drush(site(), {"user-login", "--base-url=" + base})
                         : lab().drush(site(), {"user:login", "--uid=1", "--no-browser", "--uri=" + base});
  const std::size_t begin = made.out.find("http://");
  const std::string link =
      begin == std::string::npos ? "" : made.out.substr(begin, made.out.find_first_of(" \n", begin) - begin);
  EXPECT_EQ(made.status, 0) << made.out << made.err;
  EXPECT_TRUE(link.starts_with(base + "/")) << made.out << made.err;
  return visitor({}, server).local(link);
}

Browser DrupalSite::administrator(Lab::Server server) const {
  Browser browser = visitor({}, server);
  const live::Response page = browser.open(login_link(server));
  EXPECT_EQ(page.status, 200) << browser.path() << page.raw << page.body.substr(0, 2000);
  return browser;
}

}  // namespace aegir::drupal
