#include "compiler/cli/cli.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "compiler/core/atomic_file.hpp"
#include "compiler/registry/json.hpp"

namespace aegir::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};

Result<std::string> read_stream(int fd, const std::string& name) {
  Result<std::string> text = read_all(fd, "can't be read", name, registry::kMaxDocument);
  if (text && text->size() > registry::kMaxDocument) {
    return fail_at(name, Code::kInvalid, "larger than " + bytes(registry::kMaxDocument) + ", the most for a document",
                   "import it in several parts; an import keeps what a document does not name");
  }
  return text;
}

/// As root, a key that can't be read is most often another's than aegir's, as who we work.
void name_owner(Error& error, const std::string& path) {
  struct stat status{};
  if (!is_root() || ::stat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return;
  error.hint = "chown " + std::to_string(::geteuid()) + " " + path + " (the uid of aegir), and chmod 0400 it";
}

}  // namespace

ConfigResult configuration(const Cli& cli) {
  ConfigResult config = read_config(cli.config_file);
  if (!config && config.error().size() == 1 && config.error().front().code == Code::kNotFound) {
    config.error().front().hint = "name the configuration with --config FILE; an empty file gives the defaults";
  }
  return config;
}

bool is_root() {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  return ::getresuid(&real, &effective, &saved) == 0 && saved == 0;
}

Result<std::optional<machine::AsRoot>> as_root() {
  if (!is_root()) return std::optional<machine::AsRoot>();
  Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return pass(root);
  return std::optional<machine::AsRoot>(*std::move(root));
}

Result<void> work_as_aegir(const Config& config) {
  if (!is_root()) return {};
  const Result<Accounts> accounts = resolve_accounts(config);
  if (!accounts) return std::unexpected(accounts.error());
  return machine::become_aegir(*accounts);
}

Result<KeyRing> map_keys(const Config& config) {
  Result<KeyRing> keys = KeyRing::read(config.map_key);
  if (!keys && keys.error().code == Code::kNotFound) return KeyRing();
  return keys;
}

Result<std::unique_ptr<registry::Store>> open_registry(const Output& out, const Config& config,
                                                       registry::Store::Mode mode) {
  Result<KeyRing> key = KeyRing::read(config.registry_key);
  if (!key) {
    const Code code = key.error().code;
    const Result<bool> there = registry::Store::exists(config.registry);
    if (code == Code::kPermission) {
      name_owner(key.error(), config.registry_key);
    } else if (there && *there && (code == Code::kNotFound || code == Code::kInvalid)) {
      key.error().hint = "put the registry's key back from its backup: its secrets open with that key alone";
    } else if (code == Code::kNotFound) {
      key.error().hint = "make it with `aegirc keygen registry`, or put it back from its backup";
    }
    return pass(key);
  }
  return registry::Store::open(config.registry, mode, *key,
                               {.longest = kPatience, .on_wait = [&out](const std::string& holder) {
                                  out.note("waits for " + holder + ", which writes the registry");
                                }});
}

std::string document_name(const std::string& file) { return file == "-" ? "standard input" : file; }

Result<std::string> read_document(const std::string& file) {
  if (file == "-") return read_stream(STDIN_FILENO, document_name(file));
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) {
    auto error = fail_errno("the file can't be opened", file, errno);
    if (error.error().code == Code::kNotFound) {
      error.error().hint = "name a JSON document; `aegirc export` writes one, - is standard input";
    }
    return error;
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return fail_at(file, Code::kInvalid, "this is a directory", "name the JSON document that lies in it");
  }
  return read_stream(fd.get(), file);
}

std::expected<std::unique_ptr<registry::Store>, Errors> document_registry(const Output& out, const Config& config,
                                                                          const std::string& file) {
  Result<std::string> text = read_document(file);
  if (!text) return stop(text);
  return document_registry(out, config, file, *text);
}

std::expected<std::unique_ptr<registry::Store>, Errors> document_registry(const Output& out, const Config& config,
                                                                          const std::string& file,
                                                                          const std::string& text) {
  // Sealed secrets of a document need the registry's key; a document without any needs none.
  Result<KeyRing> key = KeyRing::read(config.registry_key);
  if (!key) key = KeyRing::parse(KeyRing::generate(1), "a key for this run");
  if (!key) return stop(key);
  auto store = registry::Store::open(":memory:", registry::Store::Mode::kCreate, *key);
  if (!store) return stop(store);
  auto report = registry::import_json(**store, text, document_name(file), {.replace = true}, actor("a document"));
  if (!report) return stop(report);
  if (report->generated_secrets != 0) {
    out.note(
        document_name(file) + " leaves out " +
        count(report->generated_secrets, "password, cron key or hash salt", "passwords, cron keys and hash salts") +
        ", which are made up each time; an import keeps them");
  }
  return *std::move(store);
}

registry::Actor actor(std::string why) {
  const char* const sudo = std::getenv("SUDO_USER");
  if (is_root() && sudo != nullptr && *sudo != '\0') return {sudo, std::move(why)};
  const passwd* const entry = ::getpwuid(::getuid());
  return {entry != nullptr ? entry->pw_name : "uid " + std::to_string(::getuid()), std::move(why)};
}

}  // namespace aegir::cli
