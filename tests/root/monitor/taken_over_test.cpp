// A taken-over aegird-worker, row by row: what it asks for, that it is refused, that aegird's log tells of it, at most
// once a second and with a number. Nothing of it runs as root, and nothing that root's programs read has changed.
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "sidecar/wire/server_order.hpp"
#include "sidecar/wire/site_order.hpp"
#include "tests/live/harness/net.hpp"
#include "tests/live/harness/temp_dir.hpp"
#include "tests/root/monitor/monitor_fixture.hpp"

namespace aegir::monitor {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class TakenOverWorker : public MonitorTest {
 protected:
  void SetUp() override {
    MonitorTest::SetUp();
    for (const char* folder : {"platforms", "platforms/p1", "platforms/p1/sites"}) {
      fs::create_directories(path(folder));
      ASSERT_EQ(::chown(path(folder).c_str(), kAegir, kAegir), 0);
    }
    model_.servers.push_back({"local", "localhost", {{registry::kApache, 8081, 8443}}, {}});
    registry::Platform platform;
    platform.id = 1;
    platform.name = "p1";
    platform.server = "local";
    platform.docroot = path("platforms/p1");
    platform.services = registry::kApache;
    model_.platforms.push_back(platform);
  }

  /// What the row asks for, and what the log says of it.
  void row(const char* what, const std::function<Result<void>()>& asks, const std::string& told) {
    SCOPED_TRACE(what);
    const std::size_t before = log().size();
    const Result<void> answer = asks();
    ASSERT_FALSE(answer) << "it was done";
    const bool logged = live::eventually([&] { return log().find(told, before) != std::string::npos; });
    EXPECT_TRUE(logged) << told << "\n" << log().substr(before);
    std::printf("%-32s refused: %s\n", what, answer.error().message.substr(0, 100).c_str());
  }
  /// A program that would show that it ran.
  Result<void> runs(const Slot& slot) {
    RunOrder wish = order(slot, "");
    wish.argv = {"/usr/bin/touch", path("ran")};
    const Result<RunEnd> end = ask<RunEnd>(wire::Verb::kRun, wish, {0, 1, 2});
    return end ? Result<void>() : std::unexpected(end.error());
  }
  Result<void> prepares(const wire::SiteOrder& site) {
    const Result<machine::Done> done = ask<machine::Done>(wire::Verb::kPrepareSite, site);
    return done ? Result<void>() : std::unexpected(done.error());
  }
  Result<void> configures(const std::function<void(emit::Model&)>& change) {
    wire::ServersOrder wish{model_, {}};
    change(wish.model);
    const Result<wire::Verified> verified = ask<wire::Verified>(wire::Verb::kVerifyServers, wish);
    return verified ? Result<void>() : std::unexpected(verified.error());
  }
  /// Everything that root's programs read.
  [[nodiscard]] std::map<std::string, std::string> configuration() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(config_.config_dir)) {
      found[entry.path()] = entry.is_regular_file() ? live::slurp(entry.path()) : "";
    }
    return found;
  }

  emit::Model model_;
};

