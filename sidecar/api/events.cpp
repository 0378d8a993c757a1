#include "sidecar/api/events.hpp"

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
  for (const registry::StepRow& step : watched->view.steps) {
    const auto [known, is_new] = steps_.emplace(step.number, step.state);
    if (!is_new && known->second == step.state) continue;
    known->second = step.state;
    text += event("step", to_json(step));
  }
  for (const registry::LogLine& line : watched->lines) {
    text += event("log", to_json(line), line.id);
    after_ = line.id;
  }
  more_ = watched->lines.size() == kPage;
  if (more_) return text;
  if (!open) {
    text += event("state", to_json(watched->view));
    finished_ = true;
  }
  return text;
}

}  // namespace aegir::api
