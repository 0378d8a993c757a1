// Servers that are tried in a sandbox: what it hides from them and them from the machine, and what they say about
// configurations and .htaccess files.
#include "compiler/machine/scratch.hpp"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/machine/command.hpp"
#include "compiler/machine/sandbox.hpp"
#include "tests/live/harness/servers.hpp"
#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::machine {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;

constexpr milliseconds kLong{60000};

class SandboxTest : public MachineTest {
 protected:
  SandboxTest() { sandbox_.directory = path("sandbox"); }

  std::string shell(const std::string& script) {
    Result<std::string> result = in_sandbox(
        sandbox_,
        [&]() -> Result<std::string> {
          Result<Outcome> outcome = run_command({"/bin/sh", "-c", script}, kLong);
          if (!outcome) return pass(outcome);
          return outcome->output;
        },
        kLong);
    return result ? *result : describe(result.error());
  }

  Sandbox sandbox_;
};

TEST_F(SandboxTest, WhatIsWrittenStaysInIt) {
  live::put(path("there"), "old");
  EXPECT_EQ(shell("cd " + directory_.path() +
                  "; cat there; echo new >there; echo x >made; rm -f /etc/hostname; cat there made"),
            "oldnew\nx\n");
  EXPECT_EQ(live::slurp(path("there")), "old");
  EXPECT_FALSE(std::filesystem::exists(path("made")));
  EXPECT_TRUE(std::filesystem::exists("/etc/hostname"));
  EXPECT_TRUE(std::filesystem::is_empty(path("sandbox"))) << "nothing is left of it";
}

TEST_F(SandboxTest, NoProcessOutlivesIt) {
  const std::string name = "sleep 613.7";
  EXPECT_EQ(shell("setsid " + name + " >/dev/null 2>&1 & until ps -e -o args= | grep -q '^" + name +
                  "$'; do :; done; echo it runs"),
            "it runs\n");
  EXPECT_EQ(live::run({"/bin/sh", "-c", "ps -e -o args= | grep -c '^" + name + "$'"}).output, "0\n");
}

TEST_F(SandboxTest, ItSeesNoProcessOfTheMachineAndHasAllAddresses) {
  EXPECT_EQ(shell("ls /proc | grep -c '^[0-9]*$'").size(), 2U) << "a few";
  EXPECT_EQ(shell("cat /proc/sys/net/ipv4/ip_nonlocal_bind; cat /sys/class/net/lo/operstate 2>&1 | wc -c").substr(0, 2),
            "1\n");
  sandbox_.own_network = false;
  EXPECT_EQ(shell("readlink /proc/self/ns/net"), live::run({"readlink", "/proc/self/ns/net"}).output);
}

TEST_F(SandboxTest, FilesInEmptiedFoldersAreNotThere) {
  live::put(path("log/apache2/access.log"), "much");
  sandbox_.emptied = {path("log")};
  EXPECT_EQ(shell("cd " + path("log") + "; find . -type f; echo line >>apache2/access.log; cat apache2/access.log"),
            "line\n");
  EXPECT_EQ(live::slurp(path("log/apache2/access.log")), "much");
}

TEST_F(SandboxTest, TimeIsLimitedAndErrorsArePassedOn) {
  const Result<std::string> late = in_sandbox(
      sandbox_,
      [&]() -> Result<std::string> {
        ::pause();
        return std::string();
      },
      milliseconds(300));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kBusy);
  const Result<std::string> failed = in_sandbox(
      sandbox_, []() -> Result<std::string> { return std::unexpected(Error{Code::kInvalid, "m", {"/f", 7, 3}, "h"}); },
      kLong);
  ASSERT_FALSE(failed);
  EXPECT_EQ(describe(failed.error()), "/f:7:3: m\n  next: h");
}

