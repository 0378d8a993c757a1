// Transactions of the store: rollback, audit, what is touched and logged, what is in use; candidates and restores.
#include <gmock/gmock.h>

#include <ctime>

#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Transactions : public RegistryTest {};

TEST_F(Transactions, AnErrorTakesEverythingBack) {
  const std::uint64_t before = need(store->sequence());
  const auto refused = store->transact(kTester, [](Writer& writer) -> Result<void> {
    need(writer.put(test_platform("d11")));
    need(writer.put(test_site("a.example")));
    Site bad = test_site("b.example");
    bad.platform = "none";
    return writer.put(bad);
  });
  EXPECT_THAT(error_of(refused), HasSubstr("there is no platform 'none'"));
  EXPECT_EQ(need(store->sequence()), before);
  EXPECT_FALSE(known("a.example"));
  EXPECT_EQ(need(store->platforms()).size(), 1U);
  EXPECT_EQ(need(put(test_platform("d11"))), before + 1) << "numbers of what was rolled back were never given";
}

TEST_F(Transactions, AnExceptionOfTheBodyTakesEverythingBackToo) {
  EXPECT_THROW((void)store->transact(kTester,
                                     [](Writer& writer) -> Result<void> {
                                       need(writer.put(test_platform("d11")));
                                       throw std::runtime_error("out of memory");
                                     }),
               std::runtime_error);
  EXPECT_EQ(need(store->platforms()).size(), 1U);
  need(put(test_platform("d12")));
  EXPECT_EQ(need(store->find_platform(2))->name, "d12");
}

TEST_F(Transactions, CantBeNestedOrMadeByAReader) {
  const auto nested = store->transact(kTester, [&](Writer&) -> Result<void> {
    Result<std::uint64_t> inner = put(test_site("a.example"));
    return inner ? Result<void>() : Result<void>(pass(inner));
  });
  EXPECT_THAT(error_of(nested), HasSubstr("a transaction of this registry is open already"));
  reopen(Store::Mode::kRead);
  EXPECT_THAT(error_of(put(test_site("a.example"))), HasSubstr("opened for reading"));
}

TEST_F(Transactions, AreAudited) {
  const std::int64_t before = std::time(nullptr);
  need(store->transact({"root", "a new customer"}, [](Writer& writer) -> Result<void> {
    need(writer.put(test_site("a.example")));
    return writer.put(Client{"acme", "Acme & Sons", ""});
  }));
  need(put(test_site("a.example")));  // changes nothing
  need(remove(test_site("a.example")));
  const std::vector<AuditEntry> rows = need(store->audit());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].what, "created server web1; created client acme; created platform d10");
  EXPECT_EQ(rows[1].actor, "root");
  EXPECT_EQ(rows[1].why, "a new customer");
  EXPECT_EQ(rows[1].what, "created site a.example; changed client acme");
  EXPECT_EQ(rows[1].sequence, 2U);
  EXPECT_GE(rows[1].time, before);
  EXPECT_EQ(rows[2].what, "deleted site a.example");
  need(store->transact(kTester, [](Writer& writer) -> Result<void> {
    for (int i = 0; i < 25; ++i) need(writer.put(test_site("s" + std::to_string(10 + i) + ".example")));
    return {};
  }));
  EXPECT_THAT(need(store->audit()).back().what, HasSubstr("created site s29.example; and 5 more"));
}

TEST_F(Transactions, PlatformsAndSettingsAreLoggedByThemselves) {
  need(put(test_site("a.example")));
  std::uint64_t before = need(store->sequence());
  Platform changed = test_platform();
  changed.docroot = "/srv/d10";
  need(put(changed));
  EXPECT_THAT(log_after(before), ElementsAre("platform 1"));
  EXPECT_EQ(need(store->find_platform(1))->docroot, "/srv/d10");
  EXPECT_FALSE(need(store->find_platform(2)).has_value());

  before = need(store->sequence());
  Settings settings;
  need(put(settings));
  EXPECT_THAT(log_after(before), IsEmpty());
  settings.console_url = "https://console.example";
  settings.alias_defaults = {{"www.{uri}", "m.{uri}"}, true};
  settings.log_days = 30;
  settings.require_disabled_before_delete = false;
  need(put(settings));
  EXPECT_THAT(log_after(before), ElementsAre("settings "));
  reopen();
  EXPECT_EQ(need(store->settings()), settings);

  before = need(store->sequence());
  need(put(Client{"acme", "Other", ""}));
  EXPECT_THAT(log_after(before), IsEmpty());
}

