// Handlers that a platform's .htaccess names. It has files and PHP; a status of the server, a proxy to somebody's
// socket and a program are not its to choose, in whichever way it says them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/live/apache/fleet.hpp"
#include "tests/live/behaviour/recorder.hpp"

namespace aegir::live {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ApacheChosenHandler : public ::testing::Test {
 protected:
  ApacheChosenHandler() {
    for (const char* name : {"x.one", "x.two", "x.three", "x.php", "run.cgi"}) {
      put(fleet_.platform() + "/" + name, "#!/bin/sh\ntouch " + fleet_.path("canary") + "\n");
      EXPECT_EQ(::chmod((fleet_.platform() + "/" + name).c_str(), 0755), 0);
    }
  }

  void start(const std::string& platform) {
    fleet_.start({.main = "ProxyPass /everywhere unix:" + fleet_.path("neighbour.sock") + "|fcgi://localhost/",
                  .platform = platform,
                  .modules = {"status", "info", "actions", "cgid", "asis", "negotiation", "authz_host"}});
  }
  void expect_refused(const std::string& target, const std::string& handler) {
    fleet_.apache.expect_log("the handler '" + handler + ".*' is not obeyed where sites are served");
    const Response answer = fleet_.get("a.test", target);
    EXPECT_EQ(answer.status, 403) << target;
    EXPECT_THAT(answer.body, Not(HasSubstr("SCRIPT_FILENAME"))) << target;
  }

  Fleet fleet_;
  Recorder neighbour_{fleet_.path("neighbour.sock")};  ///< another site's PHP; it would answer everybody
};

TEST_F(ApacheChosenHandler, SomebodyElsesSocketIsNotReached) {
  const std::string proxy = "proxy:unix:" + fleet_.path("neighbour.sock") + "|fcgi://localhost";
  start("<Files x.one>\nSetHandler \"" + proxy + "\"\n</Files>\nAddHandler \"" + proxy + "\" .two\nAddType \"" + proxy +
        "\" .three\nRewriteEngine On\nRewriteRule ^by-rule$ \"" + proxy.substr(6) + "/x.php\" [P]\n" +
        "RewriteRule ^by-host$ http://127.0.0.1:" + fleet_.port.text() + "/aegir-status [P]\n" +
        "<Files x.php>\nSetHandler \"" + proxy + "\"\n</Files>\n");
  expect_refused("/x.one", "proxy:unix");
  expect_refused("/x.two", "proxy:unix");
  expect_refused("/x.php", "proxy:unix");
  expect_refused("/by-rule", "proxy-server");
  expect_refused("/by-host", "proxy-server");
  // A type that looks like a handler is a type.
  const Response typed = fleet_.get("a.test", "/x.three");
  EXPECT_EQ(typed.status, 200);
  EXPECT_THAT(typed.body, HasSubstr("touch"));
}

TEST_F(ApacheChosenHandler, NoProgramRuns) {
  start(
      "Options +ExecCGI\nAddHandler cgi-script .cgi\nAction mine /run.cgi virtual\n<Files x.one>\nSetHandler "
      "mine\n</Files>\n" +
      std::string("AddType application/x-httpd-cgi .two\n"));
  expect_refused("/run.cgi", "cgi-script");
  expect_refused("/x.one", "mine");
  expect_refused("/x.two", "application/x-httpd-cgi");
  EXPECT_FALSE(std::filesystem::exists(fleet_.path("canary")));
}

TEST_F(ApacheChosenHandler, TheServersStateIsNotShown) {
  start(
      "<Files x.one>\nSetHandler server-status\n</Files>\n<Files x.two>\nSetHandler server-info\n</Files>\n"
      "<Files x.three>\nSetHandler aegir-status\n</Files>\n<Files run.cgi>\nSetHandler aegir-htaccess\n</Files>\n");
  expect_refused("/x.one", "server-status");
  expect_refused("/x.two", "server-info");
  expect_refused("/x.three", "aegir-status");
  expect_refused("/run.cgi", "aegir-htaccess");
  expect_refused("/everywhere/", "proxy-server");
}

TEST_F(ApacheChosenHandler, FilesFoldersAndRulesAreThePlatforms) {
  put(fleet_.platform() + "/folder/page.html", "a page");
  start(
      "SetEnvIf Host . SEEN\nSetHandler default-handler\n<FilesMatch \\.php$>\nSetHandler aegir-php\n</FilesMatch>\n"
      "RewriteEngine On\nRewriteRule ^old$ /style.css\nRewriteRule ^gone$ - [G]\nRewriteRule ^away$ /folder/page.html "
      "[R=302]\n"
      "RewriteRule ^clean$ index.php [L]\n");
  EXPECT_EQ(fleet_.get("a.test", "/style.css").body, "a style");
  EXPECT_EQ(fleet_.get("a.test", "/old").body, "a style");
  EXPECT_EQ(fleet_.get("a.test", "/gone").status, 410);
  EXPECT_EQ(fleet_.get("a.test", "/away").status, 302);
  EXPECT_EQ(fleet_.get("a.test", "/folder/page.html").body, "a page");
  EXPECT_EQ(fleet_.get("a.test", "/missing.html").status, 404);
  EXPECT_EQ(lines_with(fleet_.get("a.test", "/clean").body, "SCRIPT_FILENAME="), 1);
  EXPECT_EQ(lines_with(fleet_.get("a.test", "/").body, "SCRIPT_FILENAME="), 1);
}

TEST_F(ApacheChosenHandler, ASitesOwnRobotsGoBeforeThePlatforms) {
  put(fleet_.platform() + "/robots.txt", "of the platform");
  put(fleet_.file("robots.txt"), "of a");
  start("");
  EXPECT_EQ(fleet_.get("a.test", "/robots.txt").body, "of a");
  EXPECT_EQ(fleet_.get("b.test", "/robots.txt").body, "of the platform");
  put(fleet_.file("a.test.robots.txt"), "of the host name a");
  EXPECT_EQ(fleet_.get("a.test", "/robots.txt").body, "of the host name a");
  std::filesystem::remove(fleet_.file("a.test.robots.txt"));
  std::filesystem::remove(fleet_.file("robots.txt"));
  EXPECT_EQ(fleet_.get("a.test", "/robots.txt").body, "of the platform");
}

}  // namespace
}  // namespace aegir::live
