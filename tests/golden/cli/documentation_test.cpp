// What the program says about itself to other programs: bash completes it, groff and man set its page without a
// warning, and both know every command and option of the help.
#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>

#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

/// What bash offers at the end of `line`, split into words as bash splits it.
std::vector<std::string> completed(const std::string& line) {
  const live::TempDir directory;
  live::put(directory.path("script"), live::run({AEGIRC, "completion", "bash"}).output);
  std::istringstream in(line);
  std::string words;
  int count = 0;
  for (std::string word; in >> word; ++count) words += " '" + word + "'";
  if (line.ends_with(' ')) words += " ''", ++count;
  const live::Finished done =
      live::run({"bash", "--norc", "-uc",
                 "source " + directory.path("script") + "; COMP_WORDS=(" + words +
                     "); COMP_CWORD=" + std::to_string(count - 1) + "; _aegirc; echo \"${COMPREPLY[@]-}\""});
  EXPECT_EQ(done.status, 0) << done.output;
  return words_of(done.output);
}

TEST(BashCompletion, OfCommands) {
  EXPECT_THAT(completed("aegirc "), IsSupersetOf({"compile", "map", "diff", "--config", "--help"}));
  EXPECT_THAT(completed("aegirc com"), UnorderedElementsAre("compile", "completion"));
  EXPECT_THAT(completed("aegirc map "), IsSupersetOf({"dump", "verify", "compact"}));
  EXPECT_THAT(completed("aegirc map v"), ElementsAre("verify"));
  EXPECT_THAT(completed("aegirc keygen "), IsSupersetOf({"map", "registry"}));
  EXPECT_THAT(completed("aegirc nonsense x"), IsEmpty());
}

TEST(BashCompletion, OfOptions) {
  EXPECT_THAT(completed("aegirc compile --o"), UnorderedElementsAre("--out", "--output"));
  EXPECT_THAT(completed("aegirc import --re"), ElementsAre("--replace"));
  EXPECT_THAT(completed("aegirc map dump --"), Not(Contains("--replace")));
  EXPECT_THAT(completed("aegirc --output json pub"), ElementsAre("publish"));
}

TEST(BashCompletion, OfValues) {
  EXPECT_THAT(completed("aegirc --output "), UnorderedElementsAre("json", "table"));
  EXPECT_THAT(completed("aegirc --output = "), UnorderedElementsAre("json", "table"));
  EXPECT_THAT(completed("aegirc publish --output = j"), ElementsAre("json"));
  EXPECT_THAT(completed("aegirc lookup shop.example --service a"), ElementsAre("apache"));
  EXPECT_THAT(completed("aegirc --config "), IsEmpty()) << "left to bash, which completes files";
  EXPECT_THAT(completed("aegirc --config map "), Not(Contains("dump"))) << "the value of an option is no command";
}

class ManualPage : public testing::Test {
 protected:
  ManualPage() { live::put(page_, live::run({AEGIRC, "manual"}).output); }
  live::TempDir directory_;
  std::string page_ = directory_.path("aegirc.1");
};

TEST_F(ManualPage, IsSetWithoutAWarning) {
  const live::Finished groff = live::run({"groff", "-man", "-Tutf8", "-ww", "-z", page_});
  EXPECT_EQ(groff.status, 0);
  EXPECT_EQ(groff.output, "");
  const live::Finished man = live::run({"bash", "-c", "man --warnings -E UTF-8 -l " + page_ + " 2>&1 >/dev/null"});
  EXPECT_EQ(man.status, 0);
  EXPECT_EQ(man.output, "");
}

TEST_F(ManualPage, HasEveryCommandAndOptionOfTheHelp) {
  const std::string shown = live::run({"bash", "-c", "MANWIDTH=200 man -E ascii -l " + page_}).output;
  EXPECT_THAT(shown, HasSubstr("EXIT STATUS"));
  std::istringstream help(live::slurp(std::filesystem::path(AEGIR_SOURCE_DIR) / "tests/golden/cli/sessions/help.txt"));
  int commands = 0;
  for (std::string line; std::getline(help, line);) {
    if (line.starts_with("Usage: aegirc ")) ++commands;
    const std::vector<std::string> words = words_of(line);
    if (line.starts_with("  --")) {
      EXPECT_THAT(shown, HasSubstr(words.at(0))) << line;
    } else if (line.starts_with("$ aegirc ") && line.ends_with(" --help") && words.at(2) != "--help" &&
               words.at(2) != "map") {
      EXPECT_THAT(shown, HasSubstr("aegirc " + words.at(2))) << line;
    }
  }
  EXPECT_GT(commands, 10);
  EXPECT_THAT(shown, HasSubstr("aegirc map verify [PATH]"));
  EXPECT_THAT(shown, HasSubstr("--site URI ..."));
}

}  // namespace
}  // namespace aegir::cli