TEST_F(SandboxTest, WithoutTheRightToItThatIsSaid) {
  // As in a container without CAP_SYS_ADMIN.
  int status = 0;
  const pid_t child = ::fork();
  if (child == 0) {
    if (live::run({"true"}).status != 0) ::_exit(3);
    if (::prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) != 0) ::_exit(4);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    if (::syscall(SYS_capget, &header, data) != 0) ::_exit(5);
    for (auto* set : {&data[0].effective, &data[0].permitted, &data[0].inheritable}) *set &= ~(1U << CAP_SYS_ADMIN);
    if (::syscall(SYS_capset, &header, data) != 0) ::_exit(6);
    const Result<std::string> result =
        in_sandbox(sandbox_, []() -> Result<std::string> { return std::string(); }, kLong);
    const bool said = !result && result.error().code == Code::kPermission &&
                      result.error().message.contains("namespaces") && result.error().hint.contains("CAP_SYS_ADMIN");
    ::_exit(said ? 0 : 1);
  }
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

class ScratchTest : public MachineTest {
 protected:
  ScratchTest() {
    config_.apache_test = {"/usr/sbin/apache2", "-t", "-f", server_.path("httpd.conf")};
    config_.apache_start = {"/usr/sbin/apache2", "-DFOREGROUND", "-f", server_.path("httpd.conf")};
    std::filesystem::create_directories(config_.run_dir);
    main_ = "Listen 192.0.2.7:80\n";
  }

  Result<ApacheTrial> attempt(const std::vector<Htaccess>& htaccess = {}, const Change& change = {}) {
    server_.configure(server_.frame({.main = main_, .modules = {"authz_host"}}));
    return try_apache(config_, change, {"192.0.2.7", 80, "status.test", "/aegir-status"}, "line", htaccess);
  }
  /// "<line> <message>", "accepted", or the error of the trial.
  std::string judge(const std::string& content) {
    Result<ApacheTrial> trial = attempt({{"p1", content}});
    if (!trial) return describe(trial.error());
    if (!trial->htaccess[0]) return "accepted";
    EXPECT_EQ(trial->htaccess[0]->place.file, "p1");
    return std::to_string(trial->htaccess[0]->place.line) + ' ' + trial->htaccess[0]->message;
  }

  live::ApacheServer server_;
  std::string main_;
};

TEST_F(ScratchTest, AForeignAddressAndATakenPortAreNoMatter) {
  const live::Port port;
  live::ApacheServer running;
  running.start(running.frame({.main = "Listen 127.0.0.1:" + port.text() + "\n", .module = false}), {port.endpoint()});
  main_ += "Listen 127.0.0.1:" + port.text() + "\nPidFile " + running.path("apache.pid") + "\n";
  const std::string before = live::slurp(running.path("apache.pid"));
  const Result<ApacheTrial> trial = attempt();
  ASSERT_TRUE(trial) << describe(trial.error());
  EXPECT_FALSE(trial->has_ours);
  EXPECT_EQ(live::slurp(running.path("apache.pid")), before);
  EXPECT_TRUE(running.running());
}

TEST_F(ScratchTest, TheParsersMessageNamesTheInnermostFile) {
  live::put(path("a.conf"), "Include " + path("b.conf") + "\n");
  live::put(path("b.conf"), "\n\nNonsense\n");
  main_ += "Include " + path("a.conf") + "\n";
  Result<ApacheTrial> trial = attempt();
  ASSERT_FALSE(trial);
  EXPECT_THAT(describe(trial.error()), StartsWith(path("b.conf") + ":3: Invalid command 'Nonsense'"));
  trial = attempt({}, {{{path("b.conf"), "<Location />\n"}}, {}});
  ASSERT_FALSE(trial);
  EXPECT_THAT(describe(trial.error()), StartsWith(path("b.conf") + ":1: <Location> was not closed."));
  trial = attempt({}, {{{path("b.conf"), "# better\n"}}, {}});
  EXPECT_TRUE(trial) << describe(trial.error());
  EXPECT_EQ(live::slurp(path("b.conf")), "\n\nNonsense\n") << "tried, not written";
}

