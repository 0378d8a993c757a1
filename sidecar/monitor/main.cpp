// aegird: starts the worker as aegir, and does for it what needs root, from a closed list. Ends when the worker ends;
// one that was killed is followed by another.
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigprocmask is POSIX
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>

#include "compiler/machine/machine.hpp"
#include "sidecar/monitor/monitor.hpp"
#include "sidecar/monitor/worker.hpp"

namespace {

using namespace aegir;

struct Options {
  std::string config = std::string(kConfigFile);
  std::string worker;
};

int tell(const Error& error) {
  (void)std::fprintf(stderr, "aegird: %s\n", describe(error).c_str());
  return exit_code(error.code);
}

/// Beside this program, as it is built, or where it is installed.
std::string default_worker() {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
  std::string beside = own.parent_path() / "aegird-worker";
  if (std::filesystem::exists(beside, error)) return beside;
  return own.parent_path().parent_path() / AEGIR_LIBEXEC "/aegird-worker";
}

/// How a worker ended.
struct Ended {
  int status = 0;
  bool is_last = false;  ///< somebody wants aegird to end
};

/// Serves one worker until it ends.
Result<Ended> serve_one(const Config& config, const Accounts& accounts, const Options& options) {
  Result<std::pair<Fd, Fd>> ends = wire::make_channel();
  if (!ends) return pass(ends);
  const std::string program = options.worker.empty() ? default_worker() : options.worker;
  const Result<pid_t> worker = monitor::start_worker(config, accounts, program, options.config, ends->second);
  if (!worker) return std::unexpected(worker.error());
  ends->second = Fd();
  monitor::Monitor monitor(config, accounts, std::move(ends->first), STDERR_FILENO);
  Result<void> served = monitor.serve(*worker);
  const Result<int> status = monitor::end_worker(*worker);
  if (!served) return pass(served);
  if (!status) return std::unexpected(status.error());
  return Ended{*status, monitor.was_told_to_end()};
}

/// Waits before another worker is started; false: aegird is to end instead. `blocked` has the signals that say so.
bool wait_for_another(const sigset_t& blocked, std::chrono::seconds pause) {
  const auto end = std::chrono::steady_clock::now() + pause;
  for (;;) {
    const auto left =
        std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(end - std::chrono::steady_clock::now()));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec patience{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
    const int signal = ::sigtimedwait(&blocked, nullptr, &patience);
    if (signal == SIGTERM || signal == SIGINT) return false;
    if (signal < 0 && errno == EAGAIN) return true;
  }
}

/// Serves workers, one after the other, until one ends by itself or aegird is to end; the last one's exit status.
int serve(const Config& config, const Options& options) {
  const Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return tell(accounts.error());
  machine::Done done;
  if (Result<void> made = machine::prepare_directories(config, *accounts, done); !made) return tell(made.error());
  const Result<Fd> only = monitor::be_the_only_one(config);
  if (!only) return tell(only.error());
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int each : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&blocked, each);
  (void)::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  // Longer each time for one that does not live: what kills it may pass, and must not keep the machine busy meanwhile.
  constexpr std::chrono::seconds kLives{60};
  constexpr std::chrono::seconds kLongest{60};
  std::chrono::seconds pause{0};
  for (;;) {
    const auto begun = std::chrono::steady_clock::now();
    const Result<Ended> ended = serve_one(config, *accounts, options);
    if (!ended) return tell(ended.error());
    constexpr int kKilled = 128;
    if (ended->is_last || ended->status < kKilled) return ended->status;
    if (std::chrono::steady_clock::now() - begun > kLives) pause = std::chrono::seconds(0);
    (void)std::fprintf(stderr, "aegird: aegird-worker was ended by signal %d; another one is started in %d s\n",
                       ended->status - kKilled, static_cast<int>(pause.count()));
    if (!wait_for_another(blocked, pause)) return ended->status;
    pause = std::min(kLongest, pause * 2 + std::chrono::seconds(1));
  }
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Serves Aegir's sites: starts aegird-worker, which has the API and the tasks and works as aegir, and does for it "
      "what needs root.",
      "aegird");
  app.set_version_flag("--version", "aegird " AEGIR_VERSION);
  app.add_option("--config", options.config, "Configuration of this machine")
      ->option_text("FILE=" + std::string(kConfigFile));
  app.add_option("--worker", options.worker,
                 "The worker's program; else the one beside this program or installed with it")
      ->option_text("PROGRAM");
  app.footer(
      "Runs in the foreground and ends with the worker, whose exit status it has; a worker that was killed is\n"
      "followed by another. SIGTERM ends both. Exit codes:\n"
      "0 done, 64 usage, 65 something is wrong with the configuration, 66 not found, 70 internal, 74 input or\n"
      "output, 75 another aegird is running, 77 permission.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return tell({Code::kUsage, error.what(), {}, "see `aegird --help`"});
  }
  options.config = std::filesystem::absolute(options.config);
  if (!options.worker.empty()) options.worker = std::filesystem::absolute(options.worker);
  if (::geteuid() != 0) {
    return tell({Code::kPermission, "aegird runs programs as the uids of sites", {}, "start it as root"});
  }
  const ConfigResult config = read_config(options.config);
  if (config) return serve(*config, options);
  int status = 0;
  for (const Error& error : config.error()) status = tell(error);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "aegird: internal error: %s\n", error.what());
    return exit_code(Code::kInternal);
  }
}
