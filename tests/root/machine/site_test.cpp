// Who can do what in a site's directory, tried with real uids.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compiler/machine/site_files.hpp"
#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::machine {
namespace {

using live::put;

class SiteTest : public MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    if (HasFatalFailure()) return;
    make_directory(docroot_, aegir_, 02775);
  }

  static void make_directory(const std::string& path, const Person& owner, mode_t mode) {
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0) << path;
    ASSERT_EQ(::chown(path.c_str(), owner.uid, owner.gid), 0);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  static void make_file(const std::string& path, const Person& owner, mode_t mode) {
    put(path, "content");
    ASSERT_EQ(::chown(path.c_str(), owner.uid, owner.gid), 0);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }

  [[nodiscard]] Result<void> prepare(const std::string& uri = "a.example", uid_t uid = kFirst) {
    done_.clear();
    return prepare_site(config_, accounts_, {docroot_, uri, uid}, done_);
  }
  void prepare_both() {
    for (const auto& [uri, uid] : {std::pair{"a.example", kFirst}, std::pair{"b.example", kFirst + 1}}) {
      const Result<void> prepared = prepare(uri, uid);
      ASSERT_TRUE(prepared) << describe(prepared.error());
    }
  }
  // What prepare() must refuse, naming `path`.
  void expect_in_the_way(const std::string& path, const std::string& found) {
    const Result<void> prepared = prepare();
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, Code::kConflict);
    EXPECT_EQ(prepared.error().place.file, path);
    EXPECT_TRUE(prepared.error().message.contains(found)) << prepared.error().message;
    EXPECT_FALSE(prepared.error().hint.empty());
  }

  const std::string docroot_ = path("platform");
  const std::string a_ = docroot_ + "/sites/a.example";
  const std::string b_ = docroot_ + "/sites/b.example";
};

TEST_F(SiteTest, OwnersAndModes) {
  prepare_both();
  EXPECT_EQ(owner_and_mode(docroot_ + "/sites"), "2771 610001:610001");
  EXPECT_EQ(owner_and_mode(a_), "2750 610001:611000");
  for (const char* name : {"/modules", "/themes", "/libraries"}) {
    EXPECT_EQ(owner_and_mode(a_ + name), "2775 610001:610001") << name;
  }
  EXPECT_EQ(owner_and_mode(a_ + "/files"), "2775 611000:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/private"), "2770 611000:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/private/files"), "2770 611000:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/private/temp"), "2770 611000:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/private/config/sync"), "2770 611000:611000");
}

TEST_F(SiteTest, AnotherSiteFindsNothing) {
  prepare_both();
  make_file(a_ + "/settings.php", aegir_, 0600);
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(writes(site_a_, a_ + "/files/open.txt"));
  ASSERT_EQ(::chmod((a_ + "/files/open.txt").c_str(), 0666), 0);  // as careless as Drupal can be
  EXPECT_FALSE(lists(site_b_, docroot_ + "/sites"));
  EXPECT_FALSE(enters(site_b_, a_));
  EXPECT_FALSE(reads(site_b_, a_ + "/files/open.txt"));
  EXPECT_FALSE(writes(site_b_, a_ + "/files/open.txt"));
  EXPECT_FALSE(reads(site_b_, a_ + "/settings.php"));
  EXPECT_FALSE(enters(site_b_, a_ + "/modules"));
  EXPECT_TRUE(enters(site_b_, b_ + "/modules"));
}

