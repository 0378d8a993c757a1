// What aegir says about itself to other programs: shells complete it, and its manual page is set without a warning and
// has every command of the tree.
#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::client {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

/// What bash offers at the end of a line of words.
std::vector<std::string> completed(const std::string& words, int count) {
  const live::TempDir directory;
  live::put(directory.path("script"), live::run({AEGIR, "completion", "bash"}).output);
  const live::Finished done =
      live::run({"bash", "--norc", "-uc",
                 "source " + directory.path("script") + "; COMP_WORDS=(" + words +
                     "); COMP_CWORD=" + std::to_string(count) + "; _aegir; echo \"${COMPREPLY[@]-}\""});
  EXPECT_EQ(done.status, 0) << done.output;
  std::istringstream in(done.output);
  return {std::istream_iterator<std::string>(in), {}};
}

TEST(Completion, OfBash) {
  EXPECT_THAT(completed("aegir ''", 1), IsSupersetOf({"site", "platform", "task", "queue", "--socket"}));
  EXPECT_THAT(completed("aegir site dis", 2), ElementsAre("disable"));
  EXPECT_THAT(completed("aegir site install --ht", 3), IsSupersetOf({"--https", "--http-auth"}));
  EXPECT_THAT(completed("aegir site install --https ''", 4), IsSupersetOf({"none", "allowed", "required"}));
  EXPECT_THAT(completed("aegir site verify --", 3), Not(Contains("--profile")));
}

TEST(Completion, OfZshIsAScript) {
  const live::TempDir directory;
  live::put(directory.path("_aegir"), live::run({AEGIR, "completion", "zsh"}).output);
  const live::Finished done = live::run({"zsh", "-n", directory.path("_aegir")});
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_TRUE(live::slurp(directory.path("_aegir")).starts_with("#compdef aegir\n"));
}

TEST(Manual, IsSetWithoutAWarningAndHasEveryCommand) {
  const live::TempDir directory;
  const std::string page = directory.path("aegir.1");
  live::put(page, live::run({AEGIR, "manual"}).output);
  const live::Finished groff = live::run({"groff", "-man", "-Tutf8", "-ww", "-z", page});
  EXPECT_EQ(groff.status, 0);
  EXPECT_EQ(groff.output, "");
  const std::string shown = live::run({"bash", "-c", "MANWIDTH=200 man -E ascii -l " + page}).output;
  for (const char* each : {"aegir site install [OPTIONS] URI", "aegir site verify", "aegir platform unlock",
                           "aegir server add", "aegir block add", "aegir client list", "aegir task retry",
                           "aegir queue resume", "--from-file FILE", "EXIT STATUS", "69 a task has failed"}) {
    EXPECT_THAT(shown, HasSubstr(each));
  }
}

}  // namespace
}  // namespace aegir::client
