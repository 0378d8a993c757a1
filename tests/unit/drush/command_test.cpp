// The command lines, and how an answer is taken.
#include "tests/unit/drush/fake_runner.hpp"

namespace aegir::drush {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(DrushCommand, RunsDrushOnTheSite) {
  const Site site = test_site();
  const process::Program program = tool_program(site, {"core-cron"}, kQuick);
  EXPECT_THAT(
      program.argv,
      ElementsAre("/var/aegir/config/php/php/php", "-d", "memory_limit=512M", "-d", "display_errors=stderr", "-d",
                  "log_errors=0", "-d", "html_errors=0", "-d", "sys_temp_dir=/var/lib/aegir-slots/php/7/tmp",
                  "/var/aegir/platforms/d10/vendor/drush/drush/drush.php", "--root=/var/aegir/platforms/d10/web",
                  "--uri=https://shop.example:8443", "--yes", "core-cron"));
  EXPECT_EQ(program.directory, site.docroot);
  EXPECT_EQ(program.input, "");
  EXPECT_EQ(program.patience, kQuick);
  EXPECT_FALSE(program.on_line);
}

// The whole list: nothing of ours gets in by accident.
TEST(DrushCommand, HasTheEnvironmentThatIsAllowed) {
  EXPECT_THAT(tool_program(test_site(), {"core-cron"}, kQuick).environment,
              ElementsAre("PATH=/var/aegir/config/php/php:/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                          "HOME=/var/lib/aegir-slots/php/7/home", "TMP=/var/lib/aegir-slots/php/7/tmp",
                          "TEMP=/var/lib/aegir-slots/php/7/tmp", "TMPDIR=/var/lib/aegir-slots/php/7/tmp", "COLUMNS=240",
                          "TERM=dumb", "db_type=mysql", "db_name=shop", "db_user=shopuser",
                          std::string("db_passwd=") + kPassword, "db_host=127.0.0.1", "db_port=3307"));
}

TEST(DrushCommand, RunsBeeInTheSitesDirectory) {
  const process::Program program = tool_program(test_site(registry::Cms::kBackdrop), {"eval", "x"}, kQuick);
  EXPECT_EQ(program.directory, "/var/aegir/platforms/d10/web/sites/shop.example");
  ASSERT_GE(program.argv.size(), 4U);
  EXPECT_THAT(std::vector<std::string>(program.argv.end() - 4, program.argv.end()),
              ElementsAre("/opt/bee/bee.php", "--base-url=https://shop.example:8443", "eval", "x"));
}

TEST(DrushCommand, PhpReadsItsSourceFromStandardInput) {
  const process::Program program = php_program(test_site(), "print 1;", {"a b", "c"}, kQuick);
  EXPECT_EQ(program.input, "<?php\nprint 1;");
  ASSERT_GE(program.argv.size(), 3U);
  EXPECT_THAT(std::vector<std::string>(program.argv.end() - 3, program.argv.end()), ElementsAre("--", "a b", "c"));
}

TEST(DrushCommand, ProgressIsHarmless) {
  std::vector<Line> heard;
  const process::Program program =
      tool_program(test_site(), {"x"}, kQuick, [&](const Line& line) { heard.push_back(line); });
  ASSERT_TRUE(program.on_line);
  program.on_line(" [notice] \x1b[1mgo\x1b[0m");
  program.on_line("   ");
  program.on_line(std::string("\x01 ") + kPassword);
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].level, Level::kNotice);
  EXPECT_EQ(heard[0].text, "go");
  EXPECT_EQ(heard[1].text, "\\x01 ****");
}

