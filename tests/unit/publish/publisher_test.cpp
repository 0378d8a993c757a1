// What publish() promises: the map says what the registry says, at once, all names together, and heals.
#include <sys/stat.h>

#include <ctime>
#include <fstream>
#include <functional>

#include "compiler/core/atomic_file.hpp"
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

/// Changes one bit of a file.
void flip(const std::string& path, std::size_t at) {
  std::string bytes = need(read_file(path));
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  need(write_file(path, bytes));
}

class HealTest : public PublishTest {
 protected:
  HealTest() {
    put(a_site("a.example"));
    publish();
    put(a_site("b.example"));
    publish();
    (void)live();
  }
  std::string file(const std::string& start) {
    for (const std::string& name : files_of(*open_map(place.config.map_dir))) {
      if (name.starts_with(start)) return place.config.map_dir + "/" + name;
    }
    return {};
  }
  void expect_healed(const std::string& reason) {
    new_publisher();
    const Report report = publish();
    EXPECT_EQ(report.wrote, Wrote::kBase);
    EXPECT_NE(report.reason.find(reason), std::string::npos) << report.reason;
    EXPECT_EQ(found(*live(), "a.example"), "a.example");
    EXPECT_EQ(difference(content(*open_map(place.config.map_dir)), compiled()), "");
    EXPECT_EQ(publish().wrote, Wrote::kNothing);
  }
};

TEST_F(HealTest, CurrentIsGone) {
  std::filesystem::remove(place.config.map_dir + "/CURRENT");
  expect_healed("can't be opened: No such file");
}

TEST_F(HealTest, CurrentIsBroken) {
  flip(place.config.map_dir + "/CURRENT", 60);
  expect_healed("");
}

TEST_F(HealTest, TheBaseIsGone) {
  std::filesystem::remove(file("base-"));
  expect_healed("No such file");
}

TEST_F(HealTest, TheBasesHeaderIsBroken) {
  flip(file("base-"), 40);
  expect_healed("");
}

TEST_F(HealTest, ADamagedDeltaIsWrittenAnewFromTheChangeLog) {
  const std::string base = file("base-");
  const auto expect_new_delta = [&](const std::string& reason) {
    put(a_site("c" + std::to_string(need(store->sequence())) + ".example"));
    new_publisher();
    const Report report = publish();
    EXPECT_EQ(report.wrote, Wrote::kDelta) << report.reason;
    EXPECT_NE(report.reason.find(reason), std::string::npos) << report.reason;
    EXPECT_EQ(file("base-"), base);
    EXPECT_EQ(found(*live(), "b.example"), "b.example");
    EXPECT_EQ(difference(content(*live()), compiled()), "");
    put(a_platform("d11"));
    EXPECT_EQ(publish().reason, "") << "the new one is good";
  };
  const std::string delta = file("delta-");
  flip(delta, std::filesystem::file_size(delta) - 200);  // a record or a bucket
  expect_new_delta("checksum");
  flip(file("delta-"), 40);
  expect_new_delta("header");
  std::filesystem::remove(file("delta-"));
  expect_new_delta("No such file");
  std::filesystem::resize_file(file("delta-"), 100);
  expect_new_delta("");
}

