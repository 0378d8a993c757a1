// aegird, the half of the sidecar that is root: it starts aegird-worker as aegir and serves it a closed list of verbs
// over a socketpair. It believes nothing that the worker says: each verb checks its arguments against aegird's own
// configuration and against what root has made on disk.
//
// Every request is worked on in a child process of its own, so that one that is slow, or that crashes, holds up no
// other. This process itself only reads packets, starts children and hands their answers on. (A worker that sends a
// descriptor whose close() waits holds up itself, and nobody else.)
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/wire/channel.hpp"

namespace aegir::monitor {

class Monitor {
 public:
  /// `channel` is aegird's end; `log` a descriptor for what was refused and what broke, a line each.
  Monitor(Config config, Accounts accounts, Fd channel, int log);

  /// Serves until the other end is closed, or SIGTERM or SIGINT comes; then ends every run and waits for the other
  /// work, but not for ever. `worker`, when there is one, is told of the signal first, and may use this process for
  /// some seconds more to end as it wants to. The process must be root with one thread, with SIGCHLD, SIGTERM and
  /// SIGINT blocked.
  [[nodiscard]] Result<void> serve(std::optional<pid_t> worker = std::nullopt);
  /// Whether such a signal came, so that no other worker is to follow.
  [[nodiscard]] bool was_told_to_end() const noexcept { return told_to_end_; }

 private:
  /// A request that a child works on.
  struct Job {
    std::uint64_t request = 0;
    bool is_run = false;
    uid_t uid = 0;  ///< of a run
    Fd answer;
    std::string bytes;
  };

  void take_packet();
  void start(std::uint64_t request, std::uint64_t verb, wire::Packet packet, std::string_view order);
  void end_run(std::uint64_t request, std::string_view order);
  void take_answer(pid_t child);
  void reply(std::uint64_t request, std::string_view result);
  void refuse(std::uint64_t request, const Error& error);
  [[nodiscard]] Result<bool> may_run(uid_t uid);
  void complain(const std::string& what);
  void tell_complaints();
  void take_signal(std::optional<pid_t> worker, int signals);
  void close();
  void kill_jobs();
  [[nodiscard]] int longest_wait() const;

  Config config_;
  Accounts accounts_;
  Fd channel_;
  int log_;
  bool open_ = true;
  bool told_to_end_ = false;
  std::map<pid_t, Job> jobs_;
  std::set<uid_t> stray_;  ///< uids of which an earlier run may have left something
  std::string complaint_;  ///< the last one that was not written
  std::uint64_t complaints_ = 0;
  std::chrono::steady_clock::time_point told_;
  std::optional<std::chrono::steady_clock::time_point> last_moment_;  ///< until which the worker, or work, may go on
};

}  // namespace aegir::monitor
