// aegird: starts the worker as aegir, and does for it what needs root, from a closed list. Ends when the worker ends.
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigprocmask is POSIX
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
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

/// Serves a worker until it ends; the exit status, which is the worker's own.
int serve(Config config, const Options& options) {
  Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return tell(accounts.error());
  machine::Done done;
  if (Result<void> made = machine::prepare_directories(config, *accounts, done); !made) return tell(made.error());
  const Result<Fd> only = monitor::be_the_only_one(config);
  if (!only) return tell(only.error());
  Result<std::pair<Fd, Fd>> ends = wire::make_channel();
  if (!ends) return tell(ends.error());
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int each : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&blocked, each);
  (void)::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  const std::string program = options.worker.empty() ? default_worker() : options.worker;
  const Result<pid_t> worker = monitor::start_worker(config, *accounts, program, options.config, ends->second);
  if (!worker) return tell(worker.error());
  ends->second = Fd();
  const Result<void> served =
      monitor::Monitor(std::move(config), *accounts, std::move(ends->first), STDERR_FILENO).serve(*worker);
  const Result<int> status = monitor::end_worker(*worker);
  if (!served) return tell(served.error());
  return status ? *status : tell(status.error());
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
      "Runs in the foreground and ends with the worker, whose exit status it has; SIGTERM ends both. Exit codes:\n"
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
  ConfigResult config = read_config(options.config);
  if (config) return serve(*std::move(config), options);
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
