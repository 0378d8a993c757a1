// What is broken, gone or of another registry in the map's directory: refused or right, and the next publish heals.
#include <sys/stat.h>

#include <ctime>
#include <fstream>
#include <functional>

#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

using Wrote = Report::Wrote;

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

TEST_F(HealTest, LeftoversOfAKilledPublisherAreRemoved) {
  const std::set<std::string> before = names_in(place.config.map_dir);
  for (const char* name : {".map-abcdef.tmp", ".CURRENT.17.tmp", "base-9999-00000000.map", "delta-9999-00000000.map"}) {
    need(write_file(place.config.map_dir + "/" + name, "left"));
  }
  new_publisher();
  put(a_site("c.example"));
  publish();
  // The change is visible before time goes into removing what may be large.
  EXPECT_EQ(found(*live(), "c.example"), "c.example");
  EXPECT_TRUE(names_in(place.config.map_dir).contains("base-9999-00000000.map"));
  EXPECT_FALSE(need(publisher->finish()).warning);
  std::set<std::string> after = names_in(place.config.map_dir);
  for (const std::string& name : files_of(*live())) after.erase(name);
  EXPECT_TRUE(std::ranges::includes(before, after));
  EXPECT_EQ(found(*live(), "b.example"), "b.example");
}

TEST_F(HealTest, ANewBaseAndAMergeHaveTheRoomOfLeftovers) {
  const auto leave = [&] { need(write_file(place.config.map_dir + "/base-9999-00000000.map", "left")); };
  const auto is_left = [&] { return names_in(place.config.map_dir).contains("base-9999-00000000.map"); };
  leave();
  new_publisher();
  need(publisher->rebuild("a test"));
  EXPECT_FALSE(is_left());
  leave();
  new_publisher();
  put(a_site("c.example"));
  publish();
  EXPECT_TRUE(is_left());
  need(publisher->begin_merge());
  EXPECT_FALSE(is_left());
  EXPECT_EQ(found(*live(), "c.example"), "c.example");
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

}  // namespace
}  // namespace aegir::publish
