// Export and import: lossless round trip, merging, replacing, secrets, defaults. Bad documents are golden files
// (tests/golden/registry).
#include "compiler/registry/json.hpp"

#include <gmock/gmock.h>

#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<Store> memory_store(const KeyRing& key = test_key()) {
  return need(Store::open(":memory:", Store::Mode::kCreate, key));
}

std::string errors_of(const std::expected<ImportReport, std::vector<Error>>& result) {
  std::string text;
  if (result) return text;
  for (const Error& error : result.error()) text += describe(error) + "\n";
  return text;
}

ImportReport import(Store& store, std::string_view text, bool replace = false) {
  auto report = import_json(store, text, "test.json", {.replace = replace}, kTester);
  if (!report) throw std::runtime_error(errors_of(report));
  return *report;
}

/// A registry that has some of everything, also history.
class Fleet : public RegistryTest {
 protected:
  Fleet() {
    need(put(Block{"main", "web1", "8.2", "", 300000, 9, 5}));
    need(put(Block{"vip", "web1", "8.3", "acme", 400000, 9, 7}));
    need(put(Server{"db1", "10.0.0.7", {}, DatabaseService{"mysql", "10.0.0.7", 3307}}));
    need(put(Client{"mueller", "Müller & \"Söhne\" \\ Co", ""}));
    Platform locked = test_platform("d7");
    locked.cms = Cms::kDrupal7;
    locked.services = kNginx;
    locked.block = "main";
    need(put(locked));
    Site shop = test_site("shop.example");
    shop.client = "acme";
    shop.redirect_to = "www.shop.example";
    shop.aliases = {{"*.shop.example", ""}, {"old.example", "https://new.example:8443"}, {"www.shop.example", ""}};
    shop.former_uris = {"a.example", "b.example"};
    shop.http_auth = HttpAuth{"guest", "knock \"knock\"", "Preview of ☃"};
    shop.key_pages = {"/", "/node/1?x=y"};
    shop.php = {512, 128, 129, 300};
    need(put(shop));
    Site plain = test_site("plain.example");
    plain.platform = "d7";
    plain.state = SiteState::kDisabled;
    plain.cron_key = "";
    plain.hash_salt = "";
    plain.database = {};
    need(put(plain));
    need(put(test_site("gone.example")));
    need(remove(test_site("gone.example")));
    need(put(test_site("gone.example")));
    need(remove(test_site("gone.example")));
    locked.state = PlatformState::kLocked;
    need(put(locked));
    Platform old = test_platform("d6");
    need(put(old));
    need(store->transact(kTester, [](Writer& writer) { return writer.remove_platform("d6"); }));
    need(put(Settings{"https://console.example", {{"www.{uri}"}, true}, 30, false}));
  }
};

TEST_F(Fleet, SurvivesTheRoundTripByteForByte) {
  for (const bool plain : {false, true}) {
    const std::string text = need(export_json(*store, {.plain_secrets = plain}));
    auto copy = memory_store();
    const ImportReport report = import(*copy, text, true);
    EXPECT_TRUE(report.restored);
    EXPECT_EQ(report.sequence, need(store->sequence()));
    EXPECT_EQ(report.generated_secrets, 0U);
    EXPECT_EQ(need(export_json(*copy, {.plain_secrets = plain})), text);
    EXPECT_EQ(copy->registry_id(), store->registry_id());
    EXPECT_EQ(need(copy->slots()), need(store->slots()));
    EXPECT_EQ(need(copy->audit()), need(store->audit()));
    EXPECT_EQ(need(copy->platforms()), need(store->platforms()));
    EXPECT_EQ(need(copy->find_site("old.example")), need(store->find_site("shop.example")));
  }
}

TEST_F(Fleet, IsUnchangedByItsOwnExport) {
  const std::string text = need(export_json(*store));
  for (const bool replace : {false, true}) {
    const ImportReport report = import(*store, text, replace);
    EXPECT_EQ(report.created + report.changed + report.deleted, 0U);
    EXPECT_EQ(report.unchanged, 11U);
    EXPECT_FALSE(report.restored);
    EXPECT_FALSE(report.settings_changed);
    EXPECT_EQ(need(export_json(*store)), text);
  }
}

