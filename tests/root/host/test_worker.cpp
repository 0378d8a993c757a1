// A worker for tests of aegird as a program. What it does stands in the file "mode" beside its configuration; it says
// on its standard output when it has begun.
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigwait is POSIX
#include <unistd.h>

#include <cstdio>
#include <string>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "sidecar/host/slot_runner.hpp"

namespace {

using namespace aegir;

void say(const char* what) {
  (void)std::puts(what);
  (void)std::fflush(stdout);
}

/// Has a run that does not end, and does not end when aegird does.
void run_for_ever(const std::string& config_file) {
  const Config config = read_config(config_file).value();
  host::Host host(Fd(3));
  const wire::Slot slot{"b1", 0, config.uid_first};
  if (!host.make_slots({slot.block, slot.uid, 1})) return;
  host::SlotRunner runner(host, slot, {}, {});
  (void)runner.run({.argv = {"/bin/sh", "-c", "echo running >&2; sleep 1000 & sleep 1000"},
                    .environment = {"PATH=/usr/bin:/bin"},
                    .directory = "/",
                    .input = {},
                    .patience = std::chrono::hours(1),
                    .on_line = [](std::string_view) { say("running"); }});
  for (;;) (void)::pause();
}

void wait_for_signal() {
  sigset_t set;
  (void)::sigemptyset(&set);
  (void)::sigaddset(&set, SIGTERM);
  (void)::sigprocmask(SIG_BLOCK, &set, nullptr);
  say("waiting");
  int number = 0;
  (void)::sigwait(&set, &number);
  say("told");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string(argv[1]) != "--config") return 64;
  const std::string config = argv[2];
  const std::string mode = read_file(config.substr(0, config.rfind('/')) + "/mode").value_or("");
  if (mode == "run") run_for_ever(config);
  if (mode == "wait") wait_for_signal();
  return mode == "fail" ? 9 : 0;
}
