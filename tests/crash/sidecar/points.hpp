// Hears of each write of the journal of every task, before it is done and after it, from a worker that waits meanwhile
// (watched_worker.cpp): so a test breaks something at exactly that point.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "compiler/core/atomic_file.hpp"

namespace aegir::sidecar {

class Points {
 public:
  /// Listens on a unix socket that is made here. Throws std::runtime_error when it can't.
  explicit Points(std::string path);
  ~Points();
  Points(const Points&) = delete;
  Points& operator=(const Points&) = delete;

  /// Called on a thread of this object's while the task stands at a point: "after reserve". They are numbered from 1 on
  /// in the order in which they come, those of all tasks together. One at a time.
  using OnPoint = std::function<void(unsigned number, const std::string& point)>;
  /// From now on; numbers begin anew. Waits while the one before is at work. Empty: nobody listens.
  void watch(OnPoint on_point);
  /// The points since watch().
  [[nodiscard]] std::vector<std::string> seen() const;

 private:
  void serve();
  void take();

  std::string path_;
  Fd listener_;
  Fd wake_;
  mutable std::mutex mutex_;  ///< for what follows
  OnPoint on_point_;
  std::vector<std::string> seen_;
  std::jthread thread_;
};

}  // namespace aegir::sidecar
