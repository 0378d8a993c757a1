// Sites in the store: names, change log, slots, renames, deletes.
#include <gmock/gmock.h>

#include "compiler/registry/json.hpp"
#include "compiler/registry/site_list.hpp"
#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Sites : public RegistryTest {};

TEST_F(Sites, AreReadBackAsTheyWereWritten) {
  Site rich = test_site("shop.example");
  rich.client = "acme";
  rich.state = SiteState::kMaintenance;
  rich.profile = "minimal";
  rich.language = "pt-br";
  rich.https = Https::kRequired;
  rich.cloaking = false;
  rich.redirect_to = "www.shop.example";
  rich.aliases = {{"*.shop.example", ""}, {"old.example", "https://new.example:8443"}, {"www.shop.example", ""}};
  rich.former_uris = {"a.example", "b.example"};
  rich.http_auth = HttpAuth{"guest", "knock knock", "Preview of ☃"};
  rich.key_pages = {"/", "/node/1?x=y"};
  rich.php = {512, 128, 129, 300};
  need(put(rich));
  const Site plain = test_site("plain.example");
  need(put(plain));
  reopen(Store::Mode::kRead);
  rich.id = 1;
  EXPECT_EQ(site("shop.example"), rich);
  EXPECT_EQ(site("*.shop.example").uri, "shop.example");
  EXPECT_EQ(site("old.example").id, 1U);
  EXPECT_EQ(site("plain.example").http_auth, std::nullopt);
  EXPECT_EQ(site("plain.example").database, plain.database);
  EXPECT_FALSE(known("x.shop.example")) << "find_site() takes names as they are stored";
}

TEST_F(Sites, ComeInTheOrderOfTheirUris) {
  for (const char* uri : {"m.example", "a.example", "z.example", "b.example"}) need(put(test_site(uri)));
  std::vector<std::string> seen;
  need(store->each_site([&](const Site& site) -> Result<void> {
    seen.push_back(site.uri + " " + site.database.password);
    return {};
  }));
  EXPECT_THAT(seen, ElementsAre("a.example secret of a.example", "b.example secret of b.example",
                                "m.example secret of m.example", "z.example secret of z.example"));
  EXPECT_EQ(error_of(store->each_site([](const Site&) -> Result<void> { return fail(Code::kIo, "enough"); })),
            "enough");
}

TEST_F(Sites, AreListedByThePage) {
  need(put(test_platform("d7")));
  for (const char* uri : {"m.example", "a.example", "z.example", "b.example"}) {
    Site each = test_site(uri);
    if (each.uri < "c") each.platform = "d7";
    if (each.uri == "b.example") each.client = "acme";
    if (each.uri == "z.example") each.state = SiteState::kDisabled;
    need(put(each));
  }
  const auto listed = [&](SiteFilter filter) {
    std::vector<std::string> uris;
    for (;;) {
      const std::vector<Site> page = need(list_sites(*store, filter));
      for (const Site& each : page) uris.push_back(each.uri);
      if (page.size() < filter.limit) return uris;
      filter.after_uri = page.back().uri;
      filter.after_id = page.back().id;
    }
  };
  EXPECT_THAT(listed({.limit = 1}), ElementsAre("a.example", "b.example", "m.example", "z.example"));
  EXPECT_THAT(listed({.platform = "d7"}), ElementsAre("a.example", "b.example"));
  EXPECT_THAT(listed({.platform = "none"}), IsEmpty());
  EXPECT_THAT(listed({.client = "acme"}), ElementsAre("b.example"));
  EXPECT_THAT(listed({.state = SiteState::kDisabled}), ElementsAre("z.example"));
  for (int n = 0; n < 2; ++n) {
    if (n == 1) need(put(test_site("z.example")));
    need(remove(site("z.example")));
  }
  EXPECT_THAT(listed({.limit = 3}), ElementsAre("a.example", "b.example", "m.example"));
  EXPECT_THAT(listed({.deleted = true, .limit = 1}), ElementsAre("z.example", "z.example"));
}

