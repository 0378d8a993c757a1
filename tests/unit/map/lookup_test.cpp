// What a request finds (reader.hpp): names, wildcards, deltas over bases, probes, copies.
#include <gmock/gmock.h>

#include "tests/unit/map/map_fixture.hpp"

namespace aegir::map {
namespace {

class MapLookup : public MapDirectory {};

TEST_F(MapLookup, EveryFieldArrivesAsItWasWritten) {
  SiteRecord site = a_site("shop.example");
  site.state = SiteState::kMaintenance;
  site.https = Https::kRequired;
  site.memory_limit = 1;
  site.upload_max_filesize = 2;
  site.post_max_size = 3;
  site.max_execution_time = 4;
  site.target = "https://new.example";
  site.auth = std::string(32, 'd') + "The realm";
  site.former = {"old.example", "older.example"};
  info_.console = "https://console.example";
  const auto map = snapshot(base({.sites = {site, a_site("z.example")}}));
  SiteView view;
  ASSERT_EQ(map->find_host("shop.example", view), Lookup::kFound);
  EXPECT_EQ(view.host, "shop.example");
  EXPECT_EQ(view.directory, "shop.example");
  EXPECT_EQ(view.socket, "/run/fpm/shop.example.sock");
  EXPECT_EQ(view.target, "https://new.example");
  EXPECT_EQ(view.auth, site.auth);
  EXPECT_EQ(view.sealed, std::string(site.sealed.begin(), site.sealed.end()));
  EXPECT_EQ(view.platform_name, "d10");
  EXPECT_EQ(view.docroot, "/srv/d10/web");
  EXPECT_EQ(view.console, "https://console.example");
  EXPECT_EQ(view.state, SiteState::kMaintenance);
  EXPECT_EQ(view.https, Https::kRequired);
  EXPECT_EQ(view.cms, Cms::kDrupal8);
  EXPECT_EQ(view.services, kServiceApache | kServiceNginx);
  EXPECT_EQ(view.platform_id, 3U);
  EXPECT_EQ(view.key_id, 7U);
  EXPECT_EQ(view.memory_limit, 1U);
  EXPECT_EQ(view.upload_max_filesize, 2U);
  EXPECT_EQ(view.post_max_size, 3U);
  EXPECT_EQ(view.max_execution_time, 4U);
  EXPECT_EQ(view.generation, 100U);
  EXPECT_EQ(view.former_count, 2U);
  EXPECT_TRUE(view.has_former("old.example"));
  EXPECT_TRUE(view.has_former("older.example"));
  EXPECT_FALSE(view.has_former("old.exampl"));
  EXPECT_FALSE(view.has_former(""));
}

TEST_F(MapLookup, ServicesAreThoseOfSiteAndPlatformTogether) {
  SiteRecord site = a_site("shop.example");
  site.services = kServiceApache;
  SiteRecord other = a_site("other.example");
  other.platform_id = 4;
  const auto map = snapshot(base(
      {.sites = {site, other}, .platforms = {{3, 3, Cms::kDrupal7, "d7", "/d7"}, {4, 2, Cms::kOther, "x", "/x"}}}));
  SiteView view;
  ASSERT_EQ(map->find_host("shop.example", view), Lookup::kFound);
  EXPECT_EQ(view.services, kServiceApache);
  ASSERT_EQ(map->find_host("other.example", view), Lookup::kFound);
  EXPECT_EQ(view.services, kServiceNginx);
}

TEST_F(MapLookup, AnAliasHasItsSiteAndItsOwnTarget) {
  const auto map = snapshot(base({.sites = {a_site("shop.example", {{"plain.example", ""},
                                                                    {"www.shop.example", "shop.example"},
                                                                    {"far.example", "https://far.away"}})}}));
  EXPECT_EQ(found(*map, "shop.example"), "shop.example");
  EXPECT_EQ(found(*map, "plain.example"), "shop.example");
  EXPECT_EQ(found(*map, "www.shop.example"), "shop.example -> shop.example");
  EXPECT_EQ(found(*map, "far.example"), "shop.example -> https://far.away");
}

TEST_F(MapLookup, NamesThatAreNotThereAreUnknown) {
  const auto map = snapshot(base({.sites = {a_site("shop.example", {{".wild.example", ""}})}}));
  const std::string probe = probe_key("token");
  for (const std::string& name :
       {std::string(), std::string("example"), std::string("a.shop.example"), std::string("shop.example."),
        std::string("Shop.example"), std::string("shop.exampl"), std::string("."), std::string(".wild.example"), probe,
        std::string(253, 'a'), std::string(254, 'a'), std::string(100000, '.')}) {
    EXPECT_EQ(found(*map, name), "unknown") << name.substr(0, 80);
  }
}

TEST_F(MapLookup, AnEmptyMapKnowsNothing) { EXPECT_EQ(found(*snapshot(base({})), "shop.example"), "unknown"); }

TEST_F(MapLookup, WildcardsTheLongestWinsAndExactNamesAreExceptions) {
  const auto map =
      snapshot(base({.sites = {a_site("one.example", {{".example", ""}, {"special.two.example", "t.example"}}),
                               a_site("two.example", {{".two.example", "two.example"}}),
                               a_site("deep.example", {{".a.b.c.two.example", ""}})}}));
  EXPECT_EQ(found(*map, "x.example"), "one.example");
  EXPECT_EQ(found(*map, "example"), "unknown") << "a wildcard does not stand for its own suffix";
  EXPECT_EQ(found(*map, "two.example"), "two.example");
  EXPECT_EQ(found(*map, "x.two.example"), "two.example -> two.example");
  EXPECT_EQ(found(*map, "y.x.two.example"), "two.example -> two.example") << "names of any depth";
  EXPECT_EQ(found(*map, "b.c.two.example"), "two.example -> two.example");
  EXPECT_EQ(found(*map, "a.b.c.two.example"), "two.example -> two.example");
  EXPECT_EQ(found(*map, "x.a.b.c.two.example"), "deep.example");
  EXPECT_EQ(found(*map, "special.two.example"), "one.example -> t.example") << "an exact name is an exception";
  EXPECT_EQ(found(*map, "x.special.two.example"), "two.example -> two.example");
  EXPECT_EQ(found(*map, "xtwo.example"), "one.example") << "suffixes end at dots";
  EXPECT_EQ(found(*map, "x.other"), "unknown");
}

TEST_F(MapLookup, NoMoreThanEightWildcardsAreTried) {
  std::vector<AliasRecord> aliases;
  std::string suffix;
  for (int depth = 1; depth <= 12; ++depth) {
    suffix = ".l" + std::to_string(depth) + suffix;
    aliases.push_back({suffix, "t" + std::to_string(depth)});
  }
  const auto map = snapshot(base({.sites = {a_site("shop.example", aliases)}}));
  EXPECT_EQ(found(*map, "x" + suffix), "shop.example -> t12");
  // Other labels below l4…l1: depths 12 to 5 are tried and miss, 4 to 1 are not tried any more.
  EXPECT_EQ(found(*map, "x.12.11.10.9.8.7.6.5.l4.l3.l2.l1"), "unknown");
  EXPECT_EQ(found(*map, "x.11.10.9.8.7.6.5.l4.l3.l2.l1"), "shop.example -> t4");
}

TEST_F(MapLookup, HostsWithManyLabelsAreOnlyLong) {
  std::string labels;
  for (int i = 0; i < 120; ++i) labels += "a.";
  const auto map = snapshot(base({.sites = {a_site("shop.example", {{".example", ""}})}}));
  EXPECT_EQ(found(*map, labels + "example"), "shop.example");
  EXPECT_EQ(found(*map, labels + "other"), "unknown");
}

TEST_F(MapLookup, ADeltaWinsOverItsBase) {
  const Written below =
      base({.sites = {a_site("gone.example", {{"www.gone.example", ""}}), a_site("kept.example"),
                      a_site("moved.example", {{"m.example", ""}}), a_site("w.example", {{".w.example", ""}})}});
  SiteRecord moved = a_site("moved.example", {{"new.moved.example", "moved.example"}});
  moved.state = SiteState::kDisabled;
  const Written above =
      delta(below, {.sites = {moved, a_site("fresh.example"), a_site("w.example", {{"x.w.example", ""}})},
                    .tombstones = {"gone.example", "www.gone.example", "m.example", ".w.example"},
                    .platforms = {}});
  const auto map = snapshot(below, above);
  EXPECT_EQ(map->generation(), 101U);
  EXPECT_EQ(found(*map, "gone.example"), "unknown");
  EXPECT_EQ(found(*map, "www.gone.example"), "unknown");
  EXPECT_EQ(found(*map, "kept.example"), "kept.example");
  EXPECT_EQ(found(*map, "fresh.example"), "fresh.example");
  EXPECT_EQ(found(*map, "m.example"), "unknown");
  EXPECT_EQ(found(*map, "new.moved.example"), "moved.example -> moved.example");
  EXPECT_EQ(found(*map, "y.w.example"), "unknown") << "the wildcard has a tombstone";
  EXPECT_EQ(found(*map, "x.w.example"), "w.example");
  SiteView view;
  ASSERT_EQ(map->find_host("moved.example", view), Lookup::kFound);
  EXPECT_EQ(view.state, SiteState::kDisabled);
  EXPECT_EQ(view.generation, 101U);
  EXPECT_EQ(view.platform_name, "d10") << "the base's row";
}

TEST_F(MapLookup, ATombstoneLetsShorterWildcardsThrough) {
  const Written below = base({.sites = {a_site("one.example", {{".example", ""}}), a_site("x.two.example"),
                                        a_site("two.example", {{".two.example", ""}})}});
  const Written above = delta(
      below, {.sites = {a_site("two.example")}, .tombstones = {"x.two.example", ".two.example"}, .platforms = {}});
  const auto map = snapshot(below, above);
  EXPECT_EQ(found(*map, "x.two.example"), "one.example");
  const auto before = snapshot(below);
  EXPECT_EQ(found(*before, "x.two.example"), "x.two.example");
  EXPECT_EQ(found(*before, "y.two.example"), "two.example");
}

TEST_F(MapLookup, AWildcardOfADeltaAlone) {
  const Written below = base({.sites = {a_site("one.example")}});
  const Written above = delta(below, {.sites = {a_site("two.example", {{".two.example", ""}})}, .platforms = {}});
  EXPECT_EQ(found(*snapshot(below, above), "x.two.example"), "two.example");
}

TEST_F(MapLookup, PlatformsAndSettingsOfADelta) {
  info_.console = "https://console.example";
  SiteRecord four = a_site("four.example");
  four.platform_id = 4;
  const Written below = base({.sites = {a_site("three.example"), four},
                              .platforms = {{3, 3, Cms::kDrupal8, "d10", "/d10"}, {4, 3, Cms::kDrupal7, "d7", "/d7"}}});
  SiteRecord five = a_site("five.example");
  five.platform_id = 5;
  const Written above = delta(
      below,
      {.sites = {five}, .platforms = {{3, 2, Cms::kBackdrop, "moved", "/moved"}, {5, 1, Cms::kOther, "new", "/new"}}});
  const auto map = snapshot(below, above);
  SiteView view;
  ASSERT_EQ(map->find_host("three.example", view), Lookup::kFound);
  EXPECT_EQ(view.docroot, "/moved");
  EXPECT_EQ(view.platform_name, "moved");
  EXPECT_EQ(view.cms, Cms::kBackdrop);
  EXPECT_EQ(view.services, kServiceNginx);
  EXPECT_EQ(view.console, "") << "a delta's settings win, also when they are empty";
  ASSERT_EQ(map->find_host("four.example", view), Lookup::kFound);
  EXPECT_EQ(view.docroot, "/d7");
  ASSERT_EQ(map->find_host("five.example", view), Lookup::kFound);
  EXPECT_EQ(view.docroot, "/new");
}

TEST_F(MapLookup, ASiteOfNoPlatformIsAFault) {
  SiteRecord lost = a_site("lost.example");
  lost.platform_id = 9;
  const Written below = base({.sites = {lost, a_site("shop.example")}});
  EXPECT_EQ(found(*snapshot(below), "lost.example"), "fault");
  EXPECT_EQ(found(*snapshot(below), "shop.example"), "shop.example");
  const Written above = delta(below, {.platforms = {{3, 0, Cms::kOther, "", ""}}});
  EXPECT_EQ(found(*snapshot(below, above), "shop.example"), "fault") << "the delta says that the platform is gone";
}

TEST_F(MapLookup, ACandidateIsFoundWithItsTokenForItsHostBeforeItsExpiry) {
  const auto map = snapshot(base({.sites = {a_site("shop.example", {{"www.shop.example", ""}}), a_site("other.example"),
                                            a_candidate("secret", "shop.example", 1000)}}));
  EXPECT_EQ(probed(*map, "secret", "shop.example", 999), "candidate-of-shop.example");
  EXPECT_EQ(probed(*map, "secret", "shop.example", 1000), "unknown");
  EXPECT_EQ(probed(*map, "secret", "other.example", 999), "unknown");
  EXPECT_EQ(probed(*map, "secret", "www.shop.example", 999), "unknown");
  EXPECT_EQ(probed(*map, "secreT", "shop.example", 999), "unknown");
  EXPECT_EQ(probed(*map, "", "shop.example", 999), "unknown");
  EXPECT_EQ(probed(*map, probe_key("secret"), "shop.example", 999), "unknown") << "the hashed token is no token";
  EXPECT_EQ(found(*map, "shop.example"), "shop.example");
}

TEST_F(MapLookup, ACandidateMayBeOfASiteThatDoesNotExistYet) {
  const Written below = base({});
  const Written above = delta(below, {.sites = {a_candidate("secret", "new.example", 1000)}, .platforms = {}});
  EXPECT_EQ(probed(*snapshot(below, above), "secret", "new.example", 1), "candidate-of-new.example");
  EXPECT_EQ(found(*snapshot(below, above), "new.example"), "unknown");
}

TEST_F(MapLookup, APassReadsTheLiveRecordUnderEachOfItsNames) {
  const Written below = base({.sites = {a_site("shop.example", {{"www.shop.example", ""}, {".w.example", ""}}),
                                        a_site("other.example"), a_candidate("secret", "shop.example", 1000)}});
  const Written above = delta(below, {.passes = {{probe_key("secret"), "shop.example", 2000}}, .platforms = {}});
  const auto map = snapshot(below, above);
  EXPECT_EQ(probed(*map, "secret", "shop.example", 1999), "shop.example") << "the delta's pass replaces the candidate";
  EXPECT_EQ(probed(*map, "secret", "www.shop.example", 1999), "shop.example");
  EXPECT_EQ(probed(*map, "secret", "x.w.example", 1999), "shop.example");
  EXPECT_EQ(probed(*map, "secret", "other.example", 1999), "unknown");
  EXPECT_EQ(probed(*map, "secret", "shop.example", 2000), "unknown");
  const Written later = delta(below, {.tombstones = {probe_key("secret")}, .platforms = {}}, 102);
  EXPECT_EQ(probed(*snapshot(below, later), "secret", "shop.example", 1), "unknown");
}

TEST_F(MapLookup, ACopyOutlivesItsSnapshot) {
  info_.console = "https://console.example";
  SiteRecord site = a_site("shop.example", {{"www.shop.example", "https://t.example"}});
  site.auth = std::string(32, 'd') + "realm";
  const Written written = base({.sites = {site}});
  for (const char* name : {"shop.example", "www.shop.example"}) {
    auto map = snapshot(written);
    SiteView view;
    ASSERT_EQ(map->find_host(name, view), Lookup::kFound);
    std::vector<char> memory(view.footprint());
    view.copy_to(memory.data());
    const char* begin = memory.data();
    const char* end = begin + memory.size();
    for (const std::string_view* field : {&view.host, &view.directory, &view.socket, &view.auth, &view.former,
                                          &view.sealed, &view.platform_name, &view.docroot, &view.console}) {
      EXPECT_TRUE(field->data() >= begin && field->data() + field->size() <= end) << *field;
    }
    EXPECT_TRUE(view.target.empty() || (view.target.data() >= begin && view.target.data() + view.target.size() <= end));
    map.reset();  // unmaps the file
    std::vector<char> again(view.footprint());
    EXPECT_EQ(again.size(), memory.size());
    view.copy_to(again.data());
    std::ranges::fill(memory, 'x');
    EXPECT_EQ(view.host, "shop.example");
    EXPECT_EQ(view.directory, "shop.example");
    EXPECT_EQ(view.socket, "/run/fpm/shop.example.sock");
    EXPECT_EQ(view.auth, site.auth);
    EXPECT_TRUE(view.has_former("was-shop.example"));
    EXPECT_EQ(view.sealed, std::string(site.sealed.begin(), site.sealed.end()));
    EXPECT_EQ(view.platform_name, "d10");
    EXPECT_EQ(view.docroot, "/srv/d10/web");
    EXPECT_EQ(view.console, "https://console.example");
    EXPECT_EQ(view.target, std::string_view(name) == "shop.example" ? "" : "https://t.example");
  }
}

TEST_F(MapLookup, AMissReadsNoRecord) {
  Content content;
  for (int i = 0; i < 2000; ++i) content.sites.push_back(a_site("site" + std::to_string(i) + ".example"));
  content.sites.push_back(a_site("w.example", {{".w.example", ""}}));
  const auto file = opened(base(content));
  const auto map = Snapshot::make(file, nullptr).value();
  const auto look = [&](const std::string& prefix) {
    constexpr std::uint64_t kPage = 4096;
    const std::uint64_t begin = (file->header().records_offset + kPage - 1) / kPage * kPage;
    const std::uint64_t end = file->header().buckets_offset / kPage * kPage;
    void* records = const_cast<unsigned char*>(file->bytes().data() + begin);
    if (::mprotect(records, end - begin, PROT_NONE) != 0) ::_exit(1);
    for (int i = 0; i < 2000; ++i) (void)found(*map, prefix + std::to_string(i) + ".example");
    ::_exit(0);
  };
  EXPECT_EXIT(look("none"), ::testing::ExitedWithCode(0), "");
  EXPECT_DEATH(look("site"), "") << "the records are out of reach";
}

TEST_F(MapLookup, ThousandsOfNamesAreAllFound) {
  Content content;
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) {
    const std::string host = "site" + std::to_string(i) + ".example";
    content.sites.push_back(a_site(host, {{"www." + host, host}}));
    names.push_back(host);
  }
  const Written written = base(content);
  EXPECT_EQ(written.header.name_count, 10000U);
  EXPECT_EQ(written.header.site_count, 5000U);
  EXPECT_GE(written.header.bucket_count * kBucketSlots, 2 * written.header.name_count);
  const auto map = snapshot(written);
  for (const std::string& host : names) {
    ASSERT_EQ(found(*map, host), host);
    ASSERT_EQ(found(*map, "www." + host), host + " -> " + host);
    ASSERT_EQ(found(*map, "x." + host), "unknown");
  }
}

}  // namespace
}  // namespace aegir::map
