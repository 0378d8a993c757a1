// A registry that whoever has taken over uid aegir has written by himself: its names become parts of paths to which
// root writes, and lead nowhere else.
#include <sys/stat.h>

#include <filesystem>

#include "tests/root/activate/activation_fixture.hpp"

namespace aegir::publish {
namespace {

namespace fs = std::filesystem;

class NamesTest : public ActivationTest {
 protected:
  NamesTest() {
    fs::create_directories(victim_);
    fs::permissions(victim_, fs::perms::owner_all);
  }

  /// What root has written where only root may.
  [[nodiscard]] std::string found() const {
    std::string names;
    for (const auto& entry : fs::recursive_directory_iterator(victim_)) names += entry.path().string() + '\n';
    return names;
  }

  const std::string victim_ = installation_.root() + "/victim";
  /// From a folder of a server's fragments to the root of the installation.
  const std::string up_ = "../../../../../../";
};

TEST_F(NamesTest, OfAPlatformWhoseServerIsNone) {
  registry::Platform platform = model_.platforms[0];
  platform.name = up_ + "victim/rotate";
  platform.server = "local/../server_local";
  model_.platforms.push_back(platform);
  put_htaccess("# comments may go on \\\n/var/log/any.log { daily\n");
  const Activation done = activate({"p1", platform.name});
  EXPECT_EQ(found(), "");
  EXPECT_FALSE(done.errors.empty());
}

TEST_F(NamesTest, OfASiteWithAServerOfItsOwn) {
  model_.own_sites.push_back({up_ + "victim/site", "p1", 1});
  const Activation done = activate();
  EXPECT_EQ(found(), "");
  EXPECT_FALSE(done.errors.empty());
}

TEST_F(NamesTest, OfAServer) {
  const std::string keys = config_.config_dir + "/ssl.d/a.test";
  fs::create_directories(keys);
  live::put(keys + "/openssl.key", "a key");
  model_.servers[0].name = "local/..";
  const Activation done = activate();
  EXPECT_FALSE(done.errors.empty());
  EXPECT_TRUE(fs::exists(keys + "/openssl.key")) << describe_all(done);
}

}  // namespace
}  // namespace aegir::publish
