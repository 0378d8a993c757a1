// A taken-over aegird-worker, played: it has aegir's uid and the socket, and wants to be root, or another site.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "tests/root/monitor/monitor_fixture.hpp"

namespace aegir::monitor {
namespace {

namespace fs = std::filesystem;

class AttackTest : public MonitorTest {
 protected:
  template <class Order>
  void expect_refused(wire::Verb verb, const Order& order, const std::vector<int>& fds = {}) {
    const Result<std::uint64_t> answer = ask<std::uint64_t>(verb, order, fds);
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().code == Code::kInvalid || answer.error().code == Code::kConflict ||
                answer.error().code == Code::kPermission || answer.error().code == Code::kNotFound)
        << describe(answer.error());
  }
  void expect_refused_run(const RunOrder& order) {
    RunOrder told = order;
    told.argv = {"/usr/bin/touch", path("ran")};
    expect_refused(wire::Verb::kRun, told, {0, 1, 2});
    EXPECT_FALSE(fs::exists(path("ran")));
  }
};

TEST_F(AttackTest, AUidThatIsNoSlots) {
  ::chmod(path("").c_str(), 01777);
  for (const std::uint32_t uid : {0U, 33U, kAegir, kWeb, kFirst + 1, kFirst + 50, 611100U, 0xFFFFFFFFU}) {
    for (const Slot& slot :
         {Slot{"b1", 0, uid}, Slot{"b1", 9, uid}, Slot{"b9", 0, uid}, Slot{"..", 0, uid}, Slot{"", 0, uid}}) {
      if (slot == second_) continue;
      expect_refused_run(order(slot, ""));
      expect_refused(wire::Verb::kEndSlot, slot);
      expect_refused(wire::Verb::kRetireSlot, slot);
    }
  }
  EXPECT_EQ(run(second_, "true")->status, 0);
}

TEST_F(AttackTest, SlotsThatItMakesItself) {
  // In a folder that root has not made.
  fs::create_directories(path("aegirs"));
  fs::create_directory_symlink(path("aegirs"), config_.slot_dir + "/b7");
  fs::create_directories(path("aegirs/0/home"));
  for (const std::string& directory : {path("aegirs"), path("aegirs/0"), path("aegirs/0/home")}) {
    ASSERT_EQ(::chown(directory.c_str(), kAegir, kFirst + 7), 0);
  }
  expect_refused_run(order({"b7", 0, kFirst + 7}, ""));
  using Block = std::pair<std::string, std::pair<std::uint32_t, std::uint32_t>>;
  for (const Block& block :
       {Block{"b2", {0, 4}}, Block{"b2", {kAegir, 1}}, Block{"b2", {611099, 2}}, Block{"b2", {kFirst + 10, 0}},
        Block{"b2", {0xFFFFFFFF, 0xFFFFFFFF}}, Block{"../b2", {kFirst + 10, 1}}, Block{"", {kFirst + 10, 1}}}) {
    expect_refused(wire::Verb::kMakeSlots, block);
  }
}

TEST_F(AttackTest, OrdersThatMakeNoSense) {
  const RunOrder good = order(first_, "true");
  const auto with = [&](auto change) {
    RunOrder order = good;
    change(order);
    expect_refused(wire::Verb::kRun, order, {0, 1, 2});
  };
  with([](RunOrder& order) { order.argv.clear(); });
  with([](RunOrder& order) { order.argv[0] = "sh"; });
  with([](RunOrder& order) { order.argv[0] = "/bin/../bin/sh"; });
  with([](RunOrder& order) { order.argv[2] = std::string("a\0b", 3); });
  with([](RunOrder& order) { order.argv.resize(2000); });
  with([](RunOrder& order) { order.environment = {"=x"}; });
  with([](RunOrder& order) { order.environment = {"X"}; });
  with([](RunOrder& order) { order.directory = "."; });
  with([](RunOrder& order) { order.docroot = "/a/../../etc"; });
  with([](RunOrder& order) { order.shown = {"../../etc"}; });
  with([](RunOrder& order) { order.shown = {".."}; });
  with([](RunOrder& order) { order.patience = 0; });
  with([](RunOrder& order) { order.patience = ~0ULL; });
  expect_refused(wire::Verb::kRun, good, {});
  expect_refused(wire::Verb::kRun, good, {0, 1, 2, 0});
  expect_refused(wire::Verb::kRun, std::string("no order"));
  expect_refused(static_cast<wire::Verb>(wire::kVerbs), good);
  expect_refused(static_cast<wire::Verb>(255), good);
  EXPECT_EQ(run(first_, "true")->status, 0);
}

TEST_F(AttackTest, PacketsThatAreNone) {
  const auto send_raw = [&](const std::string& bytes) {
    ASSERT_EQ(::send(channel_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  };
  wire::Encoder encoder;
  encoder.put(std::uint64_t{77});
  encoder.put(wire::Verb::kRun);
  encoder.put(order(first_, "true"));
  // Cut at every byte.
  for (std::size_t size = 1; size < encoder.bytes().size(); ++size) send_raw('h' + encoder.bytes().substr(0, size));
  send_raw("x");
  send_raw("m");
  send_raw('h' + std::string(60'000, '\xff'));
  send_raw(std::string(150'000, 'h'));
  // Memory that is a pipe would have aegird wait for ever.
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::vector<int> many(60, ends[0]);
  EXPECT_FALSE(wire::send(channel_.get(), "x", many));
  for (std::size_t n = 16; n < encoder.bytes().size(); ++n) (void)answer_to(77);
  const Result<RunEnd> end = run(first_, "true");
  ASSERT_TRUE(end) << describe(end.error());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(AttackTest, MemoryThatIsAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  char byte = 'm';
  iovec part{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &ends[0], sizeof(int));
  ASSERT_EQ(::sendmsg(channel_.get(), &message, 0), 1);
  EXPECT_EQ(run(first_, "true")->status, 0);
  EXPECT_TRUE(log().contains("a message's memory is no memory")) << log();
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(AttackTest, ManyRefusedRequestsAreOneLineASecondWithTheirNumber) {
  constexpr int kRequests = 3000;
  for (int n = 0; n < kRequests; n += 50) {
    std::vector<std::uint64_t> sent;
    for (int k = 0; k < 50; ++k) sent.push_back(send(static_cast<wire::Verb>(200), std::string("x\n\x1b[2J")));
    for (const std::uint64_t request : sent) EXPECT_FALSE(wire::decode_result<void>(answer_to(request)));
  }
  EXPECT_EQ(run(first_, "true")->status, 0);
  const std::string text = log();
  EXPECT_LE(std::ranges::count(text, '\n'), 30) << text;
  EXPECT_TRUE(text.contains("aegird: refused: there is no verb 200")) << text;
}

}  // namespace
}  // namespace aegir::monitor
