// Directories and configuration that are root's, and the slots' own places.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::machine {
namespace {

class DirectoriesTest : public MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    if (HasFatalFailure()) return;
    const Result<void> prepared = prepare_directories(config_, accounts_, done_);
    ASSERT_TRUE(prepared) << describe(prepared.error());
    ASSERT_TRUE(prepare_server(config_, accounts_, "local", done_));
  }
  const std::string conf_ = config_.config_dir + "/server_local/apache/aegir.conf";
};

TEST_F(DirectoriesTest, TwiceIsOnce) {
  const auto before = change_times(directory_.path());
  done_.clear();
  ASSERT_TRUE(prepare_directories(config_, accounts_, done_));
  ASSERT_TRUE(prepare_server(config_, accounts_, "local", done_));
  EXPECT_EQ(done_, Done());
  EXPECT_EQ(change_times(directory_.path()), before);
}

TEST_F(DirectoriesTest, StateIsAegirsAlone) {
  EXPECT_TRUE(writes(aegir_, config_.registry));
  EXPECT_FALSE(enters(web_, config_.state_dir));
  EXPECT_FALSE(enters(member_, config_.state_dir));
  EXPECT_FALSE(enters(site_a_, config_.state_dir));
  EXPECT_TRUE(enters(aegir_, config_.map_durable));
}

TEST_F(DirectoriesTest, TheMapIsReadByTheWebServersAlone) {
  ASSERT_TRUE(as(aegir_, [&] { return write_file(config_.map_dir + "/CURRENT", "x", {.mode = 0640}).has_value(); }));
  EXPECT_TRUE(reads(web_, config_.map_dir + "/CURRENT"));
  EXPECT_FALSE(writes(web_, config_.map_dir + "/CURRENT"));
  EXPECT_FALSE(enters(site_a_, config_.map_dir));
}

TEST_F(DirectoriesTest, NobodyButRootCanExchangeWhatRootReads) {
  for (const Person& person : {aegir_, member_, web_, site_a_}) {
    EXPECT_FALSE(writes(person, config_.config_dir + "/x.conf"));
    EXPECT_FALSE(writes(person, config_.config_dir + "/server_local/apache/pre.d/x.conf"));
    EXPECT_FALSE(
        as(person, [&] { return ::rename(config_.config_dir.c_str(), (config_.aegir_root + "/x").c_str()) == 0; }));
    EXPECT_FALSE(as(person, [&] { return ::rename(config_.aegir_root.c_str(), path("x").c_str()) == 0; }));
  }
  EXPECT_TRUE(writes(aegir_, config_.aegir_root + "/platforms/x"));
}

TEST_F(DirectoriesTest, InstallsAFileOnce) {
  done_.clear();
  ASSERT_TRUE(install_config(config_, accounts_, conf_, "one", 0640, done_));
  EXPECT_EQ(done_, Done{conf_ + ": written"});
  EXPECT_EQ(owner_and_mode(conf_), "0640 0:610001");
  EXPECT_TRUE(reads(aegir_, conf_));
  EXPECT_FALSE(reads(site_a_, conf_));
  EXPECT_FALSE(reads(web_, conf_));

  const struct stat before = stat_of(conf_);
  done_.clear();
  ASSERT_TRUE(install_config(config_, accounts_, conf_, "one", 0640, done_));
  EXPECT_EQ(done_, Done());
  EXPECT_EQ(stat_of(conf_).st_ino, before.st_ino);

  ASSERT_TRUE(install_config(config_, accounts_, conf_, "two", 0640, done_));
  EXPECT_EQ(read_file(conf_).value(), "two");
  ASSERT_EQ(::chmod(conf_.c_str(), 0666), 0);
  ASSERT_TRUE(install_config(config_, accounts_, conf_, "two", 0640, done_));
  EXPECT_EQ(owner_and_mode(conf_), "0640 0:610001");
}

