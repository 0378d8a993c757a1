#include "sidecar/monitor/verbs.hpp"

#include <algorithm>
#include <array>
#include <concepts>

#include "compiler/core/codec.hpp"
#include "compiler/machine/machine.hpp"
#include "sidecar/monitor/slot.hpp"

namespace aegir::machine {
constexpr auto fields(BlockSlots& value) { return std::tie(value.block, value.first_uid, value.slots); }
}  // namespace aegir::machine

namespace aegir::monitor {
namespace {

/// What a verb has at hand.
struct Context {
  const Config& config;
  const Accounts& accounts;
  std::vector<Fd>& fds;
  bool after_stray;
};

Result<RunEnd> run_program(Context& context, const RunOrder& order) {
  if (Result<void> ok = check_order(context.config, order); !ok) return pass(ok);
  if (Result<void> ok = look_at_slot(context.config, order.slot); !ok) return pass(ok);
  RunFiles files;
  if (context.fds.size() != files.size()) return fail(Code::kInvalid, "a run: it has not three descriptors");
  std::ranges::move(context.fds, files.begin());
  return run(context.config, order, files, context.after_stray);
}

Result<machine::Done> make(Context& context, const machine::BlockSlots& block) {
  machine::Done done;
  Result<void> made = make_slots(context.config, context.accounts, block, done);
  if (!made) return pass(made);
  return done;
}

Result<void> end(Context& context, const Slot& slot) { return end_slot(context.config, slot); }

Result<machine::Done> retire(Context& context, const Slot& slot) {
  machine::Done done;
  if (Result<void> retired = retire_slot(context.config, slot, done); !retired) return pass(retired);
  return done;
}

Result<std::uint64_t> count(Context& context, const Slot& slot) { return count_processes(context.config, slot); }

template <class Order, class Answer>
std::string serve(Context& context, std::string_view bytes, Result<Answer> (*work)(Context&, const Order&)) {
  wire::Decoder decoder(bytes);
  Order order;
  if (!decoder.get(order) || !decoder.finished()) {
    return wire::encode_result(Result<Answer>(fail(Code::kInvalid, "an order that makes no sense")));
  }
  return wire::encode_result(work(context, order));
}

}  // namespace

std::string serve_verb(const Config& config, const Accounts& accounts, wire::Verb verb, std::string_view order,
                       std::vector<Fd>& fds, bool after_stray) {
  Context context{config, accounts, fds, after_stray};
  switch (verb) {
    case wire::Verb::kRun:
      return serve(context, order, run_program);
    case wire::Verb::kMakeSlots:
      return serve(context, order, make);
    case wire::Verb::kEndSlot:
      return serve(context, order, end);
    case wire::Verb::kRetireSlot:
      return serve(context, order, retire);
    case wire::Verb::kCountSlot:
      return serve(context, order, count);
    case wire::Verb::kEndRun:
      break;
  }
  return wire::encode_result(Result<void>(fail(Code::kInvalid, "there is no such verb")));
}

uid_t uid_of_run(std::string_view order) {
  wire::Decoder decoder(order);
  Slot slot;
  return decoder.get(slot) ? slot.uid : 0;
}

std::optional<Error> error_in(std::string_view result) {
  wire::Decoder decoder(result);
  bool good = false;
  Error error;
  if (!decoder.get(good) || good || !decoder.get(error)) return std::nullopt;
  return error;
}

}  // namespace aegir::monitor