TEST_F(Sites, ATakenNameIsRefusedWithWhoHasIt) {
  Site first = test_site("shop.example");
  first.aliases = {{"*.shop.example", ""}, {"www.shop.example", ""}};
  need(put(first));
  const std::uint64_t before = need(store->sequence());
  for (const char* taken : {"shop.example", "www.shop.example", "*.shop.example"}) {
    Site second = test_site("other.example");
    second.aliases = {{taken, ""}};
    EXPECT_THAT(error_of(put(second)),
                HasSubstr("the name '" + std::string(taken) + "' is taken by site 'shop.example'"));
  }
  EXPECT_EQ(put(test_site("www.shop.example")).error().code, Code::kConflict);
  EXPECT_EQ(need(store->sequence()), before);
  EXPECT_FALSE(known("other.example"));
  Site inner = test_site("x.shop.example");  // an exact name under somebody's wildcard is a name of its own
  need(put(inner));
}

TEST_F(Sites, EveryNameThatIsTouchedIsLogged) {
  std::uint64_t before = need(store->sequence());
  Site shop = test_site("shop.example");
  shop.aliases = {{"a.example", ""}, {"b.example", ""}};
  EXPECT_EQ(need(put(shop)), before + 3);
  EXPECT_THAT(log_after(before), ElementsAre("host a.example", "host b.example", "host shop.example"));

  before = need(store->sequence());
  EXPECT_EQ(need(put(shop)), before) << "a put that changes nothing leaves no trace";

  shop.aliases = {{"b.example", ""}, {"c.example", ""}};
  need(put(shop));
  EXPECT_THAT(log_after(before),
              ElementsAre("host a.example", "host b.example", "host c.example", "host shop.example"));
  EXPECT_FALSE(known("a.example"));

  before = need(store->sequence());
  need(remove(shop));
  EXPECT_THAT(log_after(before), ElementsAre("host b.example", "host c.example", "host shop.example"));
  const std::vector<Change> two = need(store->changes(before, 2));
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two.back().sequence, before + 2);
}

TEST_F(Sites, ADeletedSiteKeepsItsRowAndFreesItsNames) {
  Site shop = test_site("shop.example");
  shop.aliases = {{"www.shop.example", ""}};
  need(put(shop));
  need(remove(shop));
  EXPECT_FALSE(known("shop.example"));
  EXPECT_EQ(error_of(remove(shop)), "site 'shop.example': there is no site 'shop.example' to delete");
  need(put(test_site("www.shop.example")));
  Site again = test_site("shop.example");
  need(put(again));
  EXPECT_EQ(site("shop.example").id, 3U) << "an id is never given twice";
  need(remove(again));
  reopen();
  std::vector<std::string> seen;
  need(store->each_site_with_deleted([&](const Site& each) -> Result<void> {
    seen.push_back(each.uri + " " + std::to_string(each.id) + (each.state == SiteState::kDeleted ? " deleted" : ""));
    EXPECT_EQ(each.database.password, "secret of " + each.uri);
    return {};
  }));
  EXPECT_THAT(seen, ElementsAre("shop.example 1 deleted", "shop.example 3 deleted", "www.shop.example 2"));
  need(put(test_site("last.example")));
  EXPECT_EQ(site("last.example").id, 4U);
}

TEST_F(Sites, ARenameKeepsTheRecordAndRemembersTheOldName) {
  Site shop = test_site("old.example");
  shop.aliases = {{"www.old.example", ""}};
  need(put(shop));
  const std::uint64_t before = need(store->sequence());
  Site renamed = site("old.example");
  renamed.uri = "new.example";
  renamed.aliases = {{"old.example", "new.example"}};
  need(store->transact(kTester, [&](Writer& writer) { return writer.rename_site("old.example", renamed); }));
  EXPECT_THAT(log_after(before), ElementsAre("host new.example", "host old.example", "host www.old.example"));
  EXPECT_EQ(site("old.example").uri, "new.example");
  EXPECT_EQ(site("new.example").id, 1U);
  EXPECT_THAT(site("new.example").former_uris, ElementsAre("old.example"));
  EXPECT_EQ(site("new.example").database.password, "secret of old.example");
  EXPECT_FALSE(known("www.old.example"));

  Site back = site("new.example");
  back.uri = "old.example";
  back.aliases = {};
  need(store->transact(kTester, [&](Writer& writer) { return writer.rename_site("new.example", back); }));
  EXPECT_THAT(site("old.example").former_uris, ElementsAre("new.example")) << "its present name is no former one";

  need(put(test_site("taken.example")));
  back.uri = "taken.example";
  const auto refused =
      store->transact(kTester, [&](Writer& writer) { return writer.rename_site("old.example", back); });
  EXPECT_THAT(error_of(refused), HasSubstr("is taken by site 'taken.example'"));
  EXPECT_THAT(
      error_of(store->transact(kTester, [&](Writer& writer) { return writer.rename_site("none.example", back); })),
      HasSubstr("there is no site 'none.example' to rename"));
}

