#include "sidecar/monitor/verbs.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "compiler/core/codec.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"
#include "sidecar/monitor/mail.hpp"
#include "sidecar/monitor/php.hpp"
#include "sidecar/monitor/reconcile_verbs.hpp"
#include "sidecar/monitor/server_verbs.hpp"
#include "sidecar/monitor/site_verbs.hpp"
#include "sidecar/monitor/slot.hpp"

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

Result<void> mail(Context& context, const wire::MailOrder& order) {
  return send_mail(context.config, context.accounts, order);
}

template <class Order, class Answer>
std::string serve(std::string_view bytes, const std::function<Result<Answer>(const Order&)>& work) {
  wire::Decoder decoder(bytes);
  Order order;
  if (!decoder.get(order) || !decoder.finished()) {
    return wire::encode_result(Result<Answer>(fail(Code::kInvalid, "an order that makes no sense")));
  }
  return wire::encode_result(work(order));
}

/// As root.
template <class Order, class Answer>
std::string serve(Context& context, std::string_view bytes, Result<Answer> (*work)(Context&, const Order&)) {
  return serve<Order, Answer>(bytes, [&](const Order& order) { return work(context, order); });
}

/// As aegir with root in reserve, which is how all that aegirc does too is written: what aegir alone may read is read
/// as aegir.
template <class Order, class Answer>
std::string serve(Context& context, std::string_view bytes,
                  Result<Answer> (*work)(const Config&, const Accounts&, const Order&)) {
  return serve<Order, Answer>(bytes, [&](const Order& order) -> Result<Answer> {
    if (Result<void> became = machine::become_aegir(context.accounts); !became) return pass(became);
    return work(context.config, context.accounts, order);
  });
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
    case wire::Verb::kLookAtSite:
      return serve(context, order, look_at_site);
    case wire::Verb::kPrepareSite:
      return serve(context, order, prepare_site);
    case wire::Verb::kPrepareSiteTree:
      return serve(context, order, prepare_site_tree);
    case wire::Verb::kWriteSite:
      return serve(context, order, write_site);
    case wire::Verb::kFinishSite:
      return serve(context, order, finish_site);
    case wire::Verb::kLintSite:
      return serve(context, order, lint_site);
    case wire::Verb::kForgetSite:
      return serve(context, order, forget_site);
    case wire::Verb::kWrittenSites:
      return serve(context, order, written_sites);
    case wire::Verb::kRemoveSite:
      return serve(context, order, remove_site);
    case wire::Verb::kPeoplesSites:
      return serve(context, order, peoples_sites);
    case wire::Verb::kVerifyServers:
      return serve(context, order, verify_servers);
    case wire::Verb::kVerifyPlatform:
      return serve(context, order, verify_platform);
    case wire::Verb::kWritePlatform:
      return serve(context, order, write_platform);
    case wire::Verb::kStartPhp:
      return serve(context, order, start_php);
    case wire::Verb::kStopPhp:
      return serve(context, order, stop_php);
    case wire::Verb::kReloadPhp:
      return serve(context, order, reload_php);
    case wire::Verb::kMapKey:
      return serve(context, order, map_key);
    case wire::Verb::kCertificates:
      return serve(context, order, certificates);
    case wire::Verb::kCompare:
      return serve(context, order, compare);
    case wire::Verb::kSurvey:
      return serve(context, order, survey);
    case wire::Verb::kSendMail:
      return serve(context, order, mail);
    case wire::Verb::kEndRun:
      break;
  }
  return wire::encode_result(Result<void>(fail(Code::kInvalid, "there is no such verb")));
}

std::size_t longest_order(std::uint64_t verb) {
  constexpr std::size_t kUsual = 1U << 20U;
  // What has a model of the fleet, the names of all sites of a platform, or packages.
  constexpr std::array kLong = {wire::Verb::kVerifyServers, wire::Verb::kVerifyPlatform, wire::Verb::kWritePlatform,
                                wire::Verb::kWriteSite,     wire::Verb::kFinishSite,     wire::Verb::kLintSite,
                                wire::Verb::kCompare,       wire::Verb::kSurvey};
  const auto is_it = [&](wire::Verb each) { return verb == static_cast<std::uint64_t>(each); };
  return std::ranges::any_of(kLong, is_it) ? wire::kMostBytes : kUsual;
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
