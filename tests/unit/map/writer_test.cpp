// Writing files of the site map (writer.hpp) and merging them (merge.hpp): the same bytes for the same content, and no
// trace of a file that could not be written.
#include "compiler/map/writer.hpp"

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <functional>

#include "compiler/map/merge.hpp"
#include "compiler/map/units.hpp"
#include "compiler/map/verify.hpp"
#include "tests/unit/map/map_fixture.hpp"

namespace aegir::map {
namespace {

using ::testing::HasSubstr;

class MapWriter : public MapDirectory {
 protected:
  [[nodiscard]] std::string bytes(const Written& written) const { return read_file(path(written.name)).value(); }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
  /// The error of writing `content`, which must leave nothing behind.
  std::string refused(const Content& content, FileKind kind = FileKind::kBase) {
    FileInfo info = info_;
    info.kind = kind;
    const std::size_t before = entries();
    const Result<Written> written = write(target(), info, content);
    EXPECT_EQ(entries(), before);
    return written ? "written" : describe(written.error());
  }
};

TEST_F(MapWriter, TheSameContentGivesTheSameBytes) {
  const Content content{.sites = {a_site("a.example", {{".a.example", "a.example"}}), a_site("b.example")},
                        .passes = {{probe_key("t"), "a.example", 9}}};
  const Written first = base(content);
  const std::string kept = bytes(first);
  std::filesystem::remove(path(first.name));
  const Written second = base(content);
  EXPECT_EQ(second.name, first.name);
  EXPECT_EQ(bytes(second), kept);
  info_.generation = 101;
  EXPECT_NE(base(content).name, first.name);
}

TEST_F(MapWriter, NamesAndModesAreThoseOfTheFormat) {
  const Written written = base({.sites = {a_site("a.example")}});
  EXPECT_EQ(written.name, file_name(opened(written)->header()));
  EXPECT_THAT(written.name, ::testing::MatchesRegex("base-100-[0-9a-f]+\\.map"));
  EXPECT_THAT(delta(written, {.platforms = {}}).name, ::testing::MatchesRegex("delta-101-[0-9a-f]+\\.map"));
  struct stat status{};
  ASSERT_EQ(::stat(path(written.name).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  const Result<Written> durable = write({.directory = directory_, .durable = true, .mode = 0600}, info_, {});
  ASSERT_TRUE(durable.has_value());
  ASSERT_EQ(::stat(path(durable->name).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(MapWriter, WhatTheFormatCannotHoldIsRefusedByName) {
  const auto with = [](const std::function<void(SiteRecord&)>& change) {
    SiteRecord site = a_site("a.example");
    change(site);
    return Content{.sites = {site}};
  };
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.directory.assign(65536, 'd'); })),
              HasSubstr("a.example: the site map can't hold it: the site directory is too long\n  next: "));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.socket.assign(65536, 's'); })), HasSubstr("FPM socket"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.target.assign(65536, 't'); })), HasSubstr("redirect target"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.auth = "short"; })), HasSubstr("HTTP authentication"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.sealed.resize(39); })), HasSubstr("sealed credentials"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.former = {""}; })), HasSubstr("former uri"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.former.assign(300, std::string(250, 'f')); })),
              HasSubstr("former uris have more than 65535 bytes"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.host = "b.example"; })), HasSubstr("a site's key is its host"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.key = "!short"; })), HasSubstr("a candidate's is a probe's"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.services = 4; })), HasSubstr("unknown web service"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.aliases = {{std::string(256, 'a'), ""}}; })),
              HasSubstr("an alias is a host name"));
  EXPECT_THAT(refused(with([](SiteRecord& site) { site.aliases = {{"b.example", std::string(65536, 't')}}; })),
              HasSubstr("redirect target"));
  std::string deep;
  for (int i = 0; i < 64; ++i) deep += ".x";
  EXPECT_THAT(refused(with([&](SiteRecord& site) { site.aliases = {{deep, ""}}; })), HasSubstr("more than 63 labels"));
  SiteRecord candidate = a_candidate("t", "a.example", 9);
  candidate.aliases = {{"b.example", ""}};
  EXPECT_THAT(refused({.sites = {candidate}}), HasSubstr("a candidate has no aliases"));
  EXPECT_THAT(refused({.passes = {{"!x", "a.example", 9}}}), HasSubstr("a pass's key"));
  EXPECT_THAT(refused({.platforms = {{1, 3, Cms::kOther, "p", std::string(65536, 'd')}}}), HasSubstr("platform"));
  EXPECT_THAT(refused({.platforms = {{1, 0, Cms::kOther, "p", "/p"}}}), HasSubstr("without a web service"));
  EXPECT_THAT(refused({.tombstones = {"x.example"}}), HasSubstr("a base can't hold the tombstone"));
  info_.console.assign(65536, 'c');
  EXPECT_THAT(refused({}), HasSubstr("console"));
}

