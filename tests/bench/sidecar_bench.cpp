// aegird as a whole on the fixture platform, with real servers: how soon after its request a task's first program runs,
// what a verb costs beside its programs, memory at rest, and what visitors of other sites see of five installs. One
// JSON object a line.
//
//   sidecar_bench [--lives N] [--fleet N]
//
// Needs root. Programs of a site are timed by a wrapper around its PHP, which costs them some milliseconds; those count
// as the program's. `sites` in a figure is the size of the fleet at rest, or how many sites were worked on.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "compiler/registry/store.hpp"
#include "tests/bench/bench_main.hpp"
#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;

constexpr Lab::Server kBoth[] = {Lab::Server::kApache, Lab::Server::kNginx};

struct Options {
  std::uint64_t lives = 5;
  std::uint64_t fleet = 100;
};

void row(const std::string& name, std::uint64_t sites, double value, const char* unit) {
  std::printf(R"({"row": "%s", "subject": "aegir", "sites": %llu, "value": %.4g, "unit": "%s"})"
              "\n",
              name.c_str(), static_cast<unsigned long long>(sites), value, unit);
  std::fflush(stdout);
}

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(*result);
}

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() / 2);
}

/// A program of a site: milliseconds since 1970.
struct Span {
  double begin = 0;
  double end = 0;
};

class Bench {
 public:
  Bench() : lab_(Lab::on_fixture()) { wrap_php(); }

  Lab& lab() { return *lab_; }

  /// Asks for a verb and waits for its end.
  struct Timed {
    double asked = 0;
    registry::Task task;
    std::vector<Span> programs;
  };
  Timed timed(const std::string& verb, const std::string& uri, nlohmann::json request = nlohmann::json::object()) {
    const nlohmann::json wish = {{"kind", "site"}, {"verb", verb}, {"object", uri}, {"request", std::move(request)}};
    const std::string body = wish.dump();
    std::ofstream(spans_file()).close();
    fs::permissions(spans_file(), fs::perms(0666));
    const double asked = now_ms();
    const live::Response accepted =
        live::ask(live::Endpoint::unix_socket(api_socket(lab_->config())),
                  "POST /v1/tasks HTTP/1.1\r\nHost: aegir\r\nConnection: close\r\nContent-Type: application/json\r\n"
                  "Content-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body);
    if (accepted.status != 202) throw std::runtime_error(verb + ": " + accepted.body);
    const auto id = nlohmann::json::parse(accepted.body).at("id").get<std::uint64_t>();
    Timed timed{asked, end_of(id), spans()};
    if (timed.task.state > registry::TaskState::kWarning) throw std::runtime_error(verb + ": " + timed.task.message);
    return timed;
  }

  /// Proportional set size of aegird and its worker in MiB.
  [[nodiscard]] double memory() const {
    // Where the lab has put it: above var/aegir/platforms/p1.
    const fs::path platforms = fs::path(lab_->docroot()).parent_path();
    const std::string config_file = platforms.parent_path().parent_path().parent_path() / "aegir.conf";
    double kib = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
      std::ifstream words(entry.path() / "cmdline");
      std::string program;
      std::string rest;
      std::getline(words, program, '\0');
      std::getline(words, rest);
      const std::string name = fs::path(program).filename();
      if ((name != "aegird" && name != "aegird-worker") || !rest.contains(config_file)) continue;
      std::ifstream file(entry.path() / "smaps_rollup");
      for (std::string word; file >> word;) {
        double size = 0;
        if (word == "Pss:" && file >> size) kib += size;
      }
    }
    if (kib == 0) throw std::runtime_error("aegird is not at work");
    return kib / 1024;
  }

  [[nodiscard]] std::unique_ptr<registry::Store> registry(registry::Store::Mode mode) const {
    return need(registry::Store::open(lab_->config().registry, mode, need(KeyRing::read(lab_->config().registry_key))));
  }