TEST_F(SiteTest, TheSiteItselfWritesItsDataAndNothingElse) {
  prepare_both();
  make_file(a_ + "/settings.php", aegir_, 0600);
  make_file(a_ + "/drushrc.php", aegir_, 0644);
  ASSERT_TRUE(prepare());
  EXPECT_EQ(owner_and_mode(a_ + "/settings.php"), "0440 610001:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/drushrc.php"), "0440 610001:611000");
  EXPECT_TRUE(reads(site_a_, a_ + "/settings.php"));
  EXPECT_TRUE(lists(site_a_, a_));
  EXPECT_TRUE(writes(site_a_, a_ + "/files/x"));
  EXPECT_TRUE(writes(site_a_, a_ + "/private/x"));
  EXPECT_TRUE(writes(site_a_, a_ + "/private/files/x"));
  EXPECT_FALSE(writes(site_a_, a_ + "/settings.php"));
  EXPECT_FALSE(writes(site_a_, a_ + "/x.php"));
  EXPECT_FALSE(writes(site_a_, a_ + "/modules/x.php"));
  EXPECT_FALSE(as(site_a_, [&] { return ::chmod((a_ + "/settings.php").c_str(), 0666) == 0; }));
  EXPECT_FALSE(as(site_a_, [&] { return ::rename((a_ + "/files").c_str(), (a_ + "/f").c_str()) == 0; }));
  EXPECT_FALSE(as(site_a_, [&] { return ::rmdir((a_ + "/private/temp").c_str()) == 0 && ::rmdir(a_.c_str()) == 0; }));
}

TEST_F(SiteTest, TheWebServerReadsWhatItServes) {
  prepare_both();
  make_file(a_ + "/settings.php", aegir_, 0600);
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(writes(site_a_, a_ + "/files/picture"));
  ASSERT_TRUE(writes(site_a_, a_ + "/private/files/document"));
  ASSERT_TRUE(writes(site_a_, a_ + "/private/secret"));
  ASSERT_TRUE(writes(aegir_, a_ + "/themes/style"));
  EXPECT_TRUE(reads(web_, a_ + "/files/picture"));
  EXPECT_TRUE(reads(web_, a_ + "/private/files/document"));
  EXPECT_TRUE(reads(web_, a_ + "/themes/style"));
  EXPECT_FALSE(writes(web_, a_ + "/files/picture"));
  EXPECT_FALSE(writes(web_, a_ + "/files/other"));
  EXPECT_FALSE(lists(web_, a_));
  EXPECT_FALSE(lists(web_, a_ + "/private"));
  EXPECT_FALSE(reads(web_, a_ + "/settings.php"));
}

TEST_F(SiteTest, AMemberOfGroupAegirWorksOnCode) {
  prepare_both();
  make_file(a_ + "/settings.php", aegir_, 0600);
  ASSERT_TRUE(prepare());
  ASSERT_TRUE(writes(site_a_, a_ + "/private/secret"));
  EXPECT_TRUE(lists(member_, a_));
  EXPECT_TRUE(writes(member_, a_ + "/modules/mine.php"));
  EXPECT_EQ(stat_of(a_ + "/modules/mine.php").st_gid, kAegir) << "setgid keeps the group";
  EXPECT_TRUE(reads(site_a_, a_ + "/modules/mine.php"));
  EXPECT_FALSE(reads(member_, a_ + "/settings.php"));
  EXPECT_FALSE(lists(member_, a_ + "/private"));
  EXPECT_FALSE(writes(member_, a_ + "/x"));
}

TEST_F(SiteTest, ASecondRunChangesNothing) {
  prepare_both();
  make_file(a_ + "/settings.php", aegir_, 0600);
  ASSERT_TRUE(prepare());
  EXPECT_FALSE(done_.empty());
  const auto before = change_times(docroot_);
  ASSERT_TRUE(prepare());
  EXPECT_EQ(done_, Done());
  EXPECT_EQ(change_times(docroot_), before);
}

TEST_F(SiteTest, RepairsAndSaysSo) {
  prepare_both();
  ASSERT_EQ(::chmod(a_.c_str(), 0755), 0);
  ASSERT_EQ(::chown((a_ + "/files").c_str(), kAegir, kAegir), 0);
  ASSERT_EQ(::chmod((a_ + "/private").c_str(), 0777), 0);
  ASSERT_EQ(::chmod((a_ + "/modules").c_str(), 0777), 0);
  ASSERT_TRUE(prepare());
  EXPECT_EQ(owner_and_mode(a_), "2750 610001:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/files"), "2775 611000:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/private"), "2770 611000:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/modules"), "2775 610001:610001") << "the site's own PHP must not write code";
  EXPECT_EQ(done_, (Done{a_ + ": mode 0755 -> 2750", a_ + "/modules: mode 0777 -> 2775",
                         a_ + "/files: owner 610001:610001 -> 611000:611000", a_ + "/private: mode 0777 -> 2770"}));
  EXPECT_FALSE(enters(site_b_, a_));
  EXPECT_TRUE(enters(web_, a_));
}

