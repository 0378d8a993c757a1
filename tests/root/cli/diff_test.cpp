// aegirc diff on a machine: what it sees of the registry, of a document that is not imported, and of root's files.
#include <gmock/gmock.h>

#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Diff : public AegircAsRoot {
 protected:
  /// What diff prints; its exit code has to be `status`.
  std::string diff(const std::string& arguments, int status) const {
    const live::Finished done = aegirc("diff " + arguments);
    EXPECT_EQ(done.status, status) << done.output;
    return done.output;
  }
  std::string apache() const { return config_.config_dir + "/server_web1/apache/"; }
};

TEST_F(Diff, OfWhatIsCompiledIsEmpty) { EXPECT_EQ(diff("", 0), "No difference.\n"); }

TEST_F(Diff, SeesWhatIsNotPublishedYet) {
  import_site("second.example");
  set_state("first.example", "maintenance");
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("~ site first.example\n    state  enabled -> maintenance\n"));
  EXPECT_THAT(shown, HasSubstr("+ site second.example\n"));
  EXPECT_THAT(shown, HasSubstr("Differs: sites 1 added, 1 changed.\n"));
  expect("publish", 0, "Published");
  EXPECT_EQ(diff("", 0), "No difference.\n");
}

TEST_F(Diff, SeesADocumentAsAfterItsImportAndImportsNothing) {
  live::put(file("more.json"),
            R"({"sites": {"first.example": {"https": "required", "aliases": {"www.first.example": {}}}}})");
  const std::string shown = diff(file("more.json"), 1);
  EXPECT_EQ(shown,
            "~ site first.example\n    https  allowed -> required\n"
            "+ alias www.first.example\n    of  first.example\nDiffers: sites 1 changed; aliases 1 added.\n")
      << "passwords and slot are those of the registry";
  EXPECT_EQ(diff("", 0), "No difference.\n");
  live::put(file("other.json"), R"({"settings": {"require_disabled_before_delete": false},
    "servers": {"web1": {"web": {"nginx": {}}}}, "blocks": {"b1": {"slots": 8}}})");
  EXPECT_THAT(diff("--replace --stat " + file("other.json"), 1), HasSubstr("sites      0 added  0 changed  1 gone\n"));
  live::put(file("bad.json"), R"({"sites": {"first.example": {"htps": "none"}}})");
  expect_refused("diff " + file("bad.json"), 65, file("bad.json") + ":1:30", "there is no key 'htps' here");
}

TEST_F(Diff, SeesFilesThatWereChangedOrThatNothingAsksFor) {
  const std::string conf = apache() + "platform.d/d10.conf";
  const std::string before = live::slurp(conf);
  live::put(conf, "SetEnv db_passwd hunter2\n" + before);
  live::put(apache() + "platform.d/gone.conf", "# Written by aegirc from the registry.\n# password = hunter3\n");
  live::put(apache() + "platform.d/gone.local.conf", "# Written by aegirc from the registry.\n");
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("--- " + conf + "\tlive\n+++ " + conf +
                               "\tcompiled\n@@ -1,4 +1,3 @@\n-SetEnv db_passwd ********\n"));
  EXPECT_THAT(shown, HasSubstr("--- " + apache() + "platform.d/gone.conf\tlive\n+++ /dev/null\n"));
  EXPECT_THAT(shown, HasSubstr("Differs: files 1 changed, 1 gone.\n"));
  EXPECT_THAT(shown, Not(HasSubstr("hunter")));
  EXPECT_THAT(shown, Not(HasSubstr("gone.local.conf")));
  expect("compile", 0, "put right");
  EXPECT_EQ(diff("", 0), "No difference.\n");
}

TEST_F(Diff, NeedsWhoMayReadWhatItCompares) {
  expect("diff", 77,
         "can't be opened: Permission denied\n  next: check the owner and mode of the path, or run the command as root",
         kStranger);
}

}  // namespace
}  // namespace aegir::cli
