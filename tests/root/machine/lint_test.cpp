// PHP that only looks at a file: what it says of it, and as whom it looks.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include "compiler/machine/lint.hpp"
#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::machine {
namespace {

using testing::HasSubstr;

class MachineLint : public MachineTest {
 protected:
  std::string lint(std::string_view content, const std::string& version = "8.2", Identity who = kNobody) {
    const Result<void> done = lint_php(config_, version, who, content, "/a/file.php");
    return done ? "fine" : describe(done.error());
  }
  /// The same by a PHP 9.7 that is this shell script, in a view of the machine that nobody else has.
  std::string lint_by(const std::string& script, Identity who) {
    const std::string answer = path("answer");
    EXPECT_TRUE(as({0, 0}, [&] {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return false;
      if (::mount("none", "/usr/local/bin", "tmpfs", 0, "mode=755") != 0) return false;
      config_.php_cli = "/usr/local/bin/php{version}";
      live::put("/usr/local/bin/php9.7", "#!/bin/sh\n" + script);
      if (::chmod("/usr/local/bin/php9.7", 0755) != 0) return false;
      live::put(answer, lint("the content", "9.7", who));
      return true;
    }));
    return live::slurp(answer);
  }
};

TEST_F(MachineLint, SaysWhatPhpSays) {
  EXPECT_EQ(lint("<?php\necho getenv('HOME');\n"), "fine");
  EXPECT_EQ(lint(""), "fine");
  EXPECT_THAT(lint("<?php\n\n$x =;\n"), HasSubstr("/a/file.php:3: PHP can't read it: Parse error: syntax error"));
  EXPECT_THAT(lint("<?php\nfunction a() {}\nfunction a() {}\n"), HasSubstr(":3: PHP can't read it: Fatal error: "));
  EXPECT_THAT(lint("<?php a", "9.9"), HasSubstr("there is no /usr/bin/php9.9\n  next: install"));
  EXPECT_THAT(lint("<?php", "../8.2"), HasSubstr("no version"));
}

TEST_F(MachineLint, RunsNothingOfTheFile) {
  const std::string canary = path("canary");
  ASSERT_EQ(::chmod(path("").c_str(), 0777), 0);
  EXPECT_EQ(lint("<?php\nfile_put_contents('" + canary + "', 'ran');\n__halt_compiler();"), "fine");
  EXPECT_FALSE(std::filesystem::exists(canary));
}

TEST_F(MachineLint, LooksAsNobodyOrTheSiteWithoutAnyRight) {
  const std::string script =
      "echo $(id -u) $(id -G) $(ls /proc/self/fd | wc -l) \"$(cat)\" $(env | sort | tr '\\n' ' '); "
      "grep NoNewPrivs /proc/self/status; exit 1\n";
  // 0, 1 and 2, and the one by which ls reads the folder.
  for (const uid_t uid : {kNobody.uid, kFirst}) {
    const std::string id = std::to_string(uid);
    const std::string answer = lint_by(script, {uid, uid});
    EXPECT_THAT(answer, HasSubstr("PHP can't read it: " + id + ' ' + id + " 4 the content LANG=C"));
    EXPECT_THAT(answer, testing::ContainsRegex("NoNewPrivs:.*1"));
    EXPECT_THAT(answer, testing::Not(HasSubstr("HOME")));
  }
}

TEST_F(MachineLint, EndsWhatDoesNotEnd) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(lint_by("while :; do :; done\n", kNobody), testing::StartsWith("/a/file.php: PHP can't "));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

}  // namespace
}  // namespace aegir::machine
