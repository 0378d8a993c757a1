#include "tests/root/monitor/monitor_fixture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sidecar/monitor/monitor.hpp"

namespace aegir::monitor {

void MonitorTest::SetUp() {
  MachineTest::SetUp();
  if (HasFatalFailure()) return;
  machine::Done done;
  const Result<void> prepared = machine::prepare_directories(config_, accounts_, done);
  ASSERT_TRUE(prepared) << describe(prepared.error());
  start_monitor();
  const Result<machine::Done> made =
      ask<machine::Done>(wire::Verb::kMakeSlots, std::pair{std::string("b1"), std::pair{kFirst, 4U}});
  ASSERT_TRUE(made) << describe(made.error());
}

void MonitorTest::start_monitor() {
  Result<std::pair<Fd, Fd>> ends = wire::make_channel();
  ASSERT_TRUE(ends) << describe(ends.error());
  channel_ = std::move(ends->first);
  const Fd log(::open(path("aegird.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  monitor_ = ::fork();
  if (monitor_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    channel_ = Fd();
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
    const Result<void> served = Monitor(config_, accounts_, std::move(ends->second), log.get()).serve();
    ::_exit(served ? 0 : 1);
  }
}

void MonitorTest::kill_monitor() {
  ::kill(monitor_, SIGKILL);
  ::waitpid(monitor_, nullptr, 0);
  monitor_ = -1;
}

void MonitorTest::TearDown() {
  channel_ = Fd();
  if (monitor_ < 0) return;
  int status = 0;
  ::waitpid(monitor_, &status, 0);
  EXPECT_EQ(status, 0) << log();
}

std::string MonitorTest::answer_to(std::uint64_t request) {
  for (;;) {
    if (const auto found = answers_.find(request); found != answers_.end()) {
      std::string bytes = std::move(found->second);
      answers_.erase(found);
      return bytes;
    }
    pollfd ready{.fd = channel_.get(), .events = POLLIN, .revents = 0};
    constexpr int kPatience = 30'000;
    if (::poll(&ready, 1, kPatience) <= 0) {
      ADD_FAILURE() << "aegird does not answer";
      return {};
    }
    Result<std::optional<wire::Packet>> packet = wire::receive(channel_.get());
    if (!packet || !*packet) {
      ADD_FAILURE() << "aegird has closed its end; " << log();
      return {};
    }
    std::uint64_t number = 0;
    wire::Decoder decoder((*packet)->bytes);
    EXPECT_TRUE(decoder.get(number));
    answers_[number] = (*packet)->bytes.substr(8);
  }
}

RunOrder MonitorTest::order(const Slot& slot, const std::string& command, std::uint64_t patience) const {
  return {.slot = slot,
          .argv = {"/bin/sh", "-c", command},
          .environment = {"PATH=/usr/bin:/bin"},
          .directory = slot_home(config_, slot.block, slot.number) + "/home",
          .docroot = {},
          .shown = {},
          .patience = patience};
}

Result<RunEnd> MonitorTest::run(const Slot& slot, const std::string& command, std::uint64_t patience) {
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd file(::open(path("output").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  Result<RunEnd> end =
      ask<RunEnd>(wire::Verb::kRun, order(slot, command, patience), {nothing.get(), file.get(), file.get()});
  output_ = read_file(path("output")).value_or("");
  return end;
}

std::string MonitorTest::log() const { return read_file(path("aegird.log")).value_or(""); }

}  // namespace aegir::monitor
