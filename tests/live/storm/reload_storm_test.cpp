// Graceful reloads and killed workers under load: nothing fails, the key file is read again, and a server that has
// been reloaded often holds no more mappings and descriptors than one that was reloaded once. 10 reloads of each
// server; 100 with AEGIR_FULL=1 (./check --full).
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/live/storm/fleet.hpp"

namespace aegir::live {
namespace {

unsigned reloads() { return std::getenv("AEGIR_FULL") != nullptr ? 100 : 10; }

std::size_t mappings(pid_t pid) {
  const std::string maps = slurp("/proc/" + std::to_string(pid) + "/maps");
  return static_cast<std::size_t>(std::ranges::count(maps, '\n'));
}

/// How many mappings AddressSanitizer's own allocator may have added, which keeps what was freed: far from one for each
/// of 100 reloads.
std::size_t mappings_of_asan() {
#ifdef __SANITIZE_ADDRESS__
  return 20;
#else
  return 0;
#endif
}

std::size_t descriptors(pid_t pid) {
  const std::filesystem::directory_iterator entries("/proc/" + std::to_string(pid) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::string password(const Endpoint& endpoint) {
  const Response answer = ask(endpoint, get("stable.test", "/password.php"));
  return answer.body.substr(0, answer.body.find(' '));
}

class ReloadStorm : public ::testing::Test {
 protected:
  void expect_clean(Load& load) {
    const Load::Result result = load.stop();
    EXPECT_GT(result.requests, 100U);
    EXPECT_EQ(result.wrong, 0U) << result.first_problem;
    EXPECT_EQ(result.failed, 0U) << result.first_problem;
    std::printf("[ FIGURE   ] %lu requests, %lu of them sent again after a closed connection: 0 failed, 0 wrong\n",
                static_cast<unsigned long>(result.requests), static_cast<unsigned long>(result.repeated));
  }

  void reload_often(Server& server, const Endpoint& endpoint) {
    server.reload();
    const std::size_t mappings_before = mappings(server.pid());
    const std::size_t descriptors_before = descriptors(server.pid());
    Load load(endpoint, 4, true);
    for (unsigned i = 0; i < reloads(); ++i) server.reload();
    expect_clean(load);
    // A master holds a channel to each old worker until that one has ended.
    EXPECT_TRUE(eventually([&] { return descriptors(server.pid()) <= descriptors_before; }));
    EXPECT_LE(mappings(server.pid()), mappings_before + mappings_of_asan());
  }

  void kill_each_worker(Server& server, const Endpoint& endpoint) {
    const std::vector<pid_t> before = server.workers();
    Load load(endpoint, 4, true);
    for (const pid_t worker : before) {
      load.go_on();  // a client that was cut off twice in a row would rightly give up
      ASSERT_EQ(::kill(worker, SIGKILL), 0);
      ASSERT_TRUE(eventually([&] {
        const std::vector<pid_t> now = server.workers();
        return now.size() == before.size() && std::ranges::find(now, worker) == now.end();
      }));
    }
    expect_clean(load);
  }

  Fleet fleet_{3};
};

TEST_F(ReloadStorm, NginxReloads) {
  reload_often(fleet_.nginx, fleet_.nginx_port.endpoint());
  fleet_.stop();
}

TEST_F(ReloadStorm, ApacheReloads) {
  reload_often(fleet_.apache, fleet_.apache_port.endpoint());
  fleet_.stop();
}

TEST_F(ReloadStorm, NginxWorkersAreKilled) {
  fleet_.nginx.expect_log("worker process [0-9]+ exited on signal 9");
  kill_each_worker(fleet_.nginx, fleet_.nginx_port.endpoint());
  fleet_.stop();
}

TEST_F(ReloadStorm, ApacheWorkersAreKilled) {
  kill_each_worker(fleet_.apache, fleet_.apache_port.endpoint());
  fleet_.stop();
}

TEST_F(ReloadStorm, AReloadReadsTheKeyAgain) {
  EXPECT_EQ(password(fleet_.nginx_port.endpoint()), "first");
  EXPECT_EQ(password(fleet_.apache_port.endpoint()), "first");
  fleet_.rotate_key(2);
  fleet_.nginx.reload();
  fleet_.apache.reload();
  fleet_.change_password("second");
  EXPECT_EQ(password(fleet_.nginx_port.endpoint()), "second");
  EXPECT_EQ(password(fleet_.apache_port.endpoint()), "second");
  fleet_.stop();
}

}  // namespace
}  // namespace aegir::live
