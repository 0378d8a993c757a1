// Publishing at fleet size: from the SQLite commit until a worker that follows the map answers with it, quiet and while
// a merge runs; full and incremental compile; bytes written. One JSON object a line.
//
//   publish_bench [--sites N] [--changes N] [--directory DIR]
//
// DIR (default: /var/tmp) takes the registry, so that commits are as slow as the disk makes them; the live map lies in
// /dev/shm. Filling the registry and the full compile run in processes of their own, for memory's sake.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/publish/publisher.hpp"
#include "tests/bench/bench_main.hpp"

namespace aegir::publish {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Options {
  std::uint64_t sites = 1000;
  std::uint64_t changes = 2000;
  std::string directory = "/var/tmp";
};

/// Two directories that are gone at the end: one on the disk, one in memory.
class Place {
 public:
  explicit Place(const Options& options) : disk_(make(options.directory)), memory_(make("/dev/shm")) {
    config = parse_config("prefix = " + disk_ + "\nmap_dir = " + memory_ + "/map\nmap_durable = " + disk_ +
                              "/durable\nregistry = " + disk_ + "/registry.sqlite\n",
                          "bench")
                 .value();
    std::filesystem::create_directory(config.map_dir);
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(disk_, ignored);
    std::filesystem::remove_all(memory_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] std::unique_ptr<registry::Store> open() const {
    return need(registry::Store::open(config.registry, registry::Store::Mode::kCreate, key_));
  }

  Config config;
  KeyRing map_key = KeyRing::parse(KeyRing::generate(1), "bench").value();

 private:
  static std::string make(const std::string& parent) {
    std::string name = parent + "/aegir-publish-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error(name + " can't be made");
    return name;
  }
  std::string disk_, memory_;
  KeyRing key_ = KeyRing::parse(KeyRing::generate(1), "bench").value();
};

void row(const char* name, std::uint64_t sites, double value, const char* unit) {
  std::printf(R"({"row": "%s", "subject": "aegir", "sites": %llu, "value": %.4g, "unit": "%s"})"
              "\n",
              name, static_cast<unsigned long long>(sites), value, unit);
  std::fflush(stdout);
}

/// Runs `work` in a child process; its peak of resident memory in MiB.
double peak_of(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      work();
      std::fflush(stdout);
      ::_exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "publish_bench: %s\n", error.what());
      ::_exit(1);
    }
  }
  int status = 0;
  struct rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || status != 0)
    throw std::runtime_error("a part of the bench failed");
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::string uri_of(std::uint64_t number) { return "site" + std::to_string(number) + ".fleet.example"; }

/// A site as most are: one alias that redirects to it, cloaked, in a slot of its own.
registry::Site site_of(std::uint64_t number) {
  registry::Site site;
  site.uri = uri_of(number);
  site.platform = "d10";
  site.redirect_to = site.uri;
  site.aliases = {{"www." + site.uri, ""}};
  const std::string name = "site" + std::to_string(number);
  site.database = {"web1", name, name, "Pa55word" + name};
  site.cron_key = "cron" + name;
  return site;
}

void fill(const Place& place, std::uint64_t sites) {
  const auto store = place.open();
  const auto put = [&](const std::function<Result<void>(registry::Writer&)>& body) {
    need(store->transact({"bench", ""}, body));
  };
  put([&](registry::Writer& writer) -> Result<void> {
    registry::Server server{"web1", "localhost", {}, registry::DatabaseService{}};
    server.web = {{registry::kApache, 8080, 8443, "127.0.0.1"}, {registry::kNginx, 80, 443, "127.0.0.1"}};
    if (Result<void> done = writer.put(server); !done) return done;
    registry::Platform platform;
    platform.name = "d10";
    platform.server = "web1";
    platform.docroot = "/var/aegir/platforms/d10/web";
    return writer.put(platform);
  });
  constexpr std::uint64_t kBatch = 50000;
  for (std::uint64_t first = 0; first < sites; first += kBatch) {
    put([&](registry::Writer& writer) -> Result<void> {
      for (std::uint64_t i = first; i < std::min(first + kBatch, sites); ++i) {
        if (Result<void> done = writer.put(site_of(i)); !done) return done;
      }
      return {};
    });
  }
}

