// The registry at fleet size: reading every site in order (what a full compile begins with), import of a document,
// export, restore of that export. One JSON object a line.
//
//   registry_bench [--sites N] [--import N] [--directory DIR]
//
// DIR (default: /var/tmp) takes the registries. Each part runs in a process of its own, for memory's sake.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "compiler/registry/json.hpp"
#include "tests/bench/bench_main.hpp"

namespace aegir::registry {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Options {
  std::uint64_t sites = 1000;
  std::uint64_t import = 1000;
  std::string directory = "/var/tmp";
};

/// A directory with a key, gone at the end.
class Place {
 public:
  explicit Place(const std::string& parent) : path_(parent + "/aegir-registry-bench-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error(path_ + " can't be made");
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::unique_ptr<Store> open(const std::string& name) const {
    return need(Store::open(file(name), Store::Mode::kCreate, key_));
  }

 private:
  std::string path_;
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
      std::fprintf(stderr, "registry_bench: %s\n", error.what());
      ::_exit(1);
    }
  }
  int status = 0;
  struct rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child || status != 0)
    throw std::runtime_error("a part of the bench failed");
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// A name in no order, as fleets grow.
std::string name_of(std::uint64_t number) {
  char name[32];
  std::snprintf(name, sizeof name, "site%08llx", static_cast<unsigned long long>((number * 2654435761U) & 0xffffffffU));
  return name;
}

/// A document as a person or a script writes it: every site with one alias that redirects to it and its database.
void write_document(const std::string& path, std::uint64_t sites) {
  std::ofstream out(path);
  out << R"({"servers": {"web1": {"web": {"apache": {"http_port": 8080, "https_port": 8443}, "nginx": {}}, "database": {}}},
 "platforms": {"d10": {"docroot": "/var/aegir/platforms/d10/web"}},
 "sites": {)";
  for (std::uint64_t i = 0; i < sites; ++i) {
    const std::string name = name_of(i);
    const std::string uri = name + ".fleet.example";
    out << (i == 0 ? "\n  \"" : ",\n  \"") << uri << R"(": {"platform": "d10", "redirect_to": ")" << uri
        << R"(", "aliases": {"www.)" << uri << R"(": {}}, "cron_key": "cron)" << name
        << R"(", "database": {"server": "web1", "name": ")" << name << R"(", "user": ")" << name
        << R"(", "password": "Pa55word)" << name << R"("}})";
  }
  out << "\n }\n}\n";
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::filesystem::file_size(path), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

void import(const Place& place, const std::string& registry, const std::string& document, bool replace) {
  const auto store = place.open(registry);
  const auto report =
      import_json(*store, content_of(place.file(document)), document, {.replace = replace}, {"bench", ""});
  if (!report) throw std::runtime_error(describe(report.error().front()));
}

void timed(const char* name, std::uint64_t sites, const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  row(name, sites, seconds_since(start), "s");
}

void run(const Options& options) {
  const Place place(options.directory);
  write_document(place.file("fleet.json"), options.sites);
  (void)peak_of([&] { import(place, "fleet.sqlite", "fleet.json", false); });
  std::filesystem::remove(place.file("fleet.json"));
  const double reading = peak_of([&] {
    const auto store = place.open("fleet.sqlite");
    std::uint64_t seen = 0;
    timed("read of every site", options.sites, [&] {
      need(store->each_site([&](const Site& site) -> Result<void> {
        seen += site.database.password.empty() ? 0 : 1;
        return {};
      }));
    });
    if (seen != options.sites) throw std::runtime_error("not every site was read");
  });
  row("read of every site, peak of memory", options.sites, reading, "MiB");
  std::filesystem::remove(place.file("fleet.sqlite"));

  write_document(place.file("document.json"), options.import);
  const double importing = peak_of([&] {
    timed("import of a document", options.import, [&] { import(place, "first.sqlite", "document.json", false); });
  });
  row("import of a document, peak of memory", options.import, importing, "MiB");
  (void)peak_of([&] {
    timed("import of the same again", options.import, [&] { import(place, "first.sqlite", "document.json", false); });
  });
  (void)peak_of([&] {
    const auto store = place.open("first.sqlite");
    timed("export", options.import, [&] {
      std::ofstream out(place.file("export.json"));
      need(export_json(*store, {}, [&](std::string_view piece) -> Result<void> {
        out << piece;
        return {};
      }));
    });
  });
  (void)peak_of([&] {
    timed("restore of an export", options.import, [&] { import(place, "second.sqlite", "export.json", true); });
  });
}

}  // namespace
}  // namespace aegir::registry

int main(int argc, char** argv) {
  aegir::registry::Options options;
  const std::array<aegir::bench::Option, 3> known{
      {{"--sites", &options.sites}, {"--import", &options.import}, {"--directory", &options.directory}}};
  return aegir::bench::run("registry_bench", {argv, static_cast<std::size_t>(argc)}, known,
                           [&] { aegir::registry::run(options); });
}
