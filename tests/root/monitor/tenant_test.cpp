// What a tenant's own processes, outside of any run, can do to runs and slots of his uid, and uid aegir to the folders
// that a run is shown, while aegird works.
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "sidecar/monitor/processes.hpp"
#include "tests/root/monitor/monitor_fixture.hpp"

namespace aegir::monitor {
namespace {

namespace fs = std::filesystem;

class TenantTest : public MonitorTest {
 protected:
  void TearDown() override {
    for (const pid_t process : processes_) {
      ::kill(process, SIGKILL);
      ::waitpid(process, nullptr, 0);
    }
    MonitorTest::TearDown();
  }

  /// Does `work` as that uid until the test ends.
  void start_as(uid_t uid, const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      channel_ = Fd();
      if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 || ::setresuid(uid, uid, uid) != 0 ||
          ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        ::_exit(1);
      }
      work();
      ::_exit(0);
    }
    processes_.push_back(child);
  }

  /// Waits until there is a process of the uid.
  static void wait_for(uid_t uid) {
    for (int n = 0; n < 2000 && processes_of(uid, uid).value().empty(); ++n) ::usleep(5000);
  }

  std::vector<pid_t> processes_;
};

/// Traces the first process that it may and that is no relative of its own, and keeps it for ever.
[[noreturn]] void trace_anything() {
  for (;;) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos || name == std::to_string(::getpid())) continue;
      if (::ptrace(PTRACE_SEIZE, std::stoi(name), nullptr, nullptr) != 0) continue;
      for (;;) ::pause();
    }
  }
}

TEST_F(TenantTest, ARunThatIsTracedEndsWhenItsTimeIsOver) {
  start_as(kFirst, trace_anything);
  const Result<RunEnd> end = run(first_, "sleep 1000", 1000);
  ASSERT_TRUE(end) << describe(end.error());
  EXPECT_FALSE(end->in_time);
  EXPECT_TRUE(processes_of(kFirst, kFirst).value().empty());
}

TEST_F(TenantTest, ProcessesThatCantBeHuntedDownKeepAegirdFromNobodyElse) {
  kill_monitor();
  for (int n = 0; n < 20; ++n) {
    start_as(kFirst, [] {
      for (;;) {
        const pid_t child = ::fork();
        if (child == 0) {
          ::prctl(PR_SET_PDEATHSIG, SIGKILL);
          if (::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) ::_exit(1);
          const pid_t inner = ::fork();
          if (inner == 0) ::_exit(0);
          ::waitpid(inner, nullptr, 0);
          ::_exit(0);
        }
        ::waitpid(child, nullptr, 0);
      }
    });
  }
  wait_for(kFirst);
  start_monitor();
  EXPECT_EQ(run(second_, "true")->status, 0);
}

TEST_F(TenantTest, AFolderThatIsExchangedMeanwhileGetsNothingOfRoots) {
  fs::create_directories(path("platforms/d/sites"));
  fs::create_directories(path("victim"));
  live::put(path("platforms/d/sites/planted"), "x");
  for (const char* name : {"platforms", "platforms/d", "platforms/d/sites", "platforms/d/sites/planted"}) {
    ASSERT_EQ(::chown(path(name).c_str(), kAegir, kAegir), 0);
  }
  ASSERT_EQ(::chmod(path("victim").c_str(), 0700), 0);
  fs::create_directory_symlink(path("victim"), path("platforms/d/link"));
  const std::string sites = path("platforms/d/sites");
  const std::string link = path("platforms/d/link");
  start_as(kAegir, [&] {
    for (;;) (void)::syscall(SYS_renameat2, AT_FDCWD, sites.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
  });
  RunOrder order = this->order(first_, "true");
  order.docroot = path("platforms/d");
  int ran = 0;
  for (int n = 0; n < 200; ++n) ran += ask<RunEnd>(wire::Verb::kRun, order, {0, 1, 2}) ? 1 : 0;
  EXPECT_GT(ran, 0) << "the link was never away, so nothing was tried";
  EXPECT_LT(ran, 200) << "the link was never there, so nothing was tried";
  EXPECT_TRUE(fs::is_empty(path("victim")));
}

TEST_F(TenantTest, AProcessWhoseFirstThreadHasEndedIsCounted) {
  start_as(kFirst, [] {
    std::thread([] {
      for (;;) ::pause();
    }).detach();
    ::syscall(SYS_exit, 0);
  });
  wait_for(kFirst);
  for (int n = 0; n < 100; ++n) {
    ASSERT_EQ(ask<std::uint64_t>(wire::Verb::kCountSlot, first_).value(), 1U);
    ::usleep(1000);
  }
  EXPECT_TRUE(ask<void>(wire::Verb::kEndSlot, first_));
  EXPECT_TRUE(processes_of(kFirst, kFirst).value().empty());
}

TEST_F(TenantTest, ARunThatBeginsWhileItsSlotIsRetiredIsEndedToo) {
  const std::string sites = path("platforms/d/sites");
  fs::create_directories(sites);
  RunOrder order = this->order(first_, "sleep 1000");
  order.docroot = path("platforms/d");
  for (int n = 0; n < 300; ++n) {
    order.shown.push_back(std::to_string(n));
    fs::create_directory(sites + '/' + order.shown.back());
  }
  for (std::uint32_t n = 0; n < 4; ++n) {
    order.slot = Slot{"b1", n, kFirst + n};
    order.directory = slot_home(config_, "b1", n) + "/home";
    const std::uint64_t running = send(wire::Verb::kRun, order, {0, 1, 2});
    ::usleep(n * 4000);
    ASSERT_TRUE(ask<machine::Done>(wire::Verb::kRetireSlot, order.slot));
    (void)answer_to(running);
    EXPECT_TRUE(processes_of(order.slot.uid, order.slot.uid).value().empty());
  }
}

TEST_F(TenantTest, RunsShareNoKeys) {
  // 250 is keyctl(): join a session keyring, as a service manager gives one to aegird.
  kill_monitor();
  ASSERT_GE(::syscall(SYS_keyctl, 1, nullptr), 0);
  start_monitor();
  const std::string php = "/usr/bin/php -d ffi.enable=true -r '$c = FFI::cdef(\"long syscall(long n, ...);\"); ";
  ASSERT_TRUE(run(first_, php + "echo $c->syscall(248, \"user\", \"leak\", \"secret\", 6, -3) > 0 ? 1 : 0;'"));
  ASSERT_EQ(output_, "1");
  ASSERT_TRUE(run(second_, php + "echo $c->syscall(250, 10, -3, \"user\", \"leak\", 0) > 0 ? 1 : 0;'"));
  EXPECT_EQ(output_, "0");
}

}  // namespace
}  // namespace aegir::monitor
