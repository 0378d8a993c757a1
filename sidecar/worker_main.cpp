// aegird-worker: API, tasks and verbs, as the user aegir. aegird starts it, and does for it what needs root.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "sidecar/worker.hpp"

namespace {

using namespace aegir;

int tell(const Error& error) {
  (void)std::fprintf(stderr, "aegird-worker: %s\n", describe(error).c_str());
  return exit_code(error.code);
}

int run(int argc, char** argv) {
  std::string file(kConfigFile);
  CLI::App app("Aegir's tasks and API. aegird starts it; it is of no use by itself.", "aegird-worker");
  app.set_version_flag("--version", "aegird-worker " AEGIR_VERSION);
  app.add_option("--config", file, "Configuration of this machine")->option_text("FILE");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return tell({Code::kUsage, error.what(), {}, "see `aegird-worker --help`"});
  }
  const ConfigResult config = read_config(file);
  if (config) return run_worker(*config);
  int status = 0;
  for (const Error& error : config.error()) status = tell(error);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "aegird-worker: internal error: %s\n", error.what());
    return exit_code(Code::kInternal);
  }
}
