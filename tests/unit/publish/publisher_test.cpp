// What publish() promises: the map says what the registry says, at once and all names together.
#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

using Wrote = Report::Wrote;

TEST_F(PublishTest, TheFirstPublishBuildsABaseTheNextADelta) {
  put(a_site("a.example"));
  EXPECT_EQ(publish().wrote, Wrote::kBase);
  EXPECT_EQ(found(*live(), "a.example"), "a.example");
  EXPECT_EQ(publish().wrote, Wrote::kNothing);
  const std::uint64_t sequence = put(a_site("b.example", {"www.b.example"}));
  const Report report = publish();
  EXPECT_EQ(report.wrote, Wrote::kDelta);
  EXPECT_EQ(report.generation, sequence);
  EXPECT_EQ(report.touched, 2U);
  EXPECT_EQ(found(*live(), "b.example"), "b.example");
  EXPECT_EQ(found(*live(), "www.b.example"), "b.example");
  EXPECT_EQ(refusals, std::vector<std::string>{});
}

TEST_F(PublishTest, ASnapshotThatARequestHoldsStaysAsItWas) {
  put(a_site("a.example", {"www.a.example"}));
  publish();
  const Snapshot held = live();
  registry::Site site = a_site("a.example", {"www.a.example", "new.example"});
  site.redirect_to = "www.a.example";
  put(site);
  publish();
  EXPECT_EQ(found(*held, "a.example"), "a.example");
  EXPECT_EQ(found(*held, "new.example"), "unknown");
  // All names of the change are there in the one state that follows.
  EXPECT_EQ(found(*live(), "a.example"), "a.example -> www.a.example");
  EXPECT_EQ(found(*live(), "new.example"), "a.example -> www.a.example");
  EXPECT_EQ(found(*live(), "www.a.example"), "a.example");
}

