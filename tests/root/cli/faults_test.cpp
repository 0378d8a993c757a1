// aegirc as root on a machine in a directory: who owns what it makes, and what it says when something is in its way.
// Accounts are numbers without passwd entries. Every message has to name the place and the next step.
#include <gtest/gtest.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

TEST_F(AegircAsRoot, NothingOfRootsLiesAmongAegirsFiles) {
  import_site("second.example");
  expect("publish", 0, "Published generation");
  expect("map compact", 0, "Merged");
  expect("export", 0, "second.example");
  EXPECT_EQ(look("second.example"), "second.example");
  for (const std::string& top : {config_.state_dir, config_.map_dir}) {
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      struct stat status{};
      ASSERT_EQ(::lstat(entry.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_uid, kAegir) << entry.path();
      if (top != config_.map_dir) continue;
      EXPECT_EQ(status.st_gid, kWeb) << entry.path();
      EXPECT_EQ(status.st_mode & 07777, 0640U) << entry.path();
    }
  }
  struct stat status{};
  ASSERT_EQ(::stat(config_.map_dir.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 02750U);
  ASSERT_EQ(::stat(config_.map_key.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(status.st_mode & 07777, 0400U);
  expect("map verify", 0, "is good", kWeb);
  expect_refused("map verify", 77, config_.map_dir, "Permission denied", kStranger);
}

TEST_F(AegircAsRoot, AnImportSaysWhatItChanged) {
  live::put(file("document.json"), R"({"settings": {"log_days": 7}})");
  expect("import " + file("document.json"), 0,
         "0 created, 0 changed, 0 deleted, 0 unchanged; settings changed. Run `aegirc publish` to make it visible.");
  expect("--output json import " + file("document.json"), 0, R"("settings_changed": false)");
  expect("import " + file("document.json"), 0,
         "0 unchanged. Run `aegirc publish` to make it visible (nothing is new).");
}

TEST_F(AegircAsRoot, CompileTwiceChangesNothing) {
  const live::Finished again = aegirc("--output json compile");
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_NE(again.output.find(R"("done": [])"), std::string::npos) << again.output;
}

TEST_F(AegircAsRoot, CompileSaysWhichServersDoNotRun) {
  for (const char* kind : {"apache", "nginx"}) {
    fs::remove(config_.config_dir + "/server_web1/" + kind + "/aegir.conf");
  }
  const live::Finished done = aegirc("compile");
  EXPECT_EQ(done.status, 0) << done.output;
  for (const char* line :
       {"note: Apache does not run (nobody listens on 127.0.0.1 port 8080)", "note: nginx does not run"}) {
    EXPECT_NE(done.output.find(line), std::string::npos) << done.output;
  }
}

TEST_F(AegircAsRoot, WhatLeavesTheRegistryLeavesTheConfiguration) {
  const std::string server = config_.config_dir + "/server_web1";
  const std::string platforms = server + "/apache/platform.d/";
  live::put(platforms + "d10.local.conf", "# what an administrator adds\n");
  ASSERT_TRUE(fs::exists(platforms + "d10.conf"));
  ASSERT_TRUE(fs::exists(server + "/nginx/aegir.conf"));
  live::put(file("document.json"), R"({
  "servers": {"web1": {"web": {"nginx": null}}},
  "settings": {"require_disabled_before_delete": false},
  "sites": {"first.example": {"state": "deleted"}},
  "platforms": {"d10": {"state": "deleted"}}
})");
  expect("import " + file("document.json"), 0, "Imported");
  const live::Finished compiled = aegirc("--output json compile");
  EXPECT_EQ(compiled.status, 0) << compiled.output;
  for (const std::string& gone :
       {platforms + "d10.conf", server + "/nginx/aegir.conf", server + "/nginx/module.load"}) {
    EXPECT_FALSE(fs::exists(gone)) << gone;
    EXPECT_NE(compiled.output.find(gone + ": removed"), std::string::npos) << compiled.output;
  }
  expect("check", 0, "0 sites, 0 platforms");
  EXPECT_TRUE(fs::exists(platforms + "d10.local.conf"));
  EXPECT_TRUE(fs::exists(server + "/apache/aegir.conf"));
  EXPECT_TRUE(fs::exists(server + "/php/b1.conf"));
}

/// This process under another name, as others see it in /proc.
class Named {
 public:
  explicit Named(const char* name) {
    ::prctl(PR_GET_NAME, old_);
    ::prctl(PR_SET_NAME, name);
  }
  ~Named() { ::prctl(PR_SET_NAME, old_); }
  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;

 private:
  char old_[16] = {};
};

TEST_F(AegircAsRoot, TheRegistryIsHeldByTheSidecar) {
  const Named as("aegird-worker");
  const auto key = KeyRing::read(config_.registry_key).value();
  const auto held = registry::Store::open(config_.registry, registry::Store::Mode::kCreate, key);
  ASSERT_TRUE(held.has_value());
  for (const char* command : {"publish", "compile", "map compact"}) {
    expect_refused(command, 75, config_.registry, "being written by process " + std::to_string(::getpid()));
  }
  expect_refused(
      "import " + file("document.json"), 75, config_.registry,
      "process " + std::to_string(::getpid()) + " (aegird-worker)\n  next: ask aegird for it: see `aegir --help`");
  expect("export", 0, "first.example");
  expect("check", 0, "is good");
  EXPECT_EQ(look("first.example"), "first.example");
}

TEST_F(AegircAsRoot, ItWaitsForAnotherWriterAndSaysSo) {
  const auto key = KeyRing::read(config_.registry_key).value();
  auto held = registry::Store::open(config_.registry, registry::Store::Mode::kWrite, key).value();
  live::Command command;
  command.argv = {AEGIRC, "--config", file("aegir.conf"), "publish"};
  command.output = file("output");
  live::Process publish(command);
  const std::string waits =
      "aegirc: note: waits for process " + std::to_string(::getpid()) + " (root_cli), which writes the registry\n";
  ASSERT_TRUE(live::eventually([&] { return live::slurp(file("output")) == waits; })) << live::slurp(file("output"));
  held.reset();
  EXPECT_EQ(publish.wait(), 0);
  EXPECT_TRUE(live::slurp(file("output")).starts_with(waits + "Nothing new")) << live::slurp(file("output"));
}

TEST_F(AegircAsRoot, TheRegistryIsGoneOrEmpty) {
  for (const char* suffix : {"-wal", "-shm"}) fs::remove(config_.registry + suffix);
  for (const bool empty : {false, true}) {
    fs::remove(config_.registry);
    if (empty) live::put(config_.registry, "");
    for (const char* command : {"publish", "compile", "export", "check", "map compact"}) {
      expect_refused(command, 66, config_.registry, "`aegirc import FILE` makes one (of an export: with --replace)");
    }
    EXPECT_EQ(fs::exists(config_.registry), empty);
    EXPECT_EQ(look("first.example"), "first.example");
  }
}

TEST_F(AegircAsRoot, AnotherRegistryWithoutSitesTakesNothingAway) {
  const std::string fragment = config_.config_dir + "/server_web1/nginx/aegir.conf";
  ASSERT_TRUE(fs::exists(fragment));
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(config_.registry + suffix);
  live::put(file("other.json"), R"({"servers": {"web2": {"web": {"nginx": {}}}}})");
  expect("import " + file("other.json"), 0, "Imported");
  for (const char* command : {"compile", "publish"}) expect_refused(command, 65, config_.registry, "the map is of");
  EXPECT_TRUE(fs::exists(fragment));
  EXPECT_EQ(look("first.example"), "first.example");
}

TEST_F(AegircAsRoot, TheRegistryIsCorrupt) {
  const std::string kept = live::slurp(config_.registry);
  fs::remove(config_.registry + "-wal");
  live::put(config_.registry, std::string(kept.size(), 'x'));
  expect_refused("publish", 65, config_.registry, "");
  expect_refused("check", 65, config_.registry, "");
  EXPECT_EQ(look("first.example"), "first.example") << "what is published stays";
  live::put(config_.registry, kept);
  expect("publish", 0, "generation");
}

TEST_F(AegircAsRoot, TheRegistryIsNewerThanTheProgram) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(config_.registry.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  for (const char* command : {"publish", "compile", "export", "check"}) {
    expect_refused(command, 78, config_.registry, "schema 99");
  }
  EXPECT_EQ(look("first.example"), "first.example");
}

// The registry is aegir's, and what root writes is named after sites.
TEST_F(AegircAsRoot, ANameThatLeadsOutOfItsFolder) {
  const std::string victim = file("victim");
  fs::create_directories(victim);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(config_.registry.c_str(), &database), SQLITE_OK);
  std::string up;
  for (int i = 0; i < 20; ++i) up += "../";
  const std::string sql = "UPDATE site SET body_limit = 7, uri = '" + up + victim.substr(1) + "/x'";
  ASSERT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  for (const std::string& command :
       {std::string("compile"), "compile --out " + file("out"), "compile --static --out " + file("out")}) {
    const live::Finished done = aegirc(command);
    EXPECT_EQ(done.status, 65) << command << ": " << done.output;
    EXPECT_NE(done.output.find("must be a host name"), std::string::npos) << command << ": " << done.output;
    EXPECT_TRUE(fs::is_empty(victim)) << command;
  }
}

TEST_F(AegircAsRoot, AKeyThatCantBeRead) {
  import_site("second.example");
  ASSERT_EQ(::chmod(config_.map_key.c_str(), 0444), 0);
  expect_refused("publish", 77, config_.map_key, "");
  ASSERT_EQ(::chmod(config_.map_key.c_str(), 0400), 0);
  live::put(config_.map_key, "nonsense\n");
  ASSERT_EQ(::chmod(config_.map_key.c_str(), 0400), 0);
  expect_refused("publish", 65, config_.map_key, "");
  fs::remove(config_.map_key);
  expect_refused("publish", 66, config_.map_key, "there is no map key");
  EXPECT_EQ(look("first.example"), "first.example");
  EXPECT_EQ(look("second.example"), "unknown");
  // A new key opens nothing of what web servers that run have read: nobody may get it by following a hint.
  expect("keygen map", 0, "Made");
  for (const char* command : {"publish", "compile", "map compact"}) {
    expect_refused(command, 65, config_.map_key, "the credentials of the map are sealed with key");
  }
  EXPECT_EQ(look("second.example"), "unknown");
  expect("publish --rebuild", 0, "reload the web servers now: until then PHP requests answer 500");
  EXPECT_EQ(look("second.example"), "second.example");
  expect("publish", 0, "Nothing new");

  fs::rename(config_.registry_key, config_.registry_key + ".away");
  expect_refused("publish", 66, config_.registry_key, "");
}

TEST_F(AegircAsRoot, TheRegistrysKeyIsThereButOpenOrAnothers) {
  const std::string& key = config_.registry_key;
  ASSERT_EQ(::chmod(key.c_str(), 0444), 0);
  expect_refused("publish", 77, key, "open to group or others\n  next: chmod 0400 it");
  ASSERT_EQ(::chmod(key.c_str(), 0400), 0);
  ASSERT_EQ(::chown(key.c_str(), 0, 0), 0);
  expect_refused("publish", 77, key, "Permission denied\n  next: chown " + std::to_string(kAegir) + " " + key);
  ASSERT_EQ(::chown(key.c_str(), kAegir, kAegir), 0);
  expect_refused("publish", 77, config_.map_key, "", kStranger);
  expect_refused("export", 77, key, "Permission denied\n  next: check the owner and mode", kStranger);
  expect("publish", 0, "generation");
  live::put(key, "garbage\n");
  ASSERT_EQ(::chmod(key.c_str(), 0400), 0);
  expect_refused("publish", 65, key, "put the registry's key back from its backup");
}

TEST_F(AegircAsRoot, WithoutRootItSaysSo) {
  expect("compile", 77, "run it as root", kStranger);
  expect("publish", 77, "next: ", kStranger);
}

TEST_F(AegircAsRoot, AMapThatIsBrokenHeals) {
  live::put(config_.map_dir + "/CURRENT", "torn");
  EXPECT_EQ(look("first.example"), "first.example") << "the worker keeps the last good state";
  EXPECT_EQ(refusals_.size(), 1U);
  expect_refused("map verify", 65, config_.map_dir + "/CURRENT", "");
  expect("publish", 0, "new base");
  expect("map verify", 0, "is good");
  EXPECT_EQ(look("first.example"), "first.example");
  for (const std::string& directory : {config_.map_dir, config_.map_durable}) {
    live::put(directory + "/CURRENT", "torn");
  }
  expect("publish", 0, "new base");
  expect("map verify", 0, "is good");
  EXPECT_EQ(look("first.example"), "first.example");
}

TEST_F(AegircAsRoot, ADurableCopyThatIsBehindNeverShowsADeletedSite) {
  import_site("second.example");
  expect("publish", 0, "Published generation");
  hold_durable(0);
  set_state("second.example", "disabled");
  set_state("second.example", "deleted");
  expect("publish", 77, "the change is visible, but its durable copy failed");
  hold_durable(kAegir);
  EXPECT_EQ(look("second.example"), "unknown");
  live::put(config_.map_dir + "/CURRENT", "");
  const std::string files = config_.aegir_root + "/platforms/d10/sites/third.example/files";
  fs::create_directories(files);
  ASSERT_EQ(::chown(files.c_str(), kStranger, kStranger), 0);
  import_site("third.example");
  expect("publish", 65, "site third.example is kept back");
  EXPECT_EQ(look("second.example"), "unknown");
  EXPECT_EQ(look("third.example"), "unknown");
  EXPECT_EQ(look("first.example"), "first.example");
}

TEST_F(AegircAsRoot, ADurableCopyOfAnotherRegistryStaysAway) {
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(config_.registry + suffix);
  import_site("other.example");
  hold_durable(0);
  expect("publish --rebuild", 77, "the change is visible, but its durable copy failed");
  hold_durable(kAegir);
  EXPECT_EQ(look("first.example"), "unknown");
  expect("publish", 0, "Nothing new");
  EXPECT_EQ(look("first.example"), "unknown");
  EXPECT_EQ(look("other.example"), "other.example");
}

// A worker reads no more of a file than it must, and no publish reads a large one: what heals has to be said.
TEST_F(AegircAsRoot, ADamagedRecordHealsByTheCommandThatIsNamed) {
  expect("map compact", 0, "");
  for (const std::string& directory : {config_.map_dir, config_.map_durable}) {
    SCOPED_TRACE(directory);
    const std::string base = directory + "/" + map::read_current(directory).value().base;
    std::fstream bytes(base, std::ios::in | std::ios::out | std::ios::binary);
    const std::string text = live::slurp(base);
    const std::size_t at = text.find("first.example");
    ASSERT_NE(at, std::string::npos);
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes << "worst";  // in place, as a worker has it mapped
    bytes.close();
    if (directory == config_.map_dir) {
      EXPECT_EQ(look("first.example"), "unknown") << "a fault";
    }
    expect_refused("map verify " + directory, 65, directory, "next: `aegirc publish --rebuild` writes it anew");
    expect_refused("map verify " + base, 65, base, "next: `aegirc publish --rebuild` writes it anew");
    expect("publish --rebuild", 0, "new base");
    expect("map verify " + directory, 0, "is good");
    EXPECT_EQ(look("first.example"), "first.example");
    EXPECT_EQ(map::read_current(directory).value().base, fs::path(base).filename()) << "under the same name";
  }
}

TEST_F(AegircAsRoot, NoMapIsPromisedWhereNoneIsWritten) {
  fs::create_directories(file("elsewhere"));
  const std::string base = map::read_current(config_.map_dir).value().base;
  std::string damaged = live::slurp(config_.map_dir + "/" + base);
  damaged[damaged.find("first.example")] ^= 1;
  live::put(file("elsewhere/" + base), damaged);
  for (const std::string& path : {file("aegir.conf"), file("elsewhere"), file("elsewhere/" + base)}) {
    for (const char* command : {"map verify ", "map dump "}) {
      const live::Finished done = aegirc(command + path);
      EXPECT_TRUE(done.status == 65 || done.status == 66) << done.output;
      EXPECT_NE(done.output.find("next: name a map directory or a .map file; aegirc writes only " + config_.map_dir),
                std::string::npos)
          << command << path << ": " << done.output;
    }
  }
}

TEST_F(AegircAsRoot, AfterARebootTheDurableCopyComesBack) {
  import_site("second.example");
  expect("publish", 0, "Published generation");
  import_site("third.example");
  for (const auto& entry : fs::directory_iterator(config_.map_dir)) fs::remove(entry.path());
  const live::Finished done = aegirc("publish");
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_TRUE(done.output.starts_with("Restored generation ")) << done.output;
  EXPECT_EQ(done.output.find("new base"), std::string::npos) << done.output;
  for (const char* host : {"first.example", "second.example", "third.example"}) EXPECT_EQ(look(host), host);

  // A copy that was damaged is said and not taken.
  for (const auto& entry : fs::directory_iterator(config_.map_dir)) fs::remove(entry.path());
  live::put(config_.map_durable + "/CURRENT", "torn");
  expect("publish", 0, "the durable copy of the map is of no use");
  expect("map verify", 0, "is good");
}

/// The live map on a tmpfs of its own, as on a real server, of 4 MiB.
class FullTmpfs : public AegircAsRoot {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "these tests need root: run them through sudo";
    // The mounts are this process's own and go with it.
    ASSERT_EQ(::unshare(CLONE_NEWNS), 0) << "this test needs CAP_SYS_ADMIN";
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    fs::create_directories(file("machine/run/aegir/map"));
    ASSERT_EQ(::mount("tmpfs", file("machine/run/aegir/map").c_str(), "tmpfs", 0, "size=4m,mode=0700"), 0);
    AegircAsRoot::SetUp();
  }
  void TearDown() override { ::umount2(config_.map_dir.c_str(), MNT_DETACH); }

  /// Leaves `free` bytes of the tmpfs.
  void fill(std::uint64_t free) {
    const std::uint64_t have = fs::space(config_.map_dir).available;
    live::put(config_.map_dir + "/filler", std::string(have - free, 'x'));
  }
};