TEST_F(Sites, TwoSitesCantShareADatabase) {
  need(put(test_site("a.example")));
  Site thief = test_site("b.example");
  thief.database.name = "a_example";
  EXPECT_THAT(error_of(put(thief)),
              HasSubstr("database/name: database 'a_example' on server 'web1' belongs to site 'a.example'"));
  need(remove(test_site("a.example")));
  need(put(thief));
}

TEST_F(Sites, WithoutADatabaseCanExist) {
  Site site = test_site("static.example");
  site.database = {};
  need(put(site));
  EXPECT_EQ(this->site("static.example").database, Database{});
}

TEST_F(Sites, ALockedPlatformTakesNoNewOnes) {
  need(put(test_site("a.example")));
  Platform locked = test_platform();
  locked.state = PlatformState::kLocked;
  need(put(locked));
  EXPECT_THAT(error_of(put(test_site("b.example"))), HasSubstr("platform 'd10' is locked"));
  Site present = site("a.example");
  present.state = SiteState::kDisabled;
  need(put(present));
}

TEST_F(Sites, ReferencesMustLeadSomewhere) {
  Site site = test_site("a.example");
  site.platform = "d1O";
  EXPECT_THAT(error_of(put(site)), HasSubstr("site 'a.example', platform: 'd1O' can't be a name"));
  site.platform = "d20";
  EXPECT_EQ(error_of(put(site)), "site 'a.example', platform: there is no platform 'd20'\n  next: did you mean 'd10'?");
  site = test_site("a.example");
  site.client = "acne";
  EXPECT_THAT(error_of(put(site)), HasSubstr("there is no client 'acne'\n  next: did you mean 'acme'?"));
  site = test_site("a.example");
  site.database.server = "db9";
  EXPECT_THAT(error_of(put(site)), HasSubstr("database/server: there is no server 'db9'"));
}

TEST_F(Sites, CheckTellsEverythingAtOnce) {
  need(put(test_site("taken.example")));
  Site bad = test_site("Bad.example");
  bad.platform = "none";
  bad.client = "nobody";
  bad.aliases = {{"taken.example", ""}};
  bad.php.memory_limit = 1;
  std::vector<std::string> fields;
  need(store->transact(kTester, [&](Writer& writer) -> Result<void> {
    for (const Problem& problem : writer.check(bad)) fields.push_back(problem.field);
    return {};
  }));
  EXPECT_THAT(fields, ElementsAre("", "php/memory_limit", "platform", "client", "aliases/taken.example"));
}

class Slots : public RegistryTest {
 protected:
  Slots() { need(put(Block{"main", "web1", "8.2", "", 300000, 3, 5})); }
  std::string slot_of(const std::string& host) {
    const Site found = site(host);
    return found.block + " " + std::to_string(found.slot);
  }
  std::vector<std::string> rows() {
    std::vector<std::string> all;
    for (const Slot& slot : need(store->slots())) {
      all.push_back(slot.block + " " + std::to_string(slot.number) + " " +
                    (slot.state == SlotState::kGiven ? "given " : "retired ") + slot.site);
    }
    return all;
  }
};

TEST_F(Slots, AreGivenInOrderAndNeverTwice) {
  need(put(test_site("a.example")));
  need(put(test_site("b.example")));
  EXPECT_EQ(slot_of("a.example"), "main 0");
  EXPECT_EQ(slot_of("b.example"), "main 1");
  need(remove(test_site("a.example")));
  reopen();
  need(put(test_site("a.example")));
  EXPECT_EQ(slot_of("a.example"), "main 2");
  EXPECT_THAT(rows(), ElementsAre("main 0 retired a.example", "main 1 given b.example", "main 2 given a.example"));
  EXPECT_THAT(error_of(put(test_site("c.example"))), HasSubstr("no block of server 'web1' has a free slot"));
  EXPECT_FALSE(known("c.example"));
  need(put(Block{"more", "web1", "8.2", "", 400000, 64, 5}));
  need(put(test_site("c.example")));
  EXPECT_EQ(slot_of("c.example"), "more 0");
}

