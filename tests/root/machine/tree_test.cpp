// A site's and a platform's whole tree: wrong in every way of the table, put right, and then left alone. And trees that
// are hostile: what is exchanged while they are looked at, what is too deep.
#include <acl/libacl.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX
#include <sys/acl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "tests/root/machine/machine_fixture.hpp"
#include "tests/root/machine/tree_table.hpp"

namespace aegir::machine {
namespace {

using live::put;

class TreeTest : public MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    if (HasFatalFailure()) return;
    know_members();
    put(place_.docroot + "/autoload.php", "<?php\nreturn require __DIR__ . '/../vendor/autoload.php';\n");
    put(place_.docroot + "/core/core.php", "<?php");
    put(place_.docroot + "/../vendor/autoload.php", "<?php");
    put_right();
    ASSERT_EQ(problems_, "");
  }

  /// Both trees. What was wrong and stays so is in `problems_`, what was done in `done_`.
  void put_right() {
    done_.clear();
    problems_.clear();
    for (const Result<void>& result :
         {prepare_platform(config_, accounts_, place_.docroot, done_),
          prepare_site_tree(config_, accounts_, {place_.docroot, "a.example", kFirst}, done_)}) {
      if (!result) problems_ += describe(result.error()) + '\n';
    }
  }

  const TreePlace place_{path("project/web"), path("project/web/sites/a.example")};
  std::string problems_;
};

// In the short form of setfacl; empty when there is no more than a mode.
std::string access_list(const std::string& path) {
  if (::acl_extended_file_nofollow(path.c_str()) != 1) return {};
  const acl_t list = ::acl_get_file(path.c_str(), ACL_TYPE_ACCESS);
  char* const text = ::acl_to_any_text(list, nullptr, ',', TEXT_NUMERIC_IDS | TEXT_ABBREVIATE);
  std::string found = text == nullptr ? "" : text;
  ::acl_free(text);
  ::acl_free(list);
  return found;
}

std::string whole_path(const TreePlace& place, const TreeRow& row) {
  return place.docroot + (row.path.empty() ? "" : "/" + row.path);
}

void expect_put_right(const std::string& path, const std::string& found, const TreeRow& row) {
  EXPECT_EQ(found, row.expect);
  EXPECT_EQ(access_list(path), row.list);
}

// Each way for itself: what becomes of it, and that a second look finds nothing more to do.
TEST_F(TreeTest, EveryWayIsPutRightAndStaysSo) {
  ASSERT_GE(tree_rows().size(), 30U);
  for (const TreeRow& row : tree_rows()) {
    SCOPED_TRACE(row.name);
    const std::string at = whole_path(place_, row);
    row.damage(place_);
    const std::string damaged = owner_and_mode(at);
    put_right();
    if (row.refusal.empty()) {
      expect_put_right(at, owner_and_mode(at), row);
      EXPECT_EQ(problems_, "");
    } else {
      EXPECT_EQ(owner_and_mode(at), damaged);
      EXPECT_TRUE(problems_.starts_with(at + ": ")) << problems_;
      EXPECT_TRUE(problems_.contains(row.refusal)) << problems_;
      EXPECT_TRUE(problems_.contains("\n  next: ")) << problems_;
    }
    const auto before = change_times(path("project"));
    put_right();
    EXPECT_EQ(done_, Done());
    EXPECT_EQ(change_times(path("project")), before);
    if (!row.refusal.empty()) std::filesystem::remove_all(at);
  }
}

// All at once: those that a person has to look at don't keep the others from being put right.
TEST_F(TreeTest, OneRefusalHoldsUpNothingElse) {
  for (const TreeRow& row : tree_rows()) row.damage(place_);
  put_right();
  for (const TreeRow& row : tree_rows()) {
    SCOPED_TRACE(row.name);
    const std::string at = whole_path(place_, row);
    if (row.refusal.empty()) expect_put_right(at, owner_and_mode(at), row);
  }
  EXPECT_TRUE(problems_.contains(" more problems in this tree)")) << problems_;
  EXPECT_FALSE(done_.empty());
  const auto before = change_times(path("project"));
  put_right();
  EXPECT_EQ(done_, Done());
  EXPECT_EQ(change_times(path("project")), before);
}

