// keygen: the two keys of a machine. Never overwrites one, since what it sealed can't be opened without it.
#include <sodium.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <filesystem>

#include "compiler/cli/cli.hpp"
#include "compiler/core/atomic_file.hpp"
#include "compiler/machine/machine.hpp"

namespace aegir::cli {
namespace {

constexpr mode_t kKeyMode = 0400;

/// Makes the directories that a key lies in: on a real machine with their owners, else as one's own.
Result<void> prepare(const Config& config, const std::string& path) {
  if (is_root()) {
    const Result<Accounts> accounts = resolve_accounts(config);
    if (!accounts) return std::unexpected(accounts.error());
    machine::Done done;
    return machine::prepare_directories(config, *accounts, done);
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return fail_errno("the key's directory can't be made", path, error.value());
  return {};
}

/// A number that no key had before: a new key in place of a lost one must not be taken for it.
std::uint32_t fresh_id() {
  std::uint32_t id = 0;
  while (id == 0) id = ::randombytes_random();
  return id;
}

/// A second key beside a registry would seal what is written from now on, and open nothing of what is there.
Result<void> refuse_beside_registry(const Config& config) {
  struct stat status{};
  if (::lstat(config.registry_key.c_str(), &status) == 0) return {};  // said when it is to be written
  const Result<bool> there = registry::Store::exists(config.registry);
  if (!there) return std::unexpected(there.error());
  if (!*there) return {};
  return fail_at(config.registry, Code::kConflict,
                 "there is a registry, and a new key opens none of the secrets that are in it",
                 "put its key back from the backup to " + config.registry_key +
                     "; if there is none, move the registry away, make a key, and import an export with plain secrets");
}

Outcome keygen(const Cli& cli, const std::string& kind, std::uint32_t id) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  const bool of_map = kind == "map";
  const std::string& path = of_map ? config->map_key : config->registry_key;
  if (!crypto_ready()) {
    return std::unexpected(Errors{{Code::kInternal, "this machine has no source of randomness", {}, {}}});
  }
  if (id == 0) id = fresh_id();
  if (Result<void> done = prepare(*config, path); !done) return stop(done);
  // The map's key is root's alone; the registry's is read by aegir.
  if (!of_map) {
    if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
    if (Result<void> fine = refuse_beside_registry(*config); !fine) return stop(fine);
  }
  Result<void> written = write_file(path, KeyRing::generate(id), {.mode = kKeyMode, .replace = false});
  if (!written && written.error().code == Code::kConflict) {
    written = fail_at(path, Code::kConflict, "there is a key already, and what it sealed can't be opened without it",
                      of_map ? "to change the map's key: add the line of a new one below the old one, reload the web "
                               "servers, put the new line above, run `aegirc publish`, then remove the old line"
                             : "keep it; move the file away only when no registry was made with it");
  }
  if (!written) return stop(written);
  cli.out.did("Made the " + kind + " key " + path + ". Back it up apart from the data.",
              {{"key", kind}, {"file", path}, {"id", id}});
  return {};
}

}  // namespace

void add_keygen(CLI::App& app, Cli& cli) {
  struct Options {
    std::string kind;
    std::uint32_t id = 0;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand("keygen", "Make the key of the site map or of the registry");
  command->add_option("KEY", options->kind, "map (seals what web servers read) or registry")
      ->required()
      ->check(CLI::IsMember({"map", "registry"}));
  command->add_option("--id", options->id, "Number by which records name the key [one at random]")
      ->check(CLI::Range(1U, 0xffffffffU))
      ->option_text("NUMBER");
  command->callback(
      [&cli, options] { cli.command = [&cli, options] { return keygen(cli, options->kind, options->id); }; });
}

}  // namespace aegir::cli
