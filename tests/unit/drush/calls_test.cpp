// Status, installation and inventory: recorded answers, and what a tenant could put in their place.
#include <algorithm>

#include "sidecar/drush/php.hpp"
#include "tests/unit/drush/fake_runner.hpp"

namespace aegir::drush {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// What Drush 8 prints for core-status: everything, whatever the fields asked for, with \/ for /.
constexpr const char* kDrush8 = R"({
    "drupal-version": "7.105",
    "uri": "http:\/\/shop.example",
    "db-name": "shop",
    "db-port": "3307",
    "install-profile": "standard",
    "db-status": "Verbunden",
    "bootstrap": "Erfolgreich",
    "user": "",
    "php-conf": ["\/etc\/php\/8.2\/cli\/php.ini"],
    "drush-conf": [],
    "site": "sites\/shop.example",
    "%paths": {"%root": "\/x"}
})";

TEST(DrushStatus, ReadsWhatDrushSays) {
  const struct {
    const char* out;
    Status status;
  } cases[] = {{kInstalled, {"10.6.15", true, "standard"}},
               {kEmpty, {"10.6.15", false, ""}},
               {kDrush8, {"7.105", true, "standard"}},
               {R"({"drupal-version":"7.105","site":"sites\/shop.example","db-name":"shop","install-profile":"x"})",
                {"7.105", false, ""}}};
  for (const auto& [out, expected] : cases) {
    FakeRunner runner;
    const Result<Status> read = status(runner.says(out, "offset on bool     [warning]\n"), test_site());
    ASSERT_TRUE(read) << describe(read.error());
    EXPECT_EQ(*read, expected) << out;
  }
}

TEST(DrushStatus, AsksForNoPassword) {
  FakeRunner runner;
  ASSERT_TRUE(status(runner.says(kEmpty), test_site()));
  ASSERT_EQ(runner.programs.size(), 1U);
  const std::vector<std::string>& argv = runner.programs[0].argv;
  EXPECT_THAT(argv, Contains("--fields=drupal-version,site,db-name,db-status,bootstrap,install-profile"));
  EXPECT_THAT(argv, Each(Not(HasSubstr(kPassword))));
}

TEST(DrushStatus, RefusesWhatIsNotThisSite) {
  const struct {
    std::string out;
    Code code;
    const char* words;
  } cases[] = {
      // What Drush answers, with 0, when it does not find the site's directory.
      {with(kInstalled, "sites/shop.example", "sites/default"), Code::kConflict,
       "of 'sites/default' and not of sites/shop"},
      {with(kInstalled, "sites/shop.example", "sites/shop.example/"), Code::kConflict, "sites/shop.example/'"},
      {with(kInstalled, "\"shop\"", "\"other\""), Code::kConflict, "database 'other' and not of shop"},
      // What it may answer, with 0, when the database refuses the password.
      {"[]", Code::kInvalid, "'drupal-version' is missing"},
      {"", Code::kInvalid, "printed nothing"},
      {"null", Code::kInvalid, "'drupal-version' is missing"},
      {with(kInstalled, "\"10.6.15\"", "10"), Code::kInvalid, "'drupal-version' is no text"},
      {with(kInstalled, "\"10.6.15\"", "\"10\\n6\""), Code::kInvalid, "has control characters"},
      {with(kInstalled, "\"10.6.15\"", '"' + std::string(5000, '1') + '"'), Code::kInvalid, "longer than 64 bytes"},
      {with(kInstalled, "\"Connected\"", "true"), Code::kInvalid, "'db-status' is no text"},
      {with(kInstalled, "\"db-name\"", "\"name\""), Code::kInvalid, "'db-name' is missing"},
      {with(kInstalled, "\"db-name\"", "\"site\""), Code::kInvalid, "the key 'site' twice"},
      {std::string(kInstalled) + kInstalled, Code::kInvalid, "printed no JSON"},
      {std::string("Deprecated: x\n") + kInstalled, Code::kInvalid, "printed no JSON, but 'Deprecated: x"},
  };
  for (const auto& [out, code, words] : cases) {
    FakeRunner runner;
    const Result<Status> read = status(runner.says(out), test_site());
    ASSERT_FALSE(read) << out;
    EXPECT_EQ(read.error().code, code) << words;
    EXPECT_THAT(read.error().message, HasSubstr(words));
    expect_decent(read.error());
  }
}

