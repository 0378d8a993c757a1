// The site maps that the bench's servers answer from, with the names of tests/bench/lib/configs.py.
//
//   make_map fleet   the key and the map of N sites, each with a redirecting alias and sealed credentials
//   make_map add     one site more, published as a delta as aegirc does it, but without a registry
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/writer.hpp"
#include "compiler/publish/map_directory.hpp"

namespace aegir::map {
namespace {

struct Options {
  std::uint64_t sites = 1;
  std::string directory, key, docroot, socket, host;
};

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "make_map: %s\n", describe(result.error()).c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

Target target_of(const Options& options) { return {.directory = options.directory}; }

PlatformRecord platform(std::uint32_t id, const Options& options) {
  PlatformRecord row;
  row.id = id;
  row.cms = Cms::kDrupal8;
  row.name = "bench" + std::to_string(id);
  row.docroot = options.docroot;
  return row;
}

SiteRecord site_of(std::string_view host, std::uint32_t platform_id, const Options& options) {
  SiteRecord site;
  site.key = site.host = site.directory = host;
  site.platform_id = platform_id;
  site.socket = options.socket;
  return site;
}

SiteRecord site_number(std::uint64_t number, const Options& options, const KeyRing& keys) {
  std::string digits = std::to_string(number);
  digits.insert(0, digits.size() < 7 ? 7 - digits.size() : 0, '0');
  SiteRecord site = site_of("s" + digits + ".bench.example", 1, options);
  site.aliases.push_back({"www." + site.host, site.host});
  site.key_id = keys.current_id();
  site.sealed = keys.seal(site.host, encode({"mysql", "d" + digits, "u" + digits, "password" + digits + "0123456789ab",
                                             "localhost", "3306"}));
  return site;
}

/// Makes what was written the published state, and tells the workers.
void make_visible(const Options& options, std::shared_ptr<const MapFile> base, std::shared_ptr<const MapFile> delta) {
  const auto state = must(Snapshot::make(std::move(base), std::move(delta)));
  must(publish::switch_current(target_of(options), *state));
  must(publish::Counter::open(options.directory)).increase();
}

std::shared_ptr<const MapFile> open(const Options& options, const Written& written) {
  return must(MapFile::open(options.directory + "/" + written.name));
}

void write_fleet(const Options& options) {
  must(write_file(options.key, KeyRing::generate(1), {.mode = 0400, .durable = false}));
  const KeyRing keys = must(KeyRing::read(options.key));
  FileInfo info;
  info.generation = 1;
  info.key_id = keys.current_id();
  Writer writer = must(Writer::create(target_of(options), info, {{platform(1, options)}}));
  for (std::uint64_t number = 1; number <= options.sites; ++number) {
    must(writer.add(site_number(number, options, keys)));
  }
  make_visible(options, open(options, must(writer.finish())), nullptr);
}

void add_site(const Options& options) {
  const std::shared_ptr<const Snapshot> before = must(open_published(options.directory, nullptr));
  const FileInfo info = delta_of(before->base().header(), before->generation() + 1);
  Writer writer = must(Writer::create(target_of(options), info, {{platform(2, options)}}));
  must(writer.add(site_of(options.host, 2, options)));
  make_visible(options, before->shared_base(), open(options, must(writer.finish())));
}

}  // namespace
}  // namespace aegir::map

int main(int argc, char** argv) {
  aegir::map::Options options;
  CLI::App app("Makes and changes the site maps of the bench.");
  app.require_subcommand(1);
  CLI::App* const fleet = app.add_subcommand("fleet", "the key and the map of N sites");
  CLI::App* const add = app.add_subcommand("add", "one site more");
  for (CLI::App* const command : {fleet, add}) {
    command->add_option("--directory", options.directory, "of the map")->required();
    command->add_option("--docroot", options.docroot, "of the platform")->required();
    command->add_option("--socket", options.socket, "PHP-FPM's, the same for all sites")->required();
  }
  fleet->add_option("--sites", options.sites)->required()->check(CLI::PositiveNumber);
  fleet->add_option("--key", options.key, "the key file to write")->required();
  add->add_option("--host", options.host, "name of the site")->required();
  CLI11_PARSE(app, argc, argv);
  if (fleet->parsed()) {
    aegir::map::write_fleet(options);
  } else {
    aegir::map::add_site(options);
  }
  return 0;
}