TEST_F(TakenOverWorker, IsRefusedAndToldOfWhateverItAsks) {
  ASSERT_EQ(::chmod(path("").c_str(), 01777), 0);
  const Slot third{"b1", 2, kFirst + 2};
  ASSERT_TRUE(ask<machine::Done>(wire::Verb::kRetireSlot, third));
  const live::TempDir outside;
  fs::create_directory_symlink(outside.path(), path("platforms/swapped"));
  ASSERT_EQ(::lchown(path("platforms/swapped").c_str(), kAegir, kAegir), 0);
  const std::map<std::string, std::string> before = configuration();

  row("root's uid", [&] { return runs({"b1", 0, 0}); }, "aegird: refused: uid 0");
  row(
      "root's uid, of root's folder", [&] { return runs({"../../..", 0, 0}); },
      "/../../../0/home' is no absolute path");
  row("a uid outside of the range", [&] { return runs({"b1", 0, 33}); }, "aegird: refused: uid 33");
  row("a uid without a slot", [&] { return runs({"b1", 50, kFirst + 50}); }, "aegird: refused: slot b1/50");
  row("another slot's uid", [&] { return runs({"b1", 0, kFirst + 1}); }, "aegird: refused: slot b1/0 has uid");
  row("a retired slot", [&] { return runs(third); }, "aegird: refused: slot b1/2 is retired");
  row(
      "a retired slot's site", [&] { return prepares({third, path("platforms/p1"), "a.example"}); },
      "aegird: refused: slot b1/2 is retired");
  row(
      "a path with ..", [&] { return prepares({first_, path("platforms/p1/../../etc"), "a.example"}); },
      "aegird: refused: '" + path("platforms/p1/../../etc"));
  row("a site that is ..", [&] { return prepares({first_, path("platforms/p1"), ".."}); }, "aegird: refused: '..'");
  row(
      "a link instead of a platform", [&] { return prepares({first_, path("platforms/swapped"), "a.example"}); },
      "aegird: refused: found a symbolic link of uid");
  row(
      "a fragment with a pipe",
      [&] { return configures([](emit::Model& model) { model.platforms[0].name = "p|/bin/sh"; }); },
      "aegird: refused: platform p|/bin/sh");
  row(
      "a fragment with LoadModule",
      [&] { return configures([](emit::Model& model) { model.servers[0].host = "x\nLoadModule evil /tmp/evil.so"; }); },
      "aegird: refused: server local");
  row(
      "a fragment with a continuation",
      [&] { return configures([](emit::Model& model) { model.platforms[0].docroot += "\\\nLoadModule x y"; }); },
      "aegird: refused: platform p1");
  row(
      "a fragment that includes",
      [&] {
        return configures([](emit::Model& model) { model.own_sites = {{"../../../../../etc/shadow", "p1", 1}}; });
      },
      "aegird: refused: '../../../../../etc/shadow'");
  row(
      "a fragment's certificate from outside",
      [&] { return configures([](emit::Model& model) { model.certified_sites = {{"../../../etc/ssl", {}}}; }); },
      "aegird: refused: '../../../etc/ssl'");
  row(
      "a verb that there is not",
      [&]() -> Result<void> { return ask<void>(static_cast<wire::Verb>(wire::kVerbs), std::string("x")); },
      "aegird: refused: there is no verb");

  EXPECT_FALSE(fs::exists(path("ran")));
  EXPECT_TRUE(fs::is_empty(outside.path()));
  EXPECT_EQ(configuration(), before);
  EXPECT_EQ(run(second_, "id -u")->status, 0);
  EXPECT_EQ(output_, std::to_string(second_.uid) + "\n") << "it works on, and not as root";
}

TEST_F(TakenOverWorker, AMessageCutInHalfIsOneLineMoreAndNothingElse) {
  wire::Encoder whole;
  whole.put(std::uint64_t{4711});
  whole.put(wire::Verb::kRun);
  whole.put(order(first_, "touch " + path("ran")));
  const std::string half = 'h' + whole.bytes().substr(0, whole.bytes().size() / 2);
  ASSERT_EQ(::send(channel_.get(), half.data(), half.size(), MSG_NOSIGNAL), static_cast<ssize_t>(half.size()));
  EXPECT_FALSE(wire::decode_result<RunEnd>(answer_to(4711)));
  EXPECT_TRUE(log().contains("aegird: refused: ")) << log();
  EXPECT_EQ(run(first_, "true")->status, 0);
  EXPECT_FALSE(fs::exists(path("ran")));
}

TEST_F(TakenOverWorker, TenThousandRequestsAreOneLineASecondWithTheirNumber) {
  constexpr int kRequests = 10'000;
  constexpr int kAtOnce = 100;
  const auto begun = Clock::now();
  for (int n = 0; n < kRequests; n += kAtOnce) {
    std::vector<std::uint64_t> sent;
    for (int k = 0; k < kAtOnce; ++k) sent.push_back(send(static_cast<wire::Verb>(200), std::string("x\n\x1b[2J")));
    for (const std::uint64_t request : sent) EXPECT_FALSE(wire::decode_result<void>(answer_to(request)));
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  EXPECT_EQ(run(first_, "true")->status, 0) << "who asks for what he may is served";
  ASSERT_TRUE(live::eventually([&] { return log().contains(" more requests)"); })) << log();
  const std::string text = log();
  EXPECT_LE(std::ranges::count(text, '\n'), 2 + took.count() / 1000) << text;
  EXPECT_FALSE(text.contains('\x1b'));
  std::printf("%d requests refused in %lld ms, %lld lines\n", kRequests, static_cast<long long>(took.count()),
              static_cast<long long>(std::ranges::count(text, '\n')));
}

}  // namespace
}  // namespace aegir::monitor