TEST_F(Fleet, ShowsNoSecretUnlessAsked) {
  const std::string sealed = need(export_json(*store));
  EXPECT_THAT(sealed, Not(HasSubstr("secret of")));
  EXPECT_THAT(sealed, Not(HasSubstr("cron-shop")));
  EXPECT_THAT(sealed, Not(HasSubstr("knock")));
  const std::string plain = need(export_json(*store, {.plain_secrets = true}));
  EXPECT_THAT(plain, HasSubstr("\"password\": \"secret of shop.example\""));
  EXPECT_THAT(plain, HasSubstr("\"cron_key\": \"cron-shop.example\""));
  EXPECT_THAT(plain, HasSubstr(R"("password": "knock \"knock\"")"));
}

TEST_F(Fleet, SealedSecretsNeedTheSameKey) {
  const std::string text = need(export_json(*store));
  auto other = memory_store(key_of(9, 'c'));
  const auto refused = import_json(*other, text, "export.json", {.replace = true}, kTester);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().size(), 10U) << "each secret of each site";
  EXPECT_THAT(errors_of(refused),
              HasSubstr("sites/shop.example/database/password: this secret can't be opened: it was sealed with key 7"));
  EXPECT_EQ(need(other->sequence()), 0U);
  // nor can one be moved to another site
  const std::size_t at = text.find("{\"sealed\"");
  const std::string stolen = text.substr(at, text.find('}', at) + 1 - at);
  const auto moved =
      import_json(*store, R"({"sites": {"thief.example": {"platform": "d10", "cron_key": )" + stolen + "}}}",
                  "thief.json", {}, kTester);
  EXPECT_THAT(errors_of(moved),
              HasSubstr("thief.json:1:61: sites/thief.example/cron_key: this secret can't be opened"));
  // a plain export goes anywhere
  import(*other, need(export_json(*store, {.plain_secrets = true})), true);
  EXPECT_EQ(need(other->find_site("shop.example"))->database.password, "secret of shop.example");
}

TEST_F(Fleet, ComesOutInPieces) {
  std::string text;
  std::size_t pieces = 0;
  need(export_json(*store, {}, [&](std::string_view piece) -> Result<void> {
    text += piece;
    ++pieces;
    return {};
  }));
  EXPECT_EQ(text, need(export_json(*store)));
  EXPECT_GE(pieces, 1U);
  const auto full =
      export_json(*store, {}, [](std::string_view) -> Result<void> { return fail(Code::kIo, "disk full"); });
  EXPECT_EQ(error_of(full), "disk full");
}

TEST_F(Fleet, GoesOnAfterARestore) {
  auto copy = memory_store();
  import(*copy, need(export_json(*store)), true);
  const std::uint64_t sequence = need(copy->sequence());
  const ImportReport report = import(*copy, R"({"sites": {"next.example": {"platform": "d10"}}})");
  EXPECT_EQ(report.sequence, sequence + 1);
  const Site next = need(copy->find_site("next.example")).value();
  std::uint64_t highest = 0;
  need(store->each_site_with_deleted([&](const Site& site) -> Result<void> {
    highest = std::max(highest, site.id);
    return {};
  }));
  EXPECT_EQ(next.id, highest + 1);
  for (const Slot& slot : need(store->slots())) EXPECT_FALSE(slot.block == next.block && slot.number == next.slot);
}

TEST_F(Fleet, AnExportIntoAnotherRegistryMergesWithoutItsHistory) {
  auto other = memory_store();
  import(*other, R"({"clients": {"first": {}}, "servers": {"web1": {}}, "sites": {}})");
  const ImportReport report = import(*other, need(export_json(*store)), true);
  EXPECT_FALSE(report.restored);
  EXPECT_NE(other->registry_id(), store->registry_id());
  EXPECT_EQ(report.deleted, 1U);  // client first
  EXPECT_EQ(report.changed, 1U);  // server web1
  EXPECT_TRUE(need(other->find_site("*.shop.example")).has_value());
  std::size_t retired = 0;
  for (const Slot& slot : need(other->slots())) retired += slot.state == SlotState::kRetired ? 1 : 0;
  EXPECT_EQ(retired, 2U) << "slots that are used up elsewhere are not given here";
  EXPECT_EQ(need(other->audit()).size(), 2U);
}

TEST_F(Fleet, AnExportIntoNothingIsNotMergedUnasked) {
  const std::string text = need(export_json(*store));
  auto empty = memory_store();
  const auto refused = import_json(*empty, text, "export.json", {}, kTester);
  ASSERT_FALSE(refused.has_value());
  ASSERT_EQ(refused.error().size(), 1U) << errors_of(refused);
  EXPECT_THAT(describe(refused.error().front()), HasSubstr("export.json:4:18: registry_id: this is a whole registry"));
  EXPECT_THAT(refused.error().front().hint, HasSubstr("import it with --replace"));
  EXPECT_TRUE(need(empty->servers()).empty());
  import(*empty, R"({"clients": {"first": {}}})");
  EXPECT_FALSE(import(*empty, text).restored) << "where there is something the rest is merged into it";
}

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