TEST_F(ScratchTest, WhatHttpdAcceptsAsAnHtaccess) {
  for (const char* content :
       {"", "# a comment", "RewriteEngine On\nRewriteRule ^gone$ - [G]\n",
        "Options -Indexes\nOptions +FollowSymLinks\n",
        "<IfModule mod_nobody.c>\nphp_value x 1\nSomething that nobody knows\n</IfModule>\n", "Redirect 410 /gone",
        "<FilesMatch \"\\.inc$\">\nRequire all denied\n</FilesMatch>\n", "LimitRequestBody 100\n"}) {
    EXPECT_EQ(judge(content), "accepted") << content;
  }
}

TEST_F(ScratchTest, WhatHttpdRefusesAsAnHtaccessAndInWhichLine) {
  const std::string canary = path("canary");
  const std::string program = "\"|/bin/touch " + canary + "\"";
  const struct {
    std::string content;
    std::string answer;
  } rows[] = {
      {"# one\nNonsense on\n", "2 Invalid command 'Nonsense'"},
      {"\n</Directory>\nErrorLog " + program + "\n<Directory />\n",
       "2 </Directory> without matching <Directory> section"},
      {"ErrorLog " + program + "\n", "1 ErrorLog not allowed here"},
      {"Options -Indexes\nCustomLog " + program + " common\n", "2 CustomLog not allowed here"},
      {"#\n#\nLoadModule x_module /tmp/x.so\n", "3 LoadModule not allowed here"},
      {"Include /etc/passwd\n", "1 Include not allowed here"},
      {"IncludeOptional /etc/passwd\n", "1 IncludeOptional not allowed here"},
      {"RewriteMap x prg:/bin/true\n", "1 RewriteMap not allowed here"},
      {"Define X y\n", "1 Define not allowed here"},
      {"Options +ExecCGI\n", "1 Option ExecCGI not allowed here"},
      {"<IfModule mod_alias.c>\nRedirect 410 /x\n</IfModule>\n\nOptions +ExecCGI\n",
       "5 Option ExecCGI not allowed here"},
      {"Options Includes\n", "1 Option Includes not allowed here"},
      {"Options All\n", "1 Option All not allowed here"},
      {"AllowOverride All\n", "1 AllowOverride not allowed here"},
      {"<Directory />\n</Directory>\n", "1 <Directory not allowed here"},
      {"<VirtualHost *>\n</VirtualHost>\n", "1 <VirtualHost not allowed here"},
      {"<Files x>\n", "1 <Files> was not closed"},
      {"RewriteEngine On\nRewriteRule ( -\n", "2 RewriteRule: cannot compile"},
      {"php_value memory_limit 1G\n", "1 Invalid command 'php_value'"},
      {"Options -Inde\\\nxes\nInclude /x\n", "3 Include not allowed here"},
      {"<IfFile /nonexistent>\nRequire all denied\n</IfFile>\n", "1 <IfFile not allowed here"},
      {"<IfModule mod_nobody.c>\nInclude /x\n</IfModule>\n",
       "2 Include not allowed here, nor where a condition hides it"},
      {"<IfDefine NOBODY>\nRequire all denied\n</IfDefine>\n", "1 <IfDefine not allowed here"},
      {"<IfModule mod_nobody.c>\n\"AllowOverride\" All\n</IfModule>\n", "2 AllowOverride not allowed here, nor where"},
      {"<IfModule mod_nobody.c>\nInclude> /x\n</IfModule>\n", "2 Include not allowed here, nor where"},
      {"# " + std::string(8189, 'x') + "\n<IfFile /nonexistent>\nLoadModule x /x.so\n</IfFile>\n",
       "1 the line is longer than 8190 bytes"},
      {"LuaHookFixups /tmp/x.lua f\n", "1 LuaHookFixups not allowed here: code"},
      {"<IfModule mod_perl.c>\nPerlHandler X\n</IfModule>\n", "2 PerlHandler not allowed here: code"},
      {"<IfModule mod_nobody.c>\nUse X LoadModule\n</IfModule>\n", "2 Use not allowed here: code"},
      {"<IfModule !mod_alias.c>\nErrorLog " + program + "\n</IfModule>\n", "2 ErrorLog not allowed here, nor where"},
  };
  std::vector<Htaccess> files;
  for (const auto& row : rows) files.push_back({"p" + std::to_string(files.size()), row.content});
  main_ += "LoadModule lua_module /usr/lib/apache2/modules/mod_lua.so\n";
  const Result<ApacheTrial> trial = attempt(files);
  ASSERT_TRUE(trial) << describe(trial.error());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::optional<Error>& error = trial->htaccess[i];
    ASSERT_TRUE(error) << rows[i].content;
    EXPECT_THAT(std::to_string(error->place.line) + ' ' + error->message, StartsWith(rows[i].answer))
        << rows[i].content;
  }
  EXPECT_FALSE(std::filesystem::exists(canary)) << "something ran";
}