TEST_F(HealTest, AnUnusableCounterIsReplaced) {
  const std::string counter = place.config.map_dir + "/counter";
  const auto put_counter = [&](const std::string& bytes, mode_t mode) {
    need(write_file(counter, bytes, {.mode = mode}));
  };
  const std::string good = need(read_file(counter));
  EXPECT_FALSE(need(Counter::open(place.config.map_dir)).untold());
  const std::vector<std::function<void()>> damages = {
      [&] { std::filesystem::remove(counter); },
      [&] { put_counter("", 0640); },
      [&] { put_counter("short", 0640); },
      [&] { put_counter(good + "more", 0640); },
      [&] { put_counter(good, 0600); },
      [&] { put_counter(good, 0666); },
      [&] { std::filesystem::create_symlink(place.config.registry, counter + "-"); },
      [&] {
        put_counter(good, 0640);
        ASSERT_EQ(::chown(counter.c_str(), 65534, 65534), 0) << "this test needs root";
      }};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    damages[i]();
    if (std::filesystem::is_symlink(counter + "-")) std::filesystem::rename(counter + "-", counter);
    EXPECT_TRUE(need(Counter::open(place.config.map_dir)).untold()) << i;
    struct stat status{};
    ASSERT_EQ(::lstat(counter.c_str(), &status), 0);
    EXPECT_TRUE(S_ISREG(status.st_mode)) << i;
    EXPECT_EQ(status.st_size, 4096) << i;
    EXPECT_EQ(status.st_mode & 07777U, 0640U) << i;
    EXPECT_EQ(status.st_uid, ::geteuid()) << i;
    Counter same = need(Counter::open(place.config.map_dir));
    EXPECT_TRUE(same.untold()) << "it is the one that was made, " << i;
    same.increase();
    EXPECT_FALSE(need(Counter::open(place.config.map_dir)).untold()) << i;
  }
}

/// A worker with a clock that goes, whose counter is taken from under it.
class LostCounterTest : public HealTest {
 protected:
  LostCounterTest() { (void)worker.snapshot(now()); }
  static std::uint64_t now() { return static_cast<std::uint64_t>(std::time(nullptr)); }
  void remove_from_live(const std::string& name) { std::filesystem::remove(place.config.map_dir + "/" + name); }
  void expect_seen_at_once() {
    put(a_site("c.example"));
    (void)worker.snapshot(now());
    publish();
    const std::uint64_t second = now();
    EXPECT_EQ(found(*worker.snapshot(second), "c.example"), "c.example");
    put(a_site("d.example"));
    publish();
    EXPECT_EQ(found(*worker.snapshot(second), "d.example"), "d.example") << "the new counter tells";
  }
};

TEST_F(LostCounterTest, ItIsDamaged) {
  need(write_file(place.config.map_dir + "/counter", "short"));
  new_publisher();
  expect_seen_at_once();
}

TEST_F(LostCounterTest, ItIsGoneAndCurrentToo) {
  need(persist(place.config));
  remove_from_live("counter");
  remove_from_live("CURRENT");
  new_publisher();
  expect_seen_at_once();
}

TEST_F(LostCounterTest, TheDurableCopyIsRestored) {
  need(persist(place.config));
  remove_from_live("counter");
  remove_from_live("CURRENT");
  EXPECT_TRUE(need(restore(place.config, *store)).switched);
  new_publisher();
  expect_seen_at_once();
}

TEST_F(LostCounterTest, APublisherWasKilledBeforeItToldOfANewOne) {
  remove_from_live("counter");
  need(persist(place.config));
  remove_from_live("CURRENT");
  (void)need(Counter::open(place.config.map_dir));
  new_publisher();
  expect_seen_at_once();
}

TEST_F(LostCounterTest, ItIsReplacedUnderAPublisher) {
  const std::string counter = place.config.map_dir + "/counter";
  std::filesystem::copy(counter, counter + "-");
  std::filesystem::rename(counter + "-", counter);
  expect_seen_at_once();
}

TEST_F(HealTest, ARecordOfTheBaseIsBrokenWhenItIsMerged) {
  const std::string base = file("base-");
  const map::Header header = map::load<map::Header>(need(read_file(base)).data());
  flip(base, header.records_offset + 30);
  new_publisher();
  const Report report = need(publisher->compact());
  EXPECT_EQ(report.wrote, Wrote::kBase);
  EXPECT_EQ(difference(content(*live()), compiled()), "");
}

/// Changes one bit of a file in its place, as a failing disk or memory does: whoever has it mapped sees it.
void flip_in_place(const std::string& path, std::size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 1));
  ASSERT_TRUE(file.good());
}

class DamagedUnderWorkersTest : public HealTest {
 protected:
  /// Breaks the one record of base or delta.
  void damage(const std::string& kind) {
    const std::string path = file(kind);
    flip_in_place(path, map::load<map::Header>(need(read_file(path)).data()).records_offset + 30);
    ASSERT_EQ(found(*live(), kind == "base-" ? "a.example" : "b.example"), "fault");
    new_publisher();
  }
  void expect_good() {
    EXPECT_EQ(found(*live(), "a.example"), "a.example");
    EXPECT_EQ(found(*live(), "b.example"), "b.example");
  }
};

