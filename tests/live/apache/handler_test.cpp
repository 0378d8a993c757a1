// What runs and what must not: PHP, CGI, SSI, and the places where a site's users can put files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/live/apache/fleet.hpp"

namespace aegir::live {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPrintAll = "<html><!--#printenv --></html>";

/// Lines that make SSI and CGI work for a whole platform.
constexpr const char* kEverythingRuns =
    "Options +Includes +ExecCGI +MultiViews +Indexes\nAddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\n"
    "XBitHack on\nAddHandler cgi-script .cgi\nAddHandler type-map .var\nAddHandler send-as-is .asis\n"
    "AddHandler server-parsed .parsed\n";
const std::vector<std::string> kRunners = {"include", "cgid", "negotiation", "asis", "autoindex"};

void put_program(const std::string& path, const std::string& content) {
  put(path, content);
  ASSERT_EQ(chmod(path.c_str(), 0755), 0);
}

TEST(ApacheHandler, SsiSeesNoCredentials) {
  Fleet fleet;
  put(fleet.platform() + "/page.shtml", std::string(kPrintAll) + "<!--#include virtual=\"/index.php\" -->" + kPrintAll);
  fleet.start({.platform = kEverythingRuns, .modules = kRunners});
  const Response answer = fleet.get("a.test", "/page.shtml");
  EXPECT_EQ(answer.status, 200);
  // Once: in what PHP printed, between the two pages. SSI prints with &quot; and the like, PHP does not.
  const std::size_t php = answer.body.find("db_passwd=secret-of-a");
  ASSERT_NE(php, std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("secret-of-a", php + 20), std::string::npos) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("AEGIR_SITE=a.test"));
  EXPECT_EQ(fleet.figure("aegir_decrypts_total"), 1U);
}

TEST(ApacheHandler, PhpThatIsLookedUpByItsFileName) {
  Fleet fleet;
  put(fleet.platform() + "/page.shtml", "<!--#include file=\"index.php\" -->");
  fleet.start({.platform = kEverythingRuns, .modules = kRunners});
  const Response answer = fleet.get("a.test", "/page.shtml");
  EXPECT_EQ(lines_with(answer.body, "db_passwd=secret-of-a"), 1) << answer.body;
  EXPECT_EQ(lines_with(answer.body, "DOCUMENT_ROOT=" + fleet.platform()), 1) << answer.body;
}

TEST(ApacheHandler, NothingRunsBelowFiles) {
  Fleet fleet;
  const std::string script = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nRAN'\n";
  put_program(fleet.file("run.cgi"), script);
  put_program(fleet.file("folder/index.cgi"), script);
  put_program(fleet.file("xbit.html"), kPrintAll);
  put(fleet.file("page.shtml"), kPrintAll);
  put(fleet.file("page.parsed"), kPrintAll);
  put(fleet.file("send.asis"), "Status: 418 RAN\n\n");
  put(fleet.file("map.var"), "URI: f.txt\nContent-Type: text/plain\n\n");
  put(fleet.file("many.php.txt"), "many");
  put(fleet.file("view.php"), "<?php");
  put_program(fleet.platform() + "/run.cgi", script);
  put(fleet.platform() + "/page.shtml", kPrintAll);
  // A second virtual host after the catch-all: an ordinary one.
  fleet.start({.host = "</VirtualHost>\n<VirtualHost *:" + fleet.port.text() +
                       ">\nServerName plain.test\nDocumentRoot " + fleet.platform(),
               .platform = kEverythingRuns,
               .files = "SetHandler cgi-script\nSetOutputFilter INCLUDES\nDirectoryIndex index.cgi index.php\n",
               .modules = kRunners});
  EXPECT_EQ(fleet.get("plain.test", "/run.cgi").body, "RAN") << "it works where it may";
  EXPECT_THAT(fleet.get("a.test", "/page.shtml").body, HasSubstr("DOCUMENT_ROOT=" + fleet.platform()));

  EXPECT_EQ(fleet.get("a.test", "/files/run.cgi").body, script);
  for (const char* page : {"xbit.html", "page.shtml", "page.parsed"}) {
    EXPECT_EQ(fleet.get("a.test", std::string("/files/") + page).body, kPrintAll) << page;
  }
  EXPECT_EQ(fleet.get("a.test", "/files/send.asis").status, 200);
  EXPECT_EQ(fleet.get("a.test", "/files/map.var").body, "URI: f.txt\nContent-Type: text/plain\n\n");
  for (const char* closed : {"folder/", "", "many", "view", "view.php", "many.php.txt"}) {
    const int status = fleet.get("a.test", std::string("/files/") + closed).status;
    EXPECT_TRUE(status == 403 || status == 404 || status == 406) << closed << ": " << status;
  }
  EXPECT_EQ(fleet.get("a.test", "/files/f.txt").body, "file of a.test");
  EXPECT_EQ(fleet.figure("aegir_decrypts_total"), 0U);
  fleet.apache.expect_log("Negotiation: discovered file|AH0068[0-9]");
}