TEST_F(Slots, ABlockThatIsAddedWaitsForThoseBeforeIt) {
  need(put(Block{"another", "web1", "8.3", "", 400000, 64, 5}));
  for (const char* uri : {"a.example", "b.example", "c.example", "d.example"}) need(put(test_site(uri)));
  EXPECT_EQ(slot_of("c.example"), "main 2");
  EXPECT_EQ(slot_of("d.example"), "another 0");
}

TEST_F(Slots, ARolledBackSlotIsFree) {
  const auto refused = store->transact(kTester, [](Writer& writer) -> Result<void> {
    need(writer.put(test_site("a.example")));
    return fail(Code::kIo, "the disk is gone");
  });
  EXPECT_EQ(error_of(refused), "the disk is gone");
  EXPECT_THAT(rows(), IsEmpty());
  need(put(test_site("b.example")));
  EXPECT_EQ(slot_of("b.example"), "main 0");
}

TEST_F(Slots, ASiteKeepsItsSlotThroughChangesAndRenames) {
  need(put(test_site("a.example")));
  Site changed = test_site("a.example");
  changed.https = Https::kRequired;
  need(put(changed));
  EXPECT_EQ(slot_of("a.example"), "main 0");
  changed.uri = "b.example";
  need(store->transact(kTester, [&](Writer& writer) { return writer.rename_site("a.example", changed); }));
  EXPECT_EQ(slot_of("b.example"), "main 0");
  EXPECT_THAT(rows(), ElementsAre("main 0 given b.example"));
}

TEST_F(Slots, ADisabledSiteGetsOneWhenItIsFirstEnabled) {
  Site site = test_site("a.example");
  site.state = SiteState::kDisabled;
  need(put(site));
  EXPECT_EQ(slot_of("a.example"), " 0");
  site.state = SiteState::kEnabled;
  need(put(site));
  EXPECT_EQ(slot_of("a.example"), "main 0");
}

TEST_F(Slots, ANewSlotRetiresTheOldOne) {
  need(put(test_site("a.example")));
  Site moved = site("a.example");
  moved.slot = 2;
  need(put(moved));
  EXPECT_THAT(rows(), ElementsAre("main 0 retired a.example", "main 2 given a.example"));
  moved.slot = 0;
  EXPECT_THAT(error_of(put(moved)), HasSubstr("slot/number: slot 0 of block 'main' is retired"));
  Site other = test_site("b.example");
  other.block = "main";
  other.slot = 2;
  EXPECT_THAT(error_of(put(other)), HasSubstr("slot 2 of block 'main' belongs to site 'a.example'"));
  other.slot = 3;
  EXPECT_THAT(error_of(put(other)), HasSubstr("slot 3 of block 'main' does not exist"));
}

TEST_F(Slots, AClientsBlockIsForItsSitesOnly) {
  need(put(Block{"vip", "web1", "8.3", "acme", 500000, 64, 5}));
  Site site = test_site("a.example");
  site.client = "acme";
  need(put(site));
  EXPECT_EQ(slot_of("a.example"), "vip 0");
  need(put(test_site("b.example")));
  EXPECT_EQ(slot_of("b.example"), "main 0");
  Platform vip = test_platform("vip");
  vip.block = "vip";
  need(put(vip));
  Site stranger = test_site("c.example");
  stranger.platform = "vip";
  EXPECT_THAT(error_of(put(stranger)), HasSubstr("block 'vip' of platform 'vip' belongs to client 'acme'"));
}

TEST_F(Slots, ABlockWithGivenSlotsKeepsItsUids) {
  need(put(test_site("a.example")));
  EXPECT_THAT(error_of(put(Block{"main", "web1", "8.2", "", 300001, 3, 5})),
              HasSubstr("first_uid: slots of it were given to sites"));
  EXPECT_THAT(
      error_of(put(Block{"next", "web1", "8.2", "", 300002, 3, 5})),
      HasSubstr("uids 300002 to 300004 overlap those of block 'main' (300000 to 300002)\n  next: begin at 300003"));
  EXPECT_THAT(error_of(store->transact(kTester, [](Writer& writer) { return writer.remove_block("main"); })),
              HasSubstr("slots of block 'main' were given"));
  const std::uint64_t before = need(store->sequence());
  need(put(Block{"main", "web1", "8.3", "", 300000, 64, 5}));
  EXPECT_THAT(log_after(before), ElementsAre("host a.example"));
}

