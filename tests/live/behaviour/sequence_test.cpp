// What takes more than one request, or another client than the table's: connections that stay, HTTP/2, sites that
// change while servers run.
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX

#include <algorithm>
#include <set>

#include "tests/live/behaviour/row.hpp"

namespace aegir::live {
namespace {

/// What curl prints of an answer, its head included.
std::string curl(const Port& port, const std::string& url, const std::vector<std::string>& options) {
  std::vector<std::string> argv = {
      "curl", "--silent", "--show-error", "--include", "--path-as-is", "--connect-to", "::127.0.0.1:" + port.text(),
      url};
  argv.insert(argv.end(), options.begin(), options.end());
  return run(argv).output;
}

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
  std::set<std::string> missing;
  for (const pid_t worker : workers) missing.insert(std::to_string(worker));
  // Connections that are open at once are spread over the workers, but nobody says how: on until each has answered.
  int round = 0;
  const bool all = eventually([&] {
    const bool there = round++ % 2 == 0;
    publish([&](MapContent& content) {
      if (!there) return;
      map::SiteRecord site = content.sites.at(1);
      site.key = site.host = "new.test";
      site.sealed.clear();
      content.sites.push_back(site);
    });
    const std::string generation = std::to_string(World::get().map().generation());
    std::vector<Connection> sites;
    std::vector<Connection> states;
    for (int i = 0; i < 6; ++i) {
      sites.emplace_back(front().port.endpoint());
      states.emplace_back(front().status_port.endpoint());
    }
    for (Connection& connection : sites) connection.send(get("new.test", "/style.css"));
    for (Connection& connection : states) connection.send(get("status.localhost", "/aegir-status"));
    for (Connection& connection : sites) EXPECT_EQ(connection.read().status, there ? 200 : 404) << round;
    for (Connection& connection : states) {
      const Response status = connection.read();
      EXPECT_EQ(figure(status, "aegir_map_generation"), generation);
      missing.erase(figure(status, "aegir_worker_pid"));
    }
    return HasFailure() || (missing.empty() && round >= 20);
  });
  EXPECT_TRUE(all) << missing.size() << " workers have never answered in " << round << " rounds";
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

TEST_P(Sequence, AChangedPasswordIsSeenAtTheNextRequest) {
  for (const std::string password : {"first", "second", "first"}) {
    publish([&](MapContent& content) {
      const auto site = std::ranges::find(content.sites, "a.test", &map::SiteRecord::key);
      World::get().map().seal(*site, {"mysql", "db_a", "user_a", password, "127.0.0.1", "3306"});
    });
    for (int i = 0; i < 6; ++i) {  // more than there are workers: each opens it, and has it at its next request
      EXPECT_TRUE(ask_for("a.test", "/").body.contains("db_passwd=" + password + "\n"));
      EXPECT_TRUE(ask_for("b.test", "/").body.contains("db_passwd=secret-of-b\n"));
    }
  }
}

TEST_P(Sequence, CredentialsOfAnotherHostAreAFaultEvenWhenTheyWereJustOpened) {
  EXPECT_TRUE(ask_for("a.test", "/").body.contains("db_passwd=secret-of-a\n"));
  publish([&](MapContent& content) {
    const auto from = std::ranges::find(content.sites, "a.test", &map::SiteRecord::key);
    std::ranges::find(content.sites, "b.test", &map::SiteRecord::key)->sealed = from->sealed;
  });
  front().server->expect_log("credentials of b\\.test can't be opened");
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(ask_for("a.test", "/").body.contains("db_passwd=secret-of-a\n"));
    EXPECT_EQ(ask_for("b.test", "/").status, 500);
  }
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

TEST_P(Sequence, Tls) {
  const auto fetch = [&](const std::string& url, const std::vector<std::string>& more = {}) {
    std::vector<std::string> options = {"--insecure", "--http1.1"};
    options.insert(options.end(), more.begin(), more.end());
    return curl(front().tls_port, url, options);
  };
  EXPECT_TRUE(fetch("https://secure.test/files/../style.css").contains("a style"));
  EXPECT_TRUE(fetch("https://a.test/node/1").contains("HTTPS=on\n"));
  EXPECT_TRUE(fetch("https://www.a.test/x?y").contains("Location: https://a.test/x?y\r\n"));
  EXPECT_TRUE(fetch("https://www.secure.test:9/x").contains("Location: https://secure.test:9/x\r\n"));
  EXPECT_TRUE(fetch("https://a.test/", {"--request-target", "https://b.test/files/f.txt"}).contains("file of b.test"));
  EXPECT_TRUE(fetch("https://a.test/", {"--request-target", "http://a.test/files/f.txt"}).starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(fetch("https://maintained.test/").starts_with("HTTP/1.1 503"));
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
class Nginx : public ::testing::Test {};

/// In both forms.
class NginxAccel : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] static Front& front() {
    return GetParam() ? World::get().front(Kind::kNginx) : World::get().static_front(Kind::kNginx);
  }
  [[nodiscard]] static Response send(const std::string& file) {
    return ask(front().port.endpoint(), get("a.test", "/send.php?file=" + file));
  }
};

TEST_P(NginxAccel, ReachesPrivateFilesOfItsOwnSite) {
  EXPECT_EQ(send("/sites/a.test/private/secret.txt").body, "secret of a.test");
  EXPECT_EQ(send("/sites/a.test/files/f.txt").body, "file of a.test");
  EXPECT_EQ(send("/files/f.txt").body, "file of a.test");
  front().server->expect_log("unsafe URI");
  for (const char* file : {"/sites/b.test/private/secret.txt", "/sites/b.test/files/f.txt",
                           "/sites/a.test/private/../../b.test/files/f.txt", "//sites/b.test/private/secret.txt",
                           "/./sites/b.test/private/secret.txt", "/%2e/sites/b.test/private/secret.txt",
                           "/sites/./b.test/files/f.txt", "//sites/a.test/private/stolen.txt"}) {
    const Response answer = send(file);
    EXPECT_EQ(answer.status, 404) << file;
    EXPECT_FALSE(answer.body.contains("b.test")) << answer.body;
  }
  EXPECT_EQ(send("/sites/a.test/files/x.php").status, 403);
  EXPECT_EQ(send("/install.php").status, 403);
  front().server->expect_log("private/stolen.txt");
  EXPECT_EQ(send("/sites/a.test/private/stolen.txt").status, 403);
}

INSTANTIATE_TEST_SUITE_P(Forms, NginxAccel, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "module" : "static_form"; });

TEST_F(Nginx, Http2WithoutTls) {
  const Front& nginx = World::get().front(Kind::kNginx);
  const auto fetch = [&](const std::string& url) { return curl(nginx.h2_port, url, {"--http2-prior-knowledge"}); };
  EXPECT_TRUE(fetch("http://a.test/files/f.txt").starts_with("HTTP/2 200"));
  EXPECT_TRUE(fetch("http://a.test/node/1").contains("db_passwd=secret-of-a\n"));
  EXPECT_TRUE(fetch("http://b.test:8080/").contains("AEGIR_HOST=b.test\n"));
  EXPECT_TRUE(fetch("http://www.a.test//x?y=%2F").contains("location: http://a.test//x?y=%2F\r\n"));
  EXPECT_TRUE(fetch("http://unknown.test/").starts_with("HTTP/2 404"));
  EXPECT_TRUE(fetch("http://maintained.test/").contains("retry-after: 300\r\n"));
  EXPECT_TRUE(fetch("http://a.test/sites/b.test/files/f.txt").starts_with("HTTP/2 404"));
}

TEST_F(Nginx, CarelessLocationsPassNoRule) {
  const auto ask_for = [&](const std::string& target) {
    return ask(World::get().front(Kind::kNginx).port.endpoint(), get("a.test", target));
  };
  for (const std::string location : {"/careless", "/careless-redirect", "/careless-fallback", "/careless-page"}) {
    EXPECT_EQ(ask_for(location + "/style.css").body, "a style");
    EXPECT_EQ(ask_for(location + "/files/f.txt").body, "file of a.test");
    for (const char* path : {"/sites/b.test/files/f.txt", "/sites/a.test/private/secret.txt", "/install.php",
                             "/files/x.php", "/sites/b.test/private/secret.txt"}) {
      const Response answer = ask_for(location + path);
      EXPECT_TRUE(answer.status == 403 || answer.status == 404) << location << path << ": " << answer.status;
      EXPECT_FALSE(answer.body.contains("of a.test") || answer.body.contains("of b.test")) << answer.body;
    }
  }
}

}  // namespace
}  // namespace aegir::live
