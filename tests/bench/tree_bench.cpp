// What it costs to look at a whole tree and to put it right: a codebase as it arrives (everything closed, somebody
// else's), the same once more with nothing to do, and a site's data. One JSON object a line. Needs root.
//
//   tree_bench [--files N]
//
// N: files of the codebase and of the site's data; a Drupal 10 with its vendors and Drush has 49,000. Below /var/tmp,
// so that a real file system is measured, with a warm cache.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "compiler/machine/machine.hpp"
#include "tests/bench/bench_main.hpp"

namespace aegir::machine {
namespace {

constexpr std::uint64_t kFilesAFolder = 40;
constexpr uid_t kStranger = 610050;
constexpr uid_t kSite = 611000;

template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A directory below /var/tmp, gone at the end.
class Place {
 public:
  Place() {
    if (::mkdtemp(path_.data()) == nullptr || ::chmod(path_.c_str(), 0755) != 0) {
      throw std::runtime_error(path_ + " can't be made");
    }
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_ = "/var/tmp/aegir-tree-bench-XXXXXX";
};

void give(const std::string& path, uid_t owner, mode_t mode) {
  if (::chown(path.c_str(), owner, owner) != 0 || ::chmod(path.c_str(), mode) != 0) {
    throw std::runtime_error(path + " can't be given away; tree_bench needs root");
  }
}

/// `files` files of `owner`'s, which nobody else can read.
void fill(const std::string& top, std::uint64_t files, uid_t owner) {
  for (std::uint64_t i = 0; i < files; ++i) {
    const std::string folder = top + "/d" + std::to_string(i / kFilesAFolder);
    if (i % kFilesAFolder == 0) {
      std::filesystem::create_directories(folder);
      give(folder, owner, 0700);
    }
    const std::string file = folder + "/f" + std::to_string(i) + ".php";
    std::ofstream(file) << "<?php\n";
    give(file, owner, 0600);
  }
}

template <class Work>
void timed(const char* name, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  need(work());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf(R"({"row": "%s", "subject": "aegir", "sites": 1, "value": %.4g, "unit": "s"})"
              "\n",
              name, seconds);
  std::fflush(stdout);
}

void run(std::uint64_t files) {
  const Place place;
  ConfigResult config =
      parse_config("prefix = " + place.path("prefix") + "\nplatform_roots = " + place.path("platforms") +
                       "\naegir_user = 610001\nweb_user = 610002\nuid_first = 611000\n" + "uid_last = 611099\n",
                   "tree_bench.conf");
  if (!config) throw std::runtime_error(describe(config.error().front()));
  const Accounts accounts = need(resolve_accounts(*config));
  const std::string docroot = place.path("platforms/platform");
  fill(docroot + "/core", files, kStranger);
  Done done;
  const auto platform = [&] { return prepare_platform(*config, accounts, docroot, done); };
  timed("platform's tree, all of it wrong", platform);
  timed("platform's tree, all of it right", platform);

  const SitePlace site{docroot, "a.example", kSite};
  need(prepare_site(*config, accounts, site, done));
  fill(docroot + "/sites/a.example/files", files, kSite);
  const auto tree = [&] { return prepare_site_tree(*config, accounts, site, done); };
  timed("site's data, all of it closed", tree);
  timed("site's data, all of it right", tree);
}

}  // namespace
}  // namespace aegir::machine

int main(int argc, char** argv) {
  std::uint64_t files = 1000;
  const std::array<aegir::bench::Option, 1> known{{{"--files", &files}}};
  return aegir::bench::run("tree_bench", {argv, static_cast<std::size_t>(argc)}, known,
                           [&] { aegir::machine::run(files); });
}
