// Programs as a slot's uid, by way of aegird, with what they say in memory.
#pragma once

#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sidecar/host/host.hpp"
#include "sidecar/process/runner.hpp"
#include "sidecar/wire/order.hpp"

namespace aegir::host {

/// Usable from several threads; on_line is called in the thread that called run(). Memory stays below Program::longest
/// twice, whatever is said.
class SlotRunner : public process::Runner {
 public:
  /// `docroot` is the platform's whose other sites a run does not see, `shown` the folders in its sites/ that it sees:
  /// the site's own. `host` must outlive it.
  SlotRunner(Host& host, wire::Slot slot, std::string docroot, std::vector<std::string> shown)
      : host_(host), slot_(std::move(slot)), docroot_(std::move(docroot)), shown_(std::move(shown)) {}

  Result<process::Output> run(const process::Program& program) override;
  /// Before the first run: none has more patience than this.
  void shorten(std::chrono::milliseconds longest) { longest_ = longest; }
  /// Ends what runs now, and what would begin from now on. Each of them tells that it was asked.
  void end();

 private:
  Host& host_;
  wire::Slot slot_;
  std::string docroot_;
  std::vector<std::string> shown_;
  std::chrono::milliseconds longest_ = std::chrono::milliseconds::max();
  std::mutex mutex_;
  std::set<Run*> running_;
  bool ended_ = false;
};

}  // namespace aegir::host
