// What a program (PROGRAM) prints and how it exits, compared with *.txt in SESSIONS: each file is a transcript, "$
// aegirc
// ..." lines with what follows them, "[n]" being an exit code other than 0. A session runs in a directory of its own,
// which stands in it as DIR, with the files of sessions/files. After a change that is meant: AEGIR_UPDATE_GOLDEN=1
// build/dev/tests/golden/cli/golden_cli, and read the difference before it is committed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::cli {
namespace {

namespace fs = std::filesystem;

const fs::path kSessions = SESSIONS;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// Runs one command line; what a terminal would show after it.
std::string shown(const std::string& line, const live::TempDir& directory, int number) {
  std::istringstream words(line);
  live::Command command;
  for (std::string word; words >> word;) command.argv.push_back(replaced(word, "DIR", directory.path()));
  command.argv.at(0) = PROGRAM;
  command.directory = directory.path();
  command.output = directory.path("output-" + std::to_string(number));
  live::Process process(command);
  const std::optional<int> status = process.wait();
  std::string text = replaced(live::slurp(command.output), directory.path(), "DIR");
  if (!status) return text + "[still running]\n";
  return *status == 0 ? text : text + '[' + std::to_string(*status) + "]\n";
}

class Session : public testing::TestWithParam<std::string> {};

TEST_P(Session, PrintsWhatItsTranscriptSays) {
  const fs::path file = kSessions / (GetParam() + ".txt");
  const live::TempDir directory;
  std::error_code none;  // of a folder that a program may do without
  for (const auto& entry : fs::directory_iterator(kSessions / "files", none)) {
    const std::string copy = directory.path(entry.path().filename().string());
    live::put(copy, replaced(live::slurp(entry.path()), "DIR", directory.path()));
    if (entry.path().extension() == ".key") fs::permissions(copy, fs::perms::owner_read);
  }
  const std::string wanted = live::slurp(file);
  std::istringstream lines(wanted);
  std::string transcript;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) transcript += line + '\n';
    if (line.starts_with("$ ")) transcript += line + '\n' + shown(line.substr(2), directory, ++number);
  }
  ASSERT_GT(number, 0) << file << " has no command";
  if (std::getenv("AEGIR_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file, std::ios::binary) << transcript;
    return;
  }
  EXPECT_EQ(transcript, wanted);
}

std::vector<std::string> names() {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(kSessions)) {
    if (entry.path().extension() == ".txt") found.insert(entry.path().stem());
  }
  return {found.begin(), found.end()};
}

INSTANTIATE_TEST_SUITE_P(Cli, Session, testing::ValuesIn(names()), [](const auto& session) { return session.param; });

}  // namespace
}  // namespace aegir::cli
