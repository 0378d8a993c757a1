// aegir, the program, against the service.
#include <signal.h>

#include <filesystem>
#include <iterator>
#include <sstream>

#include "tests/root/api/server_fixture.hpp"

namespace aegir::api {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class CliTest : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    serve();
  }
  /// Status, standard output and standard error of one run.
  struct Ran {
    int status = -1;
    std::string out;
    std::string err;
  };
  Ran aegir(const std::vector<std::string>& words, const std::string& before = "") {
    std::string line = before + AEGIR " --socket " + options_.path;
    for (const std::string& word : words) line += " '" + word + "'";
    const live::Finished done =
        live::run({"bash", "-c", line + " >" + directory_.path("out") + " 2>" + directory_.path("err")});
    return {done.status, live::slurp(directory_.path("out")), live::slurp(directory_.path("err"))};
  }
  Ran aegir(const std::string& words, const std::string& before = "") {
    std::istringstream in(words);
    return aegir(std::vector<std::string>{std::istream_iterator<std::string>(in), {}}, before);
  }
};

TEST_F(CliTest, InstallsWithAllThatCanBeSaid) {
  const Ran ran = aegir(
      "site install New.example --platform d10 --profile minimal --language de --client acme --alias www.new.example "
      "--alias old.example=https://x.example --redirect-to new.example --https required --http-auth guest",
      "echo 'canary-7d1f' | ");
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "task 1 (site install new.example) succeeded\n");
  EXPECT_THAT(ran.err, MatchesRegex("  begun\n\\[1/3\\] look\n\\[2/3\\] work\n(.*\n)*  done\n"));
  EXPECT_EQ(world_.get("/v1/tasks/1").at("request"),
            Json::parse(R"({"aliases": {"old.example": {"redirect_to": "https://x.example"}, "www.new.example": {}},
              "client": "acme", "http_auth": {"password": "***", "user": "guest"}, "https": "required", "language": "de",
              "platform": "d10", "profile": "minimal", "redirect_to": "new.example"})"));
}

TEST_F(CliTest, SpeaksJson) {
  const Ran ran = aegir("--output json site verify shop.example");
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.err, IsEmpty());
  EXPECT_EQ(Json::parse(ran.out).at("state"), "success");
  EXPECT_EQ(Json::parse(aegir("--output json site list").out).at("sites").size(), 2U);
  EXPECT_EQ(Json::parse(aegir("--output json site show shop.example").out).at("client"), "acme");
  EXPECT_EQ(Json::parse(aegir("--output json task log 1").out).at("lines").back().at("text"), "done");
  const Ran bad = aegir("--output json site verify none.example");
  EXPECT_EQ(bad.status, 66);
  EXPECT_EQ(Json::parse(bad.err).at("errors").at(0).at("error"), "there is no site 'none.example'");
}

TEST_F(CliTest, ShowsWhatThereIs) {
  EXPECT_THAT(aegir("site list").out,
              MatchesRegex("blog.example +d10 +enabled +-\nshop.example +d10 +enabled +acme\n"));
  EXPECT_THAT(aegir("site list --client acme").out, MatchesRegex("shop.example +d10 +enabled +acme\n"));
  EXPECT_THAT(aegir("site list --deleted").out, MatchesRegex("gone.example +d10 +deleted +-\n"));
  EXPECT_THAT(aegir("site show www.shop.example").out,
              AllOf(ContainsRegex("uri +shop.example\n"), ContainsRegex("http_auth.user +guest\n"),
                    ContainsRegex("aliases.www.shop.example.redirect_to +-\n"),
                    ContainsRegex("database.name +shop_example\n"), Not(HasSubstr(kCanary))));
  EXPECT_THAT(aegir("platform list").out, MatchesRegex("d10 +enabled +drupal8 +web1 +/var/aegir/platforms/d10/web\n"));
  EXPECT_THAT(aegir("server list").out, MatchesRegex("web1 +localhost\n"));
  EXPECT_THAT(aegir("client list").out, MatchesRegex("acme +Acme +web@acme.example\n"));
  EXPECT_THAT(aegir("queue show").out, ContainsRegex("paused +no\n"));
}

