// The server blocks of platforms: which requests they get, with all that stands in them, and what is refused.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/live/harness/http.hpp"
#include "tests/live/harness/map_fixture.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {
namespace {

constexpr std::uint32_t kOne = 7;
constexpr std::uint32_t kTwo = 4294967295;

class NgxPlatform : public ::testing::Test {
 protected:
  NgxPlatform() {
    for (const auto& [name, id] : {std::pair("one", kOne), std::pair("third", 8U), std::pair("two", kTwo)}) {
      map::SiteRecord site;
      site.key = site.host = site.directory = std::string(name) + ".test";
      site.platform_id = id;
      content_.sites.push_back(site);
      content_.platforms.push_back({id, map::kServiceNginx, map::Cms::kDrupal8, name, docroot(name)});
      put(docroot(name) + "/index.html", std::string("page of ") + name);
      put(docroot(name) + "/404.html", std::string("not found on ") + name);
      put(docroot(name) + "/whole.shtml", "before <!--#include virtual=\"/part?x\" --> after");
      put(docroot(name) + "/sites/" + name + ".test/files/f.txt", std::string("file of ") + name);
    }
    content_.sites.at(0).former = {"was.test"};
    map_.publish(content_);
  }

  [[nodiscard]] std::string docroot(const std::string& name) const { return root_.path(name); }
  [[nodiscard]] std::string catch_all(const std::string& aegir = "platforms", const std::string& more = {}) const {
    return "aegir_map " + map_.directory() + "; aegir_key " + map_.key_file() +
           "; server { listen 127.0.0.1:" + port_.text() + " default_server; aegir " + aegir + "; access_log off; " +
           more + "} ";
  }
  /// A block with something of each kind that is its own.
  [[nodiscard]] std::string block(const std::string& name, std::uint32_t id, const std::string& more = {}) const {
    return "server { aegir_platform " + std::to_string(id) + "; root " + docroot(name) + "; add_header X-Block " +
           name + " always; error_page 404 /404.html; absolute_redirect off; access_log " + root_.path(name + ".log") +
           "; location = /who { return 200 '" + name + "'; } location = /part { return 200 'part of " + name +
           " $args'; } location ~ \\.shtml$ { ssi on; ssi_types *; } location ~ ^/re(?<rest>x*)$ { return 200 '" +
           name +
           " $rest'; } location /named { log_not_found off; error_page 404 = @named; } location @named { return 200 "
           "'named on " +
           name + "'; } " + more + "} ";
  }
  [[nodiscard]] std::string blocks() const {
    return block("one", kOne, "client_max_body_size 1k; keepalive_timeout 50s 41s;") +
           block("two", kTwo, "client_max_body_size 1m; keepalive_timeout 50s 42s; location /413 { return 413; }");
  }
  void start(const std::string& http) { nginx_.start(nginx_.frame({.http = http}), {port_.endpoint()}); }
  [[nodiscard]] Response ask_for(const std::string& host, const std::string& target) const {
    return ask(port_.endpoint(), get(host, target));
  }
  void expect_refused(const std::string& http, const std::string& with) const {
    const Finished finished = nginx_.test(nginx_.frame({.http = http}));
    EXPECT_EQ(finished.status, 1) << http;
    EXPECT_TRUE(finished.output.contains(with)) << finished.output;
  }

  TempDir root_;
  MapFixture map_;
  MapContent content_;
  Port port_;
  NginxServer nginx_;
};

TEST_F(NgxPlatform, ASiteIsServedByTheBlockOfItsPlatform) {
  start(blocks() + catch_all());
  for (const std::string name : {"one", "two"}) {
    const std::string host = name + ".test";
    EXPECT_EQ(ask_for(host, "/").body, "page of " + name);
    EXPECT_EQ(ask_for(host, "/who").body, name);
    EXPECT_EQ(ask_for(host, "/rexx").body, name + " xx");
    EXPECT_EQ(ask_for(host, "/named").body, "named on " + name);
    EXPECT_EQ(ask_for(host, "/whole.shtml").body, "before part of " + name + " x after");
    EXPECT_EQ(ask_for(host, "/files/f.txt").body, "file of " + name);
    EXPECT_EQ(ask_for(host, "/").value("X-Block"), name);
    EXPECT_EQ(ask(port_.endpoint(), "GET /who HTTP/1.0\r\nHost: " + host + "\r\n\r\n").body, name);
    EXPECT_EQ(
        ask(port_.endpoint(), "GET http://" + host + "/who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").body,
        name);
  }
  nginx_.expect_log("no-such.html");
  const Response missing = ask_for("two.test", "/no-such.html");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, "not found on two");
  EXPECT_EQ(missing.value("X-Block"), "two");
}

