// CURRENT, and how a worker follows a map directory (reader.hpp): at once, never to a state that it can't use.
#include <gmock/gmock.h>

#include <thread>

#include "compiler/core/crc32c.hpp"
#include "tests/unit/map/map_fixture.hpp"

namespace aegir::map {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MapLive : public MapDirectory {
 protected:
  static void log(void* context, const char* message) noexcept {
    static_cast<MapLive*>(context)->lines_.emplace_back(message);
  }
  Written with(const std::string& host, std::uint64_t generation) {
    info_.generation = generation;
    return base({.sites = {a_site(host)}});
  }
  /// What the worker answers in second `now`.
  std::string answer(const std::string& host, std::uint64_t now = 1) {
    const auto map = live_.snapshot(now);
    return map ? found(*map, host) : "no map";
  }
  std::vector<std::string> lines_;
  LiveMap live_{directory_, log, this};
};

TEST_F(MapLive, CurrentIsTextWithAChecksum) {
  Current current;
  current.registry_id.fill(0xab);
  current.generation = 17;
  current.base = "base-9-00c0ffee.map";
  const std::string text = format_current(current);
  EXPECT_THAT(text, HasSubstr("aegir-map 1\nregistry abababababababababababababababab\ngeneration 17\n"
                              "base base-9-00c0ffee.map\ndelta -\ncheck "));
  current.delta = "delta-17-deadbeef.map";
  const Result<Current> parsed = parse_current(format_current(current), "CURRENT");
  ASSERT_TRUE(parsed.has_value()) << describe(parsed.error());
  EXPECT_EQ(parsed->registry_id, current.registry_id);
  EXPECT_EQ(parsed->generation, 17U);
  EXPECT_EQ(parsed->base, current.base);
  EXPECT_EQ(parsed->delta, current.delta);
}

TEST_F(MapLive, CurrentSaysWhereItIsWrong) {
  const auto problem = [](const std::string& lines) {
    std::array<char, 16> check;
    const auto crc = crc32c(lines.data(), lines.size());
    std::snprintf(check.data(), check.size(), "check %08x\n", crc);
    const Result<Current> parsed = parse_current(lines + check.data(), "CURRENT");
    return parsed ? "right" : describe(parsed.error());
  };
  const std::string id(32, 'a');
  const std::string head = "aegir-map 1\nregistry " + id + "\n";
  EXPECT_EQ(problem(head + "generation 1\nbase base-1-01234567.map\ndelta -\n"), "right");
  EXPECT_THAT(problem("aegir-map 2\n"), HasSubstr("CURRENT:1:1: format version 2"));
  EXPECT_THAT(problem("other\n"), HasSubstr("CURRENT:1:1: CURRENT is damaged: expected 'aegir-map 1', found 'other'"));
  EXPECT_THAT(problem(std::string(50, '\x1b') + "\n"), HasSubstr("found '" + std::string(40, '?') + "…'"));
  EXPECT_EQ(parse_current("", "CURRENT").error().message, "CURRENT is damaged: expected 'aegir-map 1', found nothing");
  EXPECT_THAT(parse_current("", "CURRENT").error().hint, HasSubstr("`aegirc publish` writes it anew"));
  EXPECT_THAT(problem("aegir-map 1\nregistry " + id + "a\n"),
              HasSubstr("CURRENT:2:1: CURRENT is damaged: expected 'registry'"));
  EXPECT_THAT(problem("aegir-map 1\nregistry A" + id.substr(1) + "\n"), HasSubstr("CURRENT:2:1: "));
  EXPECT_THAT(problem(head + "generation 01\n"), HasSubstr("CURRENT:3:1: CURRENT is damaged: expected 'generation'"));
  EXPECT_THAT(problem(head + "generation 18446744073709551616\n"), HasSubstr("CURRENT:3:1: "));
  for (const char* name : {"../base-1-01234567.map", "base-1-0123456.map", "base-1-0123456g.map", "base-x-01234567.map",
                           "base-1-01234567.map/..", "delta-1-01234567.map", "-", ""}) {
    EXPECT_THAT(problem(head + "generation 1\nbase " + name + "\n"),
                HasSubstr("CURRENT:4:1: CURRENT is damaged: expected 'base'"))
        << name;
  }
  EXPECT_THAT(problem(head + "generation 1\nbase base-1-01234567.map\ndelta base-1-01234567.map\n"),
              HasSubstr("CURRENT:5:1: CURRENT is damaged: expected 'delta'"));
  EXPECT_THAT(problem(head + "generation 1\nbase base-1-01234567.map\ndelta -\nmore\n"), HasSubstr("CURRENT:6:1: "));
  Current current;
  current.base = "base-0-01234567.map";
  const std::string text = format_current(current);
  EXPECT_EQ(parse_current(text + "\n", "CURRENT").error().place.line, 7U);
  EXPECT_EQ(parse_current(text.substr(0, text.size() - 1), "CURRENT").error().place.line, 6U);
}

TEST_F(MapLive, APublishIsSeenByTheNextRequestOfTheSameSecond) {
  Counter counter(directory_);
  publish(current_of(with("one.example", 1)));
  counter.increase();
  EXPECT_EQ(answer("one.example"), "one.example");
  for (std::uint64_t generation = 2; generation < 50; ++generation) {
    publish(current_of(with("two.example", generation)));
    counter.increase();
    EXPECT_EQ(answer("one.example"), "unknown");
    EXPECT_EQ(answer("two.example"), "two.example");
    EXPECT_EQ(live_.snapshot(1)->generation(), generation);
  }
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(MapLive, WithoutAUsableCounterAPublishIsSeenWithinASecond) {
  ASSERT_TRUE(write_file(path("counter"), "too short").has_value());
  publish(current_of(with("one.example", 1)));
  EXPECT_EQ(answer("one.example", 1), "one.example");
  publish(current_of(with("two.example", 2)));
  EXPECT_EQ(answer("two.example", 1), "unknown") << "still the same second, and nothing told it";
  EXPECT_EQ(answer("two.example", 2), "two.example");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(path("counter") + ": the map's counter is not a file of 4096 bytes")));
  EXPECT_THAT(lines_.front(), HasSubstr("`aegirc publish` makes it anew"));
  EXPECT_THAT(lines_.front(), HasSubstr("within a second"));
  EXPECT_EQ(live_.refusals(), 0U) << "no state was refused";

