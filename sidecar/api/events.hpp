// What somebody hears who watches a task: its log, its steps and its state, as Server-Sent Events. Nothing is kept for
// a reader: whoever is ready for more is given the next page of what the registry has by then, so that a slow one costs
// no memory and holds up nobody.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sidecar/api/service.hpp"

namespace aegir::api {

/// Used from one thread at a time.
///
///   event: log    id: <line>  data: a LogLine   each line of the log once, in order
///   event: step               data: a Step      whenever a step has come further
///   event: state              data: a Task      at the beginning and whenever its state has changed. One whose state
///   is
///                                               an end is the last event
///
/// Who comes back with the id of the last line that he has heard gets exactly the lines behind it.
class Events {
 public:
  /// `after`: the line that was heard last, 0 for none.
  Events(Service& service, Actor actor, std::uint64_t task, std::uint64_t after)
      : service_(&service), actor_(std::move(actor)), task_(task), after_(after) {}

  /// What is new, as the bytes of events; at most one page of lines. Empty: nothing now. kNotFound: no such task.
  [[nodiscard]] Result<std::string> next();
  /// Whether another page is there already.
  [[nodiscard]] bool has_more() const { return more_; }
  /// Whether the task has ended and everything of it was told.
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] std::uint64_t task() const { return task_; }

 private:
  Service* service_;
  Actor actor_;
  std::uint64_t task_;
  std::uint64_t after_;
  // As last told.
  bool told_ = false;
  bool cancel_asked_ = false;
  registry::TaskState state_ = registry::TaskState::kQueued;
  registry::TaskState verdict_ = registry::TaskState::kProcessing;
  std::map<std::uint32_t, registry::StepState> steps_;

  bool more_ = false;
  bool finished_ = false;
};

}  // namespace aegir::api
