// The site map by itself at fleet size: write, open, memory of a worker, look-ups; std::unordered_map beside it.
// One JSON object a line. Every part runs in a process of its own, so that none warms or fattens another.
//
// Isolated look-ups are timed one by one with the time stamp counter, fenced; the median cost of timing nothing is
// subtracted. Their names are drawn at random and written into a local buffer before the clock starts. Batches are
// 100,000 random names, 16 at a time (Snapshot::prefetch()), in the thread's CPU time. A worker's Private_Dirty is
// measured beside a second worker of the same map, as servers have them (the kernel counts a tmpfs page that only one
// process maps as private).
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "compiler/core/atomic_file.hpp"
#include "compiler/map/merge.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/writer.hpp"

namespace aegir::map {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  _mm_lfence();
  const std::uint64_t now = __rdtsc();
  _mm_lfence();
  return now;
#else
  return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
#endif
}

double ticks_per_microsecond() {
  const auto start = Clock::now();
  const std::uint64_t first = ticks();
  while (seconds_since(start) < 0.05) {
  }
  return static_cast<double>(ticks() - first) / (seconds_since(start) * 1e6);
}

/// xorshift64*: the same sequence in every run.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t below(std::uint64_t limit) noexcept {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    return (state_ * 2685821657736338717ULL >> 32U) * limit >> 32U;
  }

 private:
  std::uint64_t state_;
};

/// Name `i` of a fleet: even ones are sites, odd ones are the alias of the site before.
class Name {
 public:
  explicit Name(std::uint64_t i, const char* format = "site%08llu.example.org") noexcept {
    const char* prefix = i % 2 == 0 ? "" : "www.";
    int size = std::snprintf(text_.data(), text_.size(), "%s", prefix);
    size += std::snprintf(text_.data() + size, text_.size() - static_cast<std::size_t>(size), format,
                          static_cast<unsigned long long>(i / 2));
    size_ = static_cast<std::size_t>(size);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 64> text_;
  std::size_t size_;
};

SiteRecord site_number(std::uint64_t i) {
  SiteRecord site;
  site.key = site.host = site.directory = Name(2 * i).view();
  site.platform_id = static_cast<std::uint32_t>(1 + i % 10);
  site.socket = "/run/aegir/fpm/as" + std::to_string(10000 + i % 50000) + ".sock";
  site.key_id = 1;
  site.sealed.assign(140, static_cast<unsigned char>(i));
  site.aliases.push_back({std::string(Name(2 * i + 1).view()), site.host});
  return site;
}

std::vector<PlatformRecord> platforms() {
  std::vector<PlatformRecord> rows;
  for (std::uint32_t id = 1; id <= 10; ++id) {
    const std::string name = "drupal-" + std::to_string(id);
    rows.push_back({id, 3, Cms::kDrupal8, name, "/var/aegir/platforms/" + name + "/web"});
  }
  return rows;
}

struct Options {
  std::uint64_t sites = 1'000'000;
  std::uint64_t samples = 200'000;
  std::string directory = "/dev/shm/aegir-map-bench";
};

void row(const Options& options, const char* name, const char* subject, double value, const char* unit) {
  std::printf(R"({"row": "%s", "subject": "%s", "sites": %llu, "value": %.4g, "unit": "%s"})"
              "\n",
              name, subject, static_cast<unsigned long long>(options.sites), value, unit);
  std::fflush(stdout);
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "map_bench: %s\n", describe(result.error()).c_str());
  std::exit(1);
}
void must(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "map_bench: %s\n", describe(result.error()).c_str());
  std::exit(1);
}

/// Runs a part in a child of its own.
template <class Part>
void in_child(Part part) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    part();
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) std::exit(1);
}

/// kB of this process that `field` of smaps_rollup counts.
double rollup(const std::string& field) {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == field && file >> value) return value;
  }
  return 0;
}

double peak_mib() {
  std::ifstream file("/proc/self/status");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == "VmHWM:" && file >> value) return value / 1024;
  }
  return 0;
}

