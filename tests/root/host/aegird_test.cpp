// aegird as a program: whom it starts and as whom, and how both end.
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "sidecar/monitor/processes.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::monitor {
namespace {

namespace fs = std::filesystem;
using live::Process;

class AegirdTest : public machine::MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    live::put(path("aegir.conf"), "prefix = " + directory_.path() + "\nplatform_roots = " + directory_.path() +
                                      "\naegir_user = 610001\nweb_user = 610002\nuid_first = 611000\nuid_last = "
                                      "611099\n");
    // aegir executes the worker and reads its configuration.
    ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
    fs::copy_file(TEST_WORKER, path("worker"));
    for (const char* name : {"aegir.conf", "worker"}) ASSERT_EQ(::chmod(path(name).c_str(), 0755), 0);
  }
  [[nodiscard]] std::vector<std::string> command() const {
    return {AEGIRD, "--config", path("aegir.conf"), "--worker", path("worker")};
  }
  void mode(const std::string& mode) { live::put(path("mode"), mode); }
  std::unique_ptr<Process> start(const std::string& what, const std::string& word) {
    mode(what);
    auto aegird = std::make_unique<Process>(live::Command{
        .argv = command(), .environment = {"SECRET=canary"}, .output = path("aegird.out"), .directory = path("")});
    for (int n = 0; n < 3000 && aegird->running() && !says(word); ++n) ::usleep(10'000);
    EXPECT_TRUE(says(word)) << live::slurp(path("aegird.out"));
    return aegird;
  }
  [[nodiscard]] bool says(const std::string& word) const {
    return fs::exists(path("aegird.out")) && live::slurp(path("aegird.out")).contains(word);
  }
  /// The process of aegir's uid.
  static pid_t worker() {
    const Result<std::vector<monitor::Process>> found = processes_of(kAegir, kAegir);
    return found && found->size() == 1 ? found->front().pid : -1;
  }
};

TEST_F(AegirdTest, TheWorkerIsAegirWithNothingOfRoots) {
  const auto aegird = start("wait", "waiting");
  const pid_t pid = worker();
  ASSERT_GT(pid, 0);
  const std::string proc = "/proc/" + std::to_string(pid);
  const std::string status = live::slurp(proc + "/status");
  EXPECT_TRUE(status.contains("\nUid:\t610001\t610001\t610001\t610001\n")) << status;
  EXPECT_TRUE(status.contains("\nGid:\t610001\t610001\t610001\t610001\n")) << status;
  EXPECT_TRUE(status.contains("\nGroups:\t610001 \n")) << status;
  EXPECT_TRUE(status.contains("\nNoNewPrivs:\t1\n")) << status;
  EXPECT_TRUE(status.contains("\nCapEff:\t0000000000000000\n")) << status;
  EXPECT_TRUE(status.contains("\nSigBlk:\t0000000000000000\n")) << status;
  EXPECT_FALSE(live::slurp(proc + "/environ").contains("canary"));
  std::set<std::string> descriptors;
  for (const auto& entry : fs::directory_iterator(proc + "/fd")) descriptors.insert(entry.path().filename());
  EXPECT_EQ(descriptors, (std::set<std::string>{"0", "1", "2", "3"}));
  aegird->signal(SIGTERM);
  EXPECT_EQ(aegird->wait(), 0) << "the worker's own";
  EXPECT_TRUE(says("told"));
}

TEST_F(AegirdTest, EndsWithTheWorkerAndHasItsStatus) {
  mode("fail");
  EXPECT_EQ(live::run(command()).status, 9);
}

TEST_F(AegirdTest, AWorkerThatWasKilledIsFollowedByAnother) {
  const auto aegird = start("wait", "waiting");
  const pid_t first = worker();
  ::kill(first, SIGKILL);
  ASSERT_TRUE(live::eventually([&] { return worker() > 0 && worker() != first; })) << live::slurp(path("aegird.out"));
  EXPECT_TRUE(says("aegird-worker was ended by signal 9; another one is started in 0 s"));
  // The next one would have to wait, and aegird does not when it is to end.
  ::kill(worker(), SIGKILL);
  ASSERT_TRUE(live::eventually([&] { return says("another one is started in 1 s"); }));
  aegird->signal(SIGTERM);
  EXPECT_EQ(aegird->wait(), 128 + SIGKILL);
}