TEST_F(Transactions, AChangedDatabaseServiceTouchesItsSites) {
  Site site = test_site("a.example");
  site.aliases = {{"www.a.example", ""}};
  need(put(site));
  Site other = test_site("b.example");
  other.database = {};
  need(put(other));
  const std::uint64_t before = need(store->sequence());
  Server moved = test_server();
  moved.database->host = "10.0.0.7";
  need(put(moved));
  EXPECT_THAT(log_after(before), ElementsAre("host a.example", "host www.a.example"));
  reopen();
  EXPECT_EQ(need(store->servers()), std::vector<Server>{moved});
}

TEST_F(Transactions, WhatIsUsedCantBeRemoved) {
  need(put(Block{"main", "web1", "8.2", "acme", 300000, 3, 5}));
  Site site = test_site("a.example");
  site.client = "acme";
  need(put(site));
  const auto removed = [&](auto remove) {
    return error_of(store->transact(kTester, [&](Writer& writer) { return remove(writer); }));
  };
  EXPECT_THAT(removed([](Writer& w) { return w.remove_server("web1"); }),
              HasSubstr("server 'web1' is used by platform 'd10'"));
  EXPECT_THAT(removed([](Writer& w) { return w.remove_client("acme"); }), HasSubstr("client 'acme' has block 'main'"));
  EXPECT_THAT(removed([](Writer& w) { return w.remove_platform("d10"); }),
              HasSubstr("platform 'd10', state: the platform has sites, among them 'a.example'"));
  EXPECT_THAT(removed([](Writer& w) { return w.remove_client("none"); }), HasSubstr("there is no client 'none'"));
  Server less = test_server();
  less.database.reset();
  EXPECT_THAT(error_of(put(less)), HasSubstr("server 'web1', database: sites have their databases on this server"));
  less = test_server();
  less.web.pop_back();
  EXPECT_THAT(error_of(put(less)), HasSubstr("server 'web1', web: platform 'd10' is served by nginx"));

  need(remove(site));
  EXPECT_EQ(removed([](Writer& w) { return w.remove_platform("d10"); }), "");
  EXPECT_EQ(need(store->platforms()).at(0).state, PlatformState::kDeleted);
  EXPECT_THAT(error_of(put(test_site("b.example"))), HasSubstr("platform 'd10' is deleted"));
  need(put(test_platform()));
  EXPECT_EQ(need(store->platforms()).at(0).id, 1U) << "a platform that comes back is the same one";
}

TEST_F(Transactions, UnusedRowsGo) {
  need(put(Block{"main", "web1", "8.2", "", 300000, 3, 5}));
  need(store->transact(kTester, [](Writer& writer) -> Result<void> {
    need(writer.remove_block("main"));
    need(writer.remove_client("acme"));
    need(writer.remove_platform("d10"));
    return writer.remove_server("web1");
  }));
  reopen();
  EXPECT_THAT(need(store->servers()), IsEmpty());
  EXPECT_THAT(need(store->clients()), IsEmpty());
  EXPECT_THAT(need(store->blocks()), IsEmpty());
}

class Candidates : public RegistryTest {
 protected:
  const std::string token = "!" + std::string(64, '5');
};