class SharedSlot : public Slots {
 protected:
  SharedSlot() {
    need(put(pool_));
    Platform platform = test_platform("shared");
    platform.block = "pool";
    need(put(platform));
  }
  static Site sharing(const std::string& uri) {
    Site site = test_site(uri);
    site.platform = "shared";
    return site;
  }
  const Block pool_{"pool", "web1", "8.2", "", 600000, 1, 5, Isolation::kShared};
};

TEST_F(SharedSlot, TakesAsManySitesAsNameIt) {
  need(put(sharing("a.example")));
  need(put(sharing("b.example")));
  Site named = test_site("c.example");  // on a platform of sites that are alone
  named.block = "pool";
  need(put(named));
  reopen();
  need(put(sharing("d.example")));
  for (const char* uri : {"a.example", "b.example", "c.example", "d.example"}) EXPECT_EQ(slot_of(uri), "pool 0");
  named = test_site("e.example");
  named.block = "pool";
  named.slot = 1;
  EXPECT_THAT(error_of(put(named)), HasSubstr("slot 1 of block 'pool' does not exist"));
}

TEST_F(SharedSlot, GoesOnWhenASiteLeaves) {
  need(put(sharing("a.example")));
  need(put(sharing("b.example")));
  need(remove(sharing("a.example")));
  need(remove(sharing("b.example")));
  need(put(sharing("c.example")));
  EXPECT_EQ(slot_of("c.example"), "pool 0");
  Site leaving = site("c.example");
  leaving.block = "main";
  need(put(leaving));
  EXPECT_EQ(slot_of("c.example"), "main 0");
  need(put(sharing("d.example")));
  EXPECT_EQ(slot_of("d.example"), "pool 0");
  EXPECT_THAT(rows(), ElementsAre("main 0 given c.example", "pool 0 given d.example"));
}

TEST_F(SharedSlot, IsNeverGivenToASiteThatDoesNotAskForIt) {
  for (const char* uri : {"a.example", "b.example", "c.example"}) {
    need(put(test_site(uri)));
    EXPECT_THAT(slot_of(uri), testing::StartsWith("main "));
  }
  EXPECT_THAT(error_of(put(test_site("d.example"))), HasSubstr("no block of server 'web1' has a free slot"));
}

TEST_F(SharedSlot, ABlockStaysWhatItWasWhenSitesCame) {
  need(put(sharing("a.example")));
  need(put(sharing("b.example")));
  Block alone = pool_;
  alone.isolation = Isolation::kSite;
  EXPECT_THAT(error_of(put(alone)), HasSubstr("isolation: slots of it were given to sites"));
  need(put(Block{"one", "web1", "8.2", "", 700000, 1, 5}));
  Site site = test_site("c.example");
  site.block = "one";
  need(put(site));
  EXPECT_THAT(error_of(put(Block{"one", "web1", "8.2", "", 700000, 1, 5, Isolation::kShared})),
              HasSubstr("isolation: slots of it were given to sites"));
  Block changed = pool_;
  changed.php_version = "8.3";
  const std::uint64_t before = need(store->sequence());
  need(put(changed));
  EXPECT_THAT(log_after(before), ElementsAre("host a.example", "host b.example"));
}

TEST_F(SharedSlot, SurvivesExportAndRestore) {
  need(put(sharing("a.example")));
  need(put(sharing("b.example")));
  std::string document;
  need(export_json(*store, {}, [&](std::string_view piece) -> Result<void> {
    document += piece;
    return {};
  }));
  const auto restored = need(Store::open(directory.file("restored.sqlite"), Store::Mode::kCreate, test_key()));
  const auto report = import_json(*restored, document, "export.json", {.replace = true}, kTester);
  ASSERT_TRUE(report) << describe(report.error().front());
  for (const char* uri : {"a.example", "b.example"}) {
    EXPECT_EQ(need(restored->find_site(uri))->block, "pool");
    EXPECT_EQ(need(restored->find_site(uri))->slot, 0U);
  }
}

}  // namespace
}  // namespace aegir::registry
