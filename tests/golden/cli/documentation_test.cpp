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

/// What zsh offers at the end of `line`, an entry a line; its completion functions print what they are given.
std::vector<std::string> offered(const std::string& line) {
  const live::TempDir directory;
  live::put(directory.path("_aegirc"), live::run({AEGIRC, "completion", "zsh"}).output);
  std::istringstream in(line);
  std::string words;
  int count = 0;
  for (std::string word; in >> word; ++count) words += " '" + word + "'";
  if (line.ends_with(' ')) words += " ''", ++count;
  live::put(directory.path("try"),
            "compadd() { shift; print -l -- $@ }\n_files() { print FILES }\n"
            "_describe() { print -l -- ${(P)@[-1]} }\ncompdef() { print \"compdef $@\" }\n"
            "words=(" +
                words + ") CURRENT=" + std::to_string(count) + "\nfpath=(" + directory.path() +
                " $fpath)\nautoload -Uz _aegirc\n_aegirc\n");
  const live::Finished done = live::run({"zsh", "-f", directory.path("try")});
  EXPECT_EQ(done.status, 0) << done.output;
  std::istringstream out(done.output);
  std::vector<std::string> lines;
  for (std::string each; std::getline(out, each);) lines.push_back(each);
  return lines;
}

TEST(ZshCompletion, OfCommandsOptionsAndValues) {
  EXPECT_THAT(offered("aegirc "), IsSupersetOf({"diff:Show what publishing and compiling would change",
                                                "map:Look at the site map's files, or merge them"}));
  EXPECT_THAT(offered("aegirc map "), Contains("dump:Print what the map answers, or one file of it as it is"));
  EXPECT_THAT(offered("aegirc --output json map "), Contains(testing::StartsWith("compact:")));
  EXPECT_THAT(offered("aegirc keygen "), ElementsAre("map", "registry"));
  EXPECT_THAT(offered("aegirc compile --"),
              IsSupersetOf({"--out:Write every file at its own path below DIR; needs no root",
                            "--output:How results and errors are printed"}));
  EXPECT_THAT(offered("aegirc map dump --"), Not(Contains(testing::StartsWith("--replace"))));
  EXPECT_THAT(offered("aegirc --output "), ElementsAre("table", "json"));
  EXPECT_THAT(offered("aegirc --config "), ElementsAre("FILES"));
  EXPECT_THAT(offered("aegirc --config map "), Not(Contains(testing::StartsWith("dump"))));
  EXPECT_THAT(offered("aegirc import "), ElementsAre("FILES"));
}

TEST(ZshCompletion, IsAlsoSourced) {
  const live::TempDir directory;
  live::put(directory.path("script"), live::run({AEGIRC, "completion", "zsh"}).output);
  EXPECT_EQ(live::run({"zsh", "-fc", "compdef() { print \"compdef $@\" }; source " + directory.path("script")}).output,
            "compdef _aegirc aegirc\n");
}

TEST(Documentation, OfTheConfigurationHasEveryKeyAndIsSetWithoutAWarning) {
  const live::TempDir directory;
  const std::string page = directory.path("aegir.conf.5");
  live::put(page, live::run({AEGIRC, "manual", "aegir.conf"}).output);
  const live::Finished man = live::run({"bash", "-c", "man --warnings -E UTF-8 -l " + page + " 2>&1 >/dev/null"});
  EXPECT_EQ(man.status, 0);
  EXPECT_EQ(man.output, "");
  const std::string shown = live::run({"bash", "-c", "MANWIDTH=200 man -E ascii -l " + page}).output;
  // A file that sets a key twice is refused with the key's name: so the parser knows each that the page names.
  std::istringstream lines(shown);
  int keys = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 3 || words[1] != "=" || words[0] == "key") continue;
    ++keys;
    live::put(directory.path("conf"), words[0] + " = \n" + words[0] + " =\n");
    EXPECT_THAT(live::run({AEGIRC, "--config", directory.path("conf"), "export"}).output,
                HasSubstr("'" + words[0] + "' is already set in line 1"));
  }
  EXPECT_EQ(keys, 38);
}

TEST(Documentation, TheSchemaIsTheOneThatIsPublished) {
  EXPECT_EQ(live::run({AEGIRC, "schema"}).output,
            live::slurp(std::filesystem::path(AEGIR_SOURCE_DIR) / "compiler/registry/schema/registry.schema.json"));
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
