// Starts, reloads and the memory of the children.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/live/apache/fleet.hpp"

namespace aegir::live {
namespace {

/// Whether a process of the web servers' user can open `file` of /proc/<pid>.
bool web_user_reads(pid_t pid, const std::string& file) {
  const Finished tried = run({"setpriv", "--reuid", kWebUser, "--regid", kWebUser, "--clear-groups", "head", "-c1",
                              "/proc/" + std::to_string(pid) + "/" + file});
  return tried.status == 0;
}

/// The children, when each has its threads: one that was just forked is still root's, and becomes first its user's and
/// only then closed; threads come after that.
std::vector<pid_t> settled(const ApacheServer& apache) {
  namespace fs = std::filesystem;
  const auto threads = [](pid_t pid) {
    std::error_code gone;
    const fs::directory_iterator tasks("/proc/" + std::to_string(pid) + "/task", gone);
    return gone ? 0 : std::distance(tasks, fs::directory_iterator{});
  };
  std::vector<pid_t> children;
  EXPECT_TRUE(eventually([&] {
    children = apache.workers();
    return std::ranges::all_of(children, [&](pid_t child) { return threads(child) > 1; });
  })) << "children without threads";
  return children;
}

TEST(ApacheChildren, CannotBeReadByTheirOwnUser) {
  const std::string dump = "CoreDumpDirectory /tmp\n";
  {
    const Port port;
    ApacheServer plain;
    plain.start(plain.frame({.main = "Listen 127.0.0.1:" + port.text() + "\n" + dump, .module = false}),
                {port.endpoint()});
    ASSERT_TRUE(web_user_reads(settled(plain).at(0), "environ")) << "this test must be able to fail";
  }
  Fleet fleet;
  fleet.start({.main = dump});
  for (const pid_t child : settled(fleet.apache)) {
    for (const char* file : {"environ", "maps", "mem"}) EXPECT_FALSE(web_user_reads(child, file)) << file;
  }
}

int maps_of_module(pid_t pid) {
  const std::string maps = slurp("/proc/" + std::to_string(pid) + "/maps");
  int count = 0;
  std::istringstream lines(maps);
  for (std::string line; std::getline(lines, line);) count += line.ends_with("/mod_aegir.so") ? 1 : 0;
  return count;
}

std::size_t descriptors_of(pid_t pid) {
  namespace fs = std::filesystem;
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd"), fs::directory_iterator{}));
}

TEST(ApacheReload, LeavesNothingBehind) {
  Fleet fleet;
  fleet.start({});
  fleet.apache.reload();
  const int maps = maps_of_module(fleet.apache.pid());
  const std::size_t descriptors = descriptors_of(fleet.apache.pid());
  ASSERT_GT(maps, 0);
  for (int i = 0; i < 2; ++i) fleet.apache.reload();
  EXPECT_EQ(maps_of_module(fleet.apache.pid()), maps);
  EXPECT_EQ(descriptors_of(fleet.apache.pid()), descriptors);
  EXPECT_EQ(lines_with(fleet.get("a.test", "/index.php").body, "db_passwd=secret-of-a"), 1);
}

TEST(ApacheReload, ReadsTheKeyAgain) {
  Fleet fleet;
  fleet.start({});
  // A new key, with the old one behind it: `aegirc keygen` for a rotation.
  const std::string old_line = slurp(fleet.map.key_file());
  const std::string new_line = KeyRing::generate(2);
  const KeyRing keys = KeyRing::parse(new_line, "new").value();
  put(fleet.map.key_file(), new_line + old_line);
  map::SiteRecord& a = fleet.content.sites[0];
  a.key_id = 2;
  a.sealed = keys.seal(a.host, map::encode({"mysql", "db", "user", "sealed-anew", "localhost", "3306"}));
  fleet.map.publish(fleet.content);
  EXPECT_EQ(fleet.get("a.test", "/index.php").status, 500) << "the children have the old key";
  EXPECT_EQ(lines_with(fleet.get("b.test", "/index.php").body, "db_passwd=secret-of-b"), 1);
  EXPECT_EQ(fleet.figure("aegir_faults_total"), 1U);
  fleet.apache.expect_log("the credentials of a\\.test can't be opened .* next: reload it");
  fleet.apache.reload();
  EXPECT_EQ(lines_with(fleet.get("a.test", "/index.php").body, "db_passwd=sealed-anew"), 1);
  EXPECT_EQ(lines_with(fleet.get("b.test", "/index.php").body, "db_passwd=secret-of-b"), 1);
}

TEST(ApacheReload, WithoutAReadableKeyKeepsTheOldOne) {
  Fleet fleet;
  fleet.start({});
  ASSERT_EQ(unlink(fleet.map.key_file().c_str()), 0);
  fleet.apache.expect_log(
      "AegirKey at .*map\\.key: the key file can't be opened.*the keys of the last start stay in use");
  fleet.apache.reload();
  EXPECT_EQ(lines_with(fleet.get("a.test", "/index.php").body, "db_passwd=secret-of-a"), 1);
  fleet.apache.reload();
  EXPECT_EQ(lines_with(fleet.get("a.test", "/index.php").body, "db_passwd=secret-of-a"), 1);
}

TEST(ApacheMap, ServesFromTheFirstPublishOn) {
  Fleet fleet;
  for (const auto& entry : std::filesystem::directory_iterator(fleet.map.directory())) {
    if (entry.path().filename() != "counter") std::filesystem::remove(entry.path());
  }
  fleet.start({});
  EXPECT_EQ(fleet.get("a.test", "/style.css").status, 503);
  EXPECT_EQ(fleet.get("a b", "/").status, 400);
  EXPECT_EQ(fleet.figure("aegir_map_generation"), 0U);
  fleet.map.publish(fleet.content);
  EXPECT_EQ(fleet.get("a.test", "/style.css").status, 200);
  EXPECT_EQ(fleet.figure("aegir_map_generation"), 2U);
  fleet.apache.expect_log("CURRENT");
}

TEST(ApacheMap, KeepsTheLastGoodState) {
  Fleet fleet;
  fleet.start({});
  ASSERT_EQ(fleet.get("a.test", "/style.css").status, 200);
  // A child that opens the map only now would have no good state to keep.
  ASSERT_TRUE(eventually([&] {
    return std::ranges::all_of(fleet.apache.workers(), [&](pid_t child) {
      return slurp("/proc/" + std::to_string(child) + "/maps").contains(fleet.map.directory());
    });
  }));
  put(fleet.map.directory() + "/CURRENT", "nonsense");
  fleet.apache.expect_log("CURRENT");
  // Children look at CURRENT once a second at least.
  EXPECT_TRUE(eventually([&] { return fleet.figure("aegir_map_refusals_total") == 1; }));
  EXPECT_EQ(fleet.get("a.test", "/style.css").status, 200);
  fleet.map.publish(fleet.content);
  EXPECT_EQ(fleet.figure("aegir_map_generation"), 2U);
}

TEST(ApacheMap, BrokenRecordIsAFaultOfItsSiteAlone) {
  Fleet fleet;
  for (const auto& entry : std::filesystem::directory_iterator(fleet.map.directory())) {
    if (entry.path().extension() != ".map") continue;
    std::string bytes = slurp(entry.path());
    const std::size_t at = bytes.find("b.test");
    ASSERT_NE(at, std::string::npos);
    bytes[at - 70] ^= 1;  // in the record's head
    put(entry.path(), bytes);
  }
  fleet.start({});
  EXPECT_EQ(fleet.get("b.test", "/style.css").status, 500);
  EXPECT_EQ(fleet.get("a.test", "/style.css").status, 200);
  EXPECT_EQ(fleet.figure("aegir_faults_total"), 1U);
  fleet.apache.expect_log("the site map's record of b\\.test is broken; next: aegirc publish --rebuild");
}

}  // namespace
}  // namespace aegir::live
