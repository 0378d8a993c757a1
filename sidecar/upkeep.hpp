// What aegird-worker looks after beside its tasks, in a thread of its own: PHP of blocks that has ended, the durable
// copy of the site map, and log lines that are older than the settings want.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "sidecar/verbs/services.hpp"

namespace aegir {

class Upkeep {
 public:
  /// `tell` hears, in the thread, what went wrong: each thing once until it is well again. `services` must outlive it.
  Upkeep(verbs::Services& services, std::function<void(const Error&)> tell);

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] Result<void> persist() const;
  [[nodiscard]] Result<void> forget_log(const std::stop_token& stop) const;
  void note(const char* job, const Result<void>& done);

  verbs::Services& services_;
  std::function<void(const Error&)> tell_;
  std::map<std::string, std::string> told_;  ///< by job
  std::jthread thread_;                      ///< last: it uses the others
};

}  // namespace aegir
