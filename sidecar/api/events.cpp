#include "sidecar/api/events.hpp"

#include <algorithm>

#include "sidecar/api/json.hpp"

namespace aegir::api {
namespace {

constexpr std::size_t kPage = 200;

/// One event. JSON that is dumped has no line break, so one line of data is enough.
std::string event(std::string_view name, const Json& data, std::uint64_t id = 0) {
  std::string text = "event: ";
  text += name;
  if (id != 0) text += "\nid: " + std::to_string(id);
  return text + "\ndata: " + text_of(data) + "\n\n";
}

}  // namespace

Result<std::string> Events::next() {
  Result<Watched> watched = service_->watch(actor_, task_, after_, kPage);
  if (!watched) return pass(watched);
  const registry::Task& task = watched->view.task;
  const bool open = registry::is_open(task.state);
  std::string text;
  if (open && (!told_ || task.state != state_ || task.cancel_asked != cancel_asked_ || task.verdict != verdict_)) {
    text = event("state", to_json(watched->view));
    told_ = true;
    state_ = task.state;
    cancel_asked_ = task.cancel_asked;
    verdict_ = task.verdict;
  }
  const std::vector<registry::StepRow>& steps = watched->view.steps;
  // Once it has ended, only its steps tell how many there were to be; of one that failed nobody knows.
  const bool is_whole = task.state == registry::TaskState::kSuccess || task.state == registry::TaskState::kWarning;
  const std::size_t of = open ? watched->view.plan.size() : is_whole ? steps.size() : 0;
  std::size_t next = 0;
  const auto tell_steps_to = [&](std::size_t end) {
    for (; next < end; ++next) {
      const auto [known, is_new] = steps_.emplace(steps[next].number, steps[next].state);
      if (!is_new && known->second == steps[next].state) continue;
      known->second = steps[next].state;
      Json data = to_json(steps[next]);
      if (of != 0) data["of"] = of;
      text += event("step", data);
    }
  };
  for (const registry::LogLine& line : watched->lines) {
    // A step comes before what it has said. What the task itself says first comes before all of them, and all else that
    // it says behind.
    if (!line.step.empty()) {
      const auto step = std::ranges::find(steps, line.step, &registry::StepRow::name);
      if (step != steps.end()) tell_steps_to(static_cast<std::size_t>(step - steps.begin()) + 1);
    } else if (after_ != 0) {
      tell_steps_to(steps.size());
    }
    text += event("log", to_json(line), line.id);
    after_ = line.id;
  }
  more_ = watched->lines.size() == kPage;
  if (more_) return text;
  tell_steps_to(steps.size());
  if (!open) {
    text += event("state", to_json(watched->view));
    finished_ = true;
  }
  return text;
}

}  // namespace aegir::api