TEST_F(CliTest, AFailureSaysWhatToDoNext) {
  const Ran ran = aegir("site install bad.example --platform d10");
  EXPECT_EQ(ran.status, 69);
  EXPECT_THAT(ran.err, HasSubstr("aegir: task 1 (site install bad.example) has failed: 'work' failed: it is bad"));
  EXPECT_THAT(ran.err, HasSubstr("see `aegir task log 1`; ask again with `aegir task retry 1`"));
  EXPECT_THAT(aegir("task log 1").out, ContainsRegex("error .*'work' failed: it is bad"));
  EXPECT_THAT(aegir("task list --state error").out, MatchesRegex("1 +error +site +install +bad.example +20.*\n"));
  EXPECT_EQ(aegir("task retry 1").status, 69);
  EXPECT_THAT(aegir("site log bad.example").out, HasSubstr("'work' failed"));
}

TEST_F(CliTest, MistakesAreNamed) {
  const auto says = [&](const std::string& words) {
    const Ran ran = aegir(words);
    return std::to_string(ran.status) + " " + ran.err;
  };
  EXPECT_THAT(says("site verify shp.example"),
              HasSubstr("66 aegir: there is no site 'shp.example'\n  next: did you mean"));
  EXPECT_THAT(says("site install refused.example --platform d10"), HasSubstr("65 aegir: it is refused"));
  EXPECT_THAT(says("site verify"), HasSubstr("64 aegir: say which sites are meant"));
  EXPECT_THAT(says("site verify shop.example --all"), HasSubstr("64 aegir: say which sites are meant"));
  EXPECT_THAT(says("site delete shop.example"), HasSubstr("64 aegir: nobody can be asked"));
  EXPECT_THAT(says("site enable --all"), HasSubstr("66 aegir: there is no such site"));
  EXPECT_THAT(says("server add web2 --apache x"), HasSubstr("64 aegir: --apache x names no ports"));
  EXPECT_THAT(says("task show 99"), HasSubstr("66 aegir: there is no task 99"));
}

TEST_F(CliTest, ALinkToLogInIsHandedOutOnce) {
  EXPECT_EQ(aegir("site login shop.example").out, "http://shop.example/user/reset/1/x/login\n");
  const Ran again = aegir("task handout 1");
  EXPECT_EQ(again.status, 66);
  EXPECT_THAT(again.err, HasSubstr("task 1 has nothing to hand out"));
  const Json both = Json::parse(aegir("--output json site login --all").out);
  EXPECT_EQ(both.at("tasks").at(1).at("message"), "http://shop.example/user/reset/1/x/login");
  EXPECT_EQ(Json::parse(aegir("--output json site login shop.example").out).at("handout"),
            "http://shop.example/user/reset/1/x/login");
  EXPECT_THAT(world_.ask("GET", "/v1/tasks").body + world_.ask("GET", "/v1/tasks/1/log").body, Not(HasSubstr("reset")));
}

TEST_F(CliTest, ALoginWithoutALinkIsNoSuccess) {
  const std::uint64_t other =
      world_.service().subscribe([this](std::uint64_t id) { (void)world_.queue().engine->take_handout(id); });
  const Ran one = aegir("site login shop.example");
  EXPECT_NE(one.status, 0);
  EXPECT_EQ(one.out, "");
  EXPECT_THAT(one.err, HasSubstr("its link was handed out already"));
  const Ran several = aegir("site login shop.example blog.example");
  EXPECT_NE(several.status, 0);
  EXPECT_THAT(several.out + several.err, HasSubstr("its link was handed out already"));
  world_.service().unsubscribe(other);
}

TEST_F(CliTest, ADryRunAndOneThatDoesNotWait) {
  EXPECT_EQ(aegir("site delete shop.example --dry-run").out, "dry run: site delete shop.example could be queued\n");
  EXPECT_EQ(aegir("queue pause").status, 0);
  EXPECT_EQ(aegir("site verify shop.example --no-wait --priority 5").out,
            "task 1 (site verify shop.example) is queued\n");
  EXPECT_EQ(world_.get("/v1/tasks/1").at("priority"), 5);
  EXPECT_EQ(aegir("task cancel 1").out, "task 1 is cancelled\n");
  EXPECT_EQ(aegir("queue resume").status, 0);
}

