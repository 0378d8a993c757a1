// The harness itself, on stock servers without our modules: what it says about a server must be true.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/stat.h>

#include <stdexcept>

#include "tests/live/harness/http.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {
namespace {

constexpr uid_t kUid = 300001;

std::string hello(const NginxServer& nginx, const Port& port, const std::string& more = {}) {
  return nginx.frame({.http = "server { listen 127.0.0.1:" + port.text() +
                              "; default_type text/plain; location = / { return 200 hello; } " + more + " }",
                      .module = false});
}

TEST(Harness, NginxServesReloadsAndStops) {
  const Port port;
  NginxServer nginx;
  nginx.start(hello(nginx, port), {port.endpoint()});
  EXPECT_EQ(nginx.workers().size(), 3U);
  const Response answer = ask(port.endpoint(), get("a.test", "/"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.value("content-type"), "text/plain");
  EXPECT_FALSE(answer.header("X-None"));

  const std::vector<pid_t> before = nginx.workers();
  nginx.configure(hello(nginx, port, "location = /new { return 200 new; }"));
  nginx.reload();
  EXPECT_NE(nginx.workers(), before);
  EXPECT_EQ(ask(port.endpoint(), get("a.test", "/new")).body, "new");
  EXPECT_EQ(nginx.test("events {} http { no_such_directive; }").status, 1);
  EXPECT_EQ(nginx.test(hello(nginx, port)).status, 0);
  nginx.stop();
  EXPECT_FALSE(nginx.running());
  EXPECT_FALSE(connect_to(port.endpoint()));
}

TEST(Harness, HttpClientKeepsConnectionsAndReadsOddAnswers) {
  const Port port;
  NginxServer nginx;
  nginx.start(hello(nginx, port), {port.endpoint()});
  Connection connection(port.endpoint());
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(connection.request(request).body, "hello");
  EXPECT_EQ(connection.request("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").value("Content-Length"), "5");
  connection.send(request + request);
  EXPECT_EQ(connection.read().body, "hello");
  EXPECT_EQ(connection.read().body, "hello");
  EXPECT_EQ(connection.request("GET / HTTP/1.1\r\nHost: a b\r\n\r\n").status, 400);
  EXPECT_TRUE(connection.closed());
  const Response old = ask(port.endpoint(), "GET /\r\n");
  EXPECT_EQ(old.status, 0);
  EXPECT_EQ(old.body, "hello");
}

TEST(Harness, LogLinesMustBeDeclaredAndDeclarationsMet) {
  const Port port;
  const auto ask_for_a_missing_file = [&](bool declare) {
    NginxServer nginx;
    nginx.start(hello(nginx, port), {port.endpoint()});
    EXPECT_EQ(ask(port.endpoint(), get("a.test", "/missing")).status, 404);
    if (declare) nginx.expect_log("missing.*No such file");
    nginx.stop();
  };
  ask_for_a_missing_file(true);
  EXPECT_NONFATAL_FAILURE(ask_for_a_missing_file(false), "no test has declared");
  const auto expect_too_much = [&] {
    NginxServer nginx;
    nginx.start(hello(nginx, port), {port.endpoint()});
    nginx.expect_log("never");
    nginx.stop();
  };
  EXPECT_NONFATAL_FAILURE(expect_too_much(), "never wrote");
}

TEST(Harness, AServerThatCannotStartSaysWhy) {
  const Port port;
  NginxServer nginx;
  try {
    nginx.start("events {} no_such_directive;", {port.endpoint()});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("unknown directive"), std::string::npos) << error.what();
  }
}

TEST(Harness, PhpRunsWithTheUidOfItsPoolBehindBothServers) {
  const TempDir root;
  put(root.path("www/index.php"),
      "<?php header('X-Uid: ' . posix_geteuid()); echo php_ini_loaded_file(), ini_get('precision');");
  FpmServer fpm;
  fpm.start({{.name = "one", .uid = kUid, .gid = kUid, .socket = root.path("one.sock"), .children = 2}},
            "extension=posix\nprecision=9\n");
  EXPECT_EQ(fpm.workers().size(), 2U);
  struct stat status{};
  ASSERT_EQ(stat(fpm.path("php.ini").c_str(), &status), 0);

  const Port nginx_port;
  NginxServer nginx;
  nginx.start(nginx.frame({.http = "server { listen 127.0.0.1:" + nginx_port.text() + "; root " + root.path("www") +
                                   "; location / { include /etc/nginx/fastcgi.conf; fastcgi_pass unix:" +
                                   root.path("one.sock") + "; fastcgi_param SCRIPT_FILENAME " +
                                   root.path("www/index.php") + "; } }",
                           .module = false}),
              {nginx_port.endpoint()});
  const Port apache_port;
  ApacheServer apache;
  apache.start(
      apache.frame({.main = "Listen 127.0.0.1:" + apache_port.text() + "\nDocumentRoot " + root.path("www") +
                            "\n<Directory " + root.path("www") +
                            ">\nRequire all granted\n</Directory>\n<FilesMatch \\.php$>\nSetHandler proxy:unix:" +
                            root.path("one.sock") + "|fcgi://localhost\n</FilesMatch>\n",
                    .module = false}),
      {apache_port.endpoint()});
  for (const Port* port : {&nginx_port, &apache_port}) {
    const Response answer = ask(port->endpoint(), get("a.test", "/index.php"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.value("X-Uid"), std::to_string(kUid));
    EXPECT_EQ(answer.body, fpm.path("php.ini") + "9");
  }

  const std::vector<pid_t> before = apache.workers();
  ASSERT_EQ(before.size(), 3U);
  apache.reload();
  EXPECT_NE(apache.workers(), before);
  const std::vector<pid_t> children = fpm.workers();
  fpm.reload();
  EXPECT_NE(fpm.workers(), children);
  EXPECT_EQ(ask(apache_port.endpoint(), get("a.test", "/index.php")).value("X-Uid"), std::to_string(kUid));
  ASSERT_EQ(kill(apache.workers().at(0), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return apache.workers().size() == 3; }));
  EXPECT_EQ(apache.test("NoSuchDirective on\n").status, 1);
}

}  // namespace
}  // namespace aegir::live