TEST_F(DamagedUnderWorkersTest, ARebuildReachesThem) {
  need(publisher->rebuild("a test"));
  const std::string base = file("base-");
  (void)live();
  damage("base-");
  need(publisher->rebuild("a test"));
  EXPECT_EQ(file("base-"), base) << "it has the same name";
  expect_good();
}

TEST_F(DamagedUnderWorkersTest, APublishWithNothingNewFindsAndHealsIt) {
  for (const char* kind : {"base-", "delta-"}) {
    damage(kind);
    const Report report = publish();
    EXPECT_EQ(report.wrote, Wrote::kBase);
    EXPECT_NE(report.reason.find("digest"), std::string::npos) << report.reason;
    expect_good();
    put(a_site("b.example", {"www.b.example"}));
    publish();
  }
  new_publisher();
  EXPECT_TRUE(publish().verified);
  new_publisher({.verify_up_to = 100});
  EXPECT_FALSE(publish().verified);
}

TEST_F(HealTest, TheMapOfAnotherRegistry) {
  store.reset();
  std::filesystem::remove(place.config.registry);
  std::filesystem::remove(place.config.registry + "-wal");
  std::filesystem::remove(place.config.registry + "-shm");
  store = place.open_store();
  put(a_server());
  put(a_platform("d10"));
  put(a_site("a.example"));
  expect_healed("another registry");
  EXPECT_EQ(found(*live(), "b.example"), "unknown");
}

