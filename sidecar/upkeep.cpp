#include "sidecar/upkeep.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace aegir {
namespace {

using Clock = std::chrono::steady_clock;

/// After a power loss the durable map is at most so old; the registry redoes what it lacks.
constexpr std::chrono::seconds kPersist{10};
constexpr std::chrono::hours kForget{1};
/// So many lines at a time, so that tasks wait for milliseconds.
constexpr std::size_t kMostLines = 2000;

void pause(const std::stop_token& stop, Clock::duration length) {
  std::mutex mutex;
  std::condition_variable_any ended;
  std::unique_lock lock(mutex);
  (void)ended.wait_for(lock, stop, length, [&] { return stop.stop_requested(); });
}

}  // namespace

Upkeep::Upkeep(verbs::Services& services, std::function<void(const Error&)> tell)
    : services_(services), tell_(std::move(tell)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Upkeep::run(const std::stop_token& stop) {
  services_.start_php(tell_);
  Clock::time_point forget;
  while (!stop.stop_requested()) {
    note("map", persist());
    if (Clock::now() >= forget) {
      note("log", forget_log(stop));
      forget = Clock::now() + kForget;
    }
    pause(stop, kPersist);
  }
}

Result<void> Upkeep::persist() const {
  Result<publish::Copied> copied = publish::persist(services_.config());
  return copied ? Result<void>() : pass(copied);
}

Result<void> Upkeep::forget_log(const std::stop_token& stop) const {
  const Result<registry::Settings> settings =
      services_.store().with([](registry::Store& store) { return store.settings(); });
  if (!settings) return std::unexpected<Error>(settings.error());
  const auto old = std::chrono::system_clock::now() - std::chrono::days(settings->log_days);
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(old.time_since_epoch()).count();
  while (!stop.stop_requested()) {
    const Result<std::size_t> gone =
        services_.store().with([&](registry::Store& store) { return store.tasks().forget_log(time, kMostLines); });
    if (!gone) return std::unexpected<Error>(gone.error());
    if (*gone < kMostLines) return {};
    pause(stop, std::chrono::milliseconds(50));
  }
  return {};
}

void Upkeep::note(const char* job, const Result<void>& done) {
  const std::string text = done ? std::string() : describe(done.error());
  if (std::exchange(told_[job], text) != text && !done) tell_(done.error());
}

}  // namespace aegir