TEST_F(AegirdTest, KilledItLeavesNothingBehind) {
  const auto aegird = start("run", "running");
  ASSERT_FALSE(processes_of(kFirst, kFirst)->empty());
  aegird->signal(SIGKILL);
  (void)aegird->wait();
  // The kernel takes a moment to kill them all.
  for (int n = 0; n < 1000 && !(processes_of(kFirst, kFirst)->empty() && processes_of(kAegir, kAegir)->empty()); ++n) {
    ::usleep(10'000);
  }
  EXPECT_TRUE(processes_of(kFirst, kFirst)->empty());
  EXPECT_TRUE(processes_of(kAegir, kAegir)->empty()) << "the worker";
}

TEST_F(AegirdTest, ARunIsGoneWhenItHasEnded) {
  const auto aegird = start("run", "running");
  // The worker of this test hears no SIGTERM until it is killed for it: it is deaf while it runs something.
  mode("fail");
  ::kill(worker(), SIGKILL);
  EXPECT_EQ(aegird->wait(), 9) << "the next one's";
  EXPECT_TRUE(processes_of(kFirst, kFirst)->empty());
}

TEST_F(AegirdTest, IsTheOnlyOneOfItsConfiguration) {
  const auto aegird = start("wait", "waiting");
  const live::Finished second = live::run(command());
  EXPECT_EQ(second.status, 75) << second.output;
  EXPECT_TRUE(second.output.contains("an aegird of this configuration is running already: process " +
                                     std::to_string(aegird->pid())))
      << second.output;
  aegird->signal(SIGKILL);
  (void)aegird->wait();
  mode("fail");
  EXPECT_EQ(live::run(command()).status, 9) << "its lock is gone with it";
}

TEST_F(AegirdTest, RefusesWhatItCantServe) {
  const live::Finished nobody = live::run({"setpriv", "--reuid", "610003", "--regid", "610003", "--clear-groups", "--",
                                           AEGIRD, "--config", path("aegir.conf")});
  EXPECT_EQ(nobody.status, 77) << nobody.output;
  EXPECT_TRUE(nobody.output.contains("start it as root")) << nobody.output;
  EXPECT_EQ(live::run({AEGIRD, "--config", path("none.conf")}).status, 66);
  EXPECT_EQ(live::run({AEGIRD, "--no-such-option"}).status, 64);
  EXPECT_EQ(live::run({AEGIRD, "--config", path("aegir.conf"), "--worker", path("none")}).status, 66);
  live::put(path("aegir.conf"), "uid_first = x\n");
  const live::Finished wrong = live::run(command());
  EXPECT_EQ(wrong.status, 65);
  EXPECT_TRUE(wrong.output.contains("aegir.conf:1:")) << wrong.output;
}

/// Each of these works as root on what the worker sends; so there are no others. No registry, no SQL, no IDNA.
TEST_F(AegirdTest, LinksLittle) {
  const live::Finished libraries = live::run({"ldd", AEGIRD});
  ASSERT_EQ(libraries.status, 0) << libraries.output;
  std::set<std::string> names;
  std::istringstream lines(libraries.output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream(line) >> line;
    names.insert(line.substr(line.rfind('/') + 1));
  }
  std::set<std::string> expected = {"linux-vdso.so.1", "ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libacl.so.1",
                                    "libsodium.so.23",                     // names of contents, the map's key
                                    "libssl.so.3",     "libcrypto.so.3"};  // whether a certificate can be served
#ifdef __SANITIZE_ADDRESS__
  expected.insert({"libasan.so.8", "libubsan.so.1", "libstdc++.so.6", "libgcc_s.so.1"});
#endif
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace aegir::monitor
