// map dump, verify, compact: the site map as it lies in its directory.
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <filesystem>
#include <iostream>

#include "compiler/cli/publishing.hpp"
#include "compiler/map/dump.hpp"
#include "compiler/map/verify.hpp"

namespace aegir::cli {
namespace {

/// A map directory or one file.
struct Where {
  std::string path;
  bool is_file = false;
};

/// Whether `path` lies in `directory`, or is it.
bool is_within(const std::string& path, const std::string& directory) {
  std::error_code ignored;
  const std::string inner = std::filesystem::weakly_canonical(path, ignored).string() + '/';
  const std::string outer = std::filesystem::weakly_canonical(directory, ignored).string() + '/';
  return inner.starts_with(outer);
}

/// Publishing heals the live map and its durable copy; about anything else the error must not promise it.
template <class T>
Outcome stop_at(const Cli& cli, const std::string& given, Result<T>& failed) {
  Error& error = failed.error();
  if (given.empty() || (error.code != Code::kCorrupt && error.code != Code::kNotFound)) return stop(failed);
  const ConfigResult config = configuration(cli);
  if (config && (is_within(given, config->map_dir) || is_within(given, config->map_durable))) return stop(failed);
  error.hint = "name a map directory or a .map file; aegirc writes only " +
               (config ? config->map_dir + " and " + config->map_durable : std::string("its own map")) +
               " anew, this has to come anew from where it was made";
  return stop(failed);
}

/// What was given, or the live map's directory.
std::expected<Where, Errors> where(const Cli& cli, const std::string& given) {
  if (given.empty()) {
    ConfigResult config = configuration(cli);
    if (!config) return stop(config);
    return Where{config->map_dir};
  }
  struct stat status{};
  return Where{given, ::stat(given.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)};
}

Outcome dump(const Cli& cli, const std::string& given) {
  if (cli.out.format == Format::kJson) {
    return std::unexpected(Errors{{Code::kUsage,
                                   "a dump is lines of text, not JSON",
                                   {},
                                   "leave out --output json; `aegirc lookup` tells about one host as JSON"}});
  }
  auto place = where(cli, given);
  if (!place) return stop(place);
  Result<void> dumped;
  if (place->is_file) {
    auto file = map::MapFile::open(place->path);
    if (!file) return stop_at(cli, given, file);
    dumped = map::dump_file(**file, std::cout);
  } else {
    auto state = map::open_published(place->path, nullptr);
    if (!state) return stop_at(cli, given, state);
    dumped = map::dump_snapshot(**state, std::cout);
  }
  if (!dumped) return stop_at(cli, given, dumped);
  if (!std::cout.flush()) {
    dumped = fail_errno("can't be written", "standard output", errno);
    return stop(dumped);
  }
  return {};
}

Outcome verify(const Cli& cli, const std::string& given) {
  auto place = where(cli, given);
  if (!place) return stop(place);
  Result<map::Verified> verified = place->is_file ? map::verify_file(place->path) : map::verify_published(place->path);
  if (!verified) return stop_at(cli, given, verified);
  cli.out.did(place->path + " is good: generation " + std::to_string(verified->generation) + ", " +
                  count(verified->sites, "site") + ", " + count(verified->names, "name") + ", " +
                  bytes(verified->bytes) + '.',
              {{"map", place->path},
               {"generation", verified->generation},
               {"sites", verified->sites},
               {"names", verified->names},
               {"bytes", verified->bytes}});
  return {};
}

}  // namespace

void add_map(CLI::App& app, Cli& cli) {
  CLI::App* const group = app.add_subcommand("map", "Look at the site map's files, or merge them");
  group->require_subcommand(1);
  const auto path = std::make_shared<std::string>();
  CLI::App* const dumping = group->add_subcommand("dump", "Print what the map answers, or one file of it as it is");
  CLI::App* const verifying = group->add_subcommand("verify", "Verify every byte of the map, or of one file of it");
  for (CLI::App* const command : {dumping, verifying}) {
    command->add_option("PATH", *path, "A map directory or a .map file [the live map]");
  }
  dumping->callback([&cli, path] { cli.command = [&cli, path] { return dump(cli, *path); }; });
  verifying->callback([&cli, path] { cli.command = [&cli, path] { return verify(cli, *path); }; });
  group->add_subcommand("compact", "Merge the changes since the last base into a new base")->callback([&cli] {
    cli.command = [&cli] { return run_publisher(cli, [](publish::Publisher& map) { return map.compact(); }); };
  });
}

}  // namespace aegir::cli