TEST_F(FullTmpfs, APublishIsRefusedAndTheNextOneHeals) {
  fill(0);
  import_site("second.example");
  expect_refused("publish", 74, config_.map_dir, "No space left on device");
  expect_refused("compile", 74, config_.map_dir, "No space left on device");
  EXPECT_EQ(look("first.example"), "first.example");
  EXPECT_EQ(look("second.example"), "unknown");
  expect("map verify", 0, "is good");
  EXPECT_EQ(refusals_, std::vector<std::string>{});
  fs::remove(config_.map_dir + "/filler");
  expect("publish", 0, "Published generation");
  EXPECT_EQ(look("second.example"), "second.example");
  for (const auto& entry : fs::directory_iterator(config_.map_dir)) EXPECT_NE(entry.path().extension(), ".tmp");
}

TEST_F(FullTmpfs, AMergeIsNotBegunWithoutRoomForIt) {
  fill(1U << 20U);
  import_site("second.example");
  expect("publish", 0, "Published generation");
  expect_refused("map compact", 74, config_.map_dir, "can't be merged into a new base");
  EXPECT_EQ(look("second.example"), "second.example");
  fs::remove(config_.map_dir + "/filler");
  expect("map compact", 0, "Merged");
  EXPECT_EQ(look("second.example"), "second.example");
  EXPECT_EQ(refusals_, std::vector<std::string>{});
}

}  // namespace
}  // namespace aegir::cli