TEST_F(HealTest, SitesDoNotGoForAnotherRegistryThatHasNone) {
  const Snapshot before = live();
  const std::set<std::string> files = names_in(place.config.map_dir);
  const std::string old_id = to_hex(store->registry_id());
  store.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(place.config.registry + suffix);
  store = place.open_store();
  new_publisher();
  EXPECT_EQ(error_of(publisher->may_publish(Publisher::Past::kOverruled)), "");
  for (const std::string& text :
       {error_of(publisher->may_publish()), error_of(publisher->publish()), error_of(publisher->rebuild("a test"))}) {
    for (const std::string& part : {old_id, to_hex(store->registry_id()), std::string("`aegirc publish --rebuild`")}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
  }
  EXPECT_EQ(live(), before);
  EXPECT_EQ(names_in(place.config.map_dir), files);
  EXPECT_EQ(need(publisher->rebuild("a test", Publisher::Past::kOverruled)).sites, 0U);
  EXPECT_EQ(found(*live(), "a.example"), "unknown");
}

registry::Block a_block(std::uint32_t slots) {
  registry::Block block;
  block.name = "b1";
  block.server = "web1";
  block.slots = slots;
  return block;
}

/// A registry whose file is brought back from a backup after more was published.
class RestoredTest : public PublishTest {
 protected:
  RestoredTest() {
    put(a_block(8));
    put(a_site("a.example"));
    publish();
    store.reset();
    std::filesystem::copy(place.config.registry, place.config.registry + ".backup");
    store = place.open_store();
    new_publisher();
    put(a_site("lost.example"));  // takes slot 1
    publish();
    lost = live()->generation();
    need(persist(place.config));
    bring_back();
  }
  void bring_back() {
    publisher.reset();
    store.reset();
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(place.config.registry + suffix);
    std::filesystem::copy(place.config.registry + ".backup", place.config.registry,
                          std::filesystem::copy_options::overwrite_existing);
    store = place.open_store();
    new_publisher();
  }
  std::uint32_t slot_of(const std::string& uri) { return need(store->find_site(uri)).value().slot; }
  /// Publishing is refused until the site that got another's slot is made anew.
  void expect_conflict() {
    const Result<Report> refused = publisher->publish();
    ASSERT_FALSE(refused.has_value());
    const std::string text = describe(refused.error());
    for (const char* part :
         {"slot 1 of block 'b1' (uid 300001)", "site new.example's in the registry", "site lost.example's in the map",
          "\n  next: delete the sites that are named as the registry's"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
    EXPECT_EQ(found(*live(), "lost.example"), "lost.example");
    EXPECT_EQ(found(*live(), "new.example"), "unknown");
    remove(a_site("new.example"));
    put(a_site("new.example"));
    EXPECT_EQ(slot_of("new.example"), 2U);
    EXPECT_EQ(publish().wrote, Wrote::kBase);
  }

  std::uint64_t lost = 0;
};

TEST_F(RestoredTest, SequenceAndSlotsGoOnAboveTheMaps) {
  EXPECT_NE(publish().reason.find("which the registry has not reached"), std::string::npos);
  EXPECT_GT(live()->generation(), lost);
  EXPECT_EQ(found(*live(), "lost.example"), "unknown");
  EXPECT_EQ(difference(content(*live()), compiled()), "");
  put(a_site("new.example"));
  EXPECT_EQ(slot_of("new.example"), 2U) << "slot 1 was the lost site's";
  EXPECT_EQ(publish().wrote, Wrote::kDelta);
  EXPECT_EQ(publish().wrote, Wrote::kNothing);
}

TEST_F(RestoredTest, TwoHistoriesThatHaveTheSameNumbersDoNotMix) {
  put(a_site("new.example"));
  registry::Site site = a_site("a.example", {"www.a.example"});
  put(site);
  const std::uint64_t sequence = need(store->sequence());
  ASSERT_GE(sequence, lost) << "the numbers tell nothing any more";
  EXPECT_NE(error_of(publisher->may_publish()).find("site new.example's in the registry"), std::string::npos);
  EXPECT_EQ(need(store->sequence()), sequence) << "asking writes nothing";
  expect_conflict();
  EXPECT_EQ(error_of(publisher->may_publish()), "");
  EXPECT_EQ(found(*live(), "lost.example"), "unknown");
  EXPECT_EQ(difference(content(*live()), compiled()), "");
  EXPECT_GT(live()->generation(), lost);
  EXPECT_EQ(publish().wrote, Wrote::kNothing);
}

TEST_F(RestoredTest, EverySlotThatWasGivenTwiceIsNamed) {
  const auto put_sites = [&](const std::string& name, int count) {
    put(a_block(64));
    for (int i = 0; i < count; ++i) put(a_site(name + std::to_string(i) + ".example"));
  };
  publish();  // slot 1 is retired
  put_sites("lost", 25);
  publish();
  need(persist(place.config));
  bring_back();
  put_sites("new", 4);  // the first of them in slot 1, which this history has not given
  const auto times = [](const std::string& text, const std::string& part) {
    int count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
  };
  const std::string three = error_of(publisher->publish());
  for (const char* site : {"new1.example", "new2.example", "new3.example"}) EXPECT_EQ(times(three, site), 1) << three;
  EXPECT_EQ(three.find(" more"), std::string::npos) << three;
  bring_back();
  put_sites("new", 26);
  const std::string many = error_of(publisher->publish());
  EXPECT_EQ(times(many, "in the registry and site"), 20) << many;
  EXPECT_NE(many.find("; and 5 more\n  next: "), std::string::npos) << many;
}

TEST_F(RestoredTest, ADamagedDeltaDoesNotHideThatItsHistoryIsLost) {
  for (const std::string& name : names_in(place.config.map_dir)) {
    if (name.starts_with("delta-")) flip(place.config.map_dir + "/" + name, 40);
  }
  put(a_site("new.example"));
  put(a_platform("d11"));
  ASSERT_GT(need(store->sequence()), lost);
  expect_conflict();
}

TEST_F(RestoredTest, TheDurableCopyAloneIsEnough) {
  std::filesystem::remove_all(place.config.map_dir);
  std::filesystem::create_directory(place.config.map_dir);
  new_publisher();
  publish();
  EXPECT_GT(open_map(place.config.map_dir)->generation(), lost);
  put(a_site("new.example"));
  EXPECT_EQ(slot_of("new.example"), 2U);
}

TEST_F(RestoredTest, ASiteThatWasRenamedKeepsItsSlot) {
  bring_back();
  change([](registry::Writer& writer) { return writer.rename_site("a.example", a_site("renamed.example")); });
  EXPECT_EQ(publish().wrote, Wrote::kBase);
  EXPECT_EQ(slot_of("renamed.example"), 0U);
}

TEST_F(RestoredTest, ABlockThatIsTooSmallNowIsNamed) {
  put(a_block(1));
  const Result<Report> refused = publisher->publish();
  EXPECT_NE(error_of(refused).find("site lost.example runs in slot 1 of block 'b1', which this registry does not have"),
            std::string::npos)
      << error_of(refused);
  EXPECT_EQ(need(publisher->rebuild("a test", Publisher::Past::kOverruled)).wrote, Wrote::kBase);
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

TEST_F(HealTest, AnotherMapKeyAboveTheOldOne) {
  keys = KeyRing::parse("aegir-key 1 8 " + std::string(64, 'c') + "\naegir-key 1 7 " + std::string(64, 'a') + "\n",
                        "test.key")
             .value();
  expect_healed("the map key is another one");
}

TEST_F(HealTest, AMapKeyThatIsLost) {
  need(persist(place.config));
  const Snapshot before = live();
  const auto expect_refused = [&](const std::string& message) {
    new_publisher();
    for (const Result<Report>& refused : {publisher->publish(), publisher->rebuild("a test")}) {
      const std::string text = error_of(refused);
      EXPECT_TRUE(text.starts_with(place.config.map_key + ": " + message)) << text;
      EXPECT_NE(text.find("back from its backup; only"), std::string::npos) << text;
      EXPECT_NE(text.find("`aegirc publish --rebuild`"), std::string::npos) << text;
    }
  };
  keys = key_of(8, 'c');
  const std::string sealed = "the credentials of the map are sealed with key 7, and this file has key 8";
  expect_refused(sealed);
  keys = KeyRing();
  expect_refused("there is no map key");
  EXPECT_EQ(live(), before);

  // After a reboot the durable copy is what is left.
  keys = key_of(8, 'c');
  for (const std::string& name : names_in(place.config.map_dir)) {
    if (name != "counter") std::filesystem::remove(place.config.map_dir + "/" + name);
  }
  expect_refused(sealed);

  const Report report = need(publisher->rebuild("a test", Publisher::Past::kOverruled));
  ASSERT_TRUE(report.warning);
  EXPECT_EQ(report.warning->hint, "reload the web servers now: until then PHP requests answer 500");
  EXPECT_EQ(difference(content(*live()), compiled()), "");
  EXPECT_EQ(live()->base().header().key_id, 8U);
  EXPECT_FALSE(need(publisher->rebuild("a test")).warning);
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

TEST_F(HealTest, LeftoversOfAKilledPublisherAreRemoved) {
  const std::set<std::string> before = names_in(place.config.map_dir);
  for (const char* name : {".map-abcdef.tmp", ".CURRENT.17.tmp", "base-9999-00000000.map", "delta-9999-00000000.map"}) {
    need(write_file(place.config.map_dir + "/" + name, "left"));
  }
  new_publisher();
  publish();
  const std::set<std::string> after = names_in(place.config.map_dir);
  EXPECT_TRUE(std::ranges::includes(before, after));
  EXPECT_EQ(found(*live(), "b.example"), "b.example");
}

TEST_F(HealTest, ANewerFormatIsLeftAlone) {
  need(write_file(place.config.map_dir + "/CURRENT", "aegir-map 2\n"));
  new_publisher();
  put(a_site("c.example"));
  const Result<Report> report = publisher->publish();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, Code::kTooNew);
  EXPECT_NE(describe(report.error()).find(place.config.map_dir + "/CURRENT"), std::string::npos);
  EXPECT_EQ(need(read_file(place.config.map_dir + "/CURRENT")), "aegir-map 2\n");
}

TEST_F(PublishTest, ADirectoryThatIsNotThereIsNamed) {
  std::filesystem::remove_all(place.config.map_dir);
  EXPECT_EQ(error_of(publisher->publish()),
            place.config.map_dir +
                ": the map's directory is not there\n  next: mount the map's file system, or make the directory; "
                "map_dir in the configuration names it");
}

class DurableTest : public PublishTest {
 protected:
  void lose_live() {
    std::filesystem::remove_all(place.config.map_dir);
    std::filesystem::create_directory(place.config.map_dir);
    new_publisher();
  }
};

TEST_F(DurableTest, TheCopyComesBackAndTheRestIsRedone) {
  put(a_site("a.example"));
  publish();
  need(persist(place.config));
  put(a_site("b.example"));
  publish();
  const Copied copied = need(persist(place.config));
  EXPECT_LT(copied.bytes, 1000U) << "the base is there already";
  EXPECT_EQ(names_in(place.config.map_durable).size(), 3U) << "CURRENT, base, delta";
  EXPECT_EQ(difference(content(*open_map(place.config.map_durable)), content(*live())), "");
  put(a_site("c.example"));
  publish();

  lose_live();
  EXPECT_EQ(need(restore(place.config, *store)).generation, copied.generation);
  EXPECT_EQ(publish().wrote, Wrote::kDelta);
  EXPECT_EQ(difference(content(*open_map(place.config.map_dir)), compiled()), "");
  EXPECT_FALSE(need(restore(place.config, *store)).switched) << "there is a live map";
}

TEST_F(DurableTest, WhatAWorkerMayHaveReadIsNotReplaced) {
  const std::string current = place.config.map_dir + "/CURRENT";
  put(a_site("a.example"));
  put(a_site("b.example"));
  publish();
  need(persist(place.config));
  remove(a_site("b.example"));
  publish();
  EXPECT_EQ(found(*worker.snapshot(1), "b.example"), "unknown");
  const std::vector<std::function<void()>> damages = {
      [] {},
      [&] { std::filesystem::remove(place.config.map_dir + "/counter"); },
      [&] { std::filesystem::remove(place.config.map_dir + "/" + map::file_name(live()->base().header())); },
      [&] { need(write_file(current, "aegir-map 2\n")); },
      [&] { need(write_file(current, "")); },
      [&] {
        std::filesystem::remove(current);
        (void)need(Counter::open(place.config.map_dir));
      }};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    damages[i]();
    const std::set<std::string> names = names_in(place.config.map_dir);
    EXPECT_FALSE(need(restore(place.config, *store)).switched) << i;
    EXPECT_EQ(names_in(place.config.map_dir), names) << i;
    EXPECT_EQ(found(*worker.snapshot(2 + i), "b.example"), "unknown") << i;
  }
}

TEST_F(DurableTest, TheCopyOfAnotherRegistryIsNotBroughtBack) {
  put(a_site("a.example"));
  publish();
  need(persist(place.config));
  store.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(place.config.registry + suffix);
  store = place.open_store();
  lose_live();
  EXPECT_NE(error_of(restore(place.config, *store)).find("it is of another registry"), std::string::npos);
  EXPECT_EQ(names_in(place.config.map_dir), std::set<std::string>{});
}

TEST_F(DurableTest, LosingBothCostsARebuild) {
  put(a_site("a.example"));
  publish();
  lose_live();
  EXPECT_NE(error_of(restore(place.config, *store)), "");
  EXPECT_EQ(publish().wrote, Wrote::kBase);
  EXPECT_EQ(difference(content(*open_map(place.config.map_dir)), compiled()), "");
}

TEST_F(DurableTest, ADamagedCopyIsNotBroughtBack) {
  put(a_site("a.example"));
  publish();
  need(persist(place.config));
  for (const std::string& name : names_in(place.config.map_durable)) {
    if (!name.starts_with("base-")) continue;
    std::string bytes = need(read_file(place.config.map_durable + "/" + name));
    bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
    need(write_file(place.config.map_durable + "/" + name, bytes));
  }
  lose_live();
  EXPECT_NE(error_of(restore(place.config, *store)).find("digest"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(place.config.map_dir + "/CURRENT"));
  EXPECT_EQ(publish().wrote, Wrote::kBase);
}

}  // namespace
}  // namespace aegir::publish
