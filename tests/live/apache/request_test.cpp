// Requests that meet what else an Apache has: rewriting, aliases, error documents, other settings for paths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/live/apache/fleet.hpp"

namespace aegir::live {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// PHP of A answered, through whatever redirects: each parameter of ours came once, and none came along renamed.
void expect_php_of_a(const Response& answer, const std::string& script = "/index.php") {
  SCOPED_TRACE(answer.raw + answer.body);
  for (const char* line : {"db_type=mysql", "db_passwd=secret-of-a", "AEGIR_SITE=a.test", "AEGIR_SITE_DIR=a.test",
                           "AEGIR_HOST=a.test", "PHP_ADMIN_VALUE=memory_limit=256M"}) {
    EXPECT_EQ(lines_with(answer.body, line), 1) << line;
    const std::string name(line, std::string_view(line).find('='));
    EXPECT_EQ(lines_with(answer.body, name + "="), 1) << name;
  }
  EXPECT_EQ(lines_with(answer.body, "SCRIPT_NAME=" + script), 1);
  EXPECT_THAT(answer.body, Not(HasSubstr("REDIRECT_db")));
  EXPECT_THAT(answer.body, Not(HasSubstr("REDIRECT_AEGIR")));
  EXPECT_THAT(answer.body, Not(HasSubstr("REDIRECT_PHP")));
}

TEST(ApacheRequest, RewritingRulesOfAPlatform) {
  Fleet fleet;
  fleet.start({.platform = "RewriteEngine on\nRewriteCond %{REQUEST_FILENAME} !-f\n"
                           "RewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule ^ index.php [L]\n"});
  const Response answer = fleet.get("a.test", "/node/1?x=y");
  EXPECT_EQ(answer.status, 200);
  expect_php_of_a(answer);
  EXPECT_EQ(lines_with(answer.body, "REQUEST_URI=/node/1?x=y"), 1);
  EXPECT_EQ(lines_with(answer.body, "DOCUMENT_ROOT=" + fleet.platform()), 1);
  EXPECT_EQ(lines_with(answer.body, "CONTEXT_DOCUMENT_ROOT=" + fleet.platform()), 1);
  EXPECT_EQ(fleet.figure("aegir_decrypts_total"), 1U);
  EXPECT_EQ(fleet.get("a.test", "/files/f.txt").body, "file of a.test");
  expect_php_of_a(fleet.get("a.test", "/files/missing.png"));
}

TEST(ApacheRequest, RewritingRulesSeeNoCredentials) {
  Fleet fleet;
  fleet.start({.platform = "RewriteEngine on\nRewriteRule ^style.css$ - [E=seen:%{ENV:db_passwd}]\n"
                           "Header always set X-Seen \"%{seen}e|%{db_passwd}e\"\n"});
  EXPECT_EQ(fleet.get("a.test", "/style.css").value("X-Seen"), "|(null)");
}

TEST(ApacheRequest, RulesAndAliasesOfTheCatchAll) {
  Fleet fleet;
  put(fleet.path("elsewhere/e.txt"), "elsewhere");
  put(fleet.file("x.php"), "<?php");
  fleet.start({.main = "<Directory " + fleet.path("elsewhere") + ">\nRequire all granted\n</Directory>",
               .host = "Alias /elsewhere " + fleet.path("elsewhere") + "\nAlias /direct " + fleet.file("") +
                       "\nRewriteEngine on\nRewriteRule ^/legacy$ /style.css [PT]\n"});
  EXPECT_EQ(fleet.get("a.test", "/elsewhere/e.txt").body, "elsewhere");
  EXPECT_EQ(fleet.get("a.test", "/legacy").body, "a style");
  EXPECT_EQ(fleet.get("a.test", "/direct/f.txt").body, "file of a.test");
  EXPECT_EQ(fleet.get("a.test", "/direct/x.php").status, 403);
  EXPECT_EQ(fleet.get("b.test", "/direct/f.txt").status, 404) << "another site's files, by the file's place";
}

TEST(ApacheRequest, ErrorDocumentsOfAPlatform) {
  Fleet fleet;
  fleet.start(
      {.platform = "ErrorDocument 404 /index.php\nErrorDocument 403 /index.php\n", .files = "Require all denied"});
  const Response missing = fleet.get("a.test", "/missing");
  EXPECT_EQ(missing.status, 404);
  expect_php_of_a(missing);
  const Response forbidden = fleet.get("a.test", "/files/f.txt");
  EXPECT_EQ(forbidden.status, 403);
  expect_php_of_a(forbidden);
  fleet.apache.expect_log("client denied by server configuration");
}

TEST(ApacheRequest, ErrorDocumentsOfTheCatchAllOpenNothing) {
  Fleet fleet;
  fleet.content.sites[1].state = map::SiteState::kMaintenance;
  fleet.map.publish(fleet.content);
  fleet.start({.host = "DocumentRoot " + fleet.platform() +
                       "\nErrorDocument 404 /style.css\nErrorDocument 503 /index.php\nErrorDocument 400 /index.php\n"});
  const Response unknown = fleet.get("unknown.test", "/");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, Not(HasSubstr("a style")));
  const Response closed = fleet.get("b.test", "/");
  EXPECT_EQ(closed.status, 503);
  EXPECT_THAT(closed.body, HasSubstr("under maintenance"));
  for (const char* target : {"/%zz", "/../x"}) {
    const Response refused = fleet.get("a.test", target);
    EXPECT_EQ(refused.status, 400);
    EXPECT_THAT(refused.body, Not(HasSubstr("AEGIR"))) << target;
  }
  EXPECT_EQ(ask(fleet.port.endpoint(), "GET / HTTP/1.1\r\nHost: a b\r\n\r\n").status, 400);
  EXPECT_EQ(fleet.figure("aegir_decrypts_total"), 0U);
}

