// What a run is, sees and leaves behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <unistd.h>

#include <filesystem>

#include "sidecar/monitor/processes.hpp"
#include "tests/root/monitor/monitor_fixture.hpp"

namespace aegir::monitor {
namespace {

namespace fs = std::filesystem;

class RunTest : public MonitorTest {
 protected:
  std::vector<Process> processes() { return processes_of(kFirst, kFirst + 99).value(); }
  void wait_for_processes(std::size_t count) {
    for (int n = 0; n < 2000 && processes().size() < count; ++n) ::usleep(5000);
    ASSERT_GE(processes().size(), count);
  }
};

TEST_F(RunTest, IsTheSlotsUidWithNothingElse) {
  const Result<RunEnd> end =
      run(first_, "id -u; id -G; grep NoNewPrivs /proc/self/status; grep CapBnd -c /proc/self/status; env | sort; pwd");
  ASSERT_TRUE(end) << describe(end.error());
  EXPECT_EQ(end->status, 0);
  const std::string home = slot_home(config_, "b1", 0) + "/home\n";
  EXPECT_EQ(output_, "611000\n611000\nNoNewPrivs:\t1\n1\nPATH=/usr/bin:/bin\nPWD=" + home + home);
}

TEST_F(RunTest, TellsHowItEnded) {
  EXPECT_EQ(run(first_, "exit 7")->status, 7);
  EXPECT_EQ(run(first_, "kill -9 $$")->status, 128 + SIGKILL);
  const Result<RunEnd> late = run(first_, "sleep 100", 200);
  ASSERT_TRUE(late) << describe(late.error());
  EXPECT_FALSE(late->in_time);
  EXPECT_FALSE(late->asked);
  EXPECT_TRUE(processes().empty());
}

TEST_F(RunTest, SaysWhenTheProgramIsNotThere) {
  RunOrder order = this->order(first_, "");
  order.argv = {"/usr/bin/no-such-program"};
  const Result<RunEnd> end = ask<RunEnd>(wire::Verb::kRun, order, {0, 1, 2});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::kNotFound);
  EXPECT_EQ(end.error().place.file, "/usr/bin/no-such-program");
}

TEST_F(RunTest, HasOnlyItsThreeDescriptors) {
  ASSERT_TRUE(run(first_, "ls /proc/self/fd | wc -l"));
  EXPECT_EQ(output_, "4\n");  // with that of the listing
}

TEST_F(RunTest, NoProcessOfItIsLeft) {
  const Result<RunEnd> end = run(first_, "setsid sleep 1000 & (setsid sleep 1000 &) ; sleep 0.1; exit 3");
  ASSERT_TRUE(end) << describe(end.error());
  EXPECT_EQ(end->status, 3);
  EXPECT_TRUE(processes().empty());
}

TEST_F(RunTest, EndsWhenItIsAskedTo) {
  const std::uint64_t request = send(wire::Verb::kRun, order(first_, "setsid sleep 1000 & sleep 1000"), {0, 1, 2});
  wait_for_processes(3);
  ASSERT_TRUE(ask<void>(wire::Verb::kEndRun, request));
  const Result<RunEnd> end = wire::decode_result<RunEnd>(answer_to(request));
  ASSERT_TRUE(end) << describe(end.error());
  EXPECT_TRUE(end->asked);
  EXPECT_TRUE(processes().empty());
}

TEST_F(RunTest, EndsWithAegird) {
  (void)send(wire::Verb::kRun, order(first_, "setsid sleep 1000 & sleep 1000"), {0, 1, 2});
  wait_for_processes(3);
  kill_monitor();
  start_monitor();
  // The first answer of the new one comes when nothing of the old one is left.
  EXPECT_EQ(ask<std::uint64_t>(wire::Verb::kCountSlot, first_).value(), 0U);
  EXPECT_TRUE(processes().empty());
}

TEST_F(RunTest, EndsWithTheWorker) {
  (void)send(wire::Verb::kRun, order(first_, "sleep 1000"), {0, 1, 2});
  wait_for_processes(2);
  TearDown();
  monitor_ = -1;
  EXPECT_TRUE(processes().empty());
}

TEST_F(RunTest, SeesNeitherAegirsStateNorOtherSlots) {
  live::put(config_.state_dir + "/secret", "x");
  fs::create_directories(config_.aegir_root + "/backups");
  live::put(config_.aegir_root + "/backups/b.tar.gz", "x");
  for (const std::string& hidden : {config_.state_dir, config_.aegir_root + "/backups", config_.run_dir}) {
    ::chmod(hidden.c_str(), 0777);
  }
  const std::string own = slot_home(config_, "b1", 0);
  const std::string other = slot_home(config_, "b1", 1);
  std::string command;
  for (const std::string& each : {config_.state_dir + "/secret", config_.aegir_root + "/backups/b.tar.gz",
                                  config_.run_dir + "/map", other, own + "/home"}) {
    command += "test -e " + each + " && echo " + each + "; ";
  }
  ASSERT_TRUE(run(first_, command));
  EXPECT_EQ(output_, own + "/home\n");
  EXPECT_TRUE(fs::exists(config_.state_dir + "/secret"));
}

TEST_F(RunTest, SeesOfAPlatformItsOwnSiteAlone) {
  const std::string sites = path("platforms/d10/sites");
  for (const char* folder : {"all", "default", "a.example", "b.example"}) fs::create_directories(sites + '/' + folder);
  live::put(sites + "/sites.php", "<?php\n");
  fs::create_symlink("b.example", sites + "/alias.example");
  RunOrder order = this->order(first_, "");
  order.argv = {"/bin/ls", "-A", sites};
  order.docroot = path("platforms/d10");
  order.shown = {"a.example"};
  // Names in sites/ are not a tenant's to list; ls is asked as root's uid would see it, so by name.
  order.argv = {"/bin/sh", "-c",
                "cd " + sites +
                    " && for f in all default a.example b.example alias.example sites.php; do "
                    "test -e $f && echo $f; done; touch here 2>&1 | grep -c Read-only"};
  const Fd file(::open(path("output").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const Result<RunEnd> end = ask<RunEnd>(wire::Verb::kRun, order, {0, file.get(), file.get()});
  ASSERT_TRUE(end) << describe(end.error());
  EXPECT_EQ(read_file(path("output")).value(), "all\ndefault\na.example\nsites.php\n1\n");
  EXPECT_FALSE(fs::exists(sites + "/here"));
}

TEST_F(RunTest, SeesNoOtherProcessAndNoFolderThatItsUidCantGoTo) {
  ASSERT_TRUE(run(first_, "ls /proc | grep -c '^[0-9]'"));
  EXPECT_LE(std::stoi(output_), 5) << output_;
  // What root shows a run, the run's uid could have gone to.
  fs::create_directories(path("closed/d10/sites/a.example"));
  ::chmod(path("closed").c_str(), 0700);
  RunOrder order = this->order(first_, "true");
  order.docroot = path("closed/d10");
  order.shown = {"a.example"};
  const Result<RunEnd> end = ask<RunEnd>(wire::Verb::kRun, order, {0, 1, 2});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::kPermission);
}

TEST_F(RunTest, HasOnlySoMuchMemoryAndSoManyProcesses) {
  const auto python = [](const std::string& source) { return "/usr/bin/python3 -c '" + source + "'"; };
  const Result<RunEnd> modest = run(first_, python("x = b\"x\" * (200 << 20)"));
  ASSERT_TRUE(modest);
  EXPECT_EQ(modest->status, 0) << output_;
  EXPECT_GT(modest->memory, 200U << 20U);
  EXPECT_LT(modest->memory, 300U << 20U);
  EXPECT_NE(run(first_, python("x = bytearray(" + std::to_string(wire::kMostMemory) + ")"))->status, 0);
  EXPECT_THAT(output_, testing::HasSubstr("MemoryError"));
  ASSERT_TRUE(run(first_, python("import os, time\nn = 0\n"
                                 "try:\n"
                                 "  while os.fork() > 0: n += 1\n"
                                 "  time.sleep(1000)\n"
                                 "except OSError as error: print(n)")));
  const int processes = std::stoi(output_);
  EXPECT_GT(processes, 100);
  EXPECT_LT(processes, static_cast<int>(wire::kMostProcesses));
}

TEST_F(RunTest, ManyAtOnce) {
  std::vector<std::uint64_t> requests;
  for (std::uint32_t n = 0; n < 20; ++n) {
    const Slot slot{"b1", n % 4, kFirst + n % 4};
    requests.push_back(send(wire::Verb::kRun, order(slot, "exit " + std::to_string(n)), {0, 1, 2}));
  }
  for (std::size_t n = 0; n < 20; ++n) {
    EXPECT_EQ(wire::decode_result<RunEnd>(answer_to(requests[n]))->status, static_cast<int>(n));
  }
}

TEST_F(RunTest, OneSlotHasOnlySoMany) {
  std::vector<std::uint64_t> requests;
  for (int n = 0; n < 9; ++n) requests.push_back(send(wire::Verb::kRun, order(first_, "sleep 0.3"), {0, 1, 2}));
  EXPECT_EQ(wire::decode_result<RunEnd>(answer_to(requests.back())).error().code, Code::kBusy);
  EXPECT_EQ(run(second_, "true")->status, 0);
  for (int n = 0; n < 8; ++n)
    EXPECT_TRUE(wire::decode_result<RunEnd>(answer_to(requests[static_cast<std::size_t>(n)])));
}

}  // namespace
}  // namespace aegir::monitor
