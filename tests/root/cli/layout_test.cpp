// Where everything lies (design: "Fragments and activation", "Isolation"): the whole tree that compile makes, with
// owners and modes, beside layout.txt; and files of people, which nothing of ours ever writes. After a change that is
// meant: AEGIR_UPDATE_GOLDEN=1 build/dev/tests/root/cli/root_cli --gtest_filter='Layout*', and read the difference.
#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <map>

#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

class Layout : public AegircAsRoot {
 protected:
  /// Who an id is in layout.txt.
  std::string who(uid_t id) const {
    if (id == 0) return "root";
    if (id == kAegir) return "aegir";
    if (id == kWeb) return "web";
    if (id >= config_.uid_first && id <= config_.uid_last) return "slot-" + std::to_string(id - config_.uid_first);
    return std::to_string(id);
  }

  /// One line for each directory and file of the machine: mode, owner, group, path. The names of the map's bases have a
  /// digest in them; one slot stands for all.
  std::string tree() const {
    const std::string machine = root_.path() + "/machine";
    std::map<std::string, std::string> lines;
    for (const auto& entry : fs::recursive_directory_iterator(machine)) {
      struct stat status{};
      EXPECT_EQ(::lstat(entry.path().c_str(), &status), 0) << entry.path();
      std::string path = entry.path().string().substr(machine.size());
      if (const std::size_t base = path.find("/base-"); base != std::string::npos)
        path = path.substr(0, base) + "/base-*.map";
      if (path.starts_with("/var/lib/aegir-slots/b1/") && !path.starts_with("/var/lib/aegir-slots/b1/0")) continue;
      if (path.ends_with("-wal") || path.ends_with("-shm")) continue;  // SQLite's, while somebody has it open
      std::array<char, 8> mode{};
      (void)std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
      std::string line = mode.data();
      for (const std::string& name : {who(status.st_uid), who(status.st_gid)}) {
        line += ' ' + name;
        line.append(name.size() < 7 ? 7 - name.size() : 0, ' ');
      }
      lines[path] = line + ' ' + path + (S_ISDIR(status.st_mode) ? "/" : S_ISLNK(status.st_mode) ? " ->" : "");
    }
    std::string text;
    for (const auto& [path, line] : lines) text += line + '\n';
    return text;
  }
};

TEST_F(Layout, IsThis) {
  const fs::path golden = fs::path(AEGIR_SOURCE_DIR) / "tests/root/cli/layout.txt";
  const std::string found = tree();
  if (std::getenv("AEGIR_UPDATE_GOLDEN") != nullptr) {
    live::put(golden, found);
    return;
  }
  EXPECT_EQ(found, live::slurp(golden));
}

TEST_F(Layout, FilesOfPeopleAreNeverWritten) {
  const std::string config = config_.config_dir + "/";
  const std::string platform = config_.aegir_root + "/platforms/d10/";
  std::map<std::string, struct stat> before;
  for (const char* service : {"apache", "nginx"}) {
    const std::string folder = config + "server_web1/" + service + "/";
    for (const char* name :
         {"pre.d/own.conf", "post.d/own.conf", "vhost.d/own.conf", "vhost.d/first.example.local.conf",
          "platform.d/d10.local.conf", "platform.d/gone.local.conf"}) {
      before[folder + name];
    }
  }
  for (const char* name : {"includes/global.inc", "includes/own.conf", "ssl.d/own.pem"}) before[config + name];
  for (const char* name :
       {"platform.settings.php", "sites/first.example/local.settings.php", "sites/first.example/local.drushrc.php"}) {
    before[platform + name];
  }
  for (auto& [path, status] : before) {
    live::put(path, "# Written by aegirc? No: by a person, of " + path + "\n");
    ASSERT_EQ(::stat(path.c_str(), &status), 0) << path;
  }
  import_site("second.example");
  expect("compile", 0, "Published");
  set_state("first.example", "maintenance");
  expect("publish", 0, "Published");
  expect("compile", 0, "Published");
  for (const auto& [path, old] : before) {
    struct stat now{};
    ASSERT_EQ(::stat(path.c_str(), &now), 0) << path;
    EXPECT_EQ(now.st_ino, old.st_ino) << path << " is another file";
    EXPECT_EQ(now.st_mtim.tv_sec, old.st_mtim.tv_sec) << path;
    EXPECT_EQ(now.st_mtim.tv_nsec, old.st_mtim.tv_nsec) << path;
    EXPECT_EQ(live::slurp(path), "# Written by aegirc? No: by a person, of " + path + "\n");
  }
}

TEST_F(Layout, ASiteHasAServerOfItsOwnWhileAPersonsFileIsThere) {
  const std::string server = config_.config_dir + "/server_web1/";
  const std::string local = server + "nginx/vhost.d/first.example.local.conf";
  const auto own = [&] {
    return fs::exists(server + "apache/vhost.d/first.example@site") &&
           fs::exists(server + "nginx/vhost.d/first.example@site");
  };
  const std::string before = tree();
  live::put(local, "# mine\n");
  live::put(server + "nginx/vhost.d/nobody.example.local.conf", "# of no site\n");
  expect("verify --server web1", 0, "files put right");
  EXPECT_TRUE(own());
  EXPECT_FALSE(fs::exists(server + "nginx/vhost.d/nobody.example@site"));
  expect("compile", 0, "Published");
  EXPECT_TRUE(own());
  fs::remove(local);
  fs::remove(server + "nginx/vhost.d/nobody.example.local.conf");
  expect("verify --server web1", 0, "files put right");
  EXPECT_EQ(tree(), before);
}

}  // namespace
}  // namespace aegir::cli