TEST_F(MapWriter, ANameThatStandsTwiceIsAConflict) {
  EXPECT_THAT(refused({.sites = {a_site("a.example", {{"b.example", ""}}), a_site("b.example")}}),
              HasSubstr("b.example: this name stands twice"));
  EXPECT_THAT(refused({.sites = {a_site("a.example", {{"x.example", ""}}), a_site("b.example", {{"x.example", ""}})}}),
              HasSubstr("x.example: this name stands twice"));
}

TEST_F(MapWriter, NamesThatCrowdOneBucketGetMoreBuckets) {
  const Written below = base({.sites = {a_site("a.example")}});
  const auto file = opened(below);
  // 60 names fit in no run of 8 buckets; all of these want the same one of the 18 that 60 names get at first.
  Content content{.platforms = {}};
  for (int i = 0; content.sites.size() < 60; ++i) {
    const std::string host = "n" + std::to_string(i) + ".example";
    if (home_bucket(file->hash(host), 18) == 5) content.sites.push_back(a_site(host));
  }
  const Written above = delta(below, content);
  EXPECT_GT(above.header.bucket_count, 18U);
  const auto map = snapshot(below, above);
  for (const SiteRecord& site : content.sites) EXPECT_EQ(found(*map, site.host), site.host);
  EXPECT_TRUE(verify_file(path(above.name)).has_value());
}

TEST_F(MapWriter, UnitsOutOfOrderAreAMistakeOfTheCaller) {
  Writer writer = std::move(Writer::create(target(), info_, {}).value());
  ASSERT_TRUE(writer.add(a_site("b.example")).has_value());
  EXPECT_EQ(writer.add(a_site("a.example")).error().code, Code::kInternal);
  SiteRecord site = a_site("c.example");
  site.aliases = {{"z.example", ""}, {"y.example", ""}};
  EXPECT_EQ(writer.add(site).error().code, Code::kInternal);
}

TEST_F(MapWriter, APlaceThatCannotBeWrittenIsNamed) {
  const Result<Written> written = write({.directory = path("missing")}, info_, {});
  ASSERT_FALSE(written.has_value());
  EXPECT_THAT(describe(written.error()), HasSubstr(path("missing") + ": no map file can be created: No such file"));
}

/// Writes far more than a small file system holds, in a child with its own mounts. Says what came of it.
std::string write_to_a_full_tmpfs(const std::string& directory) {
  if (::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return "no mount namespace";
  (void)::mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr);  // not in a chroot that is no mount point
  if (::mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=256k") != 0) return "no tmpfs";
  std::string result;
  {
    Content content;
    for (int i = 0; i < 3000; ++i) content.sites.push_back(a_site("site" + std::to_string(i) + ".example"));
    const Result<Written> written = write({.directory = directory}, {}, content);
    result = written ? "written" : describe(written.error());
  }
  result += "\n" + std::to_string(std::distance(std::filesystem::directory_iterator(directory), {})) + " files left";
  (void)::umount(directory.c_str());
  return result;
}

TEST_F(MapWriter, AFullFileSystemIsSaidAndNothingIsLeft) {
  std::array<int, 2> ends;
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)write_all(ends[1], write_to_a_full_tmpfs(directory_));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::array<char, 4096> text;
  const ssize_t size = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_GT(size, 0);
  const std::string said(text.data(), static_cast<std::size_t>(size));
  EXPECT_THAT(said, HasSubstr("the map file can't be written: No space left on device\n  next: free some space"));
  EXPECT_THAT(said, HasSubstr(directory_ + "/.map-"));
  EXPECT_THAT(said, HasSubstr("\n0 files left"));
}

