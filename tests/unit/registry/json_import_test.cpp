// Import: defaults, merging, replacing, deleting. Bad documents are golden files (tests/golden/registry).
#include <gmock/gmock.h>

#include "tests/unit/registry/json_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Imports : public ::testing::Test {
 protected:
  Imports() {
    import(*store, R"({
      "servers": {"web1": {"web": {"apache": {"http_port": 8080, "https_port": 8443}, "nginx": {}}, "database": {}}},
      "platforms": {"d10": {"docroot": "/srv/d10/web"}},
      "sites": {"shop.example": {"platform": "d10", "database": {}, "aliases": {"a.example": {}, "b.example": {}}}}
    })");
  }
  Site site(const std::string& host) { return need(store->find_site(host)).value(); }
  std::unique_ptr<Store> store = memory_store();
};

TEST_F(Imports, NeedFewFields) {
  const Server server = need(store->servers()).at(0);
  EXPECT_EQ(server.host, "localhost");
  EXPECT_THAT(server.web,
              ElementsAre(WebService{kApache, 8080, 8443, "127.0.0.1"}, WebService{kNginx, 80, 443, "127.0.0.1"}));
  const Platform platform = need(store->platforms()).at(0);
  EXPECT_EQ(platform.server, "web1") << "the only server";
  EXPECT_EQ(platform.services, kApache | kNginx) << "all that the server has";
  const Site shop = site("shop.example");
  EXPECT_EQ(shop.database.server, "web1");
  EXPECT_THAT(shop.database.name, ::testing::MatchesRegex("shop_example_[0-9a-f]{8}"));
  EXPECT_EQ(shop.database.user, shop.database.name);
  EXPECT_THAT(shop.database.password, ::testing::MatchesRegex("[A-Za-z0-9]{24}"));
  EXPECT_THAT(shop.cron_key, ::testing::MatchesRegex("[A-Za-z0-9]{43}"));
  EXPECT_THAT(shop.hash_salt, ::testing::MatchesRegex("[A-Za-z0-9]{74}"));
  EXPECT_EQ(shop.php, PhpLimits{});
  EXPECT_TRUE(shop.cloaking);
}

TEST_F(Imports, LeaveWhatTheyDontName) {
  const Site before = site("shop.example");
  const ImportReport report = import(*store, R"({"sites": {"shop.example": {
      "https": "required", "php": {"memory_limit": 512}, "database": {"password": "new"},
      "aliases": {"a.example": null, "c.example": {"redirect_to": "https://c2.example"}}}}})");
  EXPECT_EQ(report.changed, 1U);
  EXPECT_EQ(report.generated_secrets, 0U);
  Site expected = before;
  expected.https = Https::kRequired;
  expected.php.memory_limit = 512;
  expected.database.password = "new";
  expected.aliases = {{"b.example", ""}, {"c.example", "https://c2.example"}};
  EXPECT_EQ(site("shop.example"), expected);
  EXPECT_EQ(import(*store, R"({"sites": {"shop.example": {"platform": "d10"}}})").unchanged, 1U);
  EXPECT_EQ(import(*store, R"({"sites": {"shop.example": {"database": null, "http_auth": null}}})").changed, 1U);
  EXPECT_EQ(site("shop.example").database, Database{});
  import(*store, R"({"servers": {"web1": {"host": "web.example"}}})");
  EXPECT_EQ(need(store->servers()).at(0).web.size(), 2U);
}

TEST_F(Imports, DeleteWhatIsSaidToBeDeleted) {
  const std::string document =
      R"({"settings": {"require_disabled_before_delete": false},
          "sites": {"shop.example": {"state": "deleted"}}, "platforms": {"d10": {"state": "deleted"}},
                                   "servers": {"web1": {"state": "deleted"}}, "clients": {"none": {"state": "deleted"}}})";
  ImportReport report = import(*store, document);
  EXPECT_EQ(report.deleted, 3U);
  EXPECT_EQ(report.unchanged, 1U);
  EXPECT_FALSE(need(store->find_site("shop.example")).has_value());
  EXPECT_TRUE(need(store->servers()).empty());
  report = import(*store, document);
  EXPECT_EQ(report.deleted, 0U) << "a second time there is nothing left to do";
  EXPECT_EQ(report.unchanged, 4U);
}

