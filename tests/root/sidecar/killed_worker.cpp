// aegird-worker as it is, but that it kills itself at the n-th point of its journals, which AEGIR_KILL_AT names. aegird
// gives its worker no environment, so that the number stands in a file beside the configuration.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sidecar/worker.hpp"

int main(int argc, char** argv) {
  using namespace aegir;
  if (argc != 3) return 64;
  const std::filesystem::path file = argv[2];
  const ConfigResult config = read_config(file);
  if (!config) return 65;
  int kill_at = 0;
  std::ifstream(file.parent_path() / "kill-at") >> kill_at;
  std::atomic<int> points = 0;
  tasks::Engine::Options options;
  options.on_journal = [&](const std::string& point) {
    if (++points != kill_at) return;
    (void)std::fprintf(stderr, "killed %s\n", point.c_str());
    (void)std::raise(SIGKILL);
  };
  return run_worker(*config, options);
}