// Who owns a folder can move it with what root has closed in it.
TEST_F(TreeTest, WhatLiesInAClosedFolderOfRootsStaysClosed) {
  const std::string mine = place_.site + "/modules/mine";
  put(mine + "/backup/dump.sql", "secret");
  ASSERT_EQ(::chown(mine.c_str(), member_.uid, member_.gid), 0);
  ASSERT_EQ(::chmod((mine + "/backup").c_str(), 0700), 0);
  const auto before = change_times(mine + "/backup");
  put_right();
  EXPECT_EQ(owner_and_mode(mine), "2775 610001:610001");
  EXPECT_EQ(change_times(mine + "/backup"), before);
  EXPECT_FALSE(reads(member_, mine + "/backup/dump.sql"));
  EXPECT_TRUE(problems_.starts_with(mine + "/backup: ")) << problems_;
}

TEST_F(TreeTest, ManyChangesAreToldInFewLines) {
  for (int i = 0; i < 100; ++i) {
    put(place_.docroot + "/core/f" + std::to_string(i), "");
    ASSERT_EQ(::chmod((place_.docroot + "/core/f" + std::to_string(i)).c_str(), 0600), 0);
  }
  put_right();
  EXPECT_LT(done_.size(), 25U);
  EXPECT_TRUE(done_.back().contains("180 more changes")) << done_.back();
}

TEST_F(TreeTest, NothingIsMadeOfAPlatformThatIsNotThere) {
  const Result<void> prepared = prepare_platform(config_, accounts_, path("nowhere/web"), done_);
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, Code::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path("nowhere")));
}

// A codebase of Composer's without its project around it, beside other platforms; or one whose author would like that.
TEST_F(TreeTest, TheFolderOfAllPlatformsIsNoProject) {
  ASSERT_TRUE(prepare_directories(config_, accounts_, done_));
  const std::string platforms = config_.aegir_root + "/platforms";
  const std::string other = platforms + "/other";
  ASSERT_EQ(::mkdir(other.c_str(), 0755), 0);
  ASSERT_EQ(::chown(other.c_str(), kAegir, kAegir), 0);
  ASSERT_TRUE(prepare_site(config_, accounts_, {other, "b.example", kFirst + 1}, done_));
  const std::string settings = other + "/sites/b.example/settings.php";
  put(settings, "secret");
  ASSERT_TRUE(prepare_site(config_, accounts_, {other, "b.example", kFirst + 1}, done_));
  const std::string before = owner_and_mode(settings);
  put(platforms + "/web/autoload.php", "<?php\nreturn require __DIR__ . '/../vendor/autoload.php';\n");
  const Result<void> prepared = prepare_platform(config_, accounts_, platforms + "/web", done_);
  EXPECT_TRUE(prepared) << describe(prepared.error());
  EXPECT_EQ(owner_and_mode(settings), before);
  EXPECT_FALSE(reads(site_a_, settings));
}

TEST_F(TreeTest, SitesOfAPlatformInsideOfThisOneStayClosed) {
  for (const std::string& docroot : {path("project/second"), place_.docroot + "/third"}) {
    SCOPED_TRACE(docroot);
    ASSERT_EQ(::mkdir(docroot.c_str(), 0755), 0);
    ASSERT_TRUE(prepare_site(config_, accounts_, {docroot, "b.example", kFirst + 1}, done_));
    const std::string settings = docroot + "/sites/b.example/settings.php";
    put(settings, "secret");
    ASSERT_TRUE(prepare_site(config_, accounts_, {docroot, "b.example", kFirst + 1}, done_));
    const std::string before = owner_and_mode(settings);
    put_right();
    EXPECT_TRUE(problems_.contains("which is a site's, among code")) << problems_;
    EXPECT_EQ(owner_and_mode(settings), before);
    EXPECT_FALSE(reads(site_a_, settings));
  }
}

