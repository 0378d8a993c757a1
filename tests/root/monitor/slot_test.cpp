// Slots: made once, used by one, retired for ever.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/root/monitor/monitor_fixture.hpp"

namespace aegir::monitor {
namespace {

namespace fs = std::filesystem;

using SlotTest = MonitorTest;
using Block = std::pair<std::string, std::pair<std::uint32_t, std::uint32_t>>;

TEST_F(SlotTest, ARetiredOneIsEmptyAndNeverRunsAgain) {
  ASSERT_TRUE(run(first_, "mkdir -p a/b; echo x >a/b/c; ln -s /etc e; chmod 0 a"));
  // Deeper than there are descriptors, and than a path is long.
  ASSERT_EQ(run(first_,
                "/usr/bin/python3 -c 'import os\nfor n in range(5000):\n os.mkdir(\"x\"*100)\n "
                "os.chdir(\"x\"*100)'")
                ->status,
            0);
  const Result<machine::Done> retired = ask<machine::Done>(wire::Verb::kRetireSlot, first_);
  ASSERT_TRUE(retired) << describe(retired.error());
  EXPECT_TRUE(fs::is_empty(slot_home(config_, "b1", 0) + "/home"));
  EXPECT_TRUE(fs::exists("/etc/passwd"));
  EXPECT_EQ(run(first_, "true").error().code, Code::kConflict);
  EXPECT_EQ(run(second_, "true")->status, 0);
  EXPECT_TRUE(ask<machine::Done>(wire::Verb::kRetireSlot, first_)) << "may be done again";
  EXPECT_TRUE(ask<machine::Done>(wire::Verb::kMakeSlots, Block{"b1", {kFirst, 4}}));
  EXPECT_EQ(run(first_, "true").error().code, Code::kConflict) << "still";
}

TEST_F(SlotTest, EverythingOfOneIsEnded) {
  const pid_t stray = ::fork();
  if (stray == 0) {
    if (::setresgid(kFirst, kFirst, kFirst) != 0 || ::setresuid(kFirst, kFirst, kFirst) != 0) ::_exit(1);
    for (;;) ::pause();
  }
  for (int n = 0; n < 1000 && ask<std::uint64_t>(wire::Verb::kCountSlot, first_).value_or(0) == 0; ++n) ::usleep(2000);
  const Result<void> ended = ask<void>(wire::Verb::kEndSlot, first_);
  EXPECT_TRUE(ended) << describe(ended.error());
  int status = 0;
  EXPECT_EQ(::waitpid(stray, &status, 0), stray);
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST_F(SlotTest, AUidIsOneSlotsAlone) {
  for (const Block& block : {Block{"b2", {kFirst + 3, 4}}, Block{"b1", {kFirst + 1, 4}}, Block{"b2", {kFirst, 1}}}) {
    const Result<machine::Done> made = ask<machine::Done>(wire::Verb::kMakeSlots, block);
    ASSERT_FALSE(made) << block.first;
    EXPECT_EQ(made.error().code, Code::kConflict);
  }
  EXPECT_FALSE(fs::exists(config_.slot_dir + "/b2"));
  EXPECT_TRUE(ask<machine::Done>(wire::Verb::kMakeSlots, Block{"b2", {kFirst + 4, 4}}));
}

TEST_F(SlotTest, OneThatWasLeftHalfMadeIsFinished) {
  fs::create_directories(config_.slot_dir + "/b3/0");
  EXPECT_TRUE(ask<machine::Done>(wire::Verb::kMakeSlots, Block{"b3", {kFirst + 20, 2}}));
  EXPECT_EQ(run({"b3", 0, kFirst + 20}, "true")->status, 0);
}

TEST_F(SlotTest, TwoBlocksThatAreMadeAtOnceShareNoUid) {
  for (std::uint32_t n = 0; n < 20; ++n) {
    const std::uint32_t first = kFirst + 10 + 2 * n;
    const std::uint64_t a = send(wire::Verb::kMakeSlots, Block{"x" + std::to_string(n), {first, 2}});
    const std::uint64_t b = send(wire::Verb::kMakeSlots, Block{"y" + std::to_string(n), {first, 2}});
    const bool made_a = wire::decode_result<machine::Done>(answer_to(a)).has_value();
    EXPECT_NE(made_a, wire::decode_result<machine::Done>(answer_to(b)).has_value());
  }
}

}  // namespace
}  // namespace aegir::monitor