TEST_F(MapWriter, AMergedFileIsWhatAFullCompileWrites) {
  const SiteRecord kept = a_site("kept.example", {{"k1.example", "kept.example"}, {"k2.example", ""}});
  const SiteRecord old = a_site("old.example", {{"o.example", ""}, {".o.example", ""}});
  const SiteRecord gone = a_site("gone.example", {{"g.example", ""}});
  SiteRecord changed = a_site("old.example", {{"k2.example", "old.example"}, {"new.o.example", ""}});
  changed.platform_id = 5;
  const SiteRecord kept_less = a_site("kept.example", {{"k1.example", "kept.example"}});
  const PassRecord pass_record{probe_key("p"), "old.example", 77};
  const Written below = base({.sites = {kept, old, gone, a_candidate("c", "old.example", 5)},
                              .platforms = {{3, 3, Cms::kDrupal8, "d10", "/d10"}, {4, 3, Cms::kDrupal7, "d7", "/d7"}}});
  FileInfo info = delta_of(below.header, 101);
  info.console = "https://console.example";
  const Result<Written> above =
      write(target(), info,
            {.sites = {changed, a_site("fresh.example")},
             .passes = {pass_record},
             .tombstones = {"gone.example", "g.example", "o.example", ".o.example", probe_key("c")},
             .platforms = {{4, 0, Cms::kOther, "", ""}, {5, 1, Cms::kBackdrop, "b", "/b"}}});
  ASSERT_TRUE(above.has_value()) << describe(above.error());
  const Result<Written> merged = merge(target(), *snapshot(below, *above));
  ASSERT_TRUE(merged.has_value()) << describe(merged.error());
  const std::string merged_bytes = bytes(*merged);
  std::filesystem::remove(path(merged->name));

  info_.generation = 101;
  info_.console = "https://console.example";
  const Written full = base({.sites = {kept_less, changed, a_site("fresh.example")},
                             .passes = {pass_record},
                             .platforms = {{3, 3, Cms::kDrupal8, "d10", "/d10"}, {5, 1, Cms::kBackdrop, "b", "/b"}}});
  EXPECT_EQ(merged->name, full.name);
  EXPECT_EQ(merged_bytes, bytes(full));
  EXPECT_TRUE(verify_file(path(full.name)).has_value());
}

TEST_F(MapWriter, MergingABaseAloneGivesItAgain) {
  const Written written = base({.sites = {a_site("a.example", {{"b.example", ""}})}});
  const std::string kept = bytes(written);
  EXPECT_EQ(merge(target(), *snapshot(written)).value().name, written.name);
  EXPECT_EQ(bytes(written), kept);
}

TEST_F(MapWriter, ADeltaThatLeavesANameOfAReplacedSiteIsNotMerged) {
  const Written below = base({.sites = {a_site("a.example", {{"left.example", ""}})}});
  for (const Content& content : {Content{.sites = {a_site("a.example")}, .platforms = {}},
                                 Content{.tombstones = {"a.example"}, .platforms = {}}}) {
    const Written above = delta(below, content);
    const Result<Written> merged = merge(target(), *snapshot(below, above));
    ASSERT_FALSE(merged.has_value());
    EXPECT_THAT(describe(merged.error()),
                HasSubstr(above.name + ": it replaces or buries 'a.example', but not its alias 'left.example'"));
  }
}

TEST_F(MapWriter, UnitsAreReadAsTheyWereWritten) {
  SiteRecord site = a_site("b.example", {{".w.example", "t"}, {"a.example", ""}});
  site.state = SiteState::kDisabled;
  site.https = Https::kRequired;
  site.services = kServiceNginx;
  site.memory_limit = 1;
  site.upload_max_filesize = 2;
  site.post_max_size = 3;
  site.max_execution_time = 4;
  site.target = "https://x";
  site.auth = std::string(32, 'a') + "realm";
  site.former = {"f1", "f2"};
  const SiteRecord candidate = a_candidate("t", "b.example", 1234);
  const PassRecord pass_record{probe_key("p"), "b.example", 5678};
  const Written below = base({});
  const auto file =
      opened(delta(below, {.sites = {site, candidate}, .passes = {pass_record}, .tombstones = {"c.example"}}));
  UnitReader units(*file);
  std::map<RecordType, int> seen;
  while (units.next().value()) {
    const UnitView& unit = units.unit();
    ++seen[unit.record.type];
    if (unit.record.type == RecordType::kSite) {
      EXPECT_EQ(unit.site(), site);
    }
    if (unit.record.type == RecordType::kCandidate) {
      EXPECT_EQ(unit.site(), candidate);
    }
    if (unit.record.type == RecordType::kPass) {
      EXPECT_EQ(unit.pass(), pass_record);
    }
    if (unit.record.type == RecordType::kTombstone) {
      EXPECT_EQ(unit.key(), "c.example");
    }
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST(MapRecord, KeysAndCredentials) {
  EXPECT_EQ(map_key("*.a.example"), ".a.example");
  EXPECT_EQ(map_key("a.example"), "a.example");
  EXPECT_EQ(probe_key("x").size(), kProbeKey);
  EXPECT_NE(probe_key("x"), probe_key("y"));
  EXPECT_EQ(encode(Credentials{"mysql", "n", "", "p", "h", "3306"}),
            std::string("\5\0mysql\1\0n\0\0\1\0p\1\0h\4\0", 20) + "3306");
}

}  // namespace
}  // namespace aegir::map