double quantile(std::vector<double>& values, double share) {
  std::ranges::sort(values);
  return values.at(static_cast<std::size_t>(static_cast<double>(values.size() - 1) * share));
}

/// Changes random sites one by one and publishes each; a worker in this process has to see each at its next request.
class Publishing {
 public:
  Publishing(const Place& place, std::uint64_t sites)
      : sites_(sites),
        store_(place.open()),
        publisher_(place.config, *store_, place.map_key),
        worker_(place.config.map_dir, [](void*, const char*) noexcept {}, nullptr) {
    need(publisher_.publish());
    (void)worker_.snapshot(0);
  }

  void run(std::uint64_t changes) {
    for (std::uint64_t i = 0; i < changes; ++i) one();
    report("publish", quiet_);
    // Now always with a merge under way. A fleet whose merge is over before the next publish gives no such row.
    std::vector<double> merging;
    const auto until = Clock::now() + std::chrono::seconds(60);
    while (merging.size() < std::min<std::uint64_t>(changes, 1000) && Clock::now() < until) {
      need(publisher_.begin_merge());
      const std::size_t before = merging.size();
      while (publisher_.merging()) merging.push_back(one());
      if (merging.size() == before) break;
      one();  // puts the merged base in place
    }
    if (merging.size() >= 100) report("publish during a merge", merging);
    row("publish, most bytes", sites_, largest_, "B");
  }

 private:
  double one() {
    registry::Site site = site_of(random_() % sites_);
    site.php.memory_limit = 128 + static_cast<std::uint32_t>(random_() % 1000);
    const std::uint64_t sequence =
        need(store_->transact({"bench", ""}, [&](registry::Writer& writer) { return writer.put(site); }));
    const auto committed = Clock::now();
    const Report report = need(publisher_.publish());
    const Snapshot seen = worker_.snapshot(0);
    map::SiteView view;
    const bool right = seen->generation() == sequence && seen->find_host(site.uri, view) == map::Lookup::kFound &&
                       view.memory_limit == site.php.memory_limit;
    const double took = milliseconds_since(committed);
    if (!right) throw std::runtime_error("a worker gave a stale answer after publish() had returned");
    if (report.wrote == Report::Wrote::kDelta) largest_ = std::max(largest_, static_cast<double>(report.bytes));
    quiet_.push_back(took);
    return took;
  }
  void report(const std::string& name, std::vector<double>& values) const {
    row((name + " p50").c_str(), sites_, quantile(values, 0.5), "ms");
    row((name + " p99").c_str(), sites_, quantile(values, 0.99), "ms");
  }

  std::uint64_t sites_;
  std::unique_ptr<registry::Store> store_;
  Publisher publisher_;
  map::LiveMap worker_;
  std::mt19937_64 random_{1};  // NOLINT(cert-msc51-cpp): the same sites each time
  std::vector<double> quiet_;
  double largest_ = 0;
};

void run(const Options& options) {
  const Place place(options);
  (void)peak_of([&] { fill(place, options.sites); });
  const double peak = peak_of([&] {
    const auto store = place.open();
    const auto start = Clock::now();
    need(full_compile(*store, place.config, place.map_key, {place.config.map_dir}));
    row("full compile", options.sites, milliseconds_since(start) / 1000, "s");
  });
  row("full compile, peak of memory", options.sites, peak, "MiB");
  (void)peak_of([&] { Publishing(place, options.sites).run(options.changes); });
  (void)peak_of([&] {
    const auto store = place.open();
    need(store->transact({"bench", ""}, [&](registry::Writer& writer) {
      registry::Site site = site_of(0);
      site.php.memory_limit = 64;
      return writer.put(site);
    }));
    const auto start = Clock::now();
    Publisher publisher(place.config, *store, place.map_key);
    need(publisher.publish());
    row("incremental compile", options.sites, milliseconds_since(start), "ms");
  });
}

}  // namespace
}  // namespace aegir::publish

int main(int argc, char** argv) {
  aegir::publish::Options options;
  const std::array<aegir::bench::Option, 3> known{
      {{"--sites", &options.sites}, {"--changes", &options.changes}, {"--directory", &options.directory}}};
  return aegir::bench::run("publish_bench", {argv, static_cast<std::size_t>(argc)}, known,
                           [&] { aegir::publish::run(options); });
}
