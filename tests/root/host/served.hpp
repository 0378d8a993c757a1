// aegird's half in a process of its own, and a Host at the other end, over any configuration.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "sidecar/host/host.hpp"
#include "sidecar/monitor/monitor.hpp"

namespace aegir::host {

class Served {
 public:
  Served(const Config& config, const std::string& log) {
    std::pair<Fd, Fd> ends = wire::make_channel().value();
    const Accounts accounts = resolve_accounts(config).value();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ends.first = Fd();
      sigset_t blocked;
      ::sigemptyset(&blocked);
      ::sigaddset(&blocked, SIGTERM);
      ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
      const Fd file(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
      const Result<void> served = monitor::Monitor(config, accounts, std::move(ends.second), file.get()).serve();
      ::_exit(served ? 0 : 1);
    }
    ends.second = Fd();
    host_.emplace(std::move(ends.first));
  }
  ~Served() {
    host_.reset();
    if (pid_ < 0) return;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    EXPECT_EQ(status, 0);
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Host& operator*() { return *host_; }
  Host* operator->() { return &*host_; }

  /// As a crash does.
  void kill() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
  std::optional<Host> host_;
};

}  // namespace aegir::host