TEST(ApacheRequest, AfterPhpFailedSeesNothingOfItsCredentials) {
  Fleet fleet;
  put(fleet.platform() + "/sorry.shtml", "<!--#printenv -->");
  fleet.content.sites[0].socket = fleet.path("nobody.sock");
  fleet.map.publish(fleet.content);
  fleet.start({.platform = "Options +Includes\nAddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\n"
                           "ErrorDocument 503 /sorry.shtml\n",
               .modules = {"include"}});
  const Response sorry = fleet.get("a.test", "/");
  EXPECT_EQ(sorry.status, 503);
  EXPECT_THAT(sorry.body, HasSubstr("REDIRECT_STATUS=503")) << "the page was made for this error";
  EXPECT_THAT(sorry.body, Not(HasSubstr(kSecret)));
  EXPECT_THAT(sorry.body, Not(HasSubstr("db_")));
  EXPECT_EQ(fleet.get("b.test", "/").status, 200) << "another site's PHP is not held to be gone, too";
  EXPECT_EQ(fleet.figure("aegir_decrypts_total"), 2U);
  fleet.apache.expect_log("nobody.sock");
  fleet.apache.expect_log("failed to make connection to backend");
}

TEST(ApacheRequest, NoRuleOfAPlatformOpensPrivateFiles) {
  const std::string secret = "/sites/a.test/private/secret.txt";
  Fleet fleet;
  const std::string rules = "<Directory " + fleet.platform() + "/";
  put(fleet.platform() + "/page/there.txt", "");
  put(fleet.platform() + "/index/there.txt", "");
  put(fleet.platform() + "/fallback/there.txt", "");
  fleet.start({.main = rules + "page>\nErrorDocument 404 " + secret + "\n</Directory>\n" + rules +
                       "index>\nDirectoryIndex " + secret + "\n</Directory>\n" + rules +
                       "fallback>\nFallbackResource " + secret + "\n</Directory>\n",
               .platform = "RewriteEngine on\nRewriteRule ^(en|de)/(.*)$ /$2 [L]\n"});
  EXPECT_EQ(fleet.get("a.test", "/en/style.css").body, "a style");
  EXPECT_EQ(fleet.get("a.test", "/en/files/f.txt").body, "file of a.test");
  for (const char* target : {"/en/sites/a.test/private/secret.txt", "/en/sites/a.test/private/", "/page/missing",
                             "/index/", "/fallback/missing", "/en/sites/b.test/private/secret.txt"}) {
    const Response answer = fleet.get("a.test", target);
    EXPECT_TRUE(answer.status == 403 || answer.status == 404) << target << ": " << answer.status;
    EXPECT_THAT(answer.body, Not(HasSubstr("private of"))) << target;
  }
}

