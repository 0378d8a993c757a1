// The task engine by itself: how soon a task begins, a thousand tasks on a hundred sites, and what a long history
// costs. One JSON object a line.
//
//   task_bench [--history N] [--samples N] [--directory DIR]
//
// DIR (default: /var/tmp) takes the registries, on a disk as in earnest: each journal step is an fsync. `sites` in a
// figure is the number of old tasks, or of sites.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/tasks/engine.hpp"
#include "tests/bench/bench_main.hpp"

namespace aegir::tasks {
namespace {

using Clock = std::chrono::steady_clock;
using registry::NewTask;
using registry::Task;

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Options {
  std::uint64_t history = 1000;
  std::uint64_t samples = 200;
  std::string directory = "/var/tmp";
};

void row(const std::string& name, std::uint64_t sites, double value, const char* unit) {
  std::printf(R"({"row": "%s", "subject": "aegir", "sites": %llu, "value": %.4g, "unit": "%s"})"
              "\n",
              name.c_str(), static_cast<unsigned long long>(sites), value, unit);
  std::fflush(stdout);
}

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Proportional set size of this process in MiB.
double memory() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == "Pss:" && file >> kib) return kib / 1024;
  }
  throw std::runtime_error("/proc/self/smaps_rollup has no Pss");
}

/// A directory that is gone at the end, with a registry.
class Place {
 public:
  explicit Place(const std::string& parent) : path_(parent + "/aegir-task-bench-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_ + " can't be made");
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] std::unique_ptr<registry::Store> open() const {
    return need(registry::Store::open(path_ + "/registry.sqlite", registry::Store::Mode::kCreate, key_));
  }

 private:
  std::string path_;
  KeyRing key_ = KeyRing::parse(KeyRing::generate(1), "bench").value();
};

/// A verb of one step, which tells when it begins.
class StepVerb final : public Verb {
 public:
  using Begun = std::function<void(std::uint64_t id)>;
  explicit StepVerb(Begun begun) : begun_(std::move(begun)) {}

  [[nodiscard]] std::string name() const override { return "verify"; }
  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kSite; }
  [[nodiscard]] Result<void> check(const NewTask&, registry::Store&) const override { return {}; }
  [[nodiscard]] Result<Locks> locks(const NewTask& task, registry::Store&) const override {
    return Locks{{"site " + task.object, Hold::kAlone}, {"platform d10", Hold::kShared}};
  }
  [[nodiscard]] Saga saga(const Task&) const override {
    Saga saga;
    saga.before = {{"work", [this](Work& work) -> Result<void> {
                      begun_(work.id());
                      return {};
                    }}};
    saga.commit = {"commit", [](Work&, registry::Store&, registry::Writer&) -> Result<void> { return {}; }};
    return saga;
  }

 private:
  Begun begun_;
};

/// An engine at work, and when its tasks began.
class Bench {
 public:
  explicit Bench(const Place& place) : store_(place.open()) {
    std::vector<std::unique_ptr<Verb>> verbs;
    verbs.push_back(std::make_unique<StepVerb>([this](std::uint64_t id) { note(id); }));
    engine_ = std::make_unique<Engine>(store_, std::move(verbs), Engine::Options());
    (void)engine_->subscribe([this](std::uint64_t) { changed_.notify_all(); });
    need(engine_->start());
  }
  ~Bench() { engine_.reset(); }  // its threads use the others
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Engine& engine() { return *engine_; }
  SharedStore& store() { return store_; }

  std::uint64_t ask(const std::string& site, std::uint64_t number) {
    NewTask task;
    task.verb = "verify";
    task.object = site;
    task.request = "{\"n\":" + std::to_string(number) + "}";
    task.actor = "bench";
    return need(engine_->enqueue(task)).id;
  }
  Clock::time_point begin_of(std::uint64_t id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begins_.contains(id); });
    return begins_.at(id);
  }
  void wait_until_idle() {
    std::unique_lock lock(mutex_);
    while (!need(store_.with([](registry::Store& all) { return all.tasks().open(); })).empty()) {
      changed_.wait_for(lock, std::chrono::milliseconds(20));
    }
  }

 private:
  void note(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    begins_[id] = Clock::now();
    changed_.notify_all();
  }

  SharedStore store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Clock::time_point> begins_;
  std::unique_ptr<Engine> engine_;
};

void measure_begin(const Place& place, const Options& options) {
  Bench bench(place);
  std::vector<double> times;
  for (std::uint64_t n = 0; n < options.samples; ++n) {
    const auto asked = Clock::now();
    const std::uint64_t id = bench.ask("shop.example", n);
    times.push_back(milliseconds(bench.begin_of(id) - asked));
    bench.wait_until_idle();
  }
  std::ranges::sort(times);
  row("queued to first step, p50", 1, times[times.size() / 2], "ms");
  row("queued to first step, p99", 1, times[times.size() * 99 / 100], "ms");
}

