// Requests and their answers, without a socket.
#include "sidecar/api/words.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace aegir::api {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Routes : public testing::Test {
 protected:
  Answer wish(const Json& body, Headers headers = {}) {
    return world_.ask("POST", "/v1/tasks", body.dump(), std::move(headers));
  }
  /// Status and, of a problem, what is said: "404 there is … | did you mean …".
  static std::string told(const Answer& given) {
    std::string text = std::to_string(given.status);
    if (given.status < 400) return text;
    const Json problem = Json::parse(given.body);
    EXPECT_EQ(problem.at("status"), given.status);
    return text + ' ' + problem.at("detail").get<std::string>() + " | " + problem.value("next", std::string());
  }
  static std::string header(const Answer& given, const std::string& name) {
    for (const auto& [key, value] : given.headers) {
      if (key == name) return value;
    }
    return "";
  }
  std::vector<std::string> names(const std::string& target, const std::string& list, const std::string& member) {
    std::vector<std::string> all;
    const Json page = world_.get(target);
    for (const Json& each : page.at(list)) all.push_back(each.at(member).get<std::string>());
    return all;
  }

  World world_;
};

TEST_F(Routes, AWishBecomesATask) {
  const Answer given = wish({{"kind", "site"}, {"verb", "verify"}, {"object", "SHOP.example"}});
  ASSERT_EQ(given.status, 202U) << given.body;
  const Json task = Json::parse(given.body);
  EXPECT_EQ(header(given, "Location"), "/v1/tasks/" + task.at("id").dump());
  EXPECT_EQ(task.at("object"), "shop.example");
  EXPECT_EQ(task.at("actor"), "root");
  EXPECT_EQ(task.at("second"), false);
  EXPECT_TRUE(task.at("site").is_number());
  world_.queue().end(task.at("id"));
  const Json ended = world_.get(header(given, "Location"));
  EXPECT_EQ(ended.at("state"), "success");
  EXPECT_EQ(ended.at("steps").size(), 3U);
  EXPECT_EQ(ended.at("steps").at(1).at("name"), "work");
  EXPECT_THAT(ended.at("created").get<std::string>(), testing::MatchesRegex("....-..-..T..:..:..\\....Z"));
  EXPECT_THAT(world_.get(header(given, "Location") + "/log").at("lines").back().at("text").get<std::string>(), "done");
}

TEST_F(Routes, ADryRunOnlyLooks) {
  const Answer good = wish({{"kind", "site"},
                            {"verb", "install"},
                            {"object", "new.example"},
                            {"request", {{"platform", "d10"}}},
                            {"dry_run", true}});
  EXPECT_EQ(good.status, 200U) << good.body;
  EXPECT_TRUE(Json::parse(good.body).at("id").is_null());
  EXPECT_THAT(told(wish({{"kind", "site"},
                         {"verb", "install"},
                         {"object", "refused.example"},
                         {"request", {{"platform", "d10"}}},
                         {"dry_run", true}})),
              "422 it is refused | ask for another");
  EXPECT_THAT(world_.get("/v1/tasks").at("tasks"), IsEmpty());
}

TEST_F(Routes, WhatDoesNotExistIsToldWithWhatIsNear) {
  const auto on = [&](const char* object) {
    return told(wish({{"kind", "site"}, {"verb", "verify"}, {"object", object}}));
  };
  EXPECT_EQ(on("shp.example"), "404 there is no site 'shp.example' | did you mean 'shop.example'?");
  EXPECT_EQ(on("www.shop.example"),
            "404 'www.shop.example' is an alias of site 'shop.example' | name the site 'shop.example'");
  EXPECT_EQ(on("gone.example"), "404 site 'gone.example' was deleted | see `aegir site list --deleted`");
  EXPECT_THAT(on("no host"), HasSubstr("422 "));
  EXPECT_EQ(told(wish({{"kind", "platform"}, {"verb", "verify"}, {"object", "d1O"}})),
            "404 there is no platform 'd1O' | did you mean 'd10'?");
  EXPECT_EQ(told(world_.ask("GET", "/v1/clients/acm")), "404 there is no client 'acm' | did you mean 'acme'?");
  EXPECT_EQ(told(world_.ask("GET", "/v1/tasks/99")), "404 there is no task 99 | see `aegir task list`");
  EXPECT_EQ(told(world_.ask("GET", "/v1/tasks/x")), "404 there is no task 'x' | a task is named by its number");
}

