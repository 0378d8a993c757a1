// aegird without its worker: the test itself is at the other end of the socket, and so can say what no worker would.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/core/codec.hpp"
#include "sidecar/monitor/run.hpp"
#include "sidecar/monitor/slot.hpp"
#include "sidecar/wire/channel.hpp"
#include "sidecar/wire/verb.hpp"
#include "tests/root/machine/machine_fixture.hpp"

namespace aegir::monitor {

class MonitorTest : public machine::MachineTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Ends aegird as a crash does.
  void kill_monitor();
  void start_monitor();

  /// Sends a request and waits for its answer.
  template <class Answer, class Order>
  Result<Answer> ask(wire::Verb verb, const Order& order, const std::vector<int>& fds = {}) {
    const std::uint64_t request = send(verb, order, fds);
    return wire::decode_result<Answer>(answer_to(request));
  }
  template <class Order>
  std::uint64_t send(wire::Verb verb, const Order& order, const std::vector<int>& fds = {}) {
    wire::Encoder encoder;
    encoder.put(++requests_);
    encoder.put(verb);
    encoder.put(order);
    EXPECT_TRUE(wire::send(channel_.get(), encoder.bytes(), fds));
    return requests_;
  }
  /// The bytes of the Result; of other requests they are kept until they are asked for.
  std::string answer_to(std::uint64_t request);

  /// Runs a shell command as the slot and waits for its end. What it printed is in output_.
  Result<RunEnd> run(const Slot& slot, const std::string& command, std::uint64_t patience = 10'000);
  [[nodiscard]] RunOrder order(const Slot& slot, const std::string& command, std::uint64_t patience = 10'000) const;

  /// What aegird has logged.
  [[nodiscard]] std::string log() const;

  const Slot first_{"b1", 0, kFirst};
  const Slot second_{"b1", 1, kFirst + 1};
  std::string output_;
  Fd channel_;
  pid_t monitor_ = -1;

 private:
  std::uint64_t requests_ = 0;
  std::map<std::uint64_t, std::string> answers_;
};

}  // namespace aegir::monitor