  std::filesystem::remove(path("counter"));
  Counter counter(directory_);
  EXPECT_EQ(answer("two.example", 3), "two.example");
  publish(current_of(with("three.example", 3)));
  counter.increase();
  EXPECT_EQ(answer("three.example", 3), "three.example");
  EXPECT_EQ(lines_.size(), 1U) << "silent again";
  std::filesystem::remove(path("counter"));
  EXPECT_EQ(answer("three.example", 4), "three.example");
  EXPECT_EQ(answer("three.example", 5), "three.example");
  ASSERT_EQ(lines_.size(), 2U) << "another loss is said again";
  EXPECT_THAT(lines_[1], HasSubstr("No such file"));
}

TEST_F(MapLive, ACounterThatComesLaterOrIsReplacedIsUsed) {
  publish(current_of(with("one.example", 1)));
  EXPECT_EQ(answer("one.example", 1), "one.example");
  for (std::uint64_t second = 2; second < 5; ++second) {
    std::filesystem::remove(path("counter"));
    Counter counter(directory_);
    counter.increase();
    EXPECT_NE(live_.snapshot(second), nullptr);
    publish(current_of(with("name" + std::to_string(second) + ".example", second)));
    counter.increase();
    EXPECT_EQ(answer("name" + std::to_string(second) + ".example", second),
              "name" + std::to_string(second) + ".example");
  }
}

TEST_F(MapLive, APublishOpensNothingButTheDelta) {
  Counter counter(directory_);
  const Written below = with("one.example", 1);
  publish(current_of(below));
  const auto before = live_.snapshot(1);
  const Written above = delta(below, {.sites = {a_site("two.example")}, .platforms = {}}, 2);
  std::filesystem::remove(path(below.name));  // whoever opens it again fails
  publish(current_of(below, &above));
  counter.increase();
  const auto after = live_.snapshot(2);
  EXPECT_EQ(&after->base(), &before->base());
  EXPECT_EQ(found(*after, "one.example"), "one.example");
  EXPECT_EQ(found(*after, "two.example"), "two.example");
  EXPECT_EQ(found(*before, "two.example"), "unknown") << "a request keeps the state that it began with";
}

TEST_F(MapLive, NothingThereIsSaidOnce) {
  EXPECT_EQ(live_.snapshot(1), nullptr);
  EXPECT_EQ(live_.snapshot(1), nullptr);
  EXPECT_EQ(live_.snapshot(2), nullptr);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("CURRENT: the state of the map can't be opened: No such file")));
  EXPECT_THAT(lines_.front(), HasSubstr("there is no map yet"));
  EXPECT_EQ(live_.refusals(), 1U);
  publish(current_of(with("one.example", 1)));
  EXPECT_EQ(answer("one.example", 3), "one.example");
}