TEST_F(SiteTest, AnAccessListThatWasTakenAwayComesBack) {
  prepare_both();
  const AclEntry stranger{AclEntry::Kind::kUser, site_b_.uid, 05};
  const Fd fd(::open(a_.c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_TRUE(ensure_acl(fd.get(), a_, 02750, {&stranger, 1}, false));
  ASSERT_TRUE(enters(site_b_, a_));
  ASSERT_FALSE(enters(web_, a_));
  ASSERT_TRUE(prepare());
  EXPECT_EQ(done_, Done{a_ + ": access list"});
  EXPECT_FALSE(enters(site_b_, a_));
  EXPECT_TRUE(enters(web_, a_));
}

TEST_F(SiteTest, RefusesALinkInThePlaceOfADirectory) {
  make_directory(path("elsewhere"), {0, 0}, 0700);
  make_directory(docroot_ + "/sites", aegir_, 0755);
  ASSERT_EQ(::symlink(path("elsewhere").c_str(), a_.c_str()), 0);
  expect_in_the_way(a_, "a symbolic link of uid 0");
  EXPECT_EQ(owner_and_mode(path("elsewhere")), "0700 0:0");
}

TEST_F(SiteTest, RefusesWhatBelongsToSomebodyElse) {
  prepare_both();
  ASSERT_EQ(::rename((b_ + "/files").c_str(), (b_ + "/old").c_str()), 0);
  ASSERT_EQ(::rmdir((a_ + "/files").c_str()), 0);
  ASSERT_EQ(::rename((b_ + "/old").c_str(), (a_ + "/files").c_str()), 0);
  expect_in_the_way(a_ + "/files", "a directory of uid 611001");
  EXPECT_TRUE(prepare().error().hint.contains("`chown -R 611000:611000 " + a_ + "/files`")) << prepare().error().hint;
  ASSERT_EQ(::chown(a_.c_str(), static_cast<uid_t>(-1), kFirst + 1), 0);
  const Result<void> another = prepare();
  ASSERT_FALSE(another);
  EXPECT_TRUE(another.error().hint.starts_with("move " + a_ + " away; or")) << another.error().hint;
  ASSERT_EQ(::chown(a_.c_str(), static_cast<uid_t>(-1), kFirst), 0);
  EXPECT_EQ(owner_and_mode(a_ + "/files"), "2775 611001:611001");
}

TEST_F(SiteTest, OneForeignFolderKeepsNothingElseFromBeingPutRight) {
  prepare_both();
  make_file(a_ + "/settings.php", aegir_, 0600);
  make_file(a_ + "/files/closed.png", site_a_, 0);
  ASSERT_EQ(::chown((a_ + "/private").c_str(), 700011, 700011), 0);
  make_file(a_ + "/private/roots", {0, 0}, 0600);
  for (const char* name : {"/files", "/modules", ""}) ASSERT_EQ(::chmod((a_ + name).c_str(), 0), 0);
  for (const bool whole : {false, true}) {
    const SitePlace place{docroot_, "a.example", kFirst};
    const Result<void> prepared = whole ? prepare_site_tree(config_, accounts_, place, done_) : prepare();
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().place.file, a_ + "/private");
    EXPECT_TRUE(prepared.error().message.contains("a directory of uid 700011")) << prepared.error().message;
    EXPECT_TRUE(prepared.error().hint.contains("`chown -R 611000:611000 " + a_ + "/private`"));
    EXPECT_EQ(owner_and_mode(a_), "2750 610001:611000");
    EXPECT_EQ(owner_and_mode(a_ + "/files"), "2775 611000:611000");
    EXPECT_EQ(owner_and_mode(a_ + "/modules"), "2775 610001:610001");
    EXPECT_EQ(owner_and_mode(a_ + "/settings.php"), "0440 610001:611000");
    EXPECT_EQ(owner_and_mode(a_ + "/files/closed.png"), whole ? "0444 611000:611000" : "0000 611000:611000");
    EXPECT_EQ(stat_of(a_ + "/private").st_uid, 700011U) << "what is another's is left";
    EXPECT_EQ(owner_and_mode(a_ + "/private/roots"), "0600 0:0");
  }
}

TEST_F(SiteTest, RefusesAFileInThePlaceOfADirectory) {
  prepare_both();
  ASSERT_EQ(::rmdir((a_ + "/themes").c_str()), 0);
  make_file(a_ + "/themes", aegir_, 0644);
  expect_in_the_way(a_ + "/themes", "a file of uid 610001");
}

TEST_F(SiteTest, RefusesSettingsThatAreNotAPlainFileOfAegir) {
  prepare_both();
  const std::string settings = a_ + "/settings.php";
  make_file(path("root.txt"), {0, 0}, 0600);

  ASSERT_EQ(::symlink(path("root.txt").c_str(), settings.c_str()), 0);
  expect_in_the_way(settings, "a symbolic link");
  ASSERT_EQ(::unlink(settings.c_str()), 0);

  ASSERT_EQ(::link(path("root.txt").c_str(), settings.c_str()), 0);
  expect_in_the_way(settings, "a file with another hard link");
  ASSERT_EQ(::unlink(settings.c_str()), 0);
  EXPECT_EQ(owner_and_mode(path("root.txt")), "0600 0:0");

  make_file(settings, site_b_, 0600);
  expect_in_the_way(settings, "a file of uid " + std::to_string(kFirst + 1));
  ASSERT_EQ(::unlink(settings.c_str()), 0);

  make_file(path("aegir.txt"), aegir_, 0600);
  ASSERT_EQ(::link(path("aegir.txt").c_str(), settings.c_str()), 0);
  expect_in_the_way(settings, "a file with another hard link");
  ASSERT_EQ(::unlink(settings.c_str()), 0);

  ASSERT_EQ(::mkfifo(settings.c_str(), 0600), 0);
  expect_in_the_way(settings, "a special file");
}

TEST_F(SiteTest, SettingsThatAnEditorOfRootsWroteAnewAreAegirsAgain) {
  prepare_both();
  make_file(a_ + "/settings.php", {0, 0}, 0644);
  ASSERT_TRUE(prepare());
  EXPECT_EQ(owner_and_mode(a_ + "/settings.php"), "0440 610001:611000");
}

TEST_F(SiteTest, ARefusalChangesNothing) {
  prepare_both();
  make_file(a_ + "/settings.php", aegir_, 0440);
  ASSERT_TRUE(prepare());
  const Result<void> refused = prepare("a.example", kFirst + 2);  // as after the name was given to another site
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kConflict);
  EXPECT_EQ(owner_and_mode(a_), "2750 610001:611000");
  EXPECT_EQ(owner_and_mode(a_ + "/settings.php"), "0440 610001:611000");
}