TEST_F(TreeTest, ATreeWithoutAnEndIsLeft) {
  std::string deep = place_.site + "/files";
  for (int i = 0; i < 150; ++i) {
    deep += "/d";
    ASSERT_EQ(::mkdir(deep.c_str(), 0755), 0);
    ASSERT_EQ(::chown(deep.c_str(), kFirst, kFirst), 0);
  }
  put_right();
  EXPECT_TRUE(problems_.contains("lies deeper than 100 directories")) << problems_;
}

// Names that are all control characters, as deep as a walk goes: what a message says of them must not cost more than
// they do.
TEST_F(TreeTest, NamesOfATenantsCostNoMoreThanOthers) {
  const auto time_of = [&](char letter) {
    const std::string name(250, letter);
    Fd at(::open((place_.site + "/files").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < 90; ++i) {
      EXPECT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
      at = Fd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    for (int i = 0; i < 60; ++i) EXPECT_EQ(::mknodat(at.get(), std::to_string(i).c_str(), S_IFREG | 0600, 0), 0);
    const auto begin = std::chrono::steady_clock::now();
    put_right();
    EXPECT_EQ(problems_, "");
    return std::chrono::steady_clock::now() - begin;
  };
  const auto plain = time_of('a');
  EXPECT_LT(time_of('\x01'), 20 * plain);
}

// A member of group aegir exchanges a folder of his for a link to what is root's, again and again, while root walks.
TEST_F(TreeTest, AFolderThatIsExchangedForALinkLeadsNowhere) {
  put(path("victim/secret"), "root's");
  ASSERT_EQ(::chmod(path("victim/secret").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(path("victim").c_str(), 0700), 0);
  const std::string here = place_.site + "/modules/x";
  const std::string link = place_.site + "/modules/y";
  ASSERT_TRUE(as(member_, [&] {
    return ::mkdir(here.c_str(), 0700) == 0 && ::symlink(path("victim").c_str(), link.c_str()) == 0;
  }));
  ASSERT_TRUE(writes(member_, here + "/secret"));
  const pid_t exchanging = ::fork();
  if (exchanging == 0) {
    if (::setgroups(1, &kAegir) != 0 || ::setresgid(member_.gid, member_.gid, member_.gid) != 0 ||
        ::setresuid(member_.uid, member_.uid, member_.uid) != 0) {
      ::_exit(1);
    }
    for (const pid_t parent = ::getppid(); ::getppid() == parent;) {
      (void)::renameat2(AT_FDCWD, here.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
      (void)::chmod((here + "/secret").c_str(), 0600);
    }
    ::_exit(0);
  }
  for (int i = 0; i < 300; ++i) put_right();
  ::kill(exchanging, SIGKILL);
  int status = 0;
  ::waitpid(exchanging, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "nothing was exchanged";
  EXPECT_EQ(owner_and_mode(path("victim")), "0700 0:0");
  EXPECT_EQ(owner_and_mode(path("victim/secret")), "0600 0:0");
}

// John, who has nothing but group aegir, in the folders of the site and of the platform.
class MemberTest : public TreeTest {
 protected:
  const std::vector<std::string> folders_ = [this] {
    std::vector<std::string> folders;
    for (const std::string& top : {place_.site, place_.docroot + "/sites/all", place_.docroot}) {
      for (const char* name : {"/modules", "/themes", "/libraries"}) folders.push_back(top + name);
    }
    return folders;
  }();

  void SetUp() override {
    for (const char* name : {"/modules", "/themes", "/libraries"}) put(place_.docroot + name + "/README", "");
    TreeTest::SetUp();
  }

  static bool changes(const Person& person, const std::string& file) {
    return as(person, [&] {
      const Fd fd(::open(file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
      return fd && write_all(fd.get(), "changed");
    });
  }
  static bool deletes(const Person& person, const std::string& path) {
    return as(person, [&] { return std::filesystem::remove_all(path) > 0; });
  }
};

TEST_F(MemberTest, AddsChangesAndDeletesBeforeAndAfterVerify) {
  for (const std::string& folder : folders_) {
    SCOPED_TRACE(folder);
    const std::string mine = folder + "/mine";
    const std::string file = mine + "/mine.php";
    // As he works: his own umask, which lets nobody else in.
    ASSERT_TRUE(as(member_, [&] { return ::umask(077) != 0 && ::mkdir(mine.c_str(), 0777) == 0; }));
    ASSERT_TRUE(as(member_, [&] { return ::umask(077) != 0 && Fd(::open(file.c_str(), O_CREAT | O_WRONLY, 0666)); }));
    ASSERT_EQ(owner_and_mode(file), "0600 610050:610001");
    EXPECT_TRUE(changes(member_, file));
    EXPECT_FALSE(reads(site_a_, file));
    put_right();
    EXPECT_EQ(problems_, "");
    EXPECT_TRUE(reads(site_a_, file));
    EXPECT_TRUE(changes(member_, file));
    EXPECT_TRUE(writes(member_, mine + "/more.php"));
    EXPECT_TRUE(changes({610051, 610051, {kAegir}}, file)) << "another member";
    EXPECT_FALSE(changes(site_a_, file));
    EXPECT_FALSE(writes(site_a_, mine + "/theirs.php"));
    EXPECT_TRUE(deletes(member_, file));
    EXPECT_TRUE(deletes(member_, mine));
  }
}

TEST_F(MemberTest, ReadsNoSecretAndNoData) {
  ASSERT_TRUE(prepare_directories(config_, accounts_, done_));
  const struct {
    std::string path;
    Person owner;
    mode_t mode;
  } secrets[] = {
      {place_.site + "/settings.php", {kAegir, kFirst}, 0440},
      {place_.site + "/drushrc.php", {kAegir, kFirst}, 0440},
      {place_.site + "/local.settings.php", {kAegir, kFirst}, 0440},
      {place_.site + "/private/secret", {kFirst, kFirst}, 0644},
      {place_.site + "/private/files/secret", {kFirst, kFirst}, 0644},
      {config_.map_dir + "/CURRENT", {kAegir, kWeb}, 0640},
      {config_.map_durable + "/CURRENT", {kAegir, kAegir}, 0640},
      {config_.registry, {kAegir, kAegir}, 0640},
      {config_.registry_key, {kAegir, kAegir}, 0640},
      {config_.map_key, {0, 0}, 0400},
      {config_.config_dir + "/cli/a.example.php", {kAegir, kFirst}, 0440},
      {config_.config_dir + "/ssl.d/key.pem", {0, 0}, 0600},
      {config_.aegir_root + "/backups/a.tar.gz", {kAegir, kAegir}, 0640},
  };
  for (const auto& [path, owner, mode] : secrets) {
    put(path, "secret");
    ASSERT_EQ(::chown(path.c_str(), owner.uid, owner.gid), 0);
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  put_right();
  ASSERT_EQ(problems_, "");
  for (const auto& secret : secrets) {
    EXPECT_TRUE(reads({0, 0}, secret.path));
    EXPECT_FALSE(reads(member_, secret.path)) << secret.path;
  }
  EXPECT_FALSE(writes(member_, place_.site + "/x.php"));
  EXPECT_FALSE(lists(member_, config_.config_dir + "/cli"));
  EXPECT_FALSE(as(member_, [&] { return ::rename((place_.site + "/modules").c_str(), path("m").c_str()) == 0; }));
}

}  // namespace
}  // namespace aegir::machine
