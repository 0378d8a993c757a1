// What takes more than one request, or another client than the table's: connections that stay, HTTP/2, sites that
// change while servers run.
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX

#include <algorithm>
#include <set>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {
namespace {

class Sequence : public ::testing::TestWithParam<Kind> {
 protected:
  [[nodiscard]] static Front& front() { return World::get().front(GetParam()); }
  [[nodiscard]] static Response ask_for(const std::string& host, const std::string& target) {
    return ask(front().port.endpoint(), get(host, target));
  }
  /// Publishes the world's content changed by `change`; the world's own again when the test ends.
  static void publish(const std::function<void(MapContent&)>& change) {
    MapContent content = World::get().content();
    change(content);
    World::get().map().publish(content);
  }
  void TearDown() override {
    publish([](MapContent&) {});
  }
};

std::string keep(const std::string& host, const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

TEST_P(Sequence, AConnectionServesManyHosts) {
  Connection connection(front().port.endpoint());
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(connection.request(keep("a.test", "/")).body.contains("db_passwd=secret-of-a\n"));
    EXPECT_EQ(connection.request(keep("b.test", "/files/f.txt")).body, "file of b.test");
    EXPECT_EQ(connection.request(keep("unknown.test", "/")).status, 404);
    EXPECT_EQ(connection.request(keep("www.a.test", "/x")).value("Location"), "http://a.test/x");
    EXPECT_TRUE(connection.request(keep("b.test", "/")).body.contains("db_passwd=secret-of-b\n"));
    EXPECT_EQ(connection.request("POST /x HTTP/1.1\r\nHost: www.a.test\r\nContent-Length: 5\r\n\r\nhello").status, 301);
    EXPECT_EQ(connection.request(keep("plain.test", "/")).body.find("db_"), std::string::npos);
  }
  EXPECT_EQ(connection.request(keep("off.test", "/")).status, 503);  // httpd closes after a 503
}

TEST_P(Sequence, PipelinedRequestsAreAnsweredEachByItsSite) {
  Connection connection(front().port.endpoint());
  connection.send(keep("a.test", "/files/f.txt") + keep("www.a.test", "/") + keep("b.test", "/files/f.txt"));
  EXPECT_EQ(connection.read().body, "file of a.test");
  EXPECT_EQ(connection.read().status, 301);
  EXPECT_EQ(connection.read().body, "file of b.test");
}

TEST_P(Sequence, AChangeIsSeenAtTheNextRequestByEveryWorker) {
  const std::vector<pid_t> workers = front().server->workers();
  std::set<std::string> answered;
  for (int round = 0; round < 30; ++round) {
    const bool there = round % 2 == 0;
    publish([&](MapContent& content) {
      if (!there) return;
      map::SiteRecord site = content.sites.at(1);
      site.key = site.host = "new.test";
      site.sealed.clear();
      content.sites.push_back(site);
    });
    for (int i = 0; i < 8; ++i) ASSERT_EQ(ask_for("new.test", "/style.css").status, there ? 200 : 404) << round;
    answered.insert(front().text("aegir_worker_pid"));
  }
  EXPECT_GE(answered.size(), 2U) << "one worker alone shows nothing";
  EXPECT_EQ(front().server->workers(), workers);
}

TEST_P(Sequence, AStateChangesAndComesBack) {
  EXPECT_TRUE(ask_for("b.test", "/").body.contains("AEGIR_SITE=b.test\n"));
  for (const auto& [state, status] :
       {std::pair(map::SiteState::kMaintenance, 503), std::pair(map::SiteState::kDisabled, 503)}) {
    publish([&](MapContent& content) { content.sites.at(1).state = state; });
    EXPECT_EQ(ask_for("b.test", "/").status, status);
    EXPECT_EQ(ask_for("b.test", "/files/f.txt").status, status);
  }
  publish([](MapContent&) {});
  EXPECT_TRUE(ask_for("b.test", "/").body.contains("db_passwd=secret-of-b\n"));
}

TEST_P(Sequence, ADisabledSiteLeadsToTheConsole) {
  publish([](MapContent& content) { content.console = "https://console.example"; });
  for (const char* host : {"off.test", "OFF.test.", "www.off.test"}) {
    const Response answer = ask_for(host, "/node/1?x");
    EXPECT_EQ(answer.status, 302);
    EXPECT_EQ(answer.value("Location"), "https://console.example/hosting/disabled/off.test");
  }
  EXPECT_EQ(ask_for("off.test", "/.well-known/acme-challenge/in-root").body, "from the root");
  EXPECT_EQ(ask_for("maintained.test", "/").status, 503);
}

TEST_P(Sequence, ARunningRequestKeepsItsSite) {
  // The head is complete only after the change: then the new state counts, for all of the request.
  Connection connection(front().port.endpoint());
  connection.send("POST / HTTP/1.1\r\nHost: b.test\r\nContent-Length: 5\r\n");
  publish([](MapContent& content) { content.sites.at(1).state = map::SiteState::kMaintenance; });
  connection.send("\r\n");
  connection.send("hello");
  EXPECT_EQ(connection.read().status, 503);
}

TEST_P(Sequence, StatusTellsGenerationCountersAndWorker) {
  const auto count = [&](const std::string& verdict) {
    return front().counter("aegir_requests_total{verdict=\"" + verdict + "\"}");
  };
  EXPECT_EQ(front().counter("aegir_map_generation"), World::get().map().generation());
  EXPECT_EQ(front().counter("aegir_map_refusals_total"), 0U);
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"serve", get("a.test", "/style.css")},        {"redirect", get("www.a.test", "/")},
      {"maintenance", get("maintained.test", "/")},  {"disabled", get("off.test", "/")},
      {"unknown", get("unknown.test", "/")},         {"acme", get("a.test", "/.well-known/acme-challenge/in-root")},
      {"serve", get("a.test", "/node/1")},           {"serve", get("a.test", "/error-document/x")},
      {"unknown", get("unknown.test", "/index.php")}};
  for (const auto& [verdict, request] : requests) {
    const std::uint64_t before = count(verdict);
    (void)ask(front().port.endpoint(), request);
    EXPECT_EQ(count(verdict), before + 1) << verdict << ": " << request;
  }
  const std::vector<pid_t> workers = front().server->workers();
  EXPECT_NE(std::ranges::find(workers, static_cast<pid_t>(front().counter("aegir_worker_pid"))), workers.end());
  EXPECT_EQ(ask(front().status_port.endpoint(), get("status.localhost", "/aegir-status")).value("Content-Type"),
            "text/plain; version=0.0.4; charset=utf-8");
}