TEST(DrushCommand, AnEndIsJudged) {
  const Site site = test_site();
  const Command command(site, "core-cron");
  const process::Program program = tool_program(site, {"core-cron"}, kQuick);
  const auto judge = [&](process::Output output) {
    FakeRunner runner;
    runner.answers(std::move(output));
    return command.run(runner, program);
  };
  EXPECT_TRUE(judge({}));
  const struct {
    process::Output output;
    Code code;
    const char* words;
  } cases[] = {
      {{.status = 143, .asked = true, .out = {}, .err = {}}, Code::kBusy, "ended before it was done"},
      {{.status = 137, .in_time = false, .out = {}, .err = {}}, Code::kBusy, "not done after 120 seconds"},
      {{.status = 0, .cut = true, .out = {}, .err = {}}, Code::kInvalid, "more than 16 MiB"},
      {{.status = 1, .out = {}, .err = {}}, Code::kInvalid, "status 1: it gave no reason"},
      {{.status = 255, .starved = 2U << 30U, .out = {}, .err = {}}, Code::kInvalid, "nearly the 2048 MiB of memory"},
      {{.status = 21, .out = {}, .err = std::string(" [error]  \x1b[0mno \x02 ") + kPassword},
       Code::kInvalid,
       "status 21: no \\x02 ****"},
  };
  for (const auto& [output, code, words] : cases) {
    const Result<process::Output> judged = judge(output);
    ASSERT_FALSE(judged) << words;
    EXPECT_EQ(judged.error().code, code) << words;
    EXPECT_THAT(judged.error().message, testing::StartsWith("drush core-cron for shop.example: "));
    EXPECT_THAT(judged.error().message, HasSubstr(words));
    expect_decent(judged.error());
  }
}

TEST(DrushCommand, ARunnersErrorIsHandedOn) {
  const Site site = test_site();
  FakeRunner runner;
  runner.answers(fail(Code::kPermission, "no namespaces here"));
  const Result<process::Output> run = Command(site, "x").run(runner, {});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().message, "no namespaces here");
}

TEST(DrushCommand, TakesOneDocumentAndNothingElse) {
  const Site site = test_site();
  const Command command(site, "php-eval");
  for (const char* out : {"{}", "  {}\n", "\xef\xbb\xbf{}", "\n\xef\xbb\xbf\n\xef\xbb\xbf {} \r\n"}) {
    EXPECT_TRUE(command.json(out)) << out;
  }
  for (const std::string_view out : std::initializer_list<std::string_view>{
           "", "  \n", "\xef\xbb\xbf", "Notice: x in y\n{}", "{} {}", "{}x", "{", "[1,]", "{\"a\":1,\"a\":2}", "NaN",
           "\x1b[31m{}", std::string_view("{}\0", 3), "{\"a\":\"\xff\"}", "<html>", "<?php\n{}"}) {
    const Result<registry::Document> document = command.json(out);
    ASSERT_FALSE(document) << out;
    EXPECT_EQ(document.error().code, Code::kInvalid);
    expect_decent(document.error());
  }
  std::string deep(100000, '[');
  EXPECT_FALSE(command.json(deep));
  EXPECT_THAT(command.json("Warning: boo").error().message, HasSubstr("'Warning: boo'"));
}

TEST(DrushCommand, MembersAreOfTheRightType) {
  const Site site = test_site();
  const Command command(site, "php-eval");
  const std::string text = R"({"text":"a","control":"a\u0007b","nul":"\u0000","null":null,"list":[],"number":7,)"
                           R"("minus":-1,"real":1.5,"huge":9223372036854775808,"flag":true})";
  const Result<registry::Document> document = command.json(text);
  ASSERT_TRUE(document);
  const Members members(command, "it", document->root());
  EXPECT_EQ(*members.text("text"), "a");
  EXPECT_EQ(*members.text_or_empty("null"), "");
  EXPECT_EQ(*members.text_or_empty("none"), "");
  EXPECT_EQ(*members.number("number"), 7U);
  EXPECT_EQ(*members.flag("flag"), true);
  for (const char* key : {"none", "null", "list", "number", "control", "nul"}) EXPECT_FALSE(members.text(key)) << key;
  EXPECT_FALSE(members.text_or_empty("number"));
  for (const char* key : {"none", "null", "text", "minus", "real", "huge"}) EXPECT_FALSE(members.number(key)) << key;
  for (const char* key : {"none", "number", "text"}) EXPECT_FALSE(members.flag(key)) << key;
  EXPECT_THAT(members.text("control").error().message, HasSubstr("in it 'control' has control characters: 'a\\x07b'"));
  EXPECT_FALSE(members.text("text", 0));
  expect_decent(members.text("none").error());
}

}  // namespace
}  // namespace aegir::drush