TEST_F(Candidates, AreKeptReplacedAndDropped) {
  need(put(test_site("a.example")));
  const std::uint64_t before = need(store->sequence());
  Candidate candidate{token, "a.example", 1234567890, site("a.example")};
  candidate.site->database = {"web1", "a_example_2", "a_example_2", "new secret"};
  candidate.site->aliases = {{"www.a.example", ""}};
  need(store->put_candidate(candidate));
  need(store->put_candidate({"!" + std::string(64, '6'), "a.example", 5, {}}));
  EXPECT_FALSE(known("www.a.example")) << "a candidate's names are not in force";
  reopen();
  std::vector<Candidate> all = need(store->candidates());
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].token_key, token);
  EXPECT_EQ(all[0].expiry, 1234567890);
  EXPECT_EQ(all[0].site, candidate.site);
  EXPECT_EQ(all[1].site, std::nullopt);

  candidate.site.reset();
  need(store->put_candidate(candidate));
  EXPECT_EQ(need(store->candidates())[0].site, std::nullopt);
  need(store->drop_candidate(token));
  EXPECT_EQ(need(store->drop_candidate(token)), before + 4) << "dropping it again changes nothing";
  EXPECT_EQ(need(store->candidates()).size(), 1U);
  EXPECT_THAT(log_after(before),
              ElementsAre("host " + token, "host !" + std::string(64, '6'), "host " + token, "host " + token));
}

TEST_F(Candidates, AreChecked) {
  EXPECT_FALSE(store->put_candidate({"token", "a.example", 1, {}}).has_value());
  EXPECT_FALSE(store->put_candidate({token, "A.example", 1, {}}).has_value());
  Candidate candidate{token, "a.example", 1, test_site("a.example")};
  candidate.site->platform = "none";
  EXPECT_THAT(error_of(store->put_candidate(candidate)), HasSubstr("there is no platform 'none'"));
}

TEST(MemoryStore, IsEmptyHasNoFileAndNoId) {
  auto store = need(Store::open(":memory:", Store::Mode::kCreate, test_key()));
  EXPECT_EQ(store->registry_id(), (std::array<unsigned char, 16>{}));
  EXPECT_EQ(need(store->sequence()), 0U);
  EXPECT_FALSE(std::filesystem::exists(":memory:"));
  EXPECT_FALSE(std::filesystem::exists(":memory:.lock"));
}

class Restores : public ::testing::Test {
 protected:
  std::unique_ptr<Store> store = need(Store::open(":memory:", Store::Mode::kCreate, test_key()));
  const History history{{1, 2, 3}, 500, {{400, 1700000000, "root", "created site x", "why"}}};
};

TEST_F(Restores, TakeOverIdentityIdsSlotsAndHistory) {
  need(store->transact(kTester, [&](Writer& writer) -> Result<void> {
    need(writer.restore(history));
    need(writer.put(test_server()));
    need(writer.put(Block{"main", "web1", "8.2", "", 300000, 9, 5}));
    Platform platform = test_platform();
    platform.id = 17;
    need(writer.put(platform));
    need(writer.put(Slot{"main", 0, SlotState::kRetired, "gone.example"}));
    need(writer.put(Slot{"main", 4, SlotState::kGiven, "a.example"}));
    Site site = test_site("a.example");
    site.id = 33;
    site.block = "main";
    site.slot = 4;
    need(writer.put(site));
    site = test_site("gone.example");
    site.id = 44;
    site.client = "long-gone";
    site.state = SiteState::kDeleted;
    return writer.put(site);
  }));
  EXPECT_EQ(store->registry_id(), history.registry_id);
  EXPECT_EQ(need(store->sequence()), 500U);
  EXPECT_EQ(need(store->log_start()), 500U);
  EXPECT_EQ(need(store->audit()), history.audit);
  EXPECT_THAT(need(store->changes(0, 10)), IsEmpty());
  EXPECT_EQ(need(store->platforms()).at(0).id, 17U);
  EXPECT_EQ(need(store->find_site("a.example"))->id, 33U);
  // and go on above what was given
  EXPECT_EQ(need(store->transact(kTester, [](Writer& writer) { return writer.put(test_site("b.example")); })), 501U);
  EXPECT_EQ(need(store->find_site("b.example"))->id, 45U);
  EXPECT_EQ(need(store->find_site("b.example"))->slot, 5U);
}

TEST_F(Restores, NeedAnEmptyRegistry) {
  need(store->transact(kTester, [](Writer& writer) { return writer.put(Client{"acme", "", ""}); }));
  const auto refused = store->transact(kTester, [&](Writer& writer) { return writer.restore(history); });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kConflict);
}

}  // namespace
}  // namespace aegir::registry