 private:
  [[nodiscard]] std::string spans_file() const { return lab_->docroot() + "/spans"; }

  void wrap_php() {
    const std::string php = block_php_dir(lab_->config(), "php") + "/php";
    const std::string real = fs::canonical(php);
    fs::remove(php);
    live::put(php, "#!/bin/sh\nbegin=$(date +%s.%N)\n" + real + " \"$@\"\nstatus=$?\necho $begin $(date +%s.%N) >>" +
                       spans_file() + "\nexit $status\n");
    fs::permissions(php, fs::perms(0755));
  }

  [[nodiscard]] std::vector<Span> spans() const {
    std::vector<Span> spans;
    std::ifstream file(spans_file());
    for (Span span; file >> span.begin >> span.end;) spans.push_back({span.begin * 1000, span.end * 1000});
    return spans;
  }

  [[nodiscard]] registry::Task end_of(std::uint64_t id) const {
    const auto store = registry(registry::Store::Mode::kRead);
    registry::Task task;
    const bool ended = live::eventually([&] {
      task = *need(store->tasks().find(id));
      return !registry::is_open(task.state);
    });
    if (!ended) throw std::runtime_error("task " + std::to_string(id) + " does not end:\n" + lab_->log());
    return task;
  }

  std::unique_ptr<Lab> lab_;
};

void measure_verbs(Bench& bench, std::uint64_t lives) {
  std::vector<double> firsts;
  std::map<std::string, std::vector<double>> overheads;
  std::map<std::string, std::vector<double>> wholes;
  const auto note = [&](const std::string& verb, const std::string& uri, nlohmann::json request = {}) {
    const Bench::Timed timed =
        bench.timed(verb, uri, request.is_null() ? nlohmann::json::object() : std::move(request));
    double programs = 0;
    for (const Span& span : timed.programs) programs += span.end - span.begin;
    const double whole = static_cast<double>(timed.task.ended) - timed.asked;
    overheads[verb].push_back(whole - programs);
    wholes[verb].push_back(whole);
    // Before the first program of an install there are steps, which take as long as they take.
    if (verb == "login") firsts.push_back(timed.programs.at(0).begin - timed.asked);
  };
  for (std::uint64_t n = 0; n < lives; ++n) {
    const std::string uri = "site" + std::to_string(n) + ".example";
    note("install", uri, {{"platform", "p1"}});
    for (int again = 0; again < 20; ++again) note("login", uri);
    note("verify", uri);
    note("disable", uri);
    note("enable", uri);
    note("disable", uri);
    note("delete", uri);
  }
  std::ranges::sort(firsts);
  row("queued to first child, p50", 1, firsts[firsts.size() / 2], "ms");
  row("queued to first child, p99", 1, firsts[firsts.size() * 99 / 100], "ms");
  for (const auto& [verb, values] : overheads) {
    row("site " + verb + ", overhead over its programs", 1, median(values) / 1000, "s");
    row("site " + verb + ", whole", 1, median(wholes[verb]) / 1000, "s");
  }
}

