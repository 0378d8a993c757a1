// keygen: the two keys of a machine. Never takes one away, since what it sealed can't be opened without it: --rotate
// puts the new key beside it in the same file.
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

struct Options {
  std::string kind;
  std::uint32_t id = 0;
  bool rotate = false;
};

/// What the key file `path` is to hold: a new key, and the present one when it is to be rotated. The upper one seals.
/// Of the map's that stays the present one: the web servers that run know no other until they are reloaded.
Result<std::string> key_file(const std::string& path, const Options& options) {
  if (!options.rotate) return KeyRing::generate(options.id);
  const Result<KeyRing> ring = KeyRing::read(path);
  if (!ring) return std::unexpected<Error>(ring.error());
  if (ring->holds(options.id)) return fail_at(path, Code::kConflict, "it has a key of that number", "choose another");
  Result<std::string> old = read_file(path);
  if (!old) return pass(old);
  if (!old->ends_with('\n')) *old += '\n';
  const std::string added = KeyRing::generate(options.id);
  std::string text = options.kind == "map" ? *old + added : added + *old;
  ::sodium_memzero(old->data(), old->size());
  if (!KeyRing::parse(text, path)) {
    return fail_at(path, Code::kConflict, "there are two keys already, and a third has no place",
                   "end the last rotation: when the new key is in use everywhere, take the old one's line out");
  }
  return text;
}

/// What is left to do by hand after a rotation has begun.
constexpr std::string_view kRotateMap =
    "\nIt is the lower line and seals nothing yet. Next: reload the web servers, put the new line above, run `aegirc "
    "publish`, then remove the old line.";
constexpr std::string_view kRotateRegistry =
    "\nIt is the upper line. Next: run `aegirc publish`, which seals the registry's secrets anew, then remove the old "
    "line. Exports with sealed secrets that were made before need the old key: make new ones, or keep it with them.";

Outcome keygen(const Cli& cli, Options options) {
  ConfigResult config = configuration(cli);
  if (!config) return stop(config);
  const bool of_map = options.kind == "map";
  const std::string& path = of_map ? config->map_key : config->registry_key;
  if (!crypto_ready()) {
    return std::unexpected(Errors{{Code::kInternal, "this machine has no source of randomness", {}, {}}});
  }
  if (options.id == 0) options.id = fresh_id();
  if (Result<void> done = prepare(*config, path); !done) return stop(done);
  // The map's key is root's alone; the registry's is read by aegir.
  if (!of_map) {
    if (Result<void> done = work_as_aegir(*config); !done) return stop(done);
    if (Result<void> fine = refuse_beside_registry(*config); !fine) return stop(fine);
  }
  Result<std::string> text = key_file(path, options);
  if (!text) return stop(text);
  Result<void> written = write_file(path, *text, {.mode = kKeyMode, .replace = options.rotate});
  ::sodium_memzero(text->data(), text->size());
  if (!written && written.error().code == Code::kConflict) {
    written = fail_at(path, Code::kCantCreate, "there is a key already, and what it sealed can't be opened without it",
                      "keep it; `aegirc keygen " + options.kind + " --rotate` adds a new one and says what comes next");
  }
  if (!written) return stop(written);
  std::string sentence = "Made the " + options.kind + " key " + path + ". Back it up apart from the data.";
  if (options.rotate) sentence += of_map ? kRotateMap : kRotateRegistry;
  cli.out.did(sentence, {{"key", options.kind}, {"file", path}, {"id", options.id}});
  return {};
}

}  // namespace

void add_keygen(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand("keygen", "Make the key of the site map or of the registry");
  command->add_option("KEY", options->kind, "map (seals what web servers read) or registry")
      ->required()
      ->check(CLI::IsMember({"map", "registry"}));
  command->add_option("--id", options->id, "Number by which records name the key [one at random]")
      ->check(CLI::Range(1U, 0xffffffffU))
      ->option_text("NUMBER");
  command->add_flag("--rotate", options->rotate, "Add a new key to the present one, which goes on opening");
  command->callback([&cli, options] { cli.command = [&cli, options] { return keygen(cli, *options); }; });
}

}  // namespace aegir::cli
