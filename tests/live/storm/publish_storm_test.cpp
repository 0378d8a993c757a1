// Publishes while requests run: every request that begins after publish() has returned sees the new state, on every
// worker of both servers, and nothing is reloaded. 10,000 publishes.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/live/storm/fleet.hpp"

namespace aegir::live {
namespace {

/// So many that the delta grows past the size at which it is merged into a new base.
constexpr unsigned kSites = 2500;

constexpr unsigned kPublishes = 10'000;

/// Asks the worker behind `pin` where the alias leads; the target when it is a redirect.
std::string target_of(Pinned& pin, unsigned site) {
  const Response answer =
      pin.connection.request("GET /x HTTP/1.1\r\nHost: go-" + std::to_string(site) + ".test\r\n\r\n");
  if (answer.status != 301) return "status " + std::to_string(answer.status);
  return std::string(answer.value("Location"));
}

std::vector<pid_t> pids(const std::vector<Pinned>& pinned) {
  std::vector<pid_t> list;
  for (const Pinned& pin : pinned) list.push_back(pin.worker);
  std::ranges::sort(list);
  return list;
}

TEST(PublishStorm, EveryWorkerSeesEveryPublishAndNothingIsReloaded) {
  Fleet fleet(kSites);
  std::vector<Pinned> of_nginx = pin_all(fleet.nginx_port.endpoint(), kWorkers);
  std::vector<Pinned> of_apache = pin_all(fleet.apache_port.endpoint(), kWorkers);
  const std::vector<pid_t> nginx_workers = fleet.nginx.workers();
  const std::vector<pid_t> apache_workers = fleet.apache.workers();
  ASSERT_EQ(pids(of_nginx), nginx_workers);

  Load nginx_load(fleet.nginx_port.endpoint(), 1, false);
  Load apache_load(fleet.apache_port.endpoint(), 1, false);
  unsigned stale = 0;
  unsigned merges = 0;
  std::string first;
  for (unsigned i = 1; i <= kPublishes; ++i) {
    const unsigned site = i % kSites;
    const std::string target = "v" + std::to_string(i) + ".example";
    merges += fleet.move(site, target).merged > 0 ? 1 : 0;
    for (std::vector<Pinned>* pinned : {&of_nginx, &of_apache}) {
      for (Pinned& pin : *pinned) {
        const std::string found = target_of(pin, site);
        if (!found.starts_with("http://" + target)) {
          ++stale;
          if (first.empty()) first = found + " instead of " + target + " from " + std::to_string(pin.worker);
        }
      }
    }
  }
  EXPECT_EQ(stale, 0U) << first;
  EXPECT_GT(merges, 0U) << "no merge happened beside the publishes";
  // Each answer above came over a connection to one worker; those workers are still the same ones.
  for (std::vector<Pinned>* pinned : {&of_nginx, &of_apache}) {
    for (Pinned& pin : *pinned) EXPECT_EQ(worker_of(pin.connection), pin.worker);
  }
  EXPECT_EQ(fleet.nginx.workers(), nginx_workers);
  EXPECT_EQ(fleet.apache.workers(), apache_workers);
  for (Load* load : {&nginx_load, &apache_load}) {
    const Load::Result result = load->stop();
    EXPECT_GT(result.requests, kPublishes / 10);
    EXPECT_EQ(result.wrong, 0U) << result.first_problem;
    EXPECT_EQ(result.failed, 0U) << result.first_problem;
    EXPECT_EQ(result.repeated, 0U);
    std::printf("[ FIGURE   ] %lu requests beside %u publishes with %u merges: 0 failed, 0 wrong, 0 stale\n",
                static_cast<unsigned long>(result.requests), kPublishes, merges);
  }
  of_nginx.clear();
  of_apache.clear();
  fleet.stop();
}

}  // namespace
}  // namespace aegir::live
