// Credentials in settings.php or by the web server: what drushrc.php asks for, what the registry says, and that both
// reach settings.php, the map and each other.
#include "compiler/verify/site.hpp"
#include "tests/root/verify/verified_site.hpp"

namespace aegir::cli {
namespace {

constexpr const char* kAsk = "$options['provision_db_cloaking'] = FALSE;\n";

class Cloaking : public VerifiedSite {
 protected:
  void SetUp() override {
    VerifiedSite::SetUp();
    change(R"("database": {"server": "web1", "name": "shop", "user": "shop", "password": "canary123"})");
    expect("publish", 0, "Published");
  }
  void expect_cloaked() {
    EXPECT_FALSE(text("settings.php").contains("canary123"));
    EXPECT_TRUE(text("settings.php").contains("$_SERVER['db_passwd']"));
    EXPECT_FALSE(text("drushrc.php").contains("provision_db_cloaking"));
    EXPECT_TRUE(sealed());
    EXPECT_NE(aegirc("export").output.find("\"cloaking\": true"), std::string::npos);
  }
  void expect_plain() {
    EXPECT_TRUE(text("settings.php").contains("'password' => 'canary123'"));
    EXPECT_TRUE(text("drushrc.php").contains("provision_db_cloaking"));
    EXPECT_FALSE(sealed());
    EXPECT_NE(aegirc("export").output.find("\"cloaking\": false"), std::string::npos);
    EXPECT_FALSE(reads(kOther, site("settings.php")));
  }
  /// drushrc.php with a line more.
  void add_to_drushrc(const std::string& line) const { edit("drushrc.php", text("drushrc.php") + line); }
  void take_from_drushrc(const std::string& word) const {
    std::istringstream lines(text("drushrc.php"));
    std::string left;
    for (std::string line; std::getline(lines, line);) {
      if (!line.contains(word)) left += line + '\n';
    }
    edit("drushrc.php", left);
  }
};

TEST_F(Cloaking, IsOnByItself) { expect_cloaked(); }

TEST_F(Cloaking, DrushrcAsksForPlainCredentialsAndTakesItBack) {
  add_to_drushrc(kAsk);
  EXPECT_TRUE(sealed());
  const std::int64_t before = modified(site("settings.php"));
  expect("verify --site first.example", 0, "Published");
  expect_plain();
  EXPECT_NE(modified(site("settings.php")), before);
  verify();
  expect_plain();
  take_from_drushrc("provision_db_cloaking");
  expect("verify --site first.example", 0, "Published");
  expect_cloaked();
  verify();
  expect_cloaked();
}

TEST_F(Cloaking, WithoutTheFileNobodyAsks) {
  add_to_drushrc(kAsk);
  verify();
  expect_plain();
  fs::remove(site("drushrc.php"));
  verify();
  expect_cloaked();
}

TEST_F(Cloaking, TheRegistryAsks) {
  change(R"("cloaking": false)");
  expect("publish", 0, "Published");
  expect_plain();
  verify();
  expect_plain();
  change(R"("cloaking": true)");
  expect("publish", 0, "Published");
  expect_cloaked();
}

TEST_F(Cloaking, CompileHearsItToo) {
  add_to_drushrc(kAsk);
  expect("compile", 0, "Published");
  expect_plain();
}

TEST_F(Cloaking, LocalDrushrcHasTheLastWord) {
  edit("local.drushrc.php", std::string("<?php\n") + kAsk);
  verify();
  expect_plain();
  edit("local.drushrc.php", std::string("<?php\nif (1) {\n") + kAsk + "}\n");
  const live::Finished done = aegirc("verify --site first.example");
  EXPECT_EQ(done.status, 65);
  EXPECT_NE(done.output.find(site("local.drushrc.php") + ":2:1: "), std::string::npos) << done.output;
  EXPECT_NE(done.output.find("is not heard"), std::string::npos) << done.output;
}

TEST_F(Cloaking, ABrokenDrushrcIsToldAndLosesNothing) {
  const std::string broken = text("drushrc.php") + "$options['mine'] = 1\n$options['x'] = system('id');\n";
  edit("drushrc.php", broken);
  fs::remove(cli_file());
  const auto lines = static_cast<std::size_t>(std::ranges::count(broken, '\n'));
  for (const char* command : {"verify --site first.example", "compile"}) {
    const live::Finished done = aegirc(command);
    EXPECT_EQ(done.status, 65) << done.output;
    EXPECT_NE(done.output.find(site("drushrc.php") + ":" + std::to_string(lines) + ":1: "), std::string::npos)
        << done.output;
    EXPECT_NE(done.output.find("expected ';', found '$'"), std::string::npos) << done.output;
    EXPECT_NE(done.output.find("next: put this line right"), std::string::npos) << done.output;
    EXPECT_EQ(text("drushrc.php"), broken);
    EXPECT_EQ(look("first.example"), "first.example");
    EXPECT_TRUE(reads(kSlot, cli_file())) << "the other files are written all the same";
    EXPECT_TRUE(sealed());
  }
}

TEST_F(Cloaking, KeysThatAreNotOursStay) {
  add_to_drushrc(
      "// ours\n$options['our_key'] = array('a' => 1, \"b\");\n$command_specific['cron']['quiet'] = TRUE;\n");
  change(R"("profile": "minimal")");
  verify();
  const std::string drushrc = text("drushrc.php");
  EXPECT_TRUE(
      drushrc.contains("// ours\n$options['our_key'] = array('a' => 1, \"b\");\n"
                       "$command_specific['cron']['quiet'] = TRUE;\n"))
      << drushrc;
  EXPECT_TRUE(drushrc.contains("$options['profile'] = 'minimal';\n"));
  EXPECT_EQ(drushrc.find("our_key"), drushrc.rfind("our_key"));
  const live::Finished done =
      live::run({"php", "-n", "-r", "include $argv[1]; echo $options['our_key']['a'], $_SERVER['db_passwd'];", "--",
                 site("drushrc.php")});
  EXPECT_EQ(done.output, "1canary123");
}

TEST(DecideCloaking, WhoChangedItLast) {
  using verify::decide_cloaking;
  constexpr std::nullopt_t kNone = std::nullopt;
  EXPECT_TRUE(decide_cloaking(true, kNone, kNone, kNone));  // a new site
  EXPECT_FALSE(decide_cloaking(false, kNone, kNone, kNone));
  EXPECT_FALSE(decide_cloaking(true, true, false, kNone));  // a person asks
  EXPECT_TRUE(decide_cloaking(false, false, true, kNone));  // and no more
  EXPECT_FALSE(decide_cloaking(false, true, true, kNone));  // the registry was changed
  EXPECT_TRUE(decide_cloaking(true, false, false, kNone));
  EXPECT_FALSE(decide_cloaking(true, kNone, false, kNone));  // taken over: drushrc.php of Aegir 3
  EXPECT_TRUE(decide_cloaking(true, kNone, true, kNone));
  EXPECT_FALSE(decide_cloaking(false, kNone, true, kNone));
  EXPECT_FALSE(decide_cloaking(true, false, kNone, kNone));  // unreadable: as it is
  EXPECT_TRUE(decide_cloaking(false, true, kNone, kNone));
  EXPECT_FALSE(decide_cloaking(true, true, true, false));
  EXPECT_TRUE(decide_cloaking(false, false, false, true));
}

}  // namespace
}  // namespace aegir::cli
