// A mail goes to the mail program as aegir, on its standard input, and to nobody but its recipient.
#include <gmock/gmock.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <filesystem>

#include "sidecar/monitor/mail.hpp"
#include "tests/live/harness/temp_dir.hpp"
#include "tests/root/host/served.hpp"

namespace aegir::host {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uid_t kAegir = 655001;

class MailTest : public testing::Test {
 protected:
  MailTest() {
    const std::string folder = directory_.path("out");
    std::filesystem::create_directories(folder);
    ::chmod(directory_.path().c_str(), 0755);
    EXPECT_EQ(::chown(folder.c_str(), kAegir, kAegir), 0);
    config_ = parse_config("prefix = " + directory_.path() + "\naegir_user = " + std::to_string(kAegir) +
                               "\nsendmail = " + program(),
                           "test.conf")
                  .value();
    std::filesystem::create_directories(config_.run_dir);
    program_says("printf '%s\\n' \"$@\" > " + folder + "/argv; id -u > " + folder + "/uid; grep -h '^NoNewPrivs' " +
                 "/proc/self/status >> " + folder + "/uid; cat > " + folder + "/mail");
    served_.emplace(config_, directory_.path("log"));
  }

  [[nodiscard]] std::string program() const { return directory_.path("mail-program"); }
  void program_says(const std::string& script) const {
    live::put(program(), "#!/bin/sh\n" + script + "\n");
    ::chmod(program().c_str(), 0755);
  }
  [[nodiscard]] std::string out(const std::string& name) const { return live::slurp(directory_.path("out/" + name)); }

  live::TempDir directory_;
  Config config_;
  std::optional<Served> served_;
};

TEST_F(MailTest, TheProgramGetsItAsAegir) {
  const std::string text = "To: web@acme.example\nSubject: x\n\n.\nhttp://shop.example/user/reset/1/2/secret/login\n";
  const Result<void> sent = (*served_)->send_mail({"web@acme.example", text});
  ASSERT_TRUE(sent) << describe(sent.error());
  EXPECT_EQ(out("mail"), text);
  EXPECT_EQ(out("argv"), "-i\n--\nweb@acme.example\n");
  EXPECT_EQ(out("uid"), std::to_string(kAegir) + "\nNoNewPrivs:\t0\n") << "most mail programs need their set-uid bit";
}

TEST_F(MailTest, WhatIsNoMailIsRefused) {
  for (const std::string& recipient :
       {std::string(), std::string("root"), std::string("-oQ/tmp@x"), std::string("a@b c@d"), std::string("a@b\n-x"),
        std::string("a@b,c@d"), std::string("a@b\0c", 5), std::string(300, 'a') + "@b"}) {
    EXPECT_FALSE((*served_)->send_mail({recipient, "Subject: x\n\n"})) << recipient;
  }
  EXPECT_FALSE((*served_)->send_mail({"a@b.example", std::string(1U << 17U, 'x')}));
  EXPECT_FALSE((*served_)->send_mail({"a@b.example", std::string("a\0b", 3)}));
  EXPECT_EQ(out("argv"), "");
}

TEST_F(MailTest, AProgramThatFailsIsTold) {
  program_says("cat >&2; exit 75");
  Result<void> sent =
      (*served_)->send_mail({"web@acme.example", "Subject: x\n\nhttp://x/user/reset/1/2/secret/login\n"});
  ASSERT_FALSE(sent);
  EXPECT_THAT(describe(sent.error()), HasSubstr("exit status 75"));
  EXPECT_THAT(describe(sent.error()), Not(HasSubstr("secret")));
  EXPECT_THAT(live::slurp(directory_.path("log")), Not(HasSubstr("secret")));
  std::filesystem::remove(program());
  sent = (*served_)->send_mail({"web@acme.example", "Subject: x\n\n"});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::kNotFound);
  EXPECT_THAT(describe(sent.error()), HasSubstr("`sendmail` in aegir.conf"));
}

TEST_F(MailTest, AProgramThatHangsIsKilled) {
  const std::string pid_file = directory_.path("out/pid");
  program_says("echo $$ > " + pid_file + "; exec sleep 600");
  const pid_t child = ::fork();
  if (child == 0) {
    const Result<void> sent =
        monitor::send_mail(config_, resolve_accounts(config_).value(), {"web@acme.example", "Subject: x\n\n"},
                           std::chrono::milliseconds(700));
    ::_exit(!sent && sent.error().code == Code::kBusy ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const std::string text = live::slurp(pid_file);
  pid_t pid = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), pid);
  ASSERT_GT(pid, 0) << text;
  EXPECT_NE(::kill(pid, 0), 0) << "it is gone";
}

}  // namespace
}  // namespace aegir::host