TEST_F(NgxPlatform, RefusalsOfTheModuleHaveTheBlocksErrorPage) {
  start(blocks() + catch_all());
  for (const char* path : {"/sites/two.test/files/f.txt", "/sites/"}) {
    const Response refused = ask_for("one.test", path);
    EXPECT_EQ(refused.status, 404);
    EXPECT_EQ(refused.body, "not found on one") << path;
  }
  EXPECT_EQ(ask_for("one.test", "/install.php").status, 403);
  const Response moved = ask_for("one.test", "/sites/was.test/files/f.txt");
  EXPECT_EQ(moved.value("Location"), "/sites/one.test/files/f.txt");
  EXPECT_EQ(moved.value("X-Block"), "one");
  EXPECT_FALSE(ask_for("unknown.test", "/").header("X-Block"));
}

TEST_F(NgxPlatform, AnErrorPageOfTheBlockPassesNoRefusal) {
  put(docroot("one") + "/install.php", "the installer");
  start(block("one", kOne, "error_page 403 = @file; location @file { try_files $uri =410; }") + catch_all());
  const Response refused = ask_for("one.test", "/install.php");
  EXPECT_EQ(refused.status, 403);
  EXPECT_FALSE(refused.body.contains("installer"));
}

TEST_F(NgxPlatform, DoubleSlashesPassNoRuleWhicheverServerReadsThem) {
  start(blocks() + catch_all("platforms", "merge_slashes off;"));
  EXPECT_EQ(ask_for("one.test", "/who").body, "one");
  for (const char* path :
       {"//sites/two.test/files/f.txt", "/sites//two.test/files/f.txt", "//sites/one.test//files/f.txt"}) {
    EXPECT_EQ(ask_for("one.test", path).status, 404) << path;
  }
}