TEST_F(Imports, DeleteAServedSiteOnlyWhenTheSettingAllowsIt) {
  const std::string rest = R"("servers": {"web1": {"web": {"nginx": {}}, "database": {}}},
                              "platforms": {"d10": {"docroot": "/srv/d10/web"}})";
  const auto wrong = [&](const std::string& document, bool replace) {
    return errors_of(import_json(*store, document, "x.json", {.replace = replace}, kTester));
  };
  const std::string next =
      "which the setting require_disabled_before_delete forbids\n"
      "  next: disable it first (\"state\": \"disabled\") and delete it with the next import; or set "
      "\"require_disabled_before_delete\": false in \"settings\"\n";
  EXPECT_EQ(wrong(R"({"sites": {"shop.example": {"state": "deleted"}}})", false),
            "x.json:1:12: sites/shop.example: the site is enabled and would be deleted, " + next);
  EXPECT_EQ(wrong("{\"sites\": {},\n" + rest + "}", true),
            "x.json:1:11: sites/shop.example: the site is enabled and would be deleted, " + next);
  import(*store, R"({"sites": {"shop.example": {"state": "maintenance"}}})");
  EXPECT_EQ(wrong("{" + rest + "}", true),
            "x.json:1:1: sites/shop.example: the site is in maintenance and would be deleted, " + next);
  EXPECT_TRUE(need(store->find_site("shop.example")).has_value());
  import(*store, R"({"sites": {"shop.example": {"state": "disabled"}, "on.example": {"platform": "d10"}}})");
  EXPECT_EQ(import(*store, R"({"sites": {"shop.example": {"state": "deleted"}}})").deleted, 1U);
  const std::string allowed = R"({"settings": {"require_disabled_before_delete": false}, )" + rest + "}";
  EXPECT_EQ(import(*store, allowed, true).deleted, 1U);
}

TEST_F(Imports, ReplaceMakesTheDocumentTheWholeRegistry) {
  import(*store, R"({"clients": {"acme": {}},
                     "sites": {"two.example": {"platform": "d10", "client": "acme", "state": "disabled"}},
                     "settings": {"log_days": 5}})");
  const Site before = site("shop.example");
  const ImportReport report = import(*store, R"({
      "servers": {"web1": {"web": {"nginx": {}}, "database": {}}},
      "platforms": {"d10": {"docroot": "/srv/d10/web"}},
      "sites": {"shop.example": {"platform": "d10", "redirect_to": "b.example", "aliases": {"b.example": {}}}}})",
                                     true);
  EXPECT_EQ(report.deleted, 2U) << "two.example and acme";
  EXPECT_EQ(report.changed, 3U);
  EXPECT_TRUE(report.settings_changed);
  Site expected = before;
  expected.aliases = {{"b.example", ""}};
  expected.redirect_to = "b.example";
  EXPECT_EQ(site("shop.example"), expected) << "database and cron key are kept";
  EXPECT_EQ(need(store->platforms()).at(0).services, kNginx) << "platform and server lost Apache together";
  EXPECT_EQ(need(store->settings()), Settings{});
}

TEST_F(Imports, ANameCanMoveFromOneSiteToAnother) {
  import(*store, R"({"sites": {"early.example": {"platform": "d10", "aliases": {"b.example": {}}},
                              "shop.example": {"aliases": {"b.example": null}}}})");
  EXPECT_EQ(site("b.example").uri, "early.example");
  const ImportReport moved = import(*store, R"({"sites": {"early.example": {"aliases": {"b.example": null}},
                                                         "shop.example": {"aliases": {"b.example": {}}}}})");
  EXPECT_EQ(moved.changed, 2U);
  EXPECT_EQ(moved.unchanged, 0U);
  import(*store, R"({"sites": {"shop.example": {"state": "disabled"}}})");
  import(*store, R"({"sites": {"aaa.example": {"platform": "d10", "aliases": {"shop.example": {}}},
                              "shop.example": {"state": "deleted"}}})");
  EXPECT_EQ(site("shop.example").uri, "aaa.example");
}

TEST_F(Imports, CountAnAliasThatGoesAsAChange) {
  const char* document = R"({"sites": {"shop.example": {"aliases": {"a.example": null}}}})";
  for (const std::size_t changed : {1U, 0U}) {
    const std::uint64_t before = need(store->sequence());
    const ImportReport report = import(*store, document);
    EXPECT_EQ(report.changed, changed);
    EXPECT_EQ(report.unchanged, 1 - changed);
    EXPECT_EQ(report.sequence != before, changed == 1);
  }
}

TEST_F(Imports, DontTakeAwayTheNameThatASiteRedirectsToUnasked) {
  import(*store, R"({"sites": {"shop.example": {"redirect_to": "a.example"}}})");
  EXPECT_EQ(errors_of(import_json(*store, R"({"sites": {"shop.example": {"aliases": {"A.example": null}}}})", "x.json",
                                  {}, kTester)),
            "x.json:1:54: sites/shop.example/aliases/a.example: the site redirects to this name, which is to go\n"
            "  next: say in the same document where it redirects to: \"redirect_to\": null, or another name\n");
  EXPECT_EQ(site("a.example").redirect_to, "a.example");
  EXPECT_EQ(
      import(*store, R"({"sites": {"shop.example": {"redirect_to": "b.example", "aliases": {"a.example": null}}}})")
          .changed,
      1U);
  EXPECT_EQ(site("shop.example").redirect_to, "b.example");
  import(*store, R"({"sites": {"shop.example": {"redirect_to": null, "aliases": {"b.example": null}}}})");
  EXPECT_EQ(site("shop.example").redirect_to, "");
}