TEST_F(MapLive, ARefusedStateIsSaidOnceAndTheLastGoodOneStays) {
  Counter counter(directory_);
  publish(current_of(with("one.example", 1)));
  EXPECT_EQ(answer("one.example"), "one.example");

  const Written next = with("two.example", 2);
  std::filesystem::resize_file(path(next.name), next.header.file_size - 64);
  publish(current_of(next));
  counter.increase();
  EXPECT_EQ(answer("one.example", 2), "one.example");
  EXPECT_EQ(answer("one.example", 3), "one.example");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(next.name + ": it is not as long as its header says")));
  EXPECT_THAT(lines_.front(), HasSubstr("generation 1 stays in use"));

  ASSERT_TRUE(write_file(path("CURRENT"), "half a line").has_value());
  counter.increase();
  EXPECT_EQ(answer("one.example", 3), "one.example");
  EXPECT_EQ(answer("one.example", 3), "one.example");
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_THAT(lines_[1], HasSubstr("CURRENT:1: CURRENT is damaged: expected 'aegir-map 1', found 'half a line'"));
  EXPECT_THAT(lines_[1], HasSubstr("generation 1 stays in use"));

  std::filesystem::remove(path("CURRENT"));
  EXPECT_EQ(answer("one.example", 4), "one.example");
  EXPECT_EQ(lines_.size(), 3U);
  EXPECT_EQ(live_.refusals(), 3U);

  publish(current_of(with("three.example", 3)));
  counter.increase();
  EXPECT_EQ(answer("three.example", 4), "three.example");
  EXPECT_EQ(lines_.size(), 3U);
}

TEST_F(MapLive, AFileThatComesLateIsUsedWithinASecond) {
  Counter counter(directory_);
  const Written written = with("one.example", 1);
  const std::string hidden = path("hidden");
  std::filesystem::rename(path(written.name), hidden);
  publish(current_of(written));
  EXPECT_EQ(answer("one.example", 1), "no map");
  std::filesystem::rename(hidden, path(written.name));
  EXPECT_EQ(answer("one.example", 2), "one.example");
  EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(MapLive, StatesThatDoNotFitTogetherAreRefused) {
  Counter counter(directory_);
  const Written good = with("one.example", 1);
  publish(current_of(good));
  EXPECT_EQ(answer("one.example"), "one.example");
  const auto refused = [&](const Current& current) -> std::string {
    lines_.clear();
    publish(current);
    counter.increase();
    EXPECT_EQ(answer("one.example"), "one.example");
    return lines_.size() == 1 ? lines_.front() : std::to_string(lines_.size()) + " lines";
  };
  const Written above = delta(good, {.platforms = {}}, 2);
  Current current = current_of(good, &above);
  current.generation = 3;
  EXPECT_THAT(refused(current), HasSubstr("it says generation 3, its files have 2"));
  current = current_of(good, &above);
  current.registry_id.fill(1);
  EXPECT_THAT(refused(current), HasSubstr("it belongs to another registry than CURRENT"));
  const Written other = with("two.example", 1);
  EXPECT_THAT(refused(current_of(other, &above)), HasSubstr("it belongs to another base than " + other.name));
  std::filesystem::rename(path(other.name), path("base-1-00000000.map"));
  current = current_of(good);
  current.base = "base-1-00000000.map";
  EXPECT_THAT(refused(current), HasSubstr("its header belongs to a file named " + other.name));
  std::filesystem::create_symlink(good.name, path("base-1-11111111.map"));
  current.base = "base-1-11111111.map";
  EXPECT_THAT(refused(current), HasSubstr("base-1-11111111.map: the map file can't be opened"));
  std::filesystem::create_directory(path("base-1-22222222.map"));
  current.base = "base-1-22222222.map";
  EXPECT_THAT(refused(current), HasSubstr("not a regular file"));
}

TEST_F(MapLive, OtherFormatVersionsAreRefusedAsSuch) {
  const Written written = with("one.example", 1);
  const auto with_version = [&](std::uint32_t version) {
    Header header = written.header;
    header.version = version;
    header.header_crc = crc32c(&header, offsetof(Header, header_crc));
    std::fstream file(path(written.name), std::ios::in | std::ios::out | std::ios::binary);
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    file.close();
    return MapFile::open(path(written.name)).error();
  };
  EXPECT_EQ(with_version(2).code, Code::kTooNew);
  EXPECT_THAT(with_version(2).message, HasSubstr("format version 2, this program reads 1"));
  EXPECT_EQ(with_version(0).code, Code::kCorrupt);
}

TEST_F(MapLive, ThreadsSeeEachPublishAndNoTornState) {
  Counter counter(directory_);
  std::atomic<std::uint64_t> published{1};
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> stale{0}, wrong{0}, looked{0};
  publish(current_of(with("g1.example", 1)));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (std::uint64_t second = 1; !stop; ++second) {
        const std::uint64_t before = published;
        const auto map = live_.snapshot(second / 100);
        if (map->generation() < before) ++stale;
        if (found(*map, "g" + std::to_string(map->generation()) + ".example") == "unknown") ++wrong;
        ++looked;
      }
    });
  }
  std::string last;
  for (std::uint64_t generation = 2; generation < 300; ++generation) {
    const Written written = with("g" + std::to_string(generation) + ".example", generation);
    publish(current_of(written));
    counter.increase();
    published = generation;
    if (!last.empty()) std::filesystem::remove(path(last));
    last = written.name;
    while (looked < generation) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stale, 0U);
  EXPECT_EQ(wrong, 0U);
  EXPECT_THAT(lines_, IsEmpty());
}

}  // namespace
}  // namespace aegir::map
