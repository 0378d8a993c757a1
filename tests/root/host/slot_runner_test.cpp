// Programs as a site, with what they say in memory: how much of it, how soon, and what a hostile one can do to that.
#include "sidecar/host/slot_runner.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/live/harness/process.hpp"
#include "tests/root/monitor/monitor_fixture.hpp"

namespace aegir::host {
namespace {

using process::Output;
using process::Program;

class SlotRunnerTest : public monitor::MonitorTest {
 protected:
  void SetUp() override {
    MonitorTest::SetUp();
    host_.emplace(std::move(channel_));
    runner_.emplace(*host_, first_, std::string(), std::vector<std::string>());
  }
  void TearDown() override {
    runner_.reset();
    host_.reset();
    MonitorTest::TearDown();
  }
  [[nodiscard]] Program program(const std::string& command) const {
    return {.argv = {"/bin/sh", "-c", command},
            .environment = {"PATH=/usr/bin:/bin"},
            .directory = slot_home(config_, "b1", 0) + "/home",
            .input = {},
            .patience = std::chrono::seconds(20)};
  }
  Output run(const Program& program) {
    Result<Output> output = runner_->run(program);
    EXPECT_TRUE(output) << (output ? "" : describe(output.error()));
    return output ? *std::move(output) : Output();
  }

  std::optional<Host> host_;
  std::optional<SlotRunner> runner_;
};

TEST_F(SlotRunnerTest, HasInputOutputErrorsAndTheUid) {
  Program cat = program("id -u; cat; echo to the log >&2; exit 3");
  cat.input = std::string(200'000, 'x') + '\n';
  const Output output = run(cat);
  EXPECT_EQ(output.out, std::to_string(kFirst) + '\n' + cat.input);
  EXPECT_EQ(output.err, "to the log\n");
  EXPECT_EQ(output.status, 3);
  EXPECT_TRUE(output.in_time);
  EXPECT_FALSE(output.cut);
  EXPECT_EQ(run(program("cat")).out, "") << "an empty input ends at once";
}

TEST_F(SlotRunnerTest, LinesOfErrorsAreHeardWhileItRuns) {
  std::vector<std::string> lines;
  const std::string go = slot_home(config_, "b1", 0) + "/home/go";
  Program talks = program("printf 'one\\ntw' >&2; while ! test -e go; do sleep 0.01; done; printf 'o\\n\\nend' >&2");
  talks.on_line = [&](std::string_view line) {
    if (lines.empty()) live::put(go, "");
    lines.emplace_back(line);
  };
  const Output output = run(talks);
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "", "end"}));
  EXPECT_EQ(output.err, "one\ntwo\n\nend");
}

TEST_F(SlotRunnerTest, AGigabyteStaysBounded) {
  Program shouts = program("head -c 1000000000 /dev/zero; head -c 1000000000 /dev/zero | tr '\\0' '\\n' >&2");
  shouts.longest = 100'000;
  shouts.patience = std::chrono::minutes(2);
  std::size_t lines = 0;
  shouts.on_line = [&](std::string_view) { ++lines; };
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  const Output output = run(shouts);
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_TRUE(output.cut);
  EXPECT_EQ(output.status, 0) << "it was read to its end, and not stopped";
  EXPECT_EQ(output.out.size(), shouts.longest);
  EXPECT_EQ(output.err.size(), shouts.longest);
  EXPECT_EQ(lines, shouts.longest);
#ifdef __SANITIZE_ADDRESS__
  constexpr long kLimit = 300L * 1024;  // it keeps 256 MiB of what was freed
#else
  constexpr long kLimit = 8L * 1024;
#endif
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, kLimit) << "KiB";
}

TEST_F(SlotRunnerTest, OutputThatIsHandedOnToAStrangerKeepsNobodyWaiting) {
  // A process of the tenant's that is not of the run gets the run's descriptors over a socket, and keeps them.
  const std::string home = slot_home(config_, "b1", 0) + "/home";
  const std::string id = std::to_string(kFirst);
  const live::Process keeper(
      {.argv = {"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--", "/usr/bin/python3", "-c",
                "import socket\n"
                "s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)\n"
                "s.bind('" +
                    home +
                    "/keeper')\n"
                    "s.listen(1)\n"
                    "c = s.accept()[0]\n"
                    "kept = socket.recv_fds(c, 1, 2)\n"
                    "c.sendall(b'x')\n"
                    "import time\n"
                    "time.sleep(1000)\n"},
       .environment = {},
       .output = path("keeper.log"),
       .directory = {}});
  for (int n = 0; n < 1000 && !std::filesystem::exists(home + "/keeper"); ++n) ::usleep(10'000);
  const auto begin = std::chrono::steady_clock::now();
  Program hands = program("");
  hands.argv = {"/usr/bin/python3", "-c",
                "import socket\n"
                "s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)\n"
                "s.connect('keeper')\n"
                "socket.send_fds(s, [b'x'], [1, 2])\n"
                "s.recv(1)\n"
                "print('handed', flush=True)\n"};
  const Output output = run(hands);
  EXPECT_EQ(output.out, "handed\n") << output.err << live::slurp(path("keeper.log"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
}

TEST_F(SlotRunnerTest, IsEnded) {
  std::thread other;
  Program sleeps = program("echo begun >&2; sleep 1000");
  sleeps.on_line = [&](std::string_view) { other = std::thread([&] { runner_->end(); }); };
  const Output output = run(sleeps);
  other.join();
  EXPECT_TRUE(output.asked);
  const Output late = run(program("touch late"));
  EXPECT_TRUE(late.asked);
  EXPECT_NE(late.status, 0);
  EXPECT_FALSE(std::filesystem::exists(slot_home(config_, "b1", 0) + "/home/late"));
}

TEST_F(SlotRunnerTest, IsNotWaitedForLongerThanItMayTake) {
  Program sleeps = program("sleep 1000");
  sleeps.patience = std::chrono::milliseconds(300);
  EXPECT_FALSE(run(sleeps).in_time);
}

TEST_F(SlotRunnerTest, SaysWhatCantBeRun) {
  Program nothing = program("");
  nothing.argv = {"/usr/bin/no-such-program"};
  EXPECT_EQ(runner_->run(nothing).error().code, Code::kNotFound);
  kill_monitor();
  EXPECT_EQ(runner_->run(program("true")).error().message, "aegird is gone");
}

}  // namespace
}  // namespace aegir::host
