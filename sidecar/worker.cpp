#include "sidecar/worker.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigwait is POSIX
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "sidecar/api/server.hpp"
#include "sidecar/tasks/engine.hpp"
#include "sidecar/upkeep.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir {
namespace {

/// Where aegird has put its end of the socket.
constexpr int kChannel = 3;
constexpr std::chrono::seconds kPatience{30};

int tell(const Error& error) {
  (void)std::fprintf(stderr, "aegird-worker: %s\n", describe(error).c_str());
  return exit_code(error.code);
}

Result<std::unique_ptr<registry::Store>> open_registry(const Config& config) {
  Result<KeyRing> key = KeyRing::read(config.registry_key);
  if (!key) {
    if (key.error().code == Code::kNotFound) {
      key.error().hint = "make it with `aegirc keygen registry`, or put it back from its backup";
    }
    return pass(key);
  }
  // A worker that holds it is one of an aegird that was killed.
  const registry::Patience patience{
      .longest = kPatience,
      .on_wait =
          [](const std::string& holder) {
            (void)std::fprintf(stderr, "aegird-worker: waits for %s, which writes the registry\n", holder.c_str());
          },
      .for_worker = true};
  return registry::Store::open(config.registry, registry::Store::Mode::kWrite, *key, patience);
}

/// The key of the site map, which only root can read.
Result<KeyRing> map_keys(host::Host& host, const Config& config) {
  Result<std::string> text = host.map_key();
  if (!text && text.error().code == Code::kNotFound) return KeyRing();
  if (!text) return pass(text);
  return KeyRing::parse(*text, config.map_key);
}

}  // namespace

int run_worker(const Config& config, WorkerOptions options) {
  sigset_t ends;
  ::sigemptyset(&ends);
  for (const int each : {SIGTERM, SIGINT}) ::sigaddset(&ends, each);
  (void)::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  host::Host host{Fd(kChannel)};
  Result<KeyRing> keys = map_keys(host, config);
  if (!keys) return tell(keys.error());
  Result<std::unique_ptr<registry::Store>> opened = open_registry(config);
  if (!opened) return tell(opened.error());
  tasks::SharedStore store(*std::move(opened));
  publish::Publisher publisher(config, store.with([](registry::Store& all) -> registry::Store& { return all; }), *keys);
  verbs::Services services(config, host, store, publisher, *keys);
  services.shorten_runs(std::move(options.longest_run));
  if (Result<std::uint64_t> published = services.publish(); !published) return tell(published.error());
  tasks::Reserve reserve(config.registry + ".reserve");
  tasks::Engine::Options how;
  how.on_journal = std::move(options.on_journal);
  how.reserve = &reserve;
  tasks::Engine engine(store, verbs::all_verbs(services), std::move(how));
  if (Result<void> started = engine.start(); !started) return tell(started.error());
  api::Service service(engine, store);
  api::ServerOptions where;
  where.path = api_socket(config);
  where.administrators = api::administrators_of(config, ::getuid());
  const Result<std::unique_ptr<api::Server>> server = api::Server::start(service, std::move(where));
  if (!server) return tell(server.error());
  const std::jthread watch([&] {
    host.wait_until_gone();
    (void)::kill(::getpid(), SIGTERM);
  });
  const Upkeep upkeep(services, [](const Error& error) { (void)tell(error); });
  int signal = 0;
  (void)::sigwait(&ends, &signal);
  // Steps that are at work may last for hours. Their tasks are taken up by the next worker, as after any other end.
  ::_exit(0);
}

}  // namespace aegir
