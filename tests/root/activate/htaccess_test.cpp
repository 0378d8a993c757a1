// A platform's .htaccess: in force after its Verify and not before, never looked at by a request, and refused with its
// line when it says what an .htaccess can't.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/root/activate/activation_fixture.hpp"

namespace aegir::publish {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(ActivationTest, AnEditIsInForceAfterVerifyAndNotBefore) {
  put_htaccess("Redirect 410 /gone\n");
  EXPECT_EQ(apache_answers("/gone"), 200) << "the front page answers for everything";
  const Activation done = activate({"p1"});
  EXPECT_EQ(describe_all(done), "");
  EXPECT_EQ(apache_answers("/gone"), 410);
  EXPECT_EQ(accepted(), "Redirect 410 /gone\n") << "byte for byte";
  struct stat status{};
  ASSERT_EQ(::stat(in("apache", "platform.d/p1.htaccess").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(status.st_mode & 07777U, 0640U);

  put_htaccess("Redirect 410 /other\n");
  expect_fine({"p2"});
  EXPECT_EQ(apache_answers("/gone"), 410) << "another platform's Verify does not read it";
  expect_fine({"p1"});
  EXPECT_EQ(apache_answers("/other"), 410);
  EXPECT_EQ(apache_answers("/gone"), 404) << "rules of its own: no front controller of ours";

  std::filesystem::remove(installation_.docroot() + "/.htaccess");
  expect_fine();
  EXPECT_EQ(apache_answers("/other"), 200) << "without one, the front page answers again";
  EXPECT_FALSE(std::filesystem::exists(in("apache", "platform.d/p1.htaccess")));
}

TEST_F(ActivationTest, WhatIsInForceIsNotReloaded) {
  put_htaccess("Redirect 410 /gone\n");
  expect_fine();
  const std::vector<pid_t> apache = installation_.apache().workers();
  const std::vector<pid_t> nginx = installation_.nginx().workers();
  const Activation again = activate();
  EXPECT_EQ(describe_all(again), "");
  EXPECT_TRUE(again.done.empty()) << again.done.front();
  EXPECT_EQ(installation_.apache().workers(), apache);
  EXPECT_EQ(installation_.nginx().workers(), nginx);
  // Only the server whose file has changed.
  live::put(in("nginx", "pre.d/mine.conf"), "# nothing\n");
  const Activation third = activate();
  ASSERT_EQ(third.done.size(), 2U);
  EXPECT_THAT(third.done.back(), StartsWith("nginx: reloaded"));
  EXPECT_EQ(installation_.apache().workers(), apache);
}

TEST_F(ActivationTest, NoRequestLooksForAnHtaccess) {
  put_htaccess("Redirect 410 /gone\n");
  expect_fine();
  const std::string trace = installation_.root() + "/trace";
  std::vector<std::string> argv = {"strace", "-f", "-qq", "-e", "trace=file", "-o", trace};
  for (const pid_t worker : installation_.apache().workers()) argv.insert(argv.end(), {"-p", std::to_string(worker)});
  {
    live::Process tracer({argv, {}, installation_.root() + "/strace.out", {}});
    ASSERT_TRUE(live::eventually([&] {
      (void)apache_answers("/folder/there.txt");
      return live::slurp(trace).contains("there.txt");
    })) << live::slurp(installation_.root() + "/strace.out");
    EXPECT_EQ(apache_answers("/gone"), 410);
    EXPECT_EQ(apache_answers("/deep/clean/url"), 404);
    tracer.signal(SIGTERM);
    (void)tracer.wait();
  }
  EXPECT_THAT(live::slurp(trace), testing::Not(HasSubstr(".htaccess")));
}

TEST_F(ActivationTest, WhatIsNoHtaccessIsRefusedWithItsLineAndNothingRuns) {
  const std::string program = "\"|/bin/touch " + canary() + "\"";
  live::put(installation_.docroot() + "/run.sh", "#!/bin/sh\ntouch " + canary() + "\n");
  put_htaccess("Redirect 410 /old\n");
  expect_fine();
  const struct {
    std::string content;
    unsigned line;
    std::string message;
  } rows[] = {
      {"Redirect 410 /x\nNonsense\n", 2, "Invalid command 'Nonsense'"},
      {"</Directory>\nErrorLog " + program + "\n<Directory />\n", 1,
       "</Directory> without matching <Directory> section"},
      {"LoadModule info_module /usr/lib/apache2/modules/mod_info.so\n", 1, "LoadModule not allowed here"},
      {"\nInclude /etc/passwd\n", 2, "Include not allowed here"},
      {"RewriteEngine On\nRewriteMap m prg:" + installation_.docroot() + "/run.sh\n", 2, "RewriteMap not allowed here"},
      {"Options +ExecCGI\nAddHandler cgi-script .sh\n", 1, "Option ExecCGI not allowed here"},
      {"CustomLog " + program + " common\n", 1, "CustomLog not allowed here"},
      {"<IfFile " + canary() + ">\nNonsense\n</IfFile>\n", 1, "<IfFile not allowed here"},
      {"<IfVersion < 2.0>\nRedirect 410 /x\n</IfVersion>\n", 1, "<IfVersion not allowed here"},
      {"<IfModule mod_none.c>\nHeader set X \"expr=%{file:/etc/passwd}\"\n</IfModule>\n", 2,
       "Header not allowed here: it reads a file"},
      {"<IfModule mod_none.c>\n<If \"FileSize ( '/etc/shadow') -gt 0\">\n</If>\n</IfModule>\n", 2,
       "<If not allowed here: it reads a file"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.content);
    put_htaccess(row.content);
    put_htaccess("Redirect 410 /" + std::to_string(row.line) + row.message.substr(0, 4) + "\n", "p2");
    const Activation done = activate();
    ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
    EXPECT_EQ(done.errors[0].place.file, installation_.docroot() + "/.htaccess");
    EXPECT_EQ(done.errors[0].place.line, row.line);
    EXPECT_THAT(done.errors[0].message, StartsWith("platform p1 goes on with its old rules: " + row.message));
    EXPECT_THAT(done.errors[0].hint, HasSubstr("aegirc verify --platform p1"));
    EXPECT_EQ(accepted(), "Redirect 410 /old\n");
    EXPECT_EQ(apache_answers("/old"), 410) << "the old rules stay";
    EXPECT_THAT(accepted("p2"), HasSubstr("/" + std::to_string(row.line))) << "another platform publishes";
  }
  EXPECT_FALSE(std::filesystem::exists(canary())) << "something ran";
}

TEST_F(ActivationTest, WithoutAnHtaccessOnlyTheScriptsOfItsKindRun) {
  live::put(installation_.docroot() + "/modules/statistics/statistics.php", "<?php echo 'counted';");
  live::put(installation_.docroot() + "/modules/simpletest/run.php", "<?php echo 'ran';");
  EXPECT_EQ(apache_answers("/try.php?do=groups"), 200) << "of another application we know nothing";
  model_.platforms[0].cms = registry::Cms::kDrupal7;
  expect_fine();
  installation_.apache().expect_log("AH01630: client denied by server configuration: .*\\.php");
  for (const char* closed : {"/try.php?do=groups", "/try.php/more", "//try.php", "/modules/simpletest/run.php"}) {
    EXPECT_EQ(apache_answers(closed), 403) << closed;
  }
  for (const char* open : {"/", "/index.php", "/index.php/more", "/modules/statistics/statistics.php", "/node/1"}) {
    EXPECT_EQ(apache_answers(open), 200) << open;
  }
  EXPECT_EQ(apache_answers("/nothing.php"), 404) << "what is not there is not closed";
  // Its own rules decide, once it has some.
  put_htaccess("DirectoryIndex index.php\n");
  expect_fine();
  EXPECT_EQ(apache_answers("/try.php?do=groups"), 200);
}

TEST_F(ActivationTest, WordsOfAMessageAreNoFunctions) {
  put_htaccess("Redirect 410 /gone\nErrorDocument 403 \"You may not read this file (ask us)\"\n");
  expect_fine();
  EXPECT_EQ(apache_answers("/gone"), 410);
}

TEST_F(ActivationTest, NoHandlerOfAnHtaccessReachesAnotherSitesPhp) {
  // httpd takes these; mod_aegir does not obey them.
  const std::string socket = installation_.socket(1);
  live::put(installation_.docroot() + "/x.txt", "<?php echo 'ran as ', posix_geteuid();");
  put_htaccess("SetHandler \"proxy:unix:" + socket +
               "|fcgi://localhost\"\nRewriteEngine On\nRewriteRule ^steal$ \"unix:" + socket + "|fcgi://localhost" +
               installation_.docroot() + "/x.txt\" [P]\n");
  // The visitor's files have that handler too.
  visitor_ = nullptr;
  installation_.apache().expect_log("the handler 'proxy.*' is not obeyed");
  expect_fine();
  for (const char* target : {"/x.txt", "/steal"}) {
    const live::Response answer = live::ask(installation_.apache_endpoint(), live::get("a.test", target));
    EXPECT_EQ(answer.status, 403) << target;
    EXPECT_THAT(answer.body, testing::Not(HasSubstr("ran as")));
  }
  EXPECT_EQ(apache_answers("/index.php"), 200) << "PHP is still the site's own";
}

TEST_F(ActivationTest, AnHtaccessThatIsALinkOrNoTextIsRefused) {
  std::filesystem::create_symlink("/etc/shadow", installation_.docroot() + "/.htaccess");
  Activation done = activate({"p1"});
  ASSERT_EQ(done.errors.size(), 1U);
  EXPECT_EQ(done.errors[0].place.file, installation_.docroot() + "/.htaccess");
  EXPECT_EQ(accepted(), "");
  std::filesystem::remove(installation_.docroot() + "/.htaccess");
  put_htaccess(std::string("Redirect 410 /x\n\0ErrorLog x\n", 28));
  done = activate({"p1"});
  ASSERT_EQ(done.errors.size(), 1U);
  EXPECT_THAT(done.errors[0].message, HasSubstr("NUL"));
}

}  // namespace
}  // namespace aegir::publish