TEST_F(DirectoriesTest, TakesAwayWhatItWroteAndNothingElse) {
  ASSERT_TRUE(prepare_server(config_, accounts_, "gone", done_));
  const std::string local = config_.config_dir + "/server_local";
  const std::string gone = config_.config_dir + "/server_gone";
  const std::string ours = "# Written by aegirc from the registry. Changes are lost.\n";
  const std::vector<std::string> stale = {gone + "/nginx/aegir.conf", local + "/apache/platform.d/old.conf",
                                          local + "/php/old.conf"};
  for (const std::string& file : {stale[0], stale[1], conf_}) {
    ASSERT_TRUE(install_config(config_, accounts_, file, ours, 0640, done_));
  }
  ASSERT_TRUE(install_config(config_, accounts_, stale[2], "; Written by aegirc.\n", 0640, done_));
  // What people write, even by copying a file of ours, and what only looks like ours.
  const std::vector<std::pair<std::string, std::string>> theirs = {
      {local + "/apache/platform.d/old.local.conf", ours},
      {local + "/apache/pre.d/own.conf", ours},
      {local + "/apache/post.d/own.conf", ours},
      {local + "/nginx/vhost.d/own.conf", ours},
      {local + "/apache/platform.d/own.conf", "# Not written by aegirc\n"},
      {local + "/php/own.conf", "[global]\n" + ours},
      {local + "/php/empty.conf", ""},
      {config_.config_dir + "/includes/own.conf", ours}};
  for (const auto& [file, content] : theirs) {
    ASSERT_TRUE(install_config(config_, accounts_, file, content, 0640, done_)) << file;
  }
  const std::string foreign = local + "/php/foreign.conf";
  ASSERT_TRUE(install_config(config_, accounts_, foreign, ours, 0640, done_));
  ASSERT_EQ(::chown(foreign.c_str(), 610001, 0), 0);
  const std::string link = local + "/nginx/link.conf";
  ASSERT_EQ(::symlink(conf_.c_str(), link.c_str()), 0);

  done_.clear();
  ASSERT_TRUE(remove_stale_config(config_, {conf_}, done_));
  Done expected;
  for (const std::string& file : stale) {
    EXPECT_EQ(::access(file.c_str(), F_OK), -1) << file;
    expected.push_back(file + ": removed, since nothing in the registry asks for it any more");
  }
  EXPECT_EQ(done_, expected);
  for (const auto& [file, content] : theirs) EXPECT_EQ(read_file(file).value(), content) << file;
  for (const std::string& file : {conf_, foreign}) EXPECT_EQ(read_file(file).value(), ours) << file;
  EXPECT_TRUE(std::filesystem::is_symlink(link));

  done_.clear();
  ASSERT_TRUE(remove_stale_config(config_, {conf_}, done_));
  EXPECT_EQ(done_, Done());
}

TEST_F(DirectoriesTest, InstallsOnlyWhereEveryDirectoryIsRoots) {
  EXPECT_EQ(install_config(config_, accounts_, path("x.conf"), "x", 0640, done_).error().code, Code::kPermission);
  const std::string folder = config_.config_dir + "/server_local/apache";
  ASSERT_EQ(::chown(folder.c_str(), kAegir, kAegir), 0);
  Result<void> installed = install_config(config_, accounts_, conf_, "x", 0640, done_);
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().place.file, folder);
  ASSERT_EQ(::chown(folder.c_str(), 0, kAegir), 0);
  ASSERT_EQ(::chmod(folder.c_str(), 0770), 0);
  EXPECT_FALSE(install_config(config_, accounts_, conf_, "x", 0640, done_));
  ASSERT_EQ(::chmod(folder.c_str(), 0750), 0);
  ASSERT_EQ(::chown(config_.aegir_root.c_str(), kAegir, kAegir), 0);
  installed = install_config(config_, accounts_, conf_, "x", 0640, done_);
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().place.file, config_.aegir_root);
  EXPECT_FALSE(std::filesystem::exists(conf_));
}