TEST_F(Routes, AKeyGivesTheSameTaskAgain) {
  const Json body = {{"kind", "site"}, {"verb", "verify"}, {"object", "shop.example"}};
  const Json first = Json::parse(wish(body, {{"Idempotency-Key", "k1"}}).body);
  world_.queue().end(first.at("id"));
  const Json again = Json::parse(wish(body, {{"Idempotency-Key", "k1"}}).body);
  EXPECT_EQ(again.at("id"), first.at("id"));
  EXPECT_EQ(again.at("second"), true);
  EXPECT_NE(Json::parse(wish(body, {{"Idempotency-Key", "k2"}}).body).at("id"), first.at("id"));
  EXPECT_THAT(
      told(wish({{"kind", "site"}, {"verb", "verify"}, {"object", "blog.example"}}, {{"idempotency-key", "k1"}})),
      HasSubstr("409 this Idempotency-Key was used for task"));
  EXPECT_THAT(told(wish(body, {{"Idempotency-Key", std::string(201, 'x')}})), HasSubstr("400 the Idempotency-Key"));
}

TEST_F(Routes, AKeyGivesItsTaskThoughTheObjectIsGone) {
  const Json body = {{"kind", "site"}, {"verb", "delete"}, {"object", "blog.example"}};
  const Json first = Json::parse(wish(body, {{"Idempotency-Key", "k1"}}).body);
  world_.queue().end(first.at("id"));
  need(world_.queue().store->with([](registry::Store& store) {
    return store.transact(registry::kTester, [](registry::Writer& writer) {
      registry::Site gone = registry::test_site("blog.example");
      gone.state = registry::SiteState::kDeleted;
      return writer.put(gone);
    });
  }));
  EXPECT_THAT(told(wish(body)), HasSubstr("404 site 'blog.example' was deleted"));
  const Answer again = wish(body, {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(again.status, 202U) << again.body;
  EXPECT_EQ(Json::parse(again.body).at("id"), first.at("id"));
  EXPECT_GT(Json::parse(again.body).at("site").get<int>(), 0);
}

TEST_F(Routes, ATaskIsCancelledAndAskedForAgain) {
  world_.door("shop.example");
  const std::uint64_t id = world_.start("verify", "shop.example");
  world_.record().wait_for("shop.example");
  const std::string path = "/v1/tasks/" + std::to_string(id);
  EXPECT_THAT(told(world_.ask("POST", path + "/retry")), HasSubstr("409 task"));
  EXPECT_THAT(told(world_.ask("POST", path + "/skip")), HasSubstr("409 task"));
  EXPECT_EQ(world_.ask("POST", path + "/cancel").status, 202U);
  EXPECT_EQ(world_.get(path).at("cancel_asked"), true);
  world_.door("shop.example").open();
  EXPECT_EQ(world_.queue().end(id).state, TaskState::kCancelled);
  EXPECT_THAT(told(world_.ask("POST", path + "/cancel")), HasSubstr("409 task"));
  const Answer again = world_.ask("POST", path + "/retry");
  ASSERT_EQ(again.status, 202U);
  EXPECT_EQ(Json::parse(again.body).at("retry_of"), id);
  EXPECT_EQ(header(again, "Location"), "/v1/tasks/" + Json::parse(again.body).at("id").dump());
}

TEST_F(Routes, WhatATaskHandsOutIsForWhoAskedAndOnce) {
  Actor other = World::root();
  other.uid = 1000;
  other.name = "anna";
  const std::uint64_t id = world_.start("login", "shop.example");
  world_.queue().end(id);
  const std::string path = "/v1/tasks/" + std::to_string(id) + "/handout";
  EXPECT_EQ(answer(world_.service(), other, {"POST", path, {}, ""}).status, 403U);
  EXPECT_EQ(world_.ask("POST", path).body, "{\"secret\":\"http://shop.example/user/reset/1/x/login\"}\n");
  EXPECT_THAT(told(world_.ask("POST", path)), HasSubstr("404 task 1 has nothing to hand out"));
  EXPECT_THAT(world_.ask("GET", "/v1/tasks/1").body, Not(HasSubstr("reset")));
}

TEST_F(Routes, WhoAsksForTheSameWaitsForOneTaskButEachLoginHasItsLink) {
  EXPECT_EQ(world_.ask("POST", "/v1/queue/pause").status, 200U);
  EXPECT_EQ(world_.start("verify", "blog.example"), world_.start("verify", "blog.example"));
  const std::uint64_t first = world_.start("login", "shop.example");
  const std::uint64_t second = world_.start("login", "shop.example");
  EXPECT_NE(first, second);
  EXPECT_EQ(world_.ask("POST", "/v1/queue/resume").status, 200U);
  for (const std::uint64_t id : {first, second}) {
    world_.queue().end(id);
    EXPECT_EQ(world_.ask("POST", "/v1/tasks/" + std::to_string(id) + "/handout").status, 200U) << id;
  }
}

TEST_F(Routes, TheQueueIsPausedAndGoesOn) {
  EXPECT_EQ(world_.get("/v1/queue").at("paused"), false);
  EXPECT_EQ(Json::parse(world_.ask("POST", "/v1/queue/pause").body).at("paused"), true);
  const std::uint64_t id = world_.start("verify", "shop.example");
  const Json queue = world_.get("/v1/queue");
  EXPECT_EQ(queue.at("tasks").at("queued"), 1);
  EXPECT_TRUE(queue.at("oldest_queued").is_string());
  EXPECT_THAT(world_.ask("GET", "/metrics").body,
              AllOf(HasSubstr("\naegir_queue_paused 1\n"), HasSubstr("\naegir_queue_length 1\n"),
                    HasSubstr("\naegir_tasks{state=\"queued\"} 1\n")));
  EXPECT_EQ(Json::parse(world_.ask("POST", "/v1/queue/resume").body).at("paused"), false);
  world_.queue().end(id);
  const std::string metrics = world_.ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, AllOf(HasSubstr("\naegir_tasks{state=\"success\"} 1\n"), HasSubstr("# TYPE aegir_tasks gauge"),
                             Not(HasSubstr("aegir_process_pss_bytes 0\n"))));
}

TEST_F(Routes, ListsAreFilteredAndComeByThePage) {
  EXPECT_THAT(names("/v1/sites", "sites", "uri"), ElementsAre("blog.example", "shop.example"));
  EXPECT_THAT(names("/v1/sites?client=acme", "sites", "uri"), ElementsAre("shop.example"));
  EXPECT_THAT(names("/v1/sites?state=disabled", "sites", "uri"), IsEmpty());
  EXPECT_THAT(names("/v1/sites?deleted=true", "sites", "uri"), ElementsAre("gone.example"));
  const Json page = world_.get("/v1/sites?limit=1");
  EXPECT_THAT(names("/v1/sites?limit=1&after=" + page.at("next").get<std::string>(), "sites", "uri"),
              ElementsAre("shop.example"));
  EXPECT_THAT(names("/v1/servers", "servers", "name"), ElementsAre("web1"));
  EXPECT_THAT(names("/v1/platforms", "platforms", "name"), ElementsAre("d10"));
  EXPECT_THAT(names("/v1/platforms?deleted=true", "platforms", "name"), IsEmpty());
  EXPECT_EQ(told(world_.ask("GET", "/v1/sites?platform=d1")), "404 there is no platform 'd1' | did you mean 'd10'?");
  for (const char* object : {"shop.example", "blog.example", "shop.example"}) {
    world_.queue().end(world_.start("verify", object));
  }
  EXPECT_THAT(names("/v1/tasks", "tasks", "object"), ElementsAre("shop.example", "blog.example", "shop.example"));
  EXPECT_THAT(names("/v1/tasks?kind=site&object=Blog.example", "tasks", "object"), ElementsAre("blog.example"));
  EXPECT_THAT(names("/v1/tasks?state=error", "tasks", "object"), IsEmpty());
  const Json newest = world_.get("/v1/tasks?limit=2");
  EXPECT_THAT(names("/v1/tasks?below=" + newest.at("next").dump(), "tasks", "object"), ElementsAre("shop.example"));
}

TEST_F(Routes, NoAnswerHasASecret) {
  const Answer given =
      wish({{"kind", "site"},
            {"verb", "install"},
            {"object", "new.example"},
            {"request", {{"platform", "d10"}, {"http_auth", {{"user", "guest"}, {"password", kCanary}}}}}});
  ASSERT_EQ(given.status, 202U) << given.body;
  world_.queue().end(Json::parse(given.body).at("id"));
  std::string all = given.body;
  for (const char* target :
       {"/v1/sites", "/v1/sites/shop.example", "/v1/sites?deleted=true", "/v1/tasks", "/v1/tasks/1", "/v1/tasks/1/log",
        "/v1/servers", "/v1/platforms", "/v1/clients", "/metrics"}) {
    const Answer each = world_.ask("GET", target);
    EXPECT_EQ(each.status, 200U) << target;
    all += each.body;
  }
  EXPECT_THAT(all, Not(HasSubstr(kCanary)));
  EXPECT_THAT(all, HasSubstr(R"("password":"***")"));
  EXPECT_THAT(all, HasSubstr(R"("http_auth":{"user":"guest")"));
}

TEST_F(Routes, ASiteIsFoundByItsAliasToo) {
  EXPECT_EQ(world_.get("/v1/sites/www.shop.example").at("uri"), "shop.example");
  EXPECT_EQ(world_.get("/v1/sites/gone.example").at("state"), "deleted");
  EXPECT_EQ(world_.get("/v1/sites/SHOP.EXAMPLE").at("database").at("name"), "shop_example");
}

TEST_F(Routes, TheProfileFiltersPlatforms) {
  EXPECT_THAT(names("/v1/platforms?profile=standard", "platforms", "name"), ElementsAre("d10"));
  EXPECT_THAT(names("/v1/platforms?profile=minimal", "platforms", "name"), IsEmpty());
  need(world_.queue().store->with([](registry::Store& store) {
    return store.transact(registry::kTester, [](registry::Writer& writer) {
      registry::Platform platform = registry::test_platform();
      platform.state = registry::PlatformState::kLocked;
      return writer.put(platform);
    });
  }));
  EXPECT_THAT(names("/v1/platforms?profile=standard", "platforms", "name"), IsEmpty()) << "it takes no new sites";
  EXPECT_THAT(names("/v1/platforms", "platforms", "name"), ElementsAre("d10"));
}

TEST_F(Routes, PackagesAreShownWhole) {
  const Json code = world_.get("/v1/platforms/d10").at("codebase");
  EXPECT_EQ(code.at("version"), "10.6.15");
  EXPECT_EQ(code.at("profiles").at(0).at("languages"), Json::array({"en", "de"}));
  const Json packages = world_.get("/v1/sites/shop.example").at("packages");
  ASSERT_EQ(packages.size(), 3U);
  EXPECT_EQ(packages.at(0).at("name"), "gone");
  EXPECT_EQ(packages.at(0).at("path"), nullptr);
  EXPECT_EQ(packages.at(1).at("schema"), 8013) << "the site's own";
  EXPECT_EQ(packages.at(1).at("path"), "core/modules/node") << "the platform's";
  EXPECT_EQ(packages.at(2).at("enabled"), false) << "what the platform brings";
  EXPECT_EQ(world_.get("/v1/sites/blog.example").at("packages"), nullptr) << "they were not read yet";
}

TEST_F(Routes, WhatIsNotThereIs404AndAnotherMethod405) {
  EXPECT_THAT(told(world_.ask("GET", "/v1/nothing")), HasSubstr("404 there is nothing at '/v1/nothing'"));
  const Answer wrong = world_.ask("DELETE", "/v1/sites/shop.example");
  EXPECT_EQ(wrong.status, 405U);
  EXPECT_EQ(header(wrong, "Allow"), "GET");
  EXPECT_EQ(header(world_.ask("PUT", "/v1/tasks"), "Allow"), "GET, POST");
}

TEST_F(Routes, TricksWithPathsAndQueriesLeadNowhere) {
  for (const char* target : {"/v1/../v1/tasks", "/v1//tasks", "/v1/tasks/", "//v1/tasks", "/v1/./tasks",
                             "/%2e%2e/v1/tasks", "/V1/tasks", "/v1/sites/shop.example/"}) {
    EXPECT_EQ(world_.ask("GET", target).status, 404U) << target;
  }
  for (const char* target : {"",
                             "v1/tasks",
                             "http://x/v1/tasks",
                             "*",
                             "/v1/sites/a%2fb",
                             "/v1/sites/a%00b",
                             "/v1/sites/%zz",
                             "/v1/sites/%",
                             "/v1/sites/%ff",
                             "/v1/sites/a%0ab",
                             "/v1/tasks?limit=-1",
                             "/v1/tasks?limit=501",
                             "/v1/tasks?limit=",
                             "/v1/tasks?limt=1",
                             "/v1/tasks?limit=1&limit=2",
                             "/v1/tasks?state=done",
                             "/v1/tasks?object=x",
                             "/v1/queue?x=1",
                             "/v1/sites?after=x",
                             "/v1/sites?deleted=yes",
                             "/v1/tasks/1/log?after=99999999999999999999"}) {
    EXPECT_EQ(world_.ask("GET", target).status, 400U) << target;
  }
  EXPECT_THAT(told(world_.ask("GET", "/v1/tasks?limt=1")), HasSubstr("did you mean 'limit'?"));
  EXPECT_EQ(world_.ask("GET", "/v1/sites/%73hop.example").status, 200U);
}

TEST_F(Routes, ABodyIsJsonAndSaysSo) {
  const Answer given =
      answer(world_.service(), World::root(), {"POST", "/v1/tasks", {{"Content-Type", "text/plain"}}, "{}"});
  EXPECT_EQ(given.status, 415U);
  const Answer broken = world_.ask("POST", "/v1/tasks", R"({"kind": "site", "verb": "verify", "object": 7, "x": 1})");
  EXPECT_EQ(broken.status, 422U);
  EXPECT_EQ(header(broken, "Content-Type"), "application/problem+json");
  const Json problem = Json::parse(broken.body);
  EXPECT_EQ(problem.at("errors").size(), 2U);
  EXPECT_EQ(problem.at("code"), "invalid");
  EXPECT_EQ(problem.at("place").at("line"), 1);
  EXPECT_THAT(problem.at("detail").get<std::string>(), "object: expected a text, found the number 7");
}

TEST_F(Routes, WhoMayNotIsToldWhichGroupMay) {
  for (const Route& route : routes()) {
    std::string target(route.path);
    if (const auto brace = target.find('{'); brace != std::string::npos) {
      target.replace(brace, target.find('}') - brace + 1, route.path.contains("tasks") ? "1" : "x");
    }
    const Request request{std::string(route.method), target, {{"content-type", "application/json"}}, "{}"};
    const Answer given = answer(world_.service(), World::nobody(), request);
    if (route.path == "/healthz") {
      EXPECT_EQ(given.status, 200U);
      continue;
    }
    EXPECT_EQ(given.status, 403U) << target;
    EXPECT_THAT(given.body, HasSubstr("adduser nobody aegir-admin")) << target;
    Actor site = World::nobody();
    site.right = Right::kNothing;
    EXPECT_EQ(answer(world_.service(), site, request).status, 403U) << target;
  }
}

TEST_F(Routes, EventsTellAPageAtATimeAndGoOnWhereTheyWere) {
  std::vector<std::string> lines;
  for (int n = 0; n < 450; ++n) lines.push_back("line " + std::to_string(n));
  world_.say("shop.example", lines);
  const std::uint64_t id = world_.start("verify", "shop.example");
  world_.queue().end(id);
  const auto heard = [&](std::uint64_t after) {
    Events events(world_.service(), World::root(), id, after);
    std::vector<std::string> pages;
    while (!events.finished()) pages.push_back(need(events.next()));
    return pages;
  };
  const std::vector<std::string> pages = heard(0);
  ASSERT_EQ(pages.size(), 3U);
  EXPECT_THAT(pages[0], AllOf(HasSubstr("event: step\ndata: {\"number\":1,"), HasSubstr("event: log\nid: "),
                              HasSubstr("\"text\":\"line 0\""), Not(HasSubstr("line 200"))));
  EXPECT_THAT(pages[2], AllOf(HasSubstr("\"text\":\"line 449\""),
                              HasSubstr("event: state\ndata: {\"id\":" + std::to_string(id))));
  const std::size_t mark = pages[1].rfind("id: ") + 4;
  const std::uint64_t last = std::stoull(pages[1].substr(mark));
  const std::vector<std::string> rest = heard(last);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_TRUE(rest[0].ends_with(pages[2]));
  EXPECT_THAT(rest[0], Not(HasSubstr("id: " + std::to_string(last) + "\n")));
  EXPECT_EQ(world_.ask("GET", "/v1/tasks/99/events").status, 404U);
  EXPECT_EQ(world_.ask("GET", "/v1/tasks/1/events", "", {{"Last-Event-ID", "x"}}).status, 400U);
  EXPECT_NE(world_.ask("GET", "/v1/tasks/1/events").events, nullptr);
}

}  // namespace
}  // namespace aegir::api
