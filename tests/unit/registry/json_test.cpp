// Export and import of a whole registry: a round trip that loses nothing, secrets. Import: json_import_test.cpp.
#include <gmock/gmock.h>

#include "tests/unit/registry/json_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

}  // namespace
}  // namespace aegir::registry