TEST(ApacheHandler, PhpIsAskedThroughItsOwnSocketOnly) {
  Fleet fleet;
  fleet.content.sites[1].socket.clear();
  fleet.map.publish(fleet.content);
  fleet.start({});
  EXPECT_EQ(fleet.get("a.test", "/missing.php").status, 404);
  const Response no_php = fleet.get("b.test", "/index.php");
  EXPECT_EQ(no_php.status, 503);
  EXPECT_THAT(no_php.body, Not(HasSubstr("<?php the source")));
  EXPECT_EQ(fleet.figure("aegir_decrypts_total"), 0U);
}

TEST(ApacheHandler, WithoutMod_proxy_fcgiSendsNoSource) {
  Fleet fleet;
  std::string config = fleet.config({});
  const std::size_t line = config.find("LoadModule proxy_fcgi_module");
  config.erase(line, config.find('\n', line) - line);
  fleet.apache.start(config, {fleet.port.endpoint()});
  const Response answer = fleet.get("a.test", "/index.php");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("the source")));
  EXPECT_THAT(fleet.apache.log(),
              HasSubstr("mod_proxy_fcgi is not loaded: requests for PHP will be answered with 500"));
  EXPECT_EQ(fleet.get("a.test", "/style.css").body, "a style");
  fleet.apache.expect_log("PHP needs mod_proxy_fcgi, which is not loaded");
}

TEST(ApacheHandler, InAHostWithoutTheEngineRefuses) {
  Fleet fleet;
  fleet.start({.main = "<VirtualHost *:" + fleet.port.text() + ">\nServerName static.test\nDocumentRoot " +
                       fleet.platform() + "\n</VirtualHost>\n"});
  const Response answer = fleet.get("static.test", "/index.php");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("the source")));
  EXPECT_EQ(fleet.get("static.test", "/style.css").body, "a style");
  EXPECT_EQ(fleet.get("static.test", "/sites/a.test/files/f.txt").body, "file of a.test");
  fleet.apache.expect_log("SetHandler aegir-php works only in a virtual host with AegirEngine On");
}

TEST(ApacheHandler, NoLogLevelWritesCredentials) {
  for (const bool in_the_folder : {false, true}) {
    Fleet fleet;
    fleet.start({.platform = in_the_folder ? "LogLevel trace8" : "", .log_level = in_the_folder ? "notice" : "trace8"});
    const Response answer = fleet.get("a.test", "/index.php");
    EXPECT_EQ(lines_with(answer.body, "db_passwd=secret-of-a"), 1);
    fleet.apache.stop();
    const std::string log = fleet.apache.log();
    EXPECT_THAT(log, HasSubstr("proxy_fcgi:debug")) << "the level is in force";
    EXPECT_THAT(log, Not(HasSubstr(kSecret)));
    EXPECT_EQ(log.contains("would write database passwords into the error log"), !in_the_folder);
  }
}

TEST(ApacheStatus, IsReadOnly) {
  Fleet fleet;
  fleet.start({});
  const Response answer = fleet.status();
  EXPECT_EQ(answer.value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(answer.value("Cache-Control"), "no-store");
  EXPECT_EQ(lines_with(answer.body, "aegir_map_sites{file=\"base\"} 2"), 1) << answer.body;
  EXPECT_EQ(lines_with(answer.body, "aegir_map_names{file=\"base\"} 3"), 1) << answer.body;
  const auto workers = fleet.apache.workers();
  EXPECT_EQ(std::ranges::count(workers, static_cast<pid_t>(fleet.figure("aegir_worker_pid"))), 1);
  EXPECT_EQ(
      ask(fleet.port.endpoint(), "HEAD /aegir-status HTTP/1.1\r\nHost: status.localhost\r\nConnection: close\r\n\r\n")
          .status,
      200);
  EXPECT_EQ(
      ask(fleet.port.endpoint(),
          "POST /aegir-status HTTP/1.1\r\nHost: status.localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
          .status,
      405);
}

}  // namespace
}  // namespace aegir::live
