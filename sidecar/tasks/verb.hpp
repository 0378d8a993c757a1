// What can be asked for: a verb says which requests make sense, what a task of it has to hold, and its steps.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sidecar/tasks/locks.hpp"
#include "sidecar/tasks/saga.hpp"

namespace aegir::tasks {

class Verb {
 public:
  virtual ~Verb() = default;

  /// As in the registry and in the API: "install".
  [[nodiscard]] virtual std::string name() const = 0;
  /// What it is done to.
  [[nodiscard]] virtual registry::ObjectKind kind() const = 0;
  /// Of the list of steps; another number whenever the list changes. A task that was begun by another version waits for
  /// a program that knows it.
  [[nodiscard]] virtual std::uint32_t version() const { return 1; }
  /// How long the steps before the commit may take together.
  [[nodiscard]] virtual std::chrono::seconds patience() const { return std::chrono::hours(6); }

  /// Whether one task does for all who ask for the same while it waits. Not when it hands each of them something of
  /// his own (Work::hand_out()).
  [[nodiscard]] virtual bool collapses() const { return true; }

  /// Refuses, before any work, what can't succeed as the registry is now.
  [[nodiscard]] virtual Result<void> check(const registry::NewTask& task, registry::Store& store) const = 0;
  /// The object that it is done to, and others. What is shared is held only while steps are at work: a task that has to
  /// try again later leaves it to others meanwhile.
  [[nodiscard]] virtual Result<Locks> locks(const registry::NewTask& task, registry::Store& store) const = 0;
  /// The steps; the same list for the same task each time.
  [[nodiscard]] virtual Saga saga(const registry::Task& task) const = 0;
};

}  // namespace aegir::tasks