TEST_F(Imports, TakeHostNamesAsPeopleWriteThem) {
  import(*store, R"({"sites": {"MÜNCHEN.example.": {"platform": "d10", "redirect_to": "www.münchen.example",
                     "aliases": {"WWW.münchen.example": {}, "*.München.example": {}, "z.example": {"redirect_to": "HTTPS://Zürich.example:8443"}},
                     "former_uris": ["z.example", "Ö.example", "z.example"]}}})");
  const Site found = site("xn--mnchen-3ya.example");
  EXPECT_EQ(found.redirect_to, "www.xn--mnchen-3ya.example");
  EXPECT_THAT(found.aliases, ElementsAre(Alias{"*.xn--mnchen-3ya.example", ""}, Alias{"www.xn--mnchen-3ya.example", ""},
                                         Alias{"z.example", "https://xn--zrich-kva.example:8443"}));
  EXPECT_THAT(found.former_uris, ElementsAre("xn--nda.example", "z.example"));
}

TEST_F(Imports, APlatformThatTheyLockTakesTheirOwnSitesFirst) {
  const std::string document =
      R"({"platforms": {"d10": {"state": "locked"}}, "sites": {"x.example": {"platform": "d10"}}})";
  const ImportReport report = import(*store, document);
  EXPECT_EQ(report.created, 1U);
  EXPECT_EQ(report.changed, 1U);
  EXPECT_EQ(report.unchanged, 0U);
  EXPECT_EQ(need(store->platforms()).at(0).state, PlatformState::kLocked);
  EXPECT_EQ(import(*store, document).unchanged, 2U);
  EXPECT_THAT(errors_of(import_json(*store, R"({"sites": {"y.example": {"platform": "d10"}}})", "x.json", {}, kTester)),
              HasSubstr("platform 'd10' is locked"));
}

TEST_F(Imports, AreOneTransactionAndOneAuditRow) {
  const std::uint64_t sequence = need(store->sequence());
  const std::size_t rows = need(store->audit()).size();
  const auto refused = import_json(*store, R"({"clients": {"acme": {}}, "sites": {"x.example": {"platform": "none"}}})",
                                   "bad.json", {}, kTester);
  EXPECT_THAT(errors_of(refused), HasSubstr("bad.json:1:63: sites/x.example/platform: there is no platform 'none'"));
  EXPECT_EQ(need(store->sequence()), sequence);
  EXPECT_TRUE(need(store->clients()).empty());
  EXPECT_EQ(need(store->audit()).size(), rows);
  const auto done = import_json(*store, R"({"clients": {"acme": {}}})", "good.json", {}, {"root", "a reason"});
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(need(store->audit()).back().what, "created client acme");
  EXPECT_EQ(need(store->audit()).back().why, "a reason");
}

TEST_F(Imports, GiveSlotsToNewSites) {
  import(*store, R"({"blocks": {"main": {}}, "sites": {"b.example.org": {"platform": "d10"}}})");
  EXPECT_EQ(site("b.example.org").block, "main");
  EXPECT_EQ(site("shop.example").block, "") << "an unchanged site is not touched by a new block";
  EXPECT_EQ(import(*store, R"({"sites": {"b.example.org": {"language": "de"}}})").changed, 1U);
  EXPECT_EQ(site("b.example.org").slot, 0U);
  EXPECT_THAT(errors_of(import_json(*store, R"({"sites": {"b.example.org": {"slot": null}}})", "x.json", {}, kTester)),
              HasSubstr("x.json:1:38: sites/b.example.org/slot: a site keeps the slot that it was given"));
  EXPECT_EQ(import(*store, R"({"sites": {"shop.example": {"slot": null, "state": "disabled"}}})").changed, 1U);
  EXPECT_EQ(need(store->slots()).size(), 1U);
}

TEST(JsonImport, AReaderCantImport) {
  const TempDirectory directory;
  const std::string path = directory.file("registry.sqlite");
  need(Store::open(path, Store::Mode::kCreate, test_key()));
  auto reader = need(Store::open(path, Store::Mode::kRead, test_key()));
  EXPECT_THAT(errors_of(import_json(*reader, "{}", "x.json", {}, kTester)), HasSubstr("opened for reading"));
}

TEST(JsonImport, ADocumentCompilesToTheSameEachTime) {
  std::string exports[2];
  for (std::string& text : exports) {
    auto store = memory_store();
    import(*store, R"({"servers": {"web1": {"web": {"nginx": {}}}}, "platforms": {"d10": {"docroot": "/srv/d10"}},
                       "sites": {"a.example": {"platform": "d10", "cron_key": "x", "hash_salt": "y"}}})",
           true);
    EXPECT_EQ(need(store->sequence()), 2U);
    text = need(export_json(*store));
    text.resize(text.find("\"audit\""));
  }
  EXPECT_EQ(exports[0], exports[1]);
}

TEST(JsonImport, AnErrorOfTheStoreIsNoErrorOfTheDocument) {
  auto store = memory_store(KeyRing());
  const auto refused = import_json(*store, R"({"servers": {"web1": {"web": {"nginx": {}}}},
      "platforms": {"d10": {"docroot": "/srv/d10"}}, "sites": {"a.example": {"platform": "d10"}}})",
                                   "x.json", {}, kTester);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(errors_of(refused), HasSubstr("the registry was opened without a key"));
}

}  // namespace
}  // namespace aegir::registry