/// What visitors see while sites are installed beside a request that lasts.
void measure_installs(Bench& bench) {
  constexpr unsigned kInstalls = 5;
  Lab& lab = bench.lab();
  // In index.php: nginx hands no other file to PHP.
  const std::string index = lab.docroot() + "/index.php";
  live::put(index, "<?php if (isset($_GET['s'])) { sleep((int)$_GET['s']); echo 'slow and whole'; exit; } ?>" +
                       live::slurp(index));
  lab.must_aegir({"site", "install", "busy.example", "--platform", "p1"});
  lab.must_aegir({"site", "install", "quick.example", "--platform", "p1"});
  std::atomic<bool> over = false;
  std::atomic<unsigned> wrong = 0;
  std::atomic<unsigned> answers = 0;
  std::atomic<double> longest = 0;
  std::vector<std::jthread> visitors;
  for (const Lab::Server server : kBoth) {
    visitors.emplace_back([&, server] {
      while (!over) {
        const double begin = now_ms();
        if (lab.visit(server, "quick.example").status != 200) ++wrong;
        ++answers;
        const double took = now_ms() - begin;
        for (double most = longest; took > most && !longest.compare_exchange_weak(most, took);) {
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
  }
  std::atomic<unsigned> cut = 0;
  std::vector<std::jthread> slow;
  for (const Lab::Server server : kBoth) {
    slow.emplace_back([&, server] {
      const live::Response answer = lab.visit(server, "busy.example", "/?s=8");
      if (answer.status == 200 && answer.body == "slow and whole") return;
      ++cut;
      std::fprintf(stderr, "sidecar_bench: the long request: status %d, %s\n", answer.status, answer.body.c_str());
    });
  }
  std::atomic<unsigned> failed = 0;
  {
    std::vector<std::jthread> installs;
    for (unsigned n = 0; n < kInstalls; ++n) {
      installs.emplace_back([&, n] {
        if (lab.aegir({"site", "install", "new" + std::to_string(n) + ".example", "--platform", "p1"}).status != 0) {
          ++failed;
        }
      });
    }
  }
  slow.clear();
  over = true;
  visitors.clear();
  row("5 installs, visitors of another site: requests", kInstalls, answers, "requests");
  row("5 installs, visitors of another site: not 200", kInstalls, wrong, "requests");
  row("5 installs, visitors of another site: longest answer", kInstalls, longest, "ms");
  row("5 installs, long requests cut", kInstalls, cut, "requests");
  row("5 installs, installs that failed", kInstalls, failed, "installs");
}

/// aegird and its worker with nothing to do, after a start.
void measure_rest(Bench& bench, std::uint64_t fleet) {
  Lab& lab = bench.lab();
  lab.stop_aegird();
  {
    const auto store = bench.registry(registry::Store::Mode::kWrite);
    (void)need(store->transact({"bench", ""}, [&](registry::Writer& writer) -> Result<void> {
      // On a server without blocks: a site's slot is of no weight while nothing is done with it.
      if (Result<void> put = writer.put(
              registry::Server{"far", "localhost", {{registry::kNginx, 8081, 8444, "127.0.0.1"}}, std::nullopt});
          !put) {
        return put;
      }
      registry::Platform platform;
      platform.name = "far1";
      platform.server = "far";
      platform.docroot = lab.docroot() + "-far";
      platform.services = registry::kNginx;
      if (Result<void> put = writer.put(platform); !put) return put;
      for (std::uint64_t n = 0; n < fleet; ++n) {
        registry::Site site;
        site.uri = "fleet" + std::to_string(n) + ".example";
        site.platform = "far1";
        site.state = registry::SiteState::kEnabled;
        site.aliases = {{"www." + site.uri, ""}};
        const std::string name = "fleet" + std::to_string(n);
        site.database = {"main", name, name, "Pa55word" + name};
        if (Result<void> put = writer.put(site); !put) return put;
      }
      return {};
    }));
  }
  lab.start_aegird();
  std::this_thread::sleep_for(std::chrono::seconds(3));  // through its first round of upkeep
  row("aegird and its worker at rest, PSS", fleet, bench.memory(), "MiB");
}

void run(const Options& options) {
  Bench bench;
  measure_verbs(bench, options.lives);
  measure_installs(bench);
  measure_rest(bench, options.fleet);
}

}  // namespace
}  // namespace aegir::sidecar

int main(int argc, char** argv) {
  aegir::sidecar::Options options;
  const std::array<aegir::bench::Option, 2> known{{{"--lives", &options.lives}, {"--fleet", &options.fleet}}};
  return aegir::bench::run("sidecar_bench", {argv, static_cast<std::size_t>(argc)}, known,
                           [&] { aegir::sidecar::run(options); });
}
