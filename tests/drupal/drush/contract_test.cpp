// What Drush 8, 12, 13 and bee answer when all is well, and that the fixture answers the same.
#include <algorithm>
#include <filesystem>
#include <set>

#include "compiler/registry/packages.hpp"
#include "tests/drupal/drush/world.hpp"

namespace aegir::drupal {
namespace {

using registry::Cms;
using testing::HasSubstr;

TEST_P(DrushContract, TheToolIsFoundAndKnown) {
  const drush::Tool& tool = installed().site.tool;
  EXPECT_TRUE(std::filesystem::is_regular_file(tool.script)) << tool.script;
  EXPECT_FALSE(tool.version.empty());
  switch (installed().site.cms) {
    case Cms::kDrupal7:
      EXPECT_EQ(tool.major, 8U);
      break;
    case Cms::kBackdrop:
      EXPECT_EQ(tool.major, 0U);
      break;
    default:
      EXPECT_GE(tool.major, 10U);
  }
}

TEST_P(DrushContract, ASiteIsInstalledOnce) {
  const auto& [place, before, log] = world().installed(GetParam());
  EXPECT_EQ(before, (drush::Status{world().version(GetParam()), false, ""}));
  SlotRunner runner = runner_of(place);
  const Result<drush::Status> after = drush::status(runner, place.site);
  ASSERT_TRUE(after) << describe(after.error());
  EXPECT_EQ(*after, (drush::Status{world().version(GetParam()), true, "standard"}));
  EXPECT_FALSE(std::filesystem::exists(place.site.docroot + "/sites/default/settings.php"));
  if (place.site.cms != Cms::kBackdrop) {  // whose installer says nothing
    EXPECT_TRUE(std::ranges::any_of(log, [](const auto& line) { return line.level == drush::Level::kSuccess; }));
  }
  for (const drush::Line& line : log) {
    EXPECT_THAT(line.text, testing::Not(testing::ContainsRegex("User password: [^*]"))) << line.text;
  }

  const std::string tables = world().sql("SHOW TABLES IN " + place.site.database.name);
  const Error again = refused(place, drush::install(runner, place.site, usual_installation()));
  EXPECT_EQ(again.code, Code::kConflict) << describe(again);
  EXPECT_THAT(again.message, HasSubstr("has a site already"));
  EXPECT_EQ(world().sql("SHOW TABLES IN " + place.site.database.name), tables);
}

TEST_P(DrushContract, FactsAreOfTheSite) {
  SlotRunner runner = runner_of(installed());
  const Result<drush::Facts> facts = drush::facts(runner, installed().site);
  ASSERT_TRUE(facts) << describe(facts.error());
  EXPECT_EQ(facts->core_version, world().version(GetParam()));
  EXPECT_EQ(facts->profile, "standard");
  EXPECT_EQ(facts->language, "en");
  EXPECT_FALSE(facts->maintenance);
}

// Names, versions, places and, of what is installed, schema versions: database and code of a new site agree.
TEST_P(DrushContract, InventoryAgreesWithTheCodebase) {
  SlotRunner runner = runner_of(installed());
  const drush::Site& site = installed().site;
  const Result<drush::Inventory> inventory = drush::inventory(runner, site);
  ASSERT_TRUE(inventory) << describe(inventory.error());
  const Result<drush::Codebase> codebase = drush::read_codebase(site.docroot);
  ASSERT_TRUE(codebase) << describe(codebase.error());
  EXPECT_THAT(codebase->complaints, testing::IsEmpty());
  EXPECT_EQ(codebase->core, (drush::Core{site.cms, world().version(GetParam())}));
  std::set<drush::PackageKind> enabled;
  for (const drush::Package& package : inventory->packages) {
    SCOPED_TRACE(package.path);
    const auto same = std::ranges::find_if(codebase->packages, [&](const drush::Package& other) {
      return other.kind == package.kind && other.name == package.name && other.path == package.path;
    });
    ASSERT_NE(same, codebase->packages.end());
    EXPECT_EQ(package.title, same->title);
    EXPECT_EQ(package.version, same->version);
    EXPECT_EQ(package.place, same->place);
    if (!package.enabled) continue;
    enabled.insert(package.kind);
    EXPECT_EQ(package.schema, same->schema);
  }
  EXPECT_THAT(enabled, testing::ElementsAre(drush::PackageKind::kModule, drush::PackageKind::kTheme,
                                            drush::PackageKind::kProfile));
  // So that the registry, which keeps of a site's packages only what is its own, loses nothing of them.
  const std::string& profile = inventory->facts.profile;
  const std::vector<drush::Package> own = registry::own_packages(inventory->packages, codebase->packages, profile);
  EXPECT_LT(own.size(), inventory->packages.size());
  const std::vector<drush::Package> whole = registry::packages_of(own, codebase->packages, profile);
  for (const drush::Package& package : inventory->packages) {
    EXPECT_THAT(whole, testing::Contains(package)) << package.path;
  }
  // And what is offered of it.
  EXPECT_TRUE(std::ranges::any_of(codebase->profiles, [](const auto& offered) {
    return !offered.hidden && !offered.title.empty() && offered.languages == std::vector<std::string>{"en"};
  }));
}

TEST_P(DrushContract, ALoginLinkIsOfTheSiteAndNew) {
  SlotRunner runner = runner_of(installed());
  const Result<std::string> link = drush::login_link(runner, installed().site);
  ASSERT_TRUE(link) << describe(link.error());
  EXPECT_TRUE(link->starts_with(installed().site.origin + "/user/reset/1/")) << *link;
  EXPECT_TRUE(link->ends_with("/login")) << *link;
}

TEST_P(DrushContract, CachesAreRebuilt) {
  SlotRunner runner = runner_of(installed());
  const Result<void> done = drush::rebuild_caches(runner, installed().site);
  EXPECT_TRUE(done) << describe(done.error());
}

TEST_P(DrushContract, CronRuns) {
  SlotRunner runner = runner_of(installed());
  const Result<void> done = drush::run_cron(runner, installed().site);
  EXPECT_TRUE(done) << describe(done.error());
}

TEST_P(DrushContract, UpdatesThatWaitAreSeen) {
  SlotRunner runner = runner_of(installed());
  const drush::Site& site = installed().site;
  const Result<std::vector<drush::Update>> none = drush::pending_updates(runner, site);
  ASSERT_TRUE(none) << describe(none.error());
  EXPECT_TRUE(none->empty());

  const bool eight = site.cms == Cms::kDrupal8;
  const std::string table = site.database.name + (eight ? ".key_value" : ".system");
  const std::string row = std::string(" WHERE name = 'user'") + (eight ? " AND collection = 'system.schema'" : "");
  const std::string column = eight ? "value" : "schema_version";
  const std::string before = world().sql("SELECT " + column + " FROM " + table + row);
  // The one before the newest, of whatever version.
  const unsigned newest = static_cast<unsigned>(std::stoul(before.substr(before.find_first_of("0123456789"))));
  const std::string older = std::to_string(newest - 1);
  world().sql("UPDATE " + table + " SET " + column + " = '" + (eight ? "i:" + older + ";" : older) + "'" + row);
  const Result<std::vector<drush::Update>> some = drush::pending_updates(runner, site);
  world().sql("UPDATE " + table + " SET " + column + " = '" + before.substr(0, before.find('\n')) + "'" + row);
  ASSERT_TRUE(some) << describe(some.error());
  ASSERT_EQ(some->size(), 1U);
  EXPECT_THAT((*some)[0].module, testing::AnyOf("user", "User"));
  EXPECT_EQ((*some)[0].id, std::to_string(newest));
  EXPECT_FALSE((*some)[0].description.empty());
}

TEST_P(DrushContract, ALanguageThatThePlatformBringsIsInstalled) {
  const Place place = world().fresh(GetParam(), "minimal");
  const auto minimal = [&] {
    drush::Codebase codebase = drush::read_codebase(place.site.docroot).value();
    return *std::ranges::find(codebase.profiles, "minimal", &drush::Profile::name);
  };
  const std::string project = place.site.cms == Cms::kDrupal8 ? "drupal-" : "backdrop-";
  live::put(place.site.docroot + '/' + minimal().path + "/translations/" +
                (place.site.cms == Cms::kDrupal7 ? "" : project + world().version(GetParam()) + '.') + "de.po",
            "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=utf-8\\n\"\n"
            "\"Plural-Forms: nplurals=2; plural=(n != 1);\\n\"\n\nmsgid \"Home\"\nmsgstr \"Startseite\"\n");
  EXPECT_THAT(minimal().languages, testing::ElementsAre("en", "de"));
  drush::Installation installation = usual_installation();
  installation.profile = "minimal";
  installation.language = "de";
  SlotRunner runner = runner_of(place);
  const std::vector<std::string> files = place.site.cms == Cms::kDrupal7
                                             ? std::vector<std::string>()
                                             : drush::translations_of(place.site.docroot, minimal(), "de");
  const Result<void> done = drush::install(runner, place.site, installation, files);
  EXPECT_TRUE(done) << describe(done.error());
}

INSTANTIATE_TEST_SUITE_P(Codebases, DrushContract, testing::ValuesIn(names_with_fixture()), parameter_name);

}  // namespace
}  // namespace aegir::drupal