/// All at once. Nobody starves: how far the sites' last tasks end from each other, in parts of the whole time.
void measure_many(const Place& place) {
  constexpr std::uint64_t kTasks = 1000;
  constexpr std::uint64_t kSites = 100;
  Bench bench(place);
  need(bench.engine().pause(true));
  std::map<std::string, std::vector<std::uint64_t>> asked;
  for (std::uint64_t n = 0; n < kTasks; ++n) {
    const std::string site = "site" + std::to_string(n % kSites) + ".example";
    asked[site].push_back(bench.ask(site, n));
  }
  const auto start = Clock::now();
  need(bench.engine().pause(false));
  bench.wait_until_idle();
  row("1,000 queued tasks on 100 sites", kSites, milliseconds(Clock::now() - start) / 1000, "s");
  std::uint64_t disordered = 0;
  std::vector<std::int64_t> firsts;
  std::vector<std::int64_t> lasts;
  for (const auto& [site, ids] : asked) {
    std::int64_t before = 0;
    for (const std::uint64_t id : ids) {
      const Task task = *need(bench.store().with([&](registry::Store& all) { return all.tasks().find(id); }));
      if (task.state != registry::TaskState::kSuccess || task.started < before) ++disordered;
      before = task.ended;
      if (id == ids.front()) firsts.push_back(task.started);
    }
    lasts.push_back(before);
  }
  row("1,000 queued tasks, out of order in their site", kSites, static_cast<double>(disordered), "tasks");
  const auto [first, last] = std::ranges::minmax(lasts);
  const double whole = static_cast<double>(last - std::ranges::min(firsts));
  row("1,000 queued tasks, first site done to last site done", kSites, static_cast<double>(last - first) / whole,
      "of all");
}

void make_history(const Place& place, std::uint64_t count) {
  const std::unique_ptr<registry::Store> store = place.open();
  registry::Tasks tasks = store->tasks();
  constexpr std::uint64_t kAtOnce = 10'000;
  for (std::uint64_t done = 0; done < count;) {
    need(tasks.together([&]() -> Result<void> {
      for (std::uint64_t n = 0; n < kAtOnce && done < count; ++n, ++done) {
        NewTask task;
        task.verb = "verify";
        task.object = "site" + std::to_string(done % 10'000) + ".example";
        task.site = done % 10'000 + 1;
        task.request = "{}";
        task.actor = "bench";
        const std::uint64_t id = need(tasks.enqueue(task)).id;
        need(tasks.put_step(id, {0, "tree", registry::StepState::kDone, {}, {}}));
        need(tasks.put_step(id, {1, "record", registry::StepState::kDone, {}, {}}));
        need(tasks.end(id, registry::TaskState::kSuccess, {}, {}));
      }
      return {};
    }));
  }
}

void measure_history(const Place& place, std::uint64_t count) {
  const double before = memory();
  const auto start = Clock::now();
  Bench bench(place);
  row("start with old tasks", count, milliseconds(Clock::now() - start), "ms");
  row("memory with old tasks", count, memory() - before, "MiB");
  const auto asked = Clock::now();
  const std::uint64_t id = bench.ask("new.example", 0);
  row("queued to first step with old tasks", count, milliseconds(bench.begin_of(id) - asked), "ms");
  const auto listed = Clock::now();
  registry::TaskFilter filter;
  filter.kind = registry::ObjectKind::kSite;
  filter.object = "site7.example";
  (void)need(bench.store().with([&](registry::Store& all) { return all.tasks().list(filter); }));
  row("list of a site's old tasks", count, milliseconds(Clock::now() - listed), "ms");
  const auto counted = Clock::now();
  (void)need(bench.store().with([](registry::Store& all) { return all.tasks().count(); }));
  row("count of old tasks by state", count, milliseconds(Clock::now() - counted), "ms");
}

/// In a process of its own, for memory's sake.
void apart(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      work();
      std::fflush(stdout);
      ::_exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "task_bench: %s\n", error.what());
      ::_exit(1);
    }
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
    throw std::runtime_error("a part of the bench failed");
  }
}

void run(const Options& options) {
  const auto with_place = [&](const std::function<void(const Place&)>& work) {
    const Place place(options.directory);
    apart([&] { work(place); });
  };
  with_place([&](const Place& place) { measure_begin(place, options); });
  with_place(measure_many);
  const Place place(options.directory);
  apart([&] { make_history(place, options.history); });
  apart([&] { measure_history(place, options.history); });
}

}  // namespace
}  // namespace aegir::tasks

int main(int argc, char** argv) {
  aegir::tasks::Options options;
  const std::array<aegir::bench::Option, 3> known{
      {{"--history", &options.history}, {"--samples", &options.samples}, {"--directory", &options.directory}}};
  return aegir::bench::run("task_bench", {argv, static_cast<std::size_t>(argc)}, known,
                           [&] { aegir::tasks::run(options); });
}