TEST_P(Sequence, AWorkerThatDiesIsReplacedByOneThatKnowsTheSites) {
  const std::vector<pid_t> before = front().server->workers();
  if (GetParam() == Kind::kNginx) front().server->expect_log("worker process .* exited on signal 9");
  for (const pid_t worker : before) ASSERT_EQ(kill(worker, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] {
    const std::vector<pid_t> now = front().server->workers();
    return now.size() == before.size() && std::ranges::find_first_of(now, before) == now.end();
  }));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ask_for("b.test", "/").body.contains("db_passwd=secret-of-b\n"));
}

TEST_P(Sequence, AReloadKeepsSitesAndKey) {
  front().server->reload();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ask_for("a.test", "/").body.contains("db_passwd=secret-of-a\n"));
}

INSTANTIATE_TEST_SUITE_P(Servers, Sequence, ::testing::ValuesIn(World::kinds()),
                         [](const ::testing::TestParamInfo<Kind>& test) { return to_string(test.param); });

/// What only nginx has.
class Nginx : public ::testing::Test {
 protected:
  [[nodiscard]] static Response send(const std::string& file) {
    return ask(World::get().front(Kind::kNginx).port.endpoint(), get("a.test", "/send.php?file=" + file));
  }
};

TEST_F(Nginx, AccelRedirectReachesPrivateFilesOfItsOwnSite) {
  EXPECT_EQ(send("/sites/a.test/private/secret.txt").body, "secret of a.test");
  EXPECT_EQ(send("/sites/a.test/files/f.txt").body, "file of a.test");
  EXPECT_EQ(send("/files/f.txt").body, "file of a.test");
  World::get().front(Kind::kNginx).server->expect_log("unsafe URI");
  for (const char* file : {"/sites/b.test/private/secret.txt", "/sites/b.test/files/f.txt",
                           "/sites/a.test/private/../../b.test/files/f.txt"}) {
    const Response answer = send(file);
    EXPECT_EQ(answer.status, 404) << file;
    EXPECT_FALSE(answer.body.contains("b.test")) << answer.body;
  }
  EXPECT_EQ(send("/sites/a.test/files/x.php").status, 403);
  EXPECT_EQ(send("/install.php").status, 403);
  World::get().front(Kind::kNginx).server->expect_log("private/stolen.txt");
  EXPECT_EQ(send("/sites/a.test/private/stolen.txt").status, 403);
}

TEST_F(Nginx, Http2WithoutTls) {
  const std::string port = World::get().front(Kind::kNginx).h2_port.text();
  const auto curl = [&](const std::string& host, const std::string& target) {
    return run({"curl", "--silent", "--show-error", "--http2-prior-knowledge", "--include", "--path-as-is",
                "--connect-to", "::127.0.0.1:" + port, "http://" + host + target})
        .output;
  };
  EXPECT_TRUE(curl("a.test", "/files/f.txt").starts_with("HTTP/2 200"));
  EXPECT_TRUE(curl("a.test", "/node/1").contains("db_passwd=secret-of-a\n"));
  EXPECT_TRUE(curl("b.test:8080", "/").contains("AEGIR_HOST=b.test\n"));
  EXPECT_TRUE(curl("www.a.test", "//x?y=%2F").contains("location: http://a.test//x?y=%2F\r\n"));
  EXPECT_TRUE(curl("unknown.test", "/").starts_with("HTTP/2 404"));
  EXPECT_TRUE(curl("maintained.test", "/").contains("retry-after: 300\r\n"));
  EXPECT_TRUE(curl("a.test", "/sites/b.test/files/f.txt").starts_with("HTTP/2 404"));
}

}  // namespace
}  // namespace aegir::live