TEST_F(ScratchTest, AnHtaccessThatEndsItsJudgeKeepsNoOtherFromBeingJudged) {
  std::string nested;
  for (int i = 0; i < 60000; ++i) nested += "<IfModule !x>\n";
  const Result<ApacheTrial> trial = attempt({{"p1", nested}, {"p2", "RewriteEngine On\n"}, {"p3", "Nonsense\n"}});
  ASSERT_TRUE(trial) << describe(trial.error());
  ASSERT_TRUE(trial->htaccess[0]);
  EXPECT_THAT(trial->htaccess[0]->message, StartsWith("httpd gave no answer about it"));
  EXPECT_FALSE(trial->htaccess[1]);
  EXPECT_TRUE(trial->htaccess[2]);
}

TEST_F(ScratchTest, AServerThatTheParserLikesAndThatDoesNotStart) {
  const live::Finished made =
      live::run({"/bin/sh", "-c",
                 "cd " + directory_.path() +
                     " && for n in 1 2; do openssl req -x509 -newkey ec -pkeyopt "
                     "ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout $n.key -out $n.crt -days 9; done"});
  ASSERT_EQ(made.status, 0) << made.output;
  main_ +=
      "Listen 192.0.2.7:443\nLoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n<VirtualHost "
      "*:443>\nServerName "
      "x.test\nSSLEngine on\nSSLCertificateFile " +
      path("1.crt") + "\nSSLCertificateKeyFile ";
  const std::string good = main_ + path("1.key") + "\n</VirtualHost>\n";
  main_ += path("2.key") + "\n</VirtualHost>\n";
  const Result<ApacheTrial> trial = attempt();
  ASSERT_FALSE(trial);
  EXPECT_THAT(trial.error().message, HasSubstr("ends when it starts"));
  EXPECT_THAT(trial.error().message, HasSubstr("AH02565")) << "httpd's own words";
  main_ = good;
  const Result<ApacheTrial> better = attempt();
  EXPECT_TRUE(better) << describe(better.error());
}

TEST_F(ScratchTest, NginxIsAskedWithFilesThatAreNotThereYet) {
  const live::NginxServer nginx;
  nginx.configure(nginx.frame({.http = "include " + path("x.conf") + ";", .module = false}));
  config_.nginx_test = {"/usr/sbin/nginx", "-t", "-p", nginx.directory(), "-c", nginx.path("nginx.conf")};
  Change change{{{path("x.conf"), "server { listen 127.0.0.1:80; }\n"}}, {}};
  const Result<void> taken = try_nginx(config_, change);
  EXPECT_TRUE(taken) << describe(taken.error());
  change.files[0].content = "server {\n  nonsense;\n}\n";
  const Result<void> refused = try_nginx(config_, change);
  ASSERT_FALSE(refused);
  EXPECT_EQ(describe(refused.error()), path("x.conf") + ":2: unknown directive \"nonsense\"");
  EXPECT_FALSE(std::filesystem::exists(path("x.conf")));
}

}  // namespace
}  // namespace aegir::machine