Installation shop() {
  Installation installation;
  installation.site_name = "The \"shop\" & more";
  installation.site_mail = "site@shop.example";
  installation.account_mail = "owner@shop.example";
  return installation;
}

TEST(DrushInstall, Installs) {
  FakeRunner runner;
  runner.says(kEmpty)
      .says("", " [success] Installation complete.  User name: admin  User password: Xy12345678\n")
      .says(kFacts);
  const Result<void> done = install(runner, test_site(), shop());
  ASSERT_TRUE(done) << describe(done.error());
  ASSERT_EQ(runner.programs.size(), 3U);
  const std::vector<std::string>& argv = runner.programs[1].argv;
  EXPECT_THAT(std::vector<std::string>(std::ranges::find(argv, "--yes"), argv.end()),
              ElementsAre("--yes", "site-install", "standard", "--sites-subdir=shop.example", "--locale=en",
                          "--site-name=The \"shop\" & more", "--site-mail=site@shop.example", "--account-name=admin",
                          "--account-mail=owner@shop.example"));
  for (const process::Program& program : runner.programs) EXPECT_THAT(program.argv, Each(Not(HasSubstr(kPassword))));
}

TEST(DrushInstall, HidesThePasswordThatDrushMakesUp) {
  std::vector<std::string> heard;
  FakeRunner runner;
  runner.says(kEmpty).says("").says(kFacts);
  ASSERT_TRUE(install(runner, test_site(), shop(), {}, [&](const Line& line) { heard.push_back(line.text); }));
  const auto& on_line = runner.programs[1].on_line;
  ASSERT_TRUE(on_line);
  on_line(" [success] Installation complete.  User name: admin  User password: Xy12345678");
  on_line("Installation complete.  User name: admin  User password: Xy12345678         [ok]");
  EXPECT_THAT(heard, Each("Installation complete. User name: admin User password: ****"));
  EXPECT_EQ(heard.size(), 2U);
}

TEST(DrushInstall, LeavesAnInstalledSiteAlone) {
  FakeRunner runner;
  runner.says(kInstalled);
  const Result<void> done = install(runner, test_site(), shop());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConflict);
  EXPECT_EQ(runner.programs.size(), 1U);
  expect_decent(done.error());
}

TEST(DrushInstall, BelievesNoInstallerThatEndsWell) {
  const struct {
    std::string out;
    int status;
    const char* words;
  } cases[] = {
      {"", 1, "the installer ended well, but there is no site: "},
      {"", 0, "the installer ended well, but there is no site: "},
      {with(kFacts, "\"standard\"", "\"minimal\""), 0, "has the profile 'minimal' and not standard"},
      {with(kFacts, "\"en\"", "\"de\""), 0, "has the language 'de' and not en"},
      {with(kFacts, "sites\\/shop.example", "sites\\/default"), 0, "of 'sites/default'"},
      {with(kFacts, "\"shop\"", "\"drupal\""), 0, "database 'drupal'"},
  };
  for (const auto& [out, status, words] : cases) {
    FakeRunner runner;
    runner.says(kEmpty).says("").says(out, "", status);
    const Result<void> done = install(runner, test_site(), shop());
    ASSERT_FALSE(done) << words;
    EXPECT_THAT(done.error().message, HasSubstr(words));
    expect_decent(done.error());
  }
}