TEST_F(SiteTest, ALookSeesTheGroupOfAnotherSlot) {
  prepare_both();
  for (const char* part : {"/files", "/private"}) std::filesystem::remove_all(a_ + part);
  EXPECT_TRUE(look_at_site(config_, accounts_, {docroot_, "a.example", kFirst}));
  const Result<void> refused = look_at_site(config_, accounts_, {docroot_, "a.example", kFirst + 2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().place.file, a_);
  EXPECT_EQ(refused.error().code, Code::kConflict);
}

TEST_F(SiteTest, ALinkOfTheSiteInItsOwnPrivateFolderLeadsNowhere) {
  prepare_both();
  make_directory(path("elsewhere"), {0, 0}, 0700);
  ASSERT_EQ(::rmdir((a_ + "/private/files").c_str()), 0);
  ASSERT_TRUE(as(site_a_, [&] { return ::symlink(path("elsewhere").c_str(), (a_ + "/private/files").c_str()) == 0; }));
  expect_in_the_way(a_ + "/private/files", "a symbolic link of uid 611000");
  EXPECT_EQ(owner_and_mode(path("elsewhere")), "0700 0:0");
}

TEST_F(SiteTest, TheWayToThePlatformMustNotBeAnybodyElses) {
  const std::string real = docroot_;
  ASSERT_EQ(::symlink(real.c_str(), path("by-root").c_str()), 0);
  EXPECT_TRUE(prepare_site(config_, accounts_, {path("by-root"), "a.example", kFirst}, done_));

  ASSERT_EQ(::symlink(real.c_str(), path("by-aegir").c_str()), 0);
  ASSERT_EQ(::lchown(path("by-aegir").c_str(), kAegir, kAegir), 0);
  const Result<void> by_link = prepare_site(config_, accounts_, {path("by-aegir"), "a.example", kFirst}, done_);
  ASSERT_FALSE(by_link);
  EXPECT_EQ(by_link.error().place.file, path("by-aegir"));

  ASSERT_EQ(::chown(real.c_str(), site_b_.uid, site_b_.gid), 0);
  const Result<void> by_tenant = prepare();
  ASSERT_FALSE(by_tenant);
  EXPECT_EQ(by_tenant.error().code, Code::kPermission);
  EXPECT_EQ(by_tenant.error().place.file, real);

  ASSERT_EQ(::chown(real.c_str(), kAegir, kAegir), 0);
  ASSERT_EQ(::chmod(real.c_str(), 0777), 0);
  EXPECT_EQ(prepare().error().code, Code::kPermission);
}

TEST_F(SiteTest, RefusesUidsAndNamesOutsideOfItsConfiguration) {
  EXPECT_EQ(prepare("a.example", 0).error().code, Code::kInvalid);
  EXPECT_EQ(prepare("a.example", kAegir).error().code, Code::kInvalid);
  EXPECT_EQ(prepare("a.example", 611100).error().code, Code::kInvalid);
  for (const char* uri : {"", ".", "..", "a/b", "../a", "A.example", "all", "default", "a.example."}) {
    EXPECT_EQ(prepare(uri).error().code, Code::kInvalid) << uri;
  }
  EXPECT_FALSE(std::filesystem::exists(docroot_ + "/sites"));
}

// The registry, which is aegir's, says where codebases are; what root gives to aegir must not be for it to say.
TEST_F(SiteTest, NothingIsGivenToAegirWhereRootNamedNoFolderOfPlatforms) {
  const std::string outside = path("etc");
  make_directory(outside, {0, 0}, 0755);
  config_.platform_roots = {path("platform"), path("platforms")};
  Done done;
  for (const std::string& docroot :
       {outside, path("platform"), path("platforms/../etc"), path("platforms-of-old/d10"), std::string("/etc")}) {
    const SitePlace place{docroot, "a.example", kFirst};
    const PlatformFile file{"sites", "sites.php", "<?php\n"};
    EXPECT_EQ(prepare_platform(config_, accounts_, docroot, done).error().code, Code::kPermission) << docroot;
    EXPECT_EQ(prepare_site(config_, accounts_, place, done).error().code, Code::kPermission) << docroot;
    EXPECT_EQ(prepare_site_tree(config_, accounts_, place, done).error().code, Code::kPermission) << docroot;
    EXPECT_EQ(look_at_site(config_, accounts_, place).error().code, Code::kPermission) << docroot;
    EXPECT_EQ(install_platform_file(config_, accounts_, docroot, file, done).error().code, Code::kPermission);
    EXPECT_EQ(read_platform_file(config_, accounts_, docroot, "sites", "sites.php").error().code, Code::kPermission);
    EXPECT_EQ(read_site_file(config_, accounts_, place, SiteFile::kSettings).error().code, Code::kPermission);
  }
  EXPECT_TRUE(done.empty());
  EXPECT_EQ(owner_and_mode(outside).substr(5), "0:0");
}

TEST_F(SiteTest, AegirDoesItThroughItsRootInReserve) {
  EXPECT_TRUE(as({0, 0}, [&] {
    if (!become_aegir(accounts_) || ::geteuid() != kAegir) return false;
    return prepare().has_value() && ::geteuid() == kAegir && ::getegid() == kAegir;
  }));
  EXPECT_EQ(owner_and_mode(a_), "2750 610001:611000");
  EXPECT_FALSE(as(aegir_, [&] {
    const Result<void> prepared = prepare("b.example", kFirst + 1);
    return prepared.has_value() || prepared.error().code != Code::kPermission;
  }));
}

}  // namespace
}  // namespace aegir::machine
