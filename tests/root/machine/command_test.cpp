// Programs run by us, and real servers told to read their configuration again.
#include "compiler/machine/command.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX

#include <sstream>

#include "tests/live/harness/servers.hpp"
#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::machine {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{20000};

class CommandTest : public MachineTest {};

TEST_F(CommandTest, StatusAndOutput) {
  const Result<Outcome> outcome = run_command({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, kLong);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->status, 3);
  EXPECT_EQ(outcome->output, "out\nerr\n");
  EXPECT_EQ(run_command({"/bin/sh", "-c", "kill -9 $$"}, kLong)->status, 128 + SIGKILL);
  const Result<Outcome> missing = run_command({"/nonexistent/program", "x"}, kLong);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_EQ(missing.error().place.file, "/nonexistent/program");
}

TEST_F(CommandTest, ArgumentsPassNoShellAndNothingOfOursGoesAlong) {
  EXPECT_EQ(run_command({"/bin/echo", "$HOME `id` ; x", "a b"}, kLong)->output, "$HOME `id` ; x a b\n");
  ASSERT_EQ(::setenv("AEGIR_CANARY", "secret", 1), 0);
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library might
  ASSERT_GE(leaked, 0);
  const Result<Outcome> outcome =
      run_command({"/bin/sh", "-c", "env; ls /proc/self/fd; readlink /proc/self/fd/0"}, kLong);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->output.contains("secret"));
  EXPECT_TRUE(outcome->output.contains("\n0\n1\n2\n3\n/dev/null\n")) << outcome->output;  // 3: ls's own
  ::close(leaked);
}

TEST_F(CommandTest, OutputIsCutAndTimeIsLimited) {
  const Result<Outcome> much = run_command({"/bin/sh", "-c", "head -c 1000000 /dev/zero"}, kLong);
  ASSERT_TRUE(much);
  EXPECT_EQ(much->output.size(), 65536U);
  const Result<Outcome> late =
      run_command({"/bin/sh", "-c", "sleep 600 & echo $! > " + path("pid") + "; wait"}, milliseconds(1000));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kBusy);
  const pid_t grandchild = std::stoi(read_file(path("pid")).value());
  EXPECT_TRUE(live::eventually([&] { return live::command_line(grandchild).empty(); })) << "killed with its group";
}

TEST_F(CommandTest, AServersComplaintIsTheError) {
  const live::NginxServer nginx;
  live::put(nginx.path("bad.conf"), "events {}\nhttp { servr {} }\n");
  const Result<void> tested = test_server({"/usr/sbin/nginx", "-t", "-q", "-c", nginx.path("bad.conf")});
  ASSERT_FALSE(tested);
  EXPECT_EQ(tested.error().code, Code::kInvalid);
  EXPECT_TRUE(tested.error().message.contains("unknown directive \"servr\"")) << tested.error().message;
  EXPECT_TRUE(test_server({"/bin/true"}));
}

TEST_F(CommandTest, ReloadsByPidFile) {
  live::NginxServer nginx;
  const live::Port port;
  nginx.start(nginx.frame({.http = "server { listen 127.0.0.1:" + port.text() + "; }", .module = false}),
              {port.endpoint()});
  const std::vector<pid_t> before = nginx.workers();
  const Reload reload{{}, nginx.path("nginx.pid")};
  EXPECT_EQ(reload_server(reload, "apache2", SIGHUP).error().code, Code::kNotFound) << "that process is no Apache";
  ASSERT_TRUE(reload_server(reload, "nginx", SIGHUP));
  EXPECT_TRUE(live::eventually([&] {
    const std::vector<pid_t> now = nginx.workers();
    return now.size() == before.size() && now != before;
  }));
}

TEST_F(CommandTest, APidFileThatLiesIsRefused) {
  for (const char* content : {"", "x", "0", "-1", "1", "12 34"}) {
    live::put(path("pid"), content);
    EXPECT_EQ(reload_server({{}, path("pid")}, "nginx", SIGHUP).error().code, Code::kInvalid) << content;
  }
  live::put(path("pid"), "999999999\n");
  EXPECT_EQ(reload_server({{}, path("pid")}, "nginx", SIGHUP).error().code, Code::kNotFound);
  EXPECT_EQ(reload_server({{}, path("none")}, "nginx", SIGHUP).error().code, Code::kNotFound);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_F(CommandTest, TheLibraryNeedsLibcAndLibaclAlone) {
  const live::Finished finished = live::run({"readelf", "-d", AEGIR_MACHINE_ALONE});
  ASSERT_EQ(finished.status, 0) << finished.output;
  std::vector<std::string> needed;
  std::istringstream lines(finished.output);
  for (std::string line; std::getline(lines, line);) {
    if (!line.contains("(NEEDED)")) continue;
    const std::size_t begin = line.find('[') + 1;
    needed.push_back(line.substr(begin, line.find(']') - begin));
  }
  // The loader is libc's own.
  EXPECT_THAT(needed, testing::Each(testing::AnyOf("libacl.so.1", "libc.so.6", testing::StartsWith("ld-linux"))));
  EXPECT_THAT(needed, testing::Contains("libacl.so.1"));
}
#endif

TEST_F(CommandTest, WorkAsASiteHandsItsErrorOn) {
  const Result<void> failed = run_as({kFirst, kFirst}, [&]() -> Result<void> {
    if (::geteuid() != kFirst || ::getuid() != kFirst || ::getgid() != kFirst || ::getgroups(0, nullptr) != 0) {
      return fail(Code::kInternal, "not the site");
    }
    if (::seteuid(0) == 0) return fail(Code::kInternal, "root again");
    return std::unexpected(Error{Code::kBusy, "the message", {"/the/path", 0, 0}, "the hint"});
  });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kBusy);
  EXPECT_EQ(describe(failed.error()), "/the/path: the message\n  next: the hint");
  EXPECT_TRUE(run_as({kFirst, kFirst}, []() -> Result<void> { return {}; }));
  EXPECT_EQ(run_as({kFirst, kFirst}, []() -> Result<void> { ::_exit(7); }).error().code, Code::kInternal);
}

TEST_F(CommandTest, WorkAsASiteThatIsStoppedHoldsNobodyUp) {
  const auto stop = []() -> Result<void> {
    (void)::raise(SIGSTOP);
    return {};
  };
  constexpr uid_t kHeldUp = kFirst + 50;
  const Result<void> stopped = run_as({kHeldUp, kHeldUp}, stop, std::chrono::milliseconds(200));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::kBusy);
  EXPECT_NE(stopped.error().message.find(std::to_string(kHeldUp)), std::string::npos);
  // The steps that follow in this run don't wait again; those of others are not touched by it.
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    const Result<void> again = run_as({kHeldUp, kHeldUp}, stop, std::chrono::seconds(10));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::kBusy);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(run_as({kFirst, kFirst}, []() -> Result<void> { return {}; }));
}

}  // namespace
}  // namespace aegir::machine