TEST_F(PublishTest, WhatIsTakenAwayIsGone) {
  put(a_site("a.example", {"one.example", "two.example", "*.a.example"}));
  put(a_site("b.example"));
  publish();
  put(a_site("a.example", {"two.example"}));
  publish();
  EXPECT_EQ(found(*live(), "one.example"), "unknown");
  EXPECT_EQ(found(*live(), "x.a.example"), "unknown");
  EXPECT_EQ(found(*live(), "two.example"), "a.example");
  put(a_site("b.example", {"one.example"}));  // the freed name, to somebody else
  remove(a_site("a.example"));
  publish();
  EXPECT_EQ(found(*live(), "a.example"), "unknown");
  EXPECT_EQ(found(*live(), "two.example"), "unknown");
  EXPECT_EQ(found(*live(), "one.example"), "b.example");
  put(a_site("a.example"));  // and back
  publish();
  EXPECT_EQ(found(*live(), "a.example"), "a.example");
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

TEST_F(PublishTest, ARenameMovesTheSiteAndKeepsTheOldNameIfItIsAnAlias) {
  put(a_site("old.example", {"www.old.example"}));
  publish();
  for (const bool keep : {true, false}) {
    registry::Site renamed = a_site(keep ? "new.example" : "newest.example", {"www.old.example"});
    if (keep) renamed.aliases.insert(renamed.aliases.begin(), {"old.example", ""});
    change([&](registry::Writer& writer) { return writer.rename_site(keep ? "old.example" : "new.example", renamed); });
    publish();
    EXPECT_EQ(found(*live(), renamed.uri), renamed.uri);
    EXPECT_EQ(found(*live(), "www.old.example"), renamed.uri);
    EXPECT_EQ(found(*live(), "old.example"), keep ? "new.example" : "unknown");
    EXPECT_EQ(difference(content(*live()), compiled()), "");
  }
  EXPECT_EQ(found(*live(), "new.example"), "unknown");
}

TEST_F(PublishTest, PlatformsAndSettings) {
  put(a_site("a.example"));
  publish();
  registry::Platform platform = a_platform("d10");
  platform.docroot = "/srv/moved";
  platform.services = registry::kNginx;
  put(platform);
  put(a_platform("d11"));
  registry::Settings settings;
  settings.console_url = "https://console.example";
  put(settings);
  EXPECT_EQ(publish().wrote, Wrote::kDelta);
  map::SiteView site;
  ASSERT_EQ(live()->find_host("a.example", site), map::Lookup::kFound);
  EXPECT_EQ(site.docroot, "/srv/moved");
  EXPECT_EQ(site.services, map::kServiceNginx);
  EXPECT_EQ(site.console, "https://console.example");
  change([](registry::Writer& writer) { return writer.remove_platform("d11"); });
  platform.services = registry::kApache | registry::kNginx;
  put(platform);
  publish();
  ASSERT_EQ(live()->find_host("a.example", site), map::Lookup::kFound);
  EXPECT_EQ(site.services, map::kServiceApache | map::kServiceNginx);
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

TEST_F(PublishTest, ADatabaseServerThatMovesReachesItsSites) {
  put(a_site("a.example"));
  publish();
  put(a_server({"mysql", "db2.example", 3307}));
  publish();
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

TEST_F(PublishTest, CandidatesComeAndGo) {
  put(a_site("a.example"));
  publish();
  registry::Candidate candidate{map::probe_key("token"), "a.example", 4000000000, a_site("a.example")};
  candidate.site->database.name = "another";
  need(store->put_candidate(candidate));
  publish();
  map::SiteView site;
  EXPECT_EQ(live()->find_probe("token", "a.example", 1, site), map::Lookup::kFound);
  EXPECT_EQ(difference(content(*live()), compiled()), "");
  need(store->drop_candidate(candidate.token_key));
  publish();
  EXPECT_EQ(live()->find_probe("token", "a.example", 1, site), map::Lookup::kUnknown);
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

TEST_F(PublishTest, OnlyTheFilesOfTheStateBeforeAreKept) {
  for (int i = 0; i < 5; ++i) {
    put(a_site("s" + std::to_string(i) + ".example"));
    publish();
    EXPECT_LE(names_in(place.config.map_dir).size(), 5U) << "CURRENT, counter, base and two deltas";
  }
  const std::set<std::string> names = names_in(place.config.map_dir);
  EXPECT_EQ(std::ranges::count_if(names, [](const std::string& name) { return name.starts_with("delta-"); }), 2);
  EXPECT_TRUE(std::ranges::includes(names, files_of(*live())));
}

TEST_F(PublishTest, TooManyChangesBuildABase) {
  new_publisher({.most_changes = 3});
  put(a_site("a.example"));
  publish();
  for (int i = 0; i < 4; ++i) put(a_site("s" + std::to_string(i) + ".example"));
  const Report report = publish();
  EXPECT_EQ(report.wrote, Wrote::kBase);
  EXPECT_EQ(report.reason, "more than 3 changes at once");
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

TEST_F(PublishTest, ADeltaThatWouldBeTooLargeBuildsABase) {
  new_publisher({.compact_above = 1U << 20U, .largest_delta = 2000});
  publish();
  Report report;
  int changes = 0;
  for (; report.wrote != Wrote::kBase && changes < 20; ++changes) {
    put(a_site("s" + std::to_string(changes) + ".example"));
    report = publish();
    if (report.wrote == Wrote::kDelta) {
      EXPECT_LE(report.bytes, 2000U);
    }
  }
  EXPECT_EQ(report.wrote, Wrote::kBase);
  EXPECT_GT(changes, 1);
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

TEST_F(PublishTest, AGrownDeltaIsMergedWhilePublishesGoOn) {
  new_publisher({.compact_above = 1500});
  publish();
  std::uint64_t merged = 0;
  for (int i = 0; i < 200; ++i) {
    put(a_site("s" + std::to_string(i) + ".example"));
    const Report report = publish();
    EXPECT_EQ(report.wrote, Wrote::kDelta);
    if (report.merged != 0) ++merged;
    EXPECT_EQ(found(*live(), "s" + std::to_string(i) + ".example"), "s" + std::to_string(i) + ".example");
  }
  const Report last = need(publisher->finish());
  EXPECT_GT(merged + (last.merged != 0 ? 1U : 0U), 0U);
  EXPECT_EQ(difference(content(*live()), compiled()), "");
  EXPECT_EQ(refusals, std::vector<std::string>{});
}

TEST_F(PublishTest, CompactLeavesOneBaseThatAFullCompileWouldWrite) {
  put(a_site("a.example"));
  publish();
  put(a_site("b.example", {"www.b.example"}));
  remove(a_site("a.example"));
  publish();
  const Report report = need(publisher->compact());
  EXPECT_GT(report.merged, 0U);
  EXPECT_EQ(live()->delta(), nullptr);
  (void)compiled();
  const std::string name = map::file_name(live()->base().header());
  EXPECT_TRUE(need(read_file(place.config.map_dir + "/" + name)) == need(read_file(place.root + "/compiled/" + name)));
}

TEST_F(PublishTest, AnotherPublisherGoesOnWhereTheFirstStopped) {
  put(a_site("a.example"));
  publish();
  put(a_site("b.example"));
  new_publisher();
  EXPECT_EQ(publish().wrote, Wrote::kDelta);
  put(a_site("c.example"));
  new_publisher();
  EXPECT_EQ(publish().wrote, Wrote::kDelta);
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

TEST_F(PublishTest, ASwitchThatNobodyWasToldOfIsAnnounced) {
  put(a_site("a.example"));
  publish();
  (void)live();
  const std::string before = need(read_file(place.config.map_dir + "/counter"));
  new_publisher();
  EXPECT_EQ(publish().wrote, Wrote::kNothing);
  EXPECT_NE(need(read_file(place.config.map_dir + "/counter")), before);
}

TEST_F(PublishTest, TheTagOfAGenerationIsTheRegistrys) {
  put(a_site("a.example"));
  publish();
  put(a_site("b.example"));
  publish();
  const map::Header delta = live()->delta()->header();
  EXPECT_NE(delta.history_tag, 0U);
  EXPECT_NE(delta.history_tag, live()->base().header().history_tag);
  EXPECT_EQ(need(store->tag_of(delta.generation)), delta.history_tag);
  EXPECT_FALSE(need(store->tag_of(delta.generation + 1)).has_value());
  need(publisher->compact());
  EXPECT_EQ(live()->delta(), nullptr);
  EXPECT_EQ(live()->base().header().history_tag, delta.history_tag);
}

TEST_F(PublishTest, AMapWithoutAKeyAsksForNone) {
  keys = KeyRing();
  new_publisher();
  registry::Site site = a_site("a.example");
  site.cloaking = false;
  put(site);
  publish();
  keys = key_of(8, 'c');
  new_publisher();
  put(a_site("b.example"));
  EXPECT_FALSE(publish().warning);
  EXPECT_EQ(found(*live(), "b.example"), "b.example");
}

TEST_F(PublishTest, ADirectoryThatIsNotThereIsNamed) {
  std::filesystem::remove_all(place.config.map_dir);
  EXPECT_EQ(error_of(publisher->publish()),
            place.config.map_dir +
                ": the map's directory is not there\n  next: mount the map's file system, or make the directory; "
                "map_dir in the configuration names it");
}

}  // namespace
}  // namespace aegir::publish