TEST(ApacheRequest, DoubleSlashesThatHttpdKeeps) {
  Fleet fleet;
  put(fleet.file("x.php"), "<?php");
  fleet.start({.host = "MergeSlashes Off"});
  EXPECT_EQ(fleet.get("a.test", "/sites/a.test//private/secret.txt").status, 403);
  EXPECT_EQ(fleet.get("a.test", "/sites//a.test/private/secret.txt").status, 404);
  EXPECT_EQ(fleet.get("a.test", "//sites/b.test/files/f.txt").status, 404);
  EXPECT_EQ(fleet.get("a.test", "/sites//b.test/files/f.txt").status, 404);
  EXPECT_EQ(fleet.get("a.test", "/sites/b.test//files/f.txt").status, 404);
  EXPECT_EQ(fleet.get("a.test", "/x/..//sites/b.test/files/f.txt").status, 404);
  EXPECT_EQ(fleet.get("a.test", "/sites/a.test//files/x.php").status, 403);
  EXPECT_EQ(fleet.get("a.test", "/sites/a.test//files/f.txt").body, "file of a.test");
}

TEST(ApacheRequest, EncodedSlashesThatHttpdAllows) {
  for (const char* how : {"On", "NoDecode"}) {
    Fleet fleet;
    fleet.start({.host = std::string("AllowEncodedSlashes ") + how});
    SCOPED_TRACE(how);
    EXPECT_EQ(fleet.get("a.test", "/sites/a.test/files/..%2f..%2fb.test/files/f.txt").status, 404);
    EXPECT_EQ(fleet.get("a.test", "/sites%2fb.test%2ffiles%2ff.txt").status, 404);
    const Response secret = fleet.get("a.test", "/sites/a.test/files/..%2fprivate%2fsecret.txt");
    EXPECT_TRUE(secret.status == 403 || secret.status == 404) << secret.status;
    EXPECT_THAT(secret.body, Not(HasSubstr("private of")));
  }
}

TEST(ApacheRequest, VariablesOfTheConfigurationAreNoCredentials) {
  Fleet fleet;
  fleet.start({.host = "SetEnv db_passwd forged\nSetEnvIf Host a AEGIR_SITE_DIR=forged\nSetEnv PHP_ADMIN_VALUE forged\n"
                       "SetEnv AEGIR_HOST forged\n"});
  const Response answer = fleet.get("a.test", "/index.php");
  expect_php_of_a(answer);
  EXPECT_THAT(answer.body, Not(HasSubstr("forged")));
}

TEST(ApacheRequest, KeepsTheConnectionOverHostsAndAnswers) {
  Fleet fleet;
  fleet.start({});
  Connection connection(fleet.port.endpoint());
  const auto next = [&](const std::string& host, const std::string& target) {
    return connection.request("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  EXPECT_EQ(next("www.a.test", "/x").status, 301);
  EXPECT_EQ(next("unknown.test", "/").status, 404);
  EXPECT_EQ(next("a.test", "/files/f.txt").body, "file of a.test");
  EXPECT_EQ(next("b.test", "/files/f.txt").body, "file of b.test");
  EXPECT_EQ(lines_with(next("a.test", "/index.php").body, "db_passwd=secret-of-a"), 1);
  EXPECT_EQ(next("a.test", "/sites/b.test/files/f.txt").status, 404);
  EXPECT_EQ(lines_with(next("b.test", "/index.php").body, "db_passwd=secret-of-b"), 1);
  EXPECT_EQ(connection.request("POST /x HTTP/1.1\r\nHost: www.a.test\r\nContent-Length: 3\r\n\r\na=b").status, 301);
  EXPECT_EQ(next("a.test", "/files/f.txt").body, "file of a.test") << "the body of a redirected request is read away";
}

TEST(ApacheRequest, AccessLogNamesTheSite) {
  Fleet fleet;
  fleet.start({.host = "CustomLog " + fleet.apache.path("sites.log") + " \"%V %U %>s %{AEGIR_SITE}e\""});
  (void)fleet.get("a.test", "/style.css");
  (void)fleet.get("www.a.test", "/moved");
  (void)fleet.get("a.test", "/");
  (void)fleet.get("unknown.test", "/");
  fleet.apache.stop();
  const std::string log = slurp(fleet.apache.path("sites.log"));
  EXPECT_EQ(lines_with(log, ""), 4) << log;
  for (const char* line : {"a.test /style.css 200 a.test\n", "www.a.test /moved 301 a.test\n",
                           "a.test /index.php 200 a.test\n", "unknown.test / 404 -\n"}) {
    EXPECT_THAT(log, HasSubstr(line));
  }
}

}  // namespace
}  // namespace aegir::live