TEST_F(NgxPlatform, OneConnectionCarriesRequestsForSeveralPlatforms) {
  start(blocks() + catch_all());
  Connection connection(port_.endpoint());
  const auto keep = [&](const std::string& host, const std::string& head) {
    return connection.request(head + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  for (int round = 0; round < 3; ++round) {
    const Response one = keep("one.test", "GET /who");
    EXPECT_EQ(one.body, "one");
    EXPECT_EQ(one.value("Keep-Alive"), "timeout=41");
    EXPECT_EQ(keep("unknown.test", "GET /").status, 404);
    const Response two = keep("two.test", "GET /who");
    EXPECT_EQ(two.body, "two");
    EXPECT_EQ(two.value("Keep-Alive"), "timeout=42");
    EXPECT_EQ(keep("two.test", "GET /files/f.txt").body, "file of two");
  }
  connection.send("GET /who HTTP/1.1\r\nHost: one.test\r\n\r\nGET /who HTTP/1.1\r\nHost: two.test\r\n\r\n");
  EXPECT_EQ(connection.read().body, "one");
  EXPECT_EQ(connection.read().body, "two");
}

TEST_F(NgxPlatform, TheBodyLimitIsTheBlocks) {
  start(blocks() + catch_all("platforms", "client_max_body_size 5;"));
  const auto post = [&](const std::string& host, std::size_t size) {
    return ask(port_.endpoint(), "POST /who HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nContent-Length: " +
                                     std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'));
  };
  nginx_.expect_log("client intended to send too large body: 1025 bytes");
  nginx_.expect_log("client intended to send too large body: 1048577 bytes");
  EXPECT_EQ(post("one.test", 1024).status, 200);
  const Response refused = post("one.test", 1025);
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.value("X-Block"), "one");
  EXPECT_EQ(post("two.test", 1025).status, 200);
  EXPECT_EQ(post("two.test", 1048576).status, 200);
  EXPECT_EQ(post("two.test", 1048577).status, 413);
}

TEST_F(NgxPlatform, TheAccessLogIsTheBlocks) {
  start(blocks() + catch_all());
  EXPECT_EQ(ask_for("one.test", "/who?logged").status, 200);
  EXPECT_EQ(ask_for("two.test", "/install.php?refused").status, 403);
  EXPECT_TRUE(eventually([&] {
    return slurp(root_.path("one.log")).contains("/who?logged") &&
           slurp(root_.path("two.log")).contains("/install.php?refused");
  }));
  EXPECT_FALSE(slurp(root_.path("one.log")).contains("refused"));
}

TEST_F(NgxPlatform, APlatformWithoutABlockIsAnsweredClearlyUntilTheReload) {
  start(blocks() + catch_all("platforms", "error_page 503 /who; location /who { return 200 'nobody'; }"));
  nginx_.expect_log("third\\.test is on platform third \\(8\\), and this nginx has no server block for that; next: ");
  for (const char* path : {"/", "/files/f.txt", "/index.php"}) {
    const Response answer = ask_for("third.test", path);
    EXPECT_EQ(answer.status, 503) << path;
    EXPECT_FALSE(answer.body.contains("nobody")) << "an error page leads to no location: " << answer.body;
  }
  EXPECT_EQ(ask_for("one.test", "/who").body, "one");
  nginx_.configure(nginx_.frame({.http = blocks() + block("third", 8) + catch_all()}));
  nginx_.reload();
  EXPECT_EQ(ask_for("third.test", "/").body, "page of third");
}

TEST_F(NgxPlatform, AegirOnServesByItsOwnLocations) {
  start(blocks() + catch_all("on", "root $aegir_docroot; location = /who { return 200 'catch-all'; }"));
  EXPECT_EQ(ask_for("third.test", "/who").body, "catch-all");
  EXPECT_EQ(ask_for("third.test", "/files/f.txt").body, "file of third");
  EXPECT_EQ(ask_for("one.test", "/who").body, "catch-all");
}

TEST_F(NgxPlatform, ASiteGetsAServerOfItsOwnAndLosesItWithoutAFailedRequest) {
  const std::string usual = nginx_.frame({.http = blocks() + catch_all()});
  const std::string exception = nginx_.frame(
      {.http = blocks() + catch_all() + "server { listen 127.0.0.1:" + port_.text() +
               "; server_name one.test; aegir on; root " + docroot("one") +
               "; client_max_body_size 2k; add_header X-Own yes; location = /who { return 200 'one'; } }"});
  nginx_.start(usual, {port_.endpoint()});
  std::atomic<bool> stop = false;
  std::atomic<unsigned> answered = 0;
  std::atomic<unsigned> failed = 0;
  std::thread visitors([&] {
    while (!stop) {
      try {
        const bool good = ask_for("one.test", "/who").body == "one" &&
                          ask_for("one.test", "/files/f.txt").body == "file of one" &&
                          ask_for("two.test", "/who").body == "two";
        ++(good ? answered : failed);
      } catch (const std::exception&) {
        ++failed;
      }
    }
  });
  for (int round = 0; round < 5; ++round) {
    nginx_.configure(exception);
    nginx_.reload();
    EXPECT_EQ(ask_for("one.test", "/files/f.txt").value("X-Own"), "yes");
    EXPECT_EQ(ask_for("one.test", "/sites/two.test/files/f.txt").status, 404);
    EXPECT_FALSE(ask_for("two.test", "/who").header("X-Own"));
    nginx_.configure(usual);
    nginx_.reload();
    EXPECT_FALSE(ask_for("one.test", "/who").header("X-Own"));
  }
  stop = true;
  visitors.join();
  EXPECT_EQ(failed, 0U);
  EXPECT_GT(answered, 0U);
}

TEST_F(NgxPlatform, ASitesOwnBlockGoesBeforeItsPlatforms) {
  map::SiteRecord other = content_.sites.at(0);
  other.key = other.host = other.directory = "other.test";
  other.aliases = {{"alias.test", ""}};
  content_.sites.push_back(other);
  map_.publish(content_);
  const std::string own =
      "server { aegir_platform 7 other.test; root " + docroot("one") + "; location = /who { return 200 'own'; } } ";
  start(blocks() + own + "server { aegir_platform 8 other.test; } " + catch_all());
  EXPECT_EQ(ask_for("other.test", "/who").body, "own");
  EXPECT_EQ(ask_for("alias.test", "/who").body, "own");
  EXPECT_EQ(ask_for("one.test", "/who").body, "one");
  EXPECT_EQ(ask_for("two.test", "/who").body, "two");
  content_.sites.at(0).aliases = {{"alias.test", ""}};
  content_.sites.back().aliases.clear();
  map_.publish(content_);
  EXPECT_EQ(ask_for("alias.test", "/who").body, "one") << "a name goes to another site";
  content_.sites.back().platform_id = kTwo;
  map_.publish(content_);
  EXPECT_EQ(ask_for("other.test", "/who").body, "two") << "the site goes to another platform";
  expect_refused(blocks() + own + own + catch_all(), "aegir_platform 7 other.test stands in two server blocks");
}

TEST_F(NgxPlatform, ABlockIsReachedByNoListenerOfItsOwn) {
  const Endpoint http = Endpoint::tcp(80);
  const bool taken = static_cast<bool>(connect_to(http));
  Port open;
  start(blocks() + catch_all() + "server { aegir_platform 9; listen 127.0.0.1:" + open.text() +
        "; location / { return 200 'in'; } }");
  EXPECT_EQ(static_cast<bool>(connect_to(http)), taken) << "nginx listens on port 80 for a server without \"listen\"";
  EXPECT_EQ(ask(open.endpoint(), get("one.test", "/who")).status, 404) << "nobody has decided about this request";
  EXPECT_EQ(ask_for("", "/who").status, 400);
}

TEST_F(NgxPlatform, RefusesWhatMakesNoSense) {
  expect_refused(blocks() + block("one", kOne) + catch_all(), "aegir_platform 7 stands in two server blocks");
  expect_refused("server { listen 127.0.0.1:" + port_.text() + "; aegir_platform 7; }", "it must have none");
  expect_refused("server { aegir_platform 7; aegir_platform 7; }", "is duplicate");
  expect_refused("server { aegir_platform 7; aegir on; }" + catch_all(), "stand in one server");
  for (const char* id : {"0", "-1", "x", "4294967296"}) {
    expect_refused("server { aegir_platform " + std::string(id) + "; }", "needs a platform's number");
  }
  expect_refused(catch_all("maybe"), "it must be \"on\", \"platforms\" or \"off\"");
  expect_refused(catch_all("on", "aegir off;"), "\"aegir\" directive is duplicate");
  expect_refused("server { aegir_platform 7; error_log " + root_.path("log") + " debug; }" + catch_all(),
                 "would write the databases' passwords to it");
}

TEST_F(NgxPlatform, ManyPlatformsAreFoundEach) {
  std::string many;
  for (std::uint32_t id = 1; id <= 300; ++id) {
    const std::uint32_t spread = id * 1024;
    many += "server { aegir_platform " + std::to_string(spread) + "; location / { return 200 '" +
            std::to_string(spread) + "'; } } ";
  }
  content_.sites.clear();
  content_.platforms.clear();
  for (const std::uint32_t id : {1U, 1024U, 150U * 1024, 300U * 1024}) {
    map::SiteRecord site;
    site.key = site.host = site.directory = std::to_string(id) + ".test";
    site.platform_id = id;
    content_.sites.push_back(site);
    content_.platforms.push_back({id, map::kServiceNginx, map::Cms::kDrupal8, "p", docroot("one")});
  }
  map_.publish(content_);
  start(many + catch_all());
  for (const char* id : {"1024", "153600", "307200"}) EXPECT_EQ(ask_for(std::string(id) + ".test", "/").body, id);
  nginx_.expect_log("is on platform p \\(1\\)");
  EXPECT_EQ(ask_for("1.test", "/").status, 503);
}

}  // namespace
}  // namespace aegir::live