TEST(DrushInstall, SaysWhyItFailed) {
  FakeRunner runner;
  runner.says(kEmpty).says("", "\nIn install.core.inc line 967:\n\n  Resolve all issues below to continue.\n\n", 1);
  const Result<void> done = install(runner, test_site(), shop());
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("status 1: Resolve all issues below to continue."));
  EXPECT_EQ(runner.programs.size(), 2U);
}

TEST(DrushInstall, TakesNoValueThatCouldBeSomethingElse) {
  const struct {
    std::string Installation::* field;
    const char* value;
  } cases[] = {{&Installation::profile, ""},
               {&Installation::profile, "--db-url=x"},
               {&Installation::profile, "../recipe"},
               {&Installation::profile, "Standard"},
               {&Installation::profile, "a=b"},
               {&Installation::language, ""},
               {&Installation::language, "-de"},
               {&Installation::language, "de\n"},
               {&Installation::language, "averylonglanguage"},
               {&Installation::site_name, ""},
               {&Installation::site_name, "a\nb"},
               {&Installation::site_mail, "a\xff"},
               {&Installation::account_name, ""},
               {&Installation::account_mail, ""}};
  for (const auto& [field, value] : cases) {
    Installation installation = shop();
    installation.*field = value;
    FakeRunner runner;
    const Result<void> done = install(runner, test_site(), installation);
    ASSERT_FALSE(done) << value;
    EXPECT_EQ(done.error().code, Code::kUsage) << value;
    EXPECT_TRUE(runner.programs.empty());
    expect_decent(done.error());
  }
}

TEST(DrushInstall, BringsTranslationsFirst) {
  Installation installation = shop();
  installation.language = "de";
  FakeRunner runner;
  runner.says(kEmpty).says("").says("").says("").says(with(kFacts, "\"en\"", "\"de\""));
  ASSERT_TRUE(install(runner, test_site(), installation, {"/p/translations/drupal-10.6.15.de.po"}));
  ASSERT_EQ(runner.programs.size(), 5U);
  EXPECT_THAT(
      runner.programs[1].argv,
      ElementsAre("/bin/mkdir", "-p", "--", "/var/aegir/platforms/d10/web/sites/shop.example/files/translations"));
  EXPECT_THAT(runner.programs[2].argv,
              ElementsAre("/bin/cp", "--", "/p/translations/drupal-10.6.15.de.po",
                          "/var/aegir/platforms/d10/web/sites/shop.example/files/translations/"));
  EXPECT_THAT(runner.programs[3].argv, Contains("--locale=de"));
}

TEST(DrushInstall, BackdropHasAnInstallerOfOurs) {
  FakeRunner runner;
  runner.says(kEmpty).says("").says(kFacts);
  ASSERT_TRUE(install(runner, test_site(registry::Cms::kBackdrop), shop()));
  ASSERT_EQ(runner.programs.size(), 3U);
  EXPECT_EQ(runner.programs[1].input, "<?php\n" + backdrop_install_source());
  EXPECT_THAT(std::vector<std::string>(runner.programs[1].argv.end() - 8, runner.programs[1].argv.end()),
              ElementsAre("--", "shop.example", "standard", "en", "The \"shop\" & more", "site@shop.example", "admin",
                          "owner@shop.example"));
}

/// What inventory_source() prints.
std::string inventory_of(const std::string& packages) {
  std::string text = kFacts;
  text.pop_back();
  return text + ",\"packages\":[" + packages + "]}";
}

constexpr const char* kNode = R"({"type":"module","name":"node","title":"Node","version":"10.6.15",)"
                              R"("path":"core\/modules\/node","enabled":true,"schema":8700})";
constexpr const char* kViews = R"({"type":"module","name":"views_x","title":null,"version":null,)"
                               R"("path":"sites\/shop.example\/modules\/views_x","enabled":false,"schema":null})";
constexpr const char* kTheme = R"({"type":"theme","name":"olivero","title":"Olivero","version":"10.6.15",)"
                               R"("path":"core\/themes\/olivero","enabled":true,"schema":null})";

