#include "sidecar/monitor/php.hpp"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): SIGUSR2 is POSIX
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/path.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/command.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::monitor {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::seconds kReload{2};

class Master {
 public:
  Master(const Config& config, const wire::PhpOrder& order) : config_(config) {
    block_.name = order.block;
    block_.server = order.server;
  }

  /// Whether there is such a block: its configuration is root's and comes from the emitter alone.
  [[nodiscard]] Result<void> check() const {
    for (const std::string& name : {block_.name, block_.server}) {
      if (!is_plain_name(name) || name.size() > 64) return fail(Code::kInvalid, "'" + name + "' is no name");
    }
    const std::string path = emit::fpm_block_path(config_, block_);
    Result<machine::Directory> folder = machine::open_config_folder(config_, path);
    if (!folder) return pass(folder);
    struct stat status{};
    if (::fstatat(folder->fd.get(), (block_.name + ".conf").c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode) && status.st_uid == 0) {
      return {};
    }
    return fail_at(path, Code::kNotFound, "there is no such block of PHP on this machine",
                   "verify server " + block_.server);
  }

  /// One that reads its configuration again may not take anybody for a moment, and keeps its socket's file.
  [[nodiscard]] bool is_there() const {
    std::error_code error;
    const bool may_be_there = std::filesystem::exists(slot_socket(config_, block_.name, 0), error);
    return answers() || (may_be_there && comes_true([this] { return answers(); }, kReload));
  }

  [[nodiscard]] Result<void> start() const {
    if (is_there()) return {};
    if (Result<void> told = has_unit() ? control("start") : spawn(); !told) return told;
    return wait([this] { return answers(); }, "does not answer on its first socket");
  }

  [[nodiscard]] Result<void> stop() const {
    if (has_unit()) {
      if (Result<void> told = control("stop"); !told) return told;
    } else if (Result<void> told = signal(SIGTERM); !told) {
      return is_gone() ? Result<void>() : told;
    }
    // A master that is reading its configuration again may lose the signal.
    auto told = std::chrono::steady_clock::now();
    return wait(
        [this, told]() mutable {
          if (is_gone()) return true;
          if (std::chrono::steady_clock::now() - told > std::chrono::seconds(1)) {
            // One that it does not reach is gone, and seen to be the next time.
            const Result<void> again = has_unit() ? Result<void>() : signal(SIGTERM);
            told = std::chrono::steady_clock::now();
            return !again && is_gone();
          }
          return false;
        },
        "does not end");
  }

  [[nodiscard]] Result<void> reload() const { return has_unit() ? control("reload") : signal(SIGUSR2); }

 private:
  [[nodiscard]] static bool has_unit() {
    std::error_code error;
    if (!std::filesystem::exists("/run/systemd/system", error)) return false;
    return std::ranges::any_of(std::array{"/etc", "/usr/local/lib", "/usr/lib", "/lib"}, [&](const char* folder) {
      return std::filesystem::exists(std::string(folder) + "/systemd/system/aegir-fpm@.service", error);
    });
  }

  [[nodiscard]] Result<void> control(const char* action) const {
    return machine::reload_server(
        {.argv = {"/usr/bin/systemctl", action, "aegir-fpm@" + block_.name + ".service"}, .pid_file = {}}, "", 0);
  }

  /// Its errors go nowhere: every program of a site inherits that descriptor. Its own log has all that it says.
  [[nodiscard]] Result<void> spawn() const {
    const std::string program = block_php_dir(config_, block_.name) + "/php-fpm";
    const std::string path = emit::fpm_block_path(config_, block_);
    Result<void> tested = machine::test_server({program, "--test", "--fpm-config", path});
    if (!tested) return tested;
    const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nothing) return fail_errno("can't be opened", "/dev/null", errno);
    // This process ends soon, and the master goes on without it.
    const Result<pid_t> started =
        machine::start_command({program, "--nodaemonize", "--fpm-config", path}, nothing.get());
    return started ? Result<void>() : std::unexpected(started.error());
  }

  [[nodiscard]] Result<void> signal(int number) const {
    return machine::reload_server({.argv = {}, .pid_file = emit::fpm_block_pid(config_, block_)}, "php-fpm", number);
  }

  [[nodiscard]] bool answers() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = slot_socket(config_, block_.name, 0);
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.data(), path.size());
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return false;
    // EAGAIN: somebody listens, and many wait for him.
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
  }

  /// Its pid file goes with it; one that was killed leaves it, and nobody answers.
  [[nodiscard]] bool is_gone() const {
    const Result<void> is_there = signal(0);
    return !answers() && !is_there && is_there.error().code == Code::kNotFound;
  }

  [[nodiscard]] static bool comes_true(const std::function<bool()>& what, std::chrono::seconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!what()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  [[nodiscard]] Result<void> wait(const std::function<bool()>& done, const std::string& complaint) const {
    if (comes_true(done, kPatience)) return {};
    return fail_at(emit::fpm_block_path(config_, block_), Code::kBusy,
                   "the PHP of block " + block_.name + ' ' + complaint,
                   "look into " + config_.log_dir + "/php-" + block_.name + ".log");
  }

  const Config& config_;
  registry::Block block_;
};

Result<void> with_master(const Config& config, const wire::PhpOrder& order, Result<void> (Master::*work)() const) {
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  const Master master(config, order);
  if (Result<void> ok = master.check(); !ok) return ok;
  // One at a time, so that two don't start two.
  const std::string sockets = block_socket_dir(config, order.block);
  const Fd turn(::open(sockets.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!turn || ::flock(turn.get(), LOCK_EX) != 0) return fail_errno("can't be locked", sockets, errno);
  return (master.*work)();
}

}  // namespace

Result<bool> php_answers(const Config& config, const wire::PhpOrder& order) {
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  const Master master(config, order);
  if (Result<void> ok = master.check(); !ok) return pass(ok);
  return master.is_there();
}

Result<void> start_php(const Config& config, const Accounts&, const wire::PhpOrder& order) {
  return with_master(config, order, &Master::start);
}

Result<void> stop_php(const Config& config, const Accounts&, const wire::PhpOrder& order) {
  return with_master(config, order, &Master::stop);
}

Result<void> reload_php(const Config& config, const Accounts&, const wire::PhpOrder& order) {
  return with_master(config, order, &Master::reload);
}

}  // namespace aegir::monitor
