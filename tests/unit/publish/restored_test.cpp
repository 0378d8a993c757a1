// What is restored: a registry from a backup that is behind the map, and the live map from its durable copy.
#include <functional>

#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

using Wrote = Report::Wrote;

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