TEST(DrushInventory, ReadsPackages) {
  FakeRunner runner;
  const Result<Inventory> read =
      inventory(runner.says(inventory_of(std::string(kViews) + ',' + kTheme + ',' + kNode)), test_site());
  ASSERT_TRUE(read) << describe(read.error());
  EXPECT_EQ(read->facts.core_version, "10.6.15");
  ASSERT_EQ(read->packages.size(), 3U);
  const Package node{PackageKind::kModule, "node", "Node", "10.6.15", 8700, true, "core/modules/node",
                     PackagePlace::kCore};
  EXPECT_EQ(read->packages[0], node);
  const Package views{
      PackageKind::kModule, "views_x", "", "", std::nullopt, false, "sites/shop.example/modules/views_x",
      PackagePlace::kSite};
  EXPECT_EQ(read->packages[1], views);
  EXPECT_EQ(read->packages[2].kind, PackageKind::kTheme);
}

TEST(DrushInventory, RefusesWhatMakesNoSense) {
  const std::string node = kNode;
  const struct {
    std::string out;
    const char* words;
  } cases[] = {
      {kFacts, "no list of packages"},
      {with(inventory_of(""), "[]", "{}"), "no list of packages"},
      {inventory_of("7"), "'name' is missing"},
      {inventory_of(node + ',' + node), "package 'node' twice"},
      {inventory_of(with(node, "\"node\"", "\"no\\u0000de\"")), "has control characters"},
      {inventory_of(with(node, "\"module\"", "\"engine\"")), "neither module nor theme nor profile"},
      {inventory_of(with(node, "core\\/modules\\/node", "..\\/..\\/etc")), "leads out of the docroot: '../../etc'"},
      {inventory_of(with(node, "core\\/modules\\/node", "\\/etc")), "leads out of the docroot"},
      {inventory_of(with(node, "core\\/modules\\/node", "")), "leads out of the docroot"},
      {inventory_of(with(node, "8700", "-1")), "no whole number"},
      {inventory_of(with(node, "8700", "4294967296")), "too large"},
      {inventory_of(with(node, "8700", "\"8700\"")), "no whole number"},
      {inventory_of(with(node, "true", "1")), "neither true nor false"},
      {with(inventory_of(node), "1795661395", "-5"), "'cron' is no whole number"},
      {with(inventory_of(node), "\"cron\"", "\"site\""), "twice"},
  };
  for (const auto& [out, words] : cases) {
    FakeRunner runner;
    const Result<Inventory> read = inventory(runner.says(out), test_site());
    ASSERT_FALSE(read) << out;
    EXPECT_THAT(read.error().message, HasSubstr(words));
    expect_decent(read.error());
  }
}

TEST(DrushInventory, PlacesFollowPaths) {
  using enum PackagePlace;
  const struct {
    const char* path;
    registry::Cms cms;
    PackagePlace place;
  } cases[] = {{"core/modules/node", registry::Cms::kDrupal8, kCore},
               {"core/profiles/standard", registry::Cms::kDrupal8, kCore},
               {"modules/contrib/views_x", registry::Cms::kDrupal8, kPlatform},
               {"modules/node", registry::Cms::kDrupal7, kCore},
               {"themes/bartik", registry::Cms::kDrupal7, kCore},
               {"sites/all/modules/views", registry::Cms::kDrupal7, kPlatform},
               {"profiles/shop", registry::Cms::kDrupal7, kPlatform},
               {"profiles/shop/modules/cart", registry::Cms::kDrupal7, kProfile},
               {"profiles/contrib/shop/themes/cart", registry::Cms::kDrupal8, kProfile},
               {"sites/shop.example/modules/own", registry::Cms::kDrupal8, kSite},
               {"libraries/ckeditor", registry::Cms::kDrupal8, kPlatform}};
  for (const auto& [path, cms, place] : cases) EXPECT_EQ(place_of(path, cms), place) << path;
}

}  // namespace
}  // namespace aegir::drush
