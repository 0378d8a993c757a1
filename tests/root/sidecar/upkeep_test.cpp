// What the worker looks after by itself: the durable map, old log lines, and PHP that has ended.
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "compiler/emit/emit.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/registry/store.hpp"
#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {
namespace {

class UpkeepTest : public testing::Test {
 protected:
  /// The registry while no worker has it.
  std::unique_ptr<registry::Store> registry() const {
    const KeyRing key = KeyRing::read(lab_->config().registry_key).value();
    return registry::Store::open(lab_->config().registry, registry::Store::Mode::kWrite, key).value();
  }
  std::unique_ptr<Lab> lab_ = Lab::on_fixture();
};

TEST_F(UpkeepTest, TheDurableMapFollowsAndOldLinesGo) {
  const Config& config = lab_->config();
  const auto generation = [](const std::string& directory) -> std::uint64_t {
    const Result<map::Current> current = map::read_current(directory);
    return current ? current->generation : 0;
  };
  const std::uint64_t visible = generation(config.map_dir);
  ASSERT_GT(visible, 0);
  EXPECT_TRUE(live::eventually([&] { return generation(config.map_durable) == visible; }));
  lab_->stop_aegird();
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  constexpr std::int64_t kDay = 24 * 3600 * 1000;
  std::vector<registry::LogLine> lines;
  for (const std::int64_t days : {91, 89}) {
    for (int n = 0; n < 2500; ++n) lines.push_back({0, now - days * kDay, registry::LogLevel::kInfo, "", "old"});
  }
  {
    // They stand in the order of time.
    const auto store = registry();
    (void)store->tasks().forget_log(INT64_MAX, 100000);
    ASSERT_TRUE(store->tasks().add_log(1, lines));
  }
  lab_->start_aegird();
  const auto left = [&] {
    const KeyRing key = KeyRing::read(config.registry_key).value();
    const auto store = registry::Store::open(config.registry, registry::Store::Mode::kRead, key).value();
    return store->tasks().log(1, 0, 10000).value().size();
  };
  EXPECT_TRUE(live::eventually([&] { return left() == 2500; })) << left();
}

TEST_F(UpkeepTest, PhpThatHasEndedIsStartedAgain) {
  lab_->stop_aegird();
  const registry::Block block = registry()->blocks().value().front();
  const std::string pid_file = emit::fpm_block_pid(lab_->config(), block);
  const auto answers = [socket = live::Endpoint::unix_socket(slot_socket(lab_->config(), block.name, 0))] {
    return static_cast<bool>(live::connect_to(socket));
  };
  const auto end_php = [&] {
    // It listens before it writes its number.
    if (!live::eventually([&] { return !live::slurp(pid_file).empty(); })) {
      return false;
    }
    const pid_t master = std::stoi(live::slurp(pid_file));
    return ::kill(master, SIGTERM) == 0 && live::eventually([&] { return !std::filesystem::exists(pid_file); });
  };
  ASSERT_TRUE(end_php());
  EXPECT_TRUE(live::eventually([&] { return !answers(); }));  // its number goes before its sockets do
  lab_->start_aegird();
  EXPECT_TRUE(live::eventually(answers)) << lab_->log();
  ASSERT_TRUE(end_php());
  lab_->must_aegir({"server", "verify", "main"});
  EXPECT_TRUE(answers());
  lab_->must_aegir({"site", "install", "shop.example", "--platform", "p1"});
  ASSERT_TRUE(end_php());
  lab_->must_aegir({"site", "verify", "shop.example"});
  EXPECT_EQ(lab_->visit(Lab::Server::kNginx, "shop.example").status, 200);
  EXPECT_TRUE(end_php()) << "nobody else ends what aegird has started";
}

TEST_F(UpkeepTest, TheWorkerWaitsForTheRegistryAndKeepsItFromOthers) {
  lab_->stop_aegird();
  auto held = registry();
  std::thread releases([&] {
    (void)live::eventually([&] { return lab_->log().contains("waits for process " + std::to_string(::getpid())); });
    held.reset();
  });
  lab_->start_aegird();
  releases.join();
  EXPECT_THAT(lab_->log(), testing::HasSubstr("which writes the registry"));
  const KeyRing key = KeyRing::read(lab_->config().registry_key).value();
  const auto begin = std::chrono::steady_clock::now();
  const auto second =
      registry::Store::open(lab_->config().registry, registry::Store::Mode::kWrite, key, {std::chrono::minutes(1), {}});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
  EXPECT_THAT(describe(second.error()), testing::HasSubstr("ask aegird for it"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30)) << "it waits for who won't end";
}

}  // namespace
}  // namespace aegir::sidecar
