// Activation when something is wrong: people's files, servers that are down, runs that are killed, a reload that does
// not help. Sites are answered all the time.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "compiler/publish/people_in_force.hpp"
#include "tests/root/activate/activation_fixture.hpp"

namespace aegir::publish {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(ActivationTest, ABrokenFileOfAPersonsIsLeftOutAndNamed) {
  live::put(in("apache", "vhost.d/bad.conf"), "<VirtualHost *>\n  Nonsense on\n</VirtualHost>\n");
  live::put(in("apache", "vhost.d/good.conf"), "<Location /closed>\n  Require all denied\n</Location>\n");
  live::put(in("apache", "platform.d/p1.local.conf"), "Redirect 410 /local\nNonsense\n");
  live::put(in("nginx", "pre.d/bad.conf"), "nonsense;\n");
  live::put(in("nginx", "platform.d/p2.local.conf"), "location = /x { nonsense; }\n");
  put_htaccess("Redirect 410 /gone\n");
  installation_.apache().expect_log("AH01630: client denied by server configuration: .*/closed");
  for (int i = 0; i < 2; ++i) {
    const Activation done = activate();
    ASSERT_EQ(done.errors.size(), 4U) << describe_all(done);
    EXPECT_THAT(describe_all(done), HasSubstr(in("apache", "vhost.d/bad.conf") +
                                              ":2: Apache goes on without this file: " + "Invalid command 'Nonsense'"));
    EXPECT_THAT(describe_all(done), HasSubstr(in("apache", "platform.d/p1.local.conf") + ":2: Apache goes on"));
    EXPECT_THAT(describe_all(done), HasSubstr(in("nginx", "pre.d/bad.conf") + ":1: nginx goes on without this file: " +
                                              "unknown directive \"nonsense\""));
    EXPECT_THAT(describe_all(done), HasSubstr(in("nginx", "platform.d/p2.local.conf") + ":1: nginx goes on"));
    EXPECT_THAT(done.errors[0].hint, HasSubstr("`aegirc verify --server "));
    EXPECT_THAT(done.errors[0].hint, Not(HasSubstr("--server `"))) << "a command that can be run";
    EXPECT_EQ(apache_answers("/gone"), 410) << "all else is in force";
    EXPECT_EQ(apache_answers("/closed"), 403) << "the good file too";
    EXPECT_EQ(done.done.empty(), i == 1) << "the second time nothing is new";
  }
  EXPECT_EQ(live::slurp(in("nginx", "pre.d/bad.conf")), "nonsense;\n") << "people's files are never written";
  live::put(in("apache", "vhost.d/bad.conf"), "# mended\n");
  live::put(in("apache", "platform.d/p1.local.conf"), "Redirect 410 /local\n");
  live::put(in("nginx", "pre.d/bad.conf"), "# mended\n");
  live::put(in("nginx", "platform.d/p2.local.conf"), "");
  expect_fine();
  EXPECT_EQ(apache_answers("/local"), 410);
}

/// The paths of what differs from what is in force, each with the remark on it.
std::string differences(const Config& config, emit::Model model) {
  model.surroundings = read_surroundings(config, model).value();
  std::string text;
  EXPECT_EQ(compare_people(config, model,
                           [&](const FileChange& change) { text += change.path + ": " + change.remark + '\n'; })
                .value()
                .size(),
            0U);
  for (const emit::PersonsFile& file : model.surroundings.people) text += file.left_out ? "left out\n" : "";
  return text;
}

TEST_F(ActivationTest, WhatIsInForceIsKnownWhileFilesAreEdited) {
  const std::string bad = in("nginx", "pre.d/bad.conf");
  const std::string good = in("nginx", "pre.d/good.conf");
  const std::string rules = in("apache", "platform.d/p1.htaccess");
  live::put(bad, "nonsense;\n");
  live::put(good, "# good\n");
  put_htaccess("Redirect 410 /gone\n");
  const std::string until_accepted = rules + ": the .htaccess of platform p1, once Apache has accepted it\n";
  EXPECT_EQ(differences(config_, model_),
            bad + ": yours, not in force yet\n" + good + ": yours, not in force yet\n" + until_accepted);
  Activation done = activate();
  ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
  EXPECT_EQ(done.accepted, std::set<std::string>{"p1"});
  const std::string refused = ": yours, not in force: refused by its server\n";
  EXPECT_EQ(differences(config_, model_), bad + refused + "left out\n") << "to compile again would change nothing";
  live::put(bad, "nonsense too;\n");
  live::put(good, "nonsense;\n");
  put_htaccess("Nonsense\n");
  const std::string edited =
      bad + ": yours, not in force yet\n" + good + ": yours, in force is what it was before\n" + until_accepted;
  EXPECT_EQ(differences(config_, model_), edited);
  done = activate();
  ASSERT_EQ(done.errors.size(), 3U) << describe_all(done);
  EXPECT_EQ(done.accepted, std::set<std::string>());
  EXPECT_EQ(differences(config_, model_), bad + refused + good + refused + until_accepted + "left out\nleft out\n");
}

TEST_F(ActivationTest, AKeyThatDoesNotFitIsFoundBeforeTheReload) {
  const std::string folder = installation_.root();
  const live::Finished made =
      live::run({"/bin/sh", "-c",
                 "cd " + folder +
                     " && for n in 1 2; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                     "-subj /CN=x -keyout $n.key -out $n.crt -days 9; done"});
  ASSERT_EQ(made.status, 0) << made.output;
  live::put(in("apache", "pre.d/ssl.conf"), "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n");
  live::put(in("apache", "vhost.d/tls.conf"),
            "Listen 192.0.2.1:443\n<VirtualHost 192.0.2.1:443>\nServerName x.test\nSSLEngine on\n"
            "SSLCertificateFile " +
                folder + "/1.crt\nSSLCertificateKeyFile " + folder + "/2.key\n</VirtualHost>\n");
  put_htaccess("Redirect 410 /gone\n");
  const Activation done = activate();
  ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
  EXPECT_EQ(done.errors[0].place.file, in("apache", "vhost.d/tls.conf"));
  EXPECT_THAT(done.errors[0].message, HasSubstr("AH02565"));
  EXPECT_TRUE(installation_.apache().running());
  EXPECT_EQ(apache_answers("/gone"), 410);
}

TEST_F(ActivationTest, AServerThatIsDownHoldsNobodyUp) {
  visitor_ = nullptr;
  installation_.apache().stop();
  live::put(in("nginx", "pre.d/mine.conf"), "# new\n");
  put_htaccess("Redirect 410 /gone\n");
  const Activation done = activate();
  EXPECT_EQ(describe_all(done), "");
  ASSERT_EQ(done.notes.size(), 1U);
  EXPECT_THAT(done.notes[0], StartsWith("Apache does not run"));
  EXPECT_EQ(activate().notes, done.notes) << "also when nothing is new";
  EXPECT_THAT(done.done.back(), StartsWith("nginx: reloaded"));
  EXPECT_EQ(accepted(), "Redirect 410 /gone\n") << "tried and put in place";
  installation_.start_apache();
  EXPECT_EQ(apache_answers("/gone"), 410);
}

TEST_F(ActivationTest, ARunThatIsKilledIsFinishedByTheNext) {
  put_htaccess("Redirect 410 /gone\n");
  const Config good = config_;
  const struct {
    const char* when;
    std::string command;
  } rows[] = {
      {"before the reload", "kill -KILL $PPID"},
      {"after the reload", "kill -USR1 $(cat " + good.apache_reload.pid_file + "); kill -KILL $PPID"},
  };
  int number = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.when);
    const std::string path = "/gone" + std::to_string(++number);
    put_htaccess("Redirect 410 " + path + "\n");
    config_.apache_reload = {{"/bin/sh", "-c", row.command}, {}};
    const pid_t child = ::fork();
    if (child == 0) {
      (void)activate();
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    config_ = good;
    expect_fine();
    EXPECT_EQ(apache_answers(path), 410);
    EXPECT_TRUE(activate().done.empty());
  }
}

TEST_F(ActivationTest, AReloadThatDoesNotHelpBringsTheLastGoodConfigurationBack) {
  put_htaccess("Redirect 410 /good\n");
  expect_fine();
  // nginx is told by nobody, so that it never answers with the new one; Apache is as always.
  const std::string pre = in("nginx", "aegir.conf");
  const std::string before = live::slurp(pre);
  config_.nginx_reload = {{"/bin/false"}, {}};
  live::put(in("nginx", "pre.d/mine.conf"), "# new\n");
  put_htaccess("Redirect 410 /better\n");
  const Activation done = activate();
  ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
  EXPECT_THAT(done.errors[0].message, StartsWith("nginx keeps what it has: could not reload"));
  EXPECT_THAT(done.errors[0].message, HasSubstr("the last configuration that was in force is back"));
  EXPECT_EQ(live::slurp(pre), before);
  EXPECT_EQ(apache_answers("/better"), 410);
  EXPECT_EQ(nginx_answers("/style.css"), 200);
  config_ = installation_.with_servers();
  expect_fine();
  EXPECT_NE(live::slurp(pre), before);
}

// A trial that fails for no file's fault, here because of what else lies in the sandbox, with a file of a person's
// there.
TEST_F(ActivationTest, ATrialThatFailsForNoFilesFaultEnds) {
  live::put(in("apache", "vhost.d/mine.conf"), "# mine\n");
  expect_fine();
  config_.apache_start.insert(config_.apache_start.begin(), {"/bin/sh", "-c",
                                                             "for file in " + config_.run_dir +
                                                                 "/sandbox/public/[0-9]*; do [ ! -e $file ] || exit 1; "
                                                                 "done; exec \"$@\"",
                                                             "sh"});
  put_htaccess("Redirect 410 /gone\n");
  const Activation done = activate();
  ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
  EXPECT_THAT(done.errors[0].message, StartsWith("Apache keeps what it has: "));
  EXPECT_EQ(accepted(), "");
}

TEST_F(ActivationTest, AConfigurationThatNobodyCanMendIsRefusedWhole) {
  // What is wrong is no file of ours.
  live::put(installation_.root() + "/elsewhere.conf", "Nonsense\n");
  live::put(installation_.apache().path("httpd.conf"), live::slurp(installation_.apache().path("httpd.conf")) +
                                                           "Include " + installation_.root() + "/elsewhere.conf\n");
  live::put(in("apache", "vhost.d/mine.conf"), "# new\n");
  live::put(in("nginx", "pre.d/mine.conf"), "# new\n");
  put_htaccess("Redirect 410 /gone\n");
  const std::string before = live::slurp(in("apache", "aegir.conf"));
  const Activation done = activate();
  ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
  EXPECT_EQ(done.errors[0].place.file, installation_.root() + "/elsewhere.conf");
  EXPECT_EQ(done.errors[0].place.line, 1U);
  EXPECT_THAT(done.errors[0].message, StartsWith("Apache keeps what it has: Invalid command 'Nonsense'"));
  EXPECT_EQ(live::slurp(in("apache", "aegir.conf")), before);
  EXPECT_THAT(done.done.back(), StartsWith("nginx: reloaded"));
}

}  // namespace
}  // namespace aegir::publish
