// Runs programs as a real uid without a way to more, as a slot's runs are; the namespaces are left to aegird's own
// tests.
#pragma once

#include <sys/types.h>

#include "sidecar/process/runner.hpp"

namespace aegir::drupal {

class SlotRunner : public process::Runner {
 public:
  /// `secret` may be in no argument: run() throws std::logic_error otherwise. `most` shortens every program's patience.
  SlotRunner(uid_t uid, std::string secret, std::chrono::milliseconds most = std::chrono::minutes(5));

  Result<process::Output> run(const process::Program& program) override;

 private:
  uid_t uid_;
  std::string secret_;
  std::chrono::milliseconds most_;
};

}  // namespace aegir::drupal
