// What aegirc reads and writes for people: documents from files, links and pipes, exports, reports on standard output.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>

#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

TEST_F(AegircAsRoot, ExportReplacesFilesAlone) {
  ASSERT_EQ(::mknod(file("device").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);  // as /dev/null
  expect("export " + file("device"), 0, "Wrote the registry");
  struct stat status{};
  ASSERT_EQ(::lstat(file("device").c_str(), &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
  expect("export " + file("export.json"), 0, "Wrote the registry");
  fs::create_symlink("export.json", file("link"));
  expect_refused("export " + file("link"), 65, file("link"), "symbolic link");
  expect_refused("export " + file("none/export.json"), 73, file("none/export.json"), "No such file or directory");
}

TEST_F(AegircAsRoot, AnExportThatFailsLeavesTheOldFileAndNothingElse) {
  std::string sites;
  for (int i = 0; i < 300; ++i) {
    sites += (i == 0 ? "" : ",") + ("\"s" + std::to_string(i)) +
             R"(.example": {"platform": "d10", "client": "acme", "state": "disabled"})";
  }
  live::put(file("document.json"), R"({"sites": {)" + sites + "}}");
  expect("import " + file("document.json"), 0, "300 created");
  fs::create_directory(file("out"));
  live::put(file("out/export.json"), "old");
  const live::Finished done = live::run({"bash", "-c",
                                         "trap '' XFSZ; ulimit -f 64; exec " AEGIRC " --config " + file("aegir.conf") +
                                             " export " + file("out/export.json")});
  EXPECT_EQ(done.status, 74) << done.output;
  EXPECT_EQ(live::slurp(file("out/export.json")), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(file("out")), {}), 1) << "a temporary file is left";
  expect("export " + file("out/export.json"), 0, "Wrote the registry");
  EXPECT_GT(fs::file_size(file("out/export.json")), 64U * 1024);
}

/// What a shell makes of a line; $aegirc is the program with its configuration, $dir the test's directory.
live::Finished shell(const std::string& line, const std::string& config, const std::string& directory) {
  return live::run({"bash", "-c", line}, {"aegirc=" AEGIRC " --config " + config, "dir=" + directory});
}

TEST_F(AegircAsRoot, AReportThatCantBeWrittenIsAFailure) {
  for (const char* command : {"lookup first.example", "export", "check", "publish", "compile", "map verify", "map dump",
                              "--output json check", "--help", "--version"}) {
    for (const char* where : {">/dev/full", ">&-"}) {
      const live::Finished done = shell(std::string("$aegirc ") + command + " " + where, file("aegir.conf"), file(""));
      EXPECT_EQ(done.status, 74) << command << where << ": " << done.output;
      EXPECT_NE(done.output.find("standard output"), std::string::npos) << command << where << ": " << done.output;
    }
  }
  // Nothing that was opened took the place of what was closed.
  const std::string registry = live::slurp(config_.registry);
  const live::Finished none = shell("$aegirc publish <&- >&- 2>&-", file("aegir.conf"), file(""));
  EXPECT_EQ(none.status, 74);
  EXPECT_EQ(live::slurp(config_.registry), registry);
  EXPECT_EQ(live::slurp(config_.registry + ".lock").find("Nothing"), std::string::npos);
  expect("publish", 0, "Nothing new");
}

TEST_F(AegircAsRoot, ADocumentIsReadFromWhateverHoldsIt) {
  import_site("second.example");
  fs::create_symlink("document.json", file("link.json"));
  for (const char* line :
       {"$aegirc import - <$dir/document.json", "$aegirc import /dev/stdin <$dir/document.json",
        "cat $dir/document.json | $aegirc import /dev/stdin", "cat $dir/document.json | $aegirc import -",
        "$aegirc import <(cat $dir/document.json)", "$aegirc import $dir/link.json"}) {
    const live::Finished done = shell(line, file("aegir.conf"), file(""));
    EXPECT_EQ(done.status, 0) << line << ": " << done.output;
    EXPECT_NE(done.output.find("0 created, 0 changed, 0 deleted"), std::string::npos) << line << ": " << done.output;
  }
  for (const char* line : {"$aegirc check <(cat $dir/document.json)", "$aegirc check $dir/link.json",
                           "$aegirc compile --out $dir/out /dev/stdin <$dir/document.json"}) {
    const live::Finished done = shell(line, file("aegir.conf"), file(""));
    EXPECT_EQ(done.status, 0) << line << ": " << done.output;
  }
  for (const char* command : {"import ", "check ", "compile --out /nowhere "}) {
    expect_refused(command + root_.path(), 65, root_.path(), "this is a directory");
  }
}

}  // namespace
}  // namespace aegir::cli