/// Sorted ticks of single calls of `call(i)`, with the cost of timing taken away.
template <class Call>
std::vector<double> isolated(const Options& options, Call call) {
  std::vector<std::uint64_t> nothing(10'000);
  for (std::uint64_t& sample : nothing) {
    const std::uint64_t start = ticks();
    sample = ticks() - start;
  }
  std::ranges::nth_element(nothing, nothing.begin() + 5'000);
  const double overhead = static_cast<double>(nothing[5'000]);
  const double scale = ticks_per_microsecond();
  std::vector<double> samples;
  samples.reserve(options.samples);
  for (std::uint64_t i = 0; i < options.samples; ++i)
    samples.push_back((static_cast<double>(call(i)) - overhead) / scale);
  std::ranges::sort(samples);
  return samples;
}

void percentiles(const Options& options, const std::string& what, const char* subject,
                 const std::vector<double>& sorted) {
  row(options, (what + ", p50").c_str(), subject, sorted[sorted.size() / 2], "us");
  row(options, (what + ", p99").c_str(), subject, sorted[sorted.size() * 99 / 100], "us");
}

/// Times single look-ups of names made by `format` from random numbers.
void time_lookups(const Options& options, const Snapshot& snapshot, const std::string& what, const char* format,
                  Lookup expected) {
  Random random(7);
  SiteView site;
  const auto lookup = [&](std::uint64_t) {
    const Name name(random.below(2 * options.sites), format);
    const std::uint64_t start = ticks();
    const Lookup found = snapshot.find_host(name.view(), site);
    const std::uint64_t spent = ticks() - start;
    if (found != expected) std::exit(1);
    return spent;
  };
  for (std::uint64_t i = 0; i < options.samples; ++i) (void)lookup(i);  // maps the pages
  percentiles(options, what, "aegir", isolated(options, lookup));
}

constexpr const char* kThere = "site%08llu.example.org";
constexpr const char* kMissing = "none%08llu.example.org";

Written write_base(const Options& options) {
  FileInfo info;
  info.generation = 1;
  info.key_id = 1;
  const auto start = Clock::now();
  Writer writer = must(Writer::create({.directory = options.directory}, info, platforms()));
  for (std::uint64_t i = 0; i < options.sites; ++i) must(writer.add(site_number(i)));
  Written written = must(writer.finish());
  row(options, "write a base", "aegir", seconds_since(start), "s");
  row(options, "write a base, peak memory", "aegir", peak_mib(), "MiB");
  row(options, "size of a base", "aegir", static_cast<double>(written.header.file_size) / (1 << 20), "MiB");
  must(write_file(options.directory + "/CURRENT", format_current({written.header.registry_id, 1, written.name, ""}),
                  {.durable = false}));
  return written;
}

void open_to_ready(const Options& options) {
  std::vector<double> times;
  std::shared_ptr<const Snapshot> snapshot;
  for (int i = 0; i < 21; ++i) {
    snapshot.reset();
    const auto start = Clock::now();
    snapshot = must(open_published(options.directory, nullptr));
    SiteView site;
    if (snapshot->find_host(Name(static_cast<std::uint64_t>(i)).view(), site) != Lookup::kFound) std::exit(1);
    times.push_back(seconds_since(start) * 1e3);
  }
  row(options, "open to ready, first", "aegir", times.front(), "ms");
  std::ranges::sort(times);
  row(options, "open to ready, median", "aegir", times[times.size() / 2], "ms");
}

/// Serves random names for a while.
void serve(const Options& options, const Snapshot& snapshot) {
  Random random(3);
  SiteView site;
  for (std::uint64_t i = 0; i < options.samples; ++i) {
    if (snapshot.find_host(Name(random.below(2 * options.sites)).view(), site) != Lookup::kFound) std::exit(1);
  }
}

void memory_of_a_worker(const Options& options) {
  std::array<int, 2> served;
  std::array<int, 2> done;
  char byte = 0;
  if (::pipe(served.data()) != 0 || ::pipe(done.data()) != 0) std::exit(1);
  const pid_t other = ::fork();
  if (other == 0) {
    const auto map = must(open_published(options.directory, nullptr));
    serve(options, *map);
    if (::write(served[1], &byte, 1) != 1 || ::read(done[0], &byte, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  if (other < 0 || ::read(served[0], &byte, 1) != 1) std::exit(1);
  const double before = rollup("Private_Dirty:");
  const auto snapshot = must(open_published(options.directory, nullptr));
  serve(options, *snapshot);
  row(options, "Private_Dirty of a worker", "aegir", rollup("Private_Dirty:") - before, "KiB");
  if (::write(done[1], &byte, 1) != 1) std::exit(1);
  (void)::waitpid(other, nullptr, 0);
}

void batches(const Options& options, const Snapshot& snapshot) {
  Random random(5);
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.emplace_back(Name(random.below(2 * options.sites)).view());
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::vector<double> times;
  for (int round = 0; round < 5; ++round) {
    SiteView site;
    const double start = cpu_seconds();
    for (std::size_t i = 0; i < views.size(); i += Snapshot::kBatch) {
      const std::span batch(&views[i], std::min(Snapshot::kBatch, views.size() - i));
      snapshot.prefetch(batch);
      for (const std::string_view name : batch) {
        if (snapshot.find_host(name, site) != Lookup::kFound) std::exit(1);
      }
    }
    times.push_back((cpu_seconds() - start) * 1e6 / static_cast<double>(names.size()));
  }
  std::ranges::sort(times);
  row(options, "look-up, in batches", "aegir", times[times.size() / 2], "us");
}

void lookups(const Options& options) {
  const auto snapshot = must(open_published(options.directory, nullptr));
  time_lookups(options, *snapshot, "look-up", kThere, Lookup::kFound);
  batches(options, *snapshot);
  time_lookups(options, *snapshot, "miss", kMissing, Lookup::kUnknown);
}

/// The same with a delta of 2,000 sites, then with wildcards of one and of three depths in it.
void lookups_over_a_delta(const Options& options) {
  const auto base = must(open_published(options.directory, nullptr));
  const auto with = [&](const std::vector<std::string>& wildcards) {
    Writer writer = must(Writer::create({.directory = options.directory}, delta_of(base->base().header(), 2), {}));
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(2'000, options.sites); ++i) {
      SiteRecord site = site_number(i);
      if (i == 0) {
        for (const std::string& wildcard : wildcards) site.aliases.push_back({wildcard, ""});
        std::ranges::sort(site.aliases, {}, &AliasRecord::key);
      }
      must(writer.add(site));
    }
    const Written written = must(writer.finish());
    const std::string path = options.directory + "/" + written.name;
    auto snapshot = must(Snapshot::make(base->shared_base(), must(MapFile::open(path))));
    (void)::unlink(path.c_str());
    return snapshot;
  };
  time_lookups(options, *with({}), "look-up over a delta", kThere, Lookup::kFound);
  // Random names of two or three labels below .org: each depth costs a look-up that misses.
  time_lookups(options, *with({".other.net"}), "miss, wildcards of 1 depth", kMissing, Lookup::kUnknown);
  time_lookups(options, *with({".net", ".other.net"}), "miss, wildcards of 2 depths", kMissing, Lookup::kUnknown);
}

void merging(const Options& options) {
  const auto base = must(open_published(options.directory, nullptr));
  Writer writer = must(Writer::create({.directory = options.directory}, delta_of(base->base().header(), 3), {}));
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(2'000, options.sites); ++i) must(writer.add(site_number(i)));
  const Written delta = must(writer.finish());
  const auto snapshot =
      must(Snapshot::make(base->shared_base(), must(MapFile::open(options.directory + "/" + delta.name))));
  row(options, "size of a delta of 2000 sites", "aegir", static_cast<double>(delta.header.file_size) / 1024, "KiB");
  const auto start = Clock::now();
  (void)must(merge({.directory = options.directory}, *snapshot));
  row(options, "merge base and delta", "aegir", seconds_since(start), "s");
}

/// What a program with a hash table of its own would hold.
void unordered_map(const Options& options) {
  struct Entry {
    std::shared_ptr<const SiteRecord> site;
    std::string target;
  };
  std::unordered_map<std::string, Entry> map;
  const double before = rollup("Private_Dirty:");
  const auto start = Clock::now();
  for (std::uint64_t i = 0; i < options.sites; ++i) {
    const auto site = std::make_shared<const SiteRecord>(site_number(i));
    for (const AliasRecord& alias : site->aliases) map[alias.key] = {site, alias.target};
    map[site->key] = {site, ""};
  }
  row(options, "build", "unordered_map", seconds_since(start), "s");
  row(options, "Private_Dirty of a worker", "unordered_map", rollup("Private_Dirty:") - before, "KiB");
  Random random(7);
  std::size_t seen = 0;
  const auto lookup = [&](std::uint64_t) {
    const Name name(random.below(2 * options.sites));
    const std::uint64_t first = ticks();
    const auto entry = map.find(std::string(name.view()));
    if (entry == map.end()) std::exit(1);
    seen += entry->second.site->socket.size() + entry->second.target.size();
    return ticks() - first;
  };
  percentiles(options, "look-up", "unordered_map", isolated(options, lookup));
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.emplace_back(Name(random.below(2 * options.sites)).view());
  const double batch = cpu_seconds();
  for (const std::string& name : names) seen += map.find(name)->second.site->socket.size();
  row(options, "look-up, in batches", "unordered_map",
      (cpu_seconds() - batch) * 1e6 / static_cast<double>(names.size()), "us");
  if (seen == 0) std::exit(1);
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--sites") == 0) options.sites = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--samples") == 0) options.samples = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--directory") == 0) options.directory = argv[i + 1];
  }
  if (argc % 2 == 0 || options.sites == 0 || options.samples < 100) {
    std::fprintf(stderr, "usage: map_bench [--sites N] [--samples N] [--directory DIR]\n");
    return 64;
  }
  std::string directory = options.directory + "-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) {
    std::fprintf(stderr, "map_bench: %s can't be made\n", directory.c_str());
    return 74;
  }
  options.directory = directory;
  in_child([&] { (void)write_base(options); });
  in_child([&] { open_to_ready(options); });
  in_child([&] { memory_of_a_worker(options); });
  in_child([&] { lookups(options); });
  in_child([&] { lookups_over_a_delta(options); });
  in_child([&] { merging(options); });
  in_child([&] { unordered_map(options); });
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace aegir::map

int main(int argc, char** argv) { return aegir::map::run(argc, argv); }
