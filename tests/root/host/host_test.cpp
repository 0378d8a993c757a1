// The worker's half of the socket: many threads, answers in any order, and an aegird that is gone.
#include "sidecar/host/host.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "sidecar/wire/channel.hpp"
#include "tests/root/monitor/monitor_fixture.hpp"

namespace aegir::host {
namespace {

/// The other end is the test's: it answers as it likes.
class Alone : public testing::Test {
 protected:
  Alone() {
    std::pair<Fd, Fd> ends = wire::make_channel().value();
    aegird_ = std::move(ends.first);
    host_.emplace(std::move(ends.second));
  }
  /// Takes a request; its number and the order.
  std::pair<std::uint64_t, std::string> take() {
    const std::optional<wire::Packet> packet = wire::receive(aegird_.get()).value();
    wire::Decoder decoder(packet->bytes);
    std::uint64_t request = 0;
    EXPECT_TRUE(decoder.get(request));
    return {request, packet->bytes.substr(16)};
  }
  void answer(std::uint64_t request, std::uint64_t value) {
    wire::Encoder encoder;
    encoder.put(request);
    encoder.bytes() += wire::encode_result(Result<std::uint64_t>(value));
    EXPECT_TRUE(wire::send(aegird_.get(), encoder.bytes()));
  }

  Fd aegird_;
  std::optional<Host> host_;
};

TEST_F(Alone, AnswersComeInAnyOrder) {
  constexpr std::uint32_t kThreads = 32;
  std::vector<std::future<std::uint64_t>> asked;
  for (std::uint32_t n = 0; n < kThreads; ++n) {
    asked.push_back(std::async(std::launch::async, [&, n] { return host_->count_slot({"b1", n, n}).value(); }));
  }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> answers;
  for (std::uint32_t n = 0; n < kThreads; ++n) {
    const auto [request, order] = take();
    wire::Slot slot;
    ASSERT_TRUE(wire::Decoder(order).get(slot));
    answers.emplace_back(request, slot.number + 1000);
  }
  answer(999'999, 7);  // of nobody
  for (auto each = answers.rbegin(); each != answers.rend(); ++each) answer(each->first, each->second);
  for (std::uint32_t n = 0; n < kThreads; ++n) EXPECT_EQ(asked[n].get(), n + 1000);
}

TEST_F(Alone, WhoWaitsIsToldThatAegirdIsGone) {
  std::vector<std::future<Result<std::uint64_t>>> asked;
  for (int n = 0; n < 8; ++n) {
    asked.push_back(std::async(std::launch::async, [&] { return host_->count_slot({"b1", 0, 0}); }));
  }
  for (int n = 0; n < 8; ++n) (void)take();
  EXPECT_FALSE(host_->is_gone());
  aegird_ = Fd();
  for (std::future<Result<std::uint64_t>>& each : asked) {
    const Result<std::uint64_t> answer = each.get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kIo);
    EXPECT_EQ(answer.error().message, "aegird is gone");
  }
  host_->wait_until_gone();
  EXPECT_TRUE(host_->is_gone());
  EXPECT_EQ(host_->end_slot({"b1", 0, 0}).error().message, "aegird is gone");
  EXPECT_EQ(host_->start({}, {0, 1, 2}).error().message, "aegird is gone");
}

TEST_F(Alone, AnAnswerThatMakesNoSenseLetsNobodyWaitForEver) {
  std::future<Result<std::uint64_t>> cut = std::async(std::launch::async, [&] { return host_->count_slot({}); });
  wire::Encoder encoder;
  encoder.put(take().first);
  ASSERT_TRUE(wire::send(aegird_.get(), encoder.bytes() + "\1"));
  EXPECT_EQ(cut.get().error().code, Code::kInternal);
  std::future<Result<std::uint64_t>> lost = std::async(std::launch::async, [&] { return host_->count_slot({}); });
  (void)take();
  ASSERT_TRUE(wire::send(aegird_.get(), "x"));
  EXPECT_EQ(lost.get().error().message, "aegird is gone");
}

TEST_F(Alone, ARunThatNobodyWaitsForIsEnded) {
  std::future<void> dropped = std::async(std::launch::async, [&] { (void)host_->start({}, {0, 1, 2}); });
  const std::uint64_t run = take().first;
  const auto [request, order] = take();
  std::uint64_t ended = 0;
  ASSERT_TRUE(wire::Decoder(order).get(ended));
  EXPECT_EQ(ended, run);
  wire::Encoder encoder;
  encoder.put(request);
  ASSERT_TRUE(wire::send(aegird_.get(), encoder.bytes() + wire::encode_result(Result<void>())));
  dropped.get();
}

class HostTest : public monitor::MonitorTest {
 protected:
  void SetUp() override {
    MonitorTest::SetUp();
    host_.emplace(std::move(channel_));
  }
  void TearDown() override {
    host_.reset();
    MonitorTest::TearDown();
  }
  std::optional<Host> host_;
};

TEST_F(HostTest, EveryVerbFromManyThreads) {
  std::vector<std::future<Result<void>>> threads;
  for (std::uint32_t n = 0; n < 8; ++n) {
    threads.push_back(std::async(std::launch::async, [&, n]() -> Result<void> {
      const wire::Slot slot{"t" + std::to_string(n), 0, kFirst + 50 + n};
      if (const auto made = host_->make_slots({slot.block, slot.uid, 1}); !made) return std::unexpected(made.error());
      for (int k = 0; k < 5; ++k) {
        const Result<std::uint64_t> count = host_->count_slot(slot);
        if (!count) return std::unexpected(count.error());
        if (*count != 0) return fail(Code::kInternal, std::to_string(*count) + " processes in a new slot");
      }
      if (Result<void> ended = host_->end_slot(slot); !ended) return ended;
      if (const auto gone = host_->retire_slot(slot); !gone) return std::unexpected(gone.error());
      const auto retired = host_->start({.slot = slot,
                                         .argv = {"/bin/true"},
                                         .environment = {},
                                         .directory = "/",
                                         .docroot = {},
                                         .shown = {},
                                         .patience = 1000},
                                        {0, 1, 2});
      if (!retired) return std::unexpected(retired.error());
      const Result<wire::RunEnd> end = (*retired)->wait();
      if (end || end.error().code != Code::kConflict) return fail(Code::kInternal, "a retired slot ran");
      return {};
    }));
  }
  for (std::future<Result<void>>& thread : threads) {
    const Result<void> done = thread.get();
    EXPECT_TRUE(done) << describe(done.error());
  }
}

TEST_F(HostTest, ARunIsEndedByAnotherThread) {
  const auto run = host_->start(order(first_, "sleep 1000"), {0, 1, 2});
  ASSERT_TRUE(run);
  ASSERT_TRUE((*run)->end());
  const Result<wire::RunEnd> end = (*run)->wait();
  ASSERT_TRUE(end) << describe(end.error());
  EXPECT_TRUE(end->asked);
}

TEST_F(HostTest, AegirdThatIsKilledInTheMiddle) {
  const auto run = host_->start(order(first_, "sleep 1000"), {0, 1, 2});
  ASSERT_TRUE(run);
  kill_monitor();
  EXPECT_EQ((*run)->wait().error().code, Code::kIo);
  EXPECT_TRUE(host_->is_gone());
}

}  // namespace
}  // namespace aegir::host