TEST_F(CliTest, SeveralHaveOneSummary) {
  world_.say("shop.example", {"a line"});
  live::put(directory_.path("names"), "shop.example  # the shop\n\nnone.example\nblog.example\n");
  const Ran ran = aegir("site verify --from-file " + directory_.path("names") + " --parallel 2");
  EXPECT_EQ(ran.status, 66);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("shop.example  "), ContainsRegex("none.example +- +refused +there is no site"),
                             ContainsRegex("blog.example +[0-9]+ +success"), HasSubstr("verify: 2 done, 1 not\n")));
  EXPECT_THAT(ran.err, HasSubstr("shop.example:   a line\n"));
  const Json all = Json::parse(aegir("--output json site verify --all").out);
  EXPECT_EQ(all.at("done"), 2);
  EXPECT_EQ(all.at("tasks").at(0).at("state"), "success");
  EXPECT_EQ(aegir("site delete shop.example blog.example --yes").status, 0);
}

TEST_F(CliTest, CtrlCLeavesTheTaskAtWork) {
  world_.door("shop.example");
  live::Process waits(
      {{AEGIR, "--socket", options_.path, "site", "verify", "shop.example"}, {}, directory_.path("out"), {}});
  world_.record().wait_for("shop.example");
  while (!live::slurp(directory_.path("out")).contains("[2/3] work")) ::usleep(2000);
  waits.signal(SIGINT);
  EXPECT_EQ(waits.wait(), 130);
  EXPECT_THAT(live::slurp(directory_.path("out")),
              HasSubstr("task 1 goes on: see it with `aegir task show 1`, cancel it "
                        "with `aegir task cancel 1`"));
  world_.door("shop.example").open();
  EXPECT_EQ(world_.queue().end(1).state, registry::TaskState::kSuccess);
}

TEST_F(CliTest, WaitsThroughARestartOfTheService) {
  world_.say("shop.example", {"before"});
  world_.door("shop.example");
  live::Process waits(
      {{AEGIR, "--socket", options_.path, "site", "verify", "shop.example"}, {}, directory_.path("out"), {}});
  while (!live::slurp(directory_.path("out")).contains("before")) ::usleep(2000);
  server_.reset();
  serve();
  world_.door("shop.example").open();
  EXPECT_EQ(waits.wait(), 0);
  const std::string out = live::slurp(directory_.path("out"));
  EXPECT_THAT(out, HasSubstr("succeeded"));
  EXPECT_EQ(out.find("before"), out.rfind("before")) << "no line comes twice:\n" << out;
}

TEST_F(CliTest, WhoMayNotIsToldWhichGroupMay) {
  const std::string copy = directory_.path("aegir");
  std::filesystem::copy_file(AEGIR, copy);
  const live::Finished done = live::run(
      {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "--socket", options_.path, "site", "list"});
  EXPECT_EQ(done.status, 77);
  EXPECT_THAT(done.output,
              AllOf(HasSubstr("aegir: nobody may not administrate"), HasSubstr("adduser nobody www-data")));
  const live::Finished site = live::run({"setpriv", "--reuid=300001", "--regid=300001", "--clear-groups", copy,
                                         "--socket", options_.path, "site", "list"});
  EXPECT_EQ(site.status, 77);
  EXPECT_THAT(site.output, HasSubstr("aegird ends the connection without an answer"));
}

TEST_F(CliTest, WithoutTheServiceItSaysHowToStartIt) {
  server_.reset();
  const Ran ran = aegir("site list");
  EXPECT_EQ(ran.status, 75);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("aegird does not run"), HasSubstr("systemctl start aegird")));
  live::put(directory_.path("aegir.conf"), "run_dir = " + directory_.path("run") + "\n");
  EXPECT_THAT(live::run({AEGIR, "--config", directory_.path("aegir.conf"), "site", "list"}).output,
              StartsWith(directory_.path("run/api/socket: aegird does not run")));
}

}  // namespace
}  // namespace aegir::api