TEST_F(DirectoriesTest, ASlotsPlacesAreItsOwn) {
  const BlockSlots block{"b1", kFirst, 3};
  ASSERT_TRUE(prepare_block(config_, accounts_, block, done_));
  const std::string a = slot_home(config_, "b1", 0);
  for (const char* name : {"/home", "/tmp", "/sessions", "/log"}) {
    EXPECT_TRUE(writes(site_a_, a + name + "/x")) << name;
    for (const Person& person : {site_b_, web_, aegir_, member_}) EXPECT_FALSE(enters(person, a + name)) << name;
  }
  EXPECT_FALSE(as(site_a_, [&] { return ::rename((a + "/tmp").c_str(), (a + "/t").c_str()) == 0; }));
  EXPECT_FALSE(writes(site_a_, a + "/x"));
  EXPECT_FALSE(enters(site_b_, a));
  EXPECT_TRUE(enters(web_, block_socket_dir(config_, "b1")));
  for (const Person& person : {site_a_, aegir_, member_}) EXPECT_FALSE(enters(person, block_socket_dir(config_, "b1")));

  const auto before = change_times(config_.slot_dir);
  done_.clear();
  ASSERT_TRUE(prepare_block(config_, accounts_, block, done_));
  EXPECT_EQ(done_, Done());
  EXPECT_EQ(change_times(config_.slot_dir), before);
}

TEST_F(DirectoriesTest, ASlotThatWasOpenedIsClosedAgain) {
  const BlockSlots block{"b1", kFirst, 2};
  ASSERT_TRUE(prepare_block(config_, accounts_, block, done_));
  const std::string temporary = slot_home(config_, "b1", 0) + "/tmp";
  const AclEntry other{AclEntry::Kind::kUser, kFirst + 1, 07};
  const Fd fd(::open(temporary.c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_TRUE(ensure_acl(fd.get(), temporary, 02770, {&other, 1}, true));
  ASSERT_EQ(::chmod(slot_home(config_, "b1", 0).c_str(), 0755), 0);
  ASSERT_TRUE(enters(site_b_, temporary));
  ASSERT_TRUE(prepare_block(config_, accounts_, block, done_));
  EXPECT_FALSE(enters(site_b_, temporary));
  EXPECT_EQ(owner_and_mode(temporary), "0700 611000:611000");
  EXPECT_TRUE(as(site_a_, [&] { return ::mkdir((temporary + "/new").c_str(), 0755) == 0; }));
  EXPECT_EQ(owner_and_mode(temporary + "/new"), "0755 611000:611000") << "nothing is handed on";
  done_.clear();
  ASSERT_TRUE(prepare_block(config_, accounts_, block, done_));
  EXPECT_EQ(done_, Done());
}

TEST_F(DirectoriesTest, RefusesSlotsOutsideOfTheRangeAndForeignFolders) {
  EXPECT_EQ(prepare_block(config_, accounts_, {"b1", kFirst, 101}, done_).error().code, Code::kInvalid);
  EXPECT_EQ(prepare_block(config_, accounts_, {"b1", 610999, 1}, done_).error().code, Code::kInvalid);
  EXPECT_EQ(prepare_block(config_, accounts_, {"../b", kFirst, 1}, done_).error().code, Code::kInvalid);
  ASSERT_TRUE(prepare_block(config_, accounts_, {"b1", kFirst, 1}, done_));
  const Result<void> moved = prepare_block(config_, accounts_, {"b1", kFirst + 1, 1}, done_);
  ASSERT_FALSE(moved) << "a slot was given another uid";
  EXPECT_EQ(moved.error().place.file, slot_home(config_, "b1", 0) + "/home");
}

// Names of the registry, which is aegir's, are parts of these paths.
TEST_F(DirectoriesTest, NoPathLeadsOutOfTheConfiguration) {
  live::put(config_.aegir_root + "/x", "root's");
  const std::string path = config_.config_dir + "/../x";
  EXPECT_FALSE(install_config(config_, accounts_, path, "aegir's", 0640, done_));
  EXPECT_FALSE(read_config(config_, path));
  EXPECT_FALSE(remove_config(config_, path, done_));
  EXPECT_EQ(live::slurp(config_.aegir_root + "/x"), "root's");
}

}  // namespace
}  // namespace aegir::machine
