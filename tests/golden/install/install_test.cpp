// What `cmake --install` puts where, with Debian's prefix, and that it works from there.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Installed : public testing::Test {
 protected:
  void SetUp() override {
    const live::Finished done =
        live::run({"env", "DESTDIR=" + root_.path("root"), "cmake", "--install", AEGIR_BINARY_DIR, "--prefix", "/usr"});
    ASSERT_EQ(done.status, 0) << done.output;
  }
  [[nodiscard]] std::string usr(const std::string& name) const { return root_.path("root/usr/" + name); }
  live::TempDir root_;
};

TEST_F(Installed, LiesInDebiansPlaces) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root_.path("root"))) {
    if (!entry.is_directory()) files.push_back(fs::relative(entry.path(), root_.path("root")));
  }
  std::ranges::sort(files);
  EXPECT_THAT(files,
              ElementsAre("usr/bin/aegir", "usr/bin/aegirc", "usr/lib/apache2/modules/mod_aegir.so",
                          "usr/lib/nginx/modules/ngx_http_aegir_module.so", "usr/lib/systemd/system/aegir-fpm@.service",
                          "usr/lib/systemd/system/aegird.service", "usr/libexec/aegir/aegird-worker", "usr/sbin/aegird",
                          "usr/share/aegir/openapi.json", "usr/share/aegir/registry.schema.json",
                          "usr/share/bash-completion/completions/aegir", "usr/share/bash-completion/completions/aegirc",
                          "usr/share/doc/aegir/README.md", "usr/share/doc/aegir/copyright",
                          "usr/share/doc/aegir/examples/aegir.conf", "usr/share/doc/aegir/mod_aegir.md",
                          "usr/share/doc/aegir/ngx_aegir.md", "usr/share/man/man1/aegir.1",
                          "usr/share/man/man1/aegirc.1", "usr/share/man/man5/aegir.conf.5",
                          "usr/share/zsh/vendor-completions/_aegir", "usr/share/zsh/vendor-completions/_aegirc"));
  for (const std::string& file : files) {
    const bool runs = file.starts_with("usr/bin/") || file.starts_with("usr/sbin/") || file.starts_with("usr/libexec/");
    EXPECT_EQ((fs::status(root_.path("root/" + file)).permissions() & fs::perms::others_all),
              runs ? fs::perms::others_read | fs::perms::others_exec : fs::perms::others_read)
        << file;
  }
}

TEST_F(Installed, SystemdTakesTheUnits) {
  // Without another root, so that what the units start is there.
  const live::Finished installed = live::run({"cmake", "--install", AEGIR_BINARY_DIR, "--prefix", root_.path("here")});
  ASSERT_EQ(installed.status, 0) << installed.output;
  const std::string units = root_.path("here/lib/systemd/system/");
  const auto verify = [&] {
    return live::run({"systemd-analyze", "verify", "--man=no", "--recursive-errors=no", units + "aegird.service",
                      units + "aegir-fpm@.service"});
  };
  const live::Finished good = verify();
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.output, "");
  EXPECT_THAT(live::slurp(units + "aegird.service"), HasSubstr("ExecStart=" + root_.path("here/sbin/aegird") + "\n"));
  fs::remove(root_.path("here/sbin/aegird"));
  EXPECT_NE(verify().status, 0) << "it would see a program that is not there";
}

TEST_F(Installed, WorksFromThere) {
  const std::string aegirc = usr("bin/aegirc");
  EXPECT_EQ(live::run({aegirc, "--version"}).output, live::run({AEGIRC, "--version"}).output);
  EXPECT_EQ(live::run({usr("bin/aegir"), "--version"}).status, 0);
  // The example says what is so without it, also with every line in force.
  const live::Finished plain =
      live::run({aegirc, "--config", usr("share/doc/aegir/examples/aegir.conf"), "check",
                 std::string(AEGIR_SOURCE_DIR) + "/tests/golden/cli/sessions/files/fleet.json"});
  EXPECT_EQ(plain.status, 0) << plain.output;
  const live::Finished set = live::run(
      {"bash", "-c",
       "sed 's/^# \\([a-z_]* = \\)/\\1/' " + usr("share/doc/aegir/examples/aegir.conf") + " >" +
           root_.path("set.conf") + " && grep -c = " + root_.path("set.conf") + " && " + aegirc + " --config " +
           root_.path("set.conf") + " check " + AEGIR_SOURCE_DIR + "/tests/golden/cli/sessions/files/fleet.json"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_THAT(set.output, HasSubstr("is good"));
  EXPECT_EQ(live::run({"cmp", usr("share/man/man1/aegirc.1"), "-"}).status, 1) << "the page is not empty";
  EXPECT_THAT(live::run({"man", "-M", usr("share/man"), "-P", "cat", "5", "aegir.conf"}).output,
              HasSubstr("uid_first"));
  EXPECT_THAT(
      live::run({"bash", "-c", "source " + usr("share/bash-completion/completions/aegirc") + "; complete -p aegirc"})
          .output,
      HasSubstr("_aegirc"));
  for (const char* module : {"lib/apache2/modules/mod_aegir.so", "lib/nginx/modules/ngx_http_aegir_module.so"}) {
    EXPECT_THAT(live::run({"bash", "-c", "readelf -d " + usr(module) + " | grep -c RUNPATH"}).output, HasSubstr("0"));
  }
}

}  // namespace
}  // namespace aegir
