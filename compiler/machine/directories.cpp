#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "compiler/core/path.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {
namespace {

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

Result<void> prepare_directories(const Config& config, const Accounts& accounts, Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const Wanted roots{.owner = 0, .group = 0, .mode = 0755};
  const Wanted passage{.owner = 0, .group = 0, .mode = 0711};
  const Wanted aegirs{.owner = accounts.aegir, .group = accounts.aegir_group, .mode = 02755};
  const Wanted closed{.owner = accounts.aegir, .group = accounts.aegir_group, .mode = 0700};
  const std::array owners{accounts.aegir};
  const struct {
    std::string path;
    Wanted wanted;
  } directories[] = {
      {config.state_dir, closed},
      {directory_of(config.registry), closed},
      {directory_of(config.registry_key), closed},
      {config.map_durable, closed},
      {directory_of(config.map_key), roots},
      {config.run_dir, roots},
      {directory_of(api_socket(config)), aegirs},
      {config.run_dir + "/fpm", passage},
      {config.map_dir, {.owner = accounts.aegir, .group = accounts.web_group, .mode = 02750}},
      {config.log_dir, {.owner = 0, .group = accounts.aegir_group, .mode = 0750}},
      {config.slot_dir, passage},
      {config.aegir_root, roots},
      {config.aegir_root + "/platforms", aegirs},
      {config.aegir_root + "/backups", closed},
      {config.aegir_root + "/clients", aegirs},
      {config.aegir_root + "/.drush", closed},
      {config.acme_root, aegirs},
      {config.config_dir, passage},
      {config.config_dir + "/cli", passage},
      {config.config_dir + "/php", passage},
      {config.config_dir + "/includes", passage},  // every site's PHP includes global.inc
      {config.config_dir + "/ssl.d", {.owner = 0, .group = 0, .mode = 0700}},
  };
  for (const auto& [path, wanted] : directories) {
    Result<Directory> directory = ensure_path(path, wanted, done, owners);
    if (!directory) return pass(directory);
  }
  return {};
}

Result<void> prepare_server(const Config& config, const Accounts& accounts, std::string_view server, Done& done) {
  if (!is_plain_name(server)) return fail(Code::kInvalid, "'" + std::string(server) + "' is no name of a server");
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  const Wanted wanted{.owner = 0, .group = accounts.aegir_group, .mode = 0750};
  Result<Directory> config_dir = open_directory(config.config_dir);
  if (!config_dir) return pass(config_dir);
  Result<Directory> top = ensure_directory(*config_dir, "server_" + std::string(server), wanted, done);
  if (!top) return pass(top);
  for (const char* service : {"apache", "nginx", "php"}) {
    Result<Directory> folder = ensure_directory(*top, service, wanted, done);
    if (!folder) return pass(folder);
    if (std::string_view(service) == "php") continue;
    for (const char* part : {"pre.d", "platform.d", "vhost.d", "post.d"}) {
      Result<Directory> fragments = ensure_directory(*folder, part, wanted, done);
      if (!fragments) return pass(fragments);
    }
  }
  return {};
}

Result<void> install_config(const Config& config, const Accounts& accounts, const std::string& path,
                            std::string_view content, mode_t mode, Done& done) {
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> directory = open_config_folder(config, path);
  if (!directory) return pass(directory);
  const std::string name = path.substr(path.rfind('/') + 1);
  struct stat status{};
  if (::fstatat(directory->fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISREG(status.st_mode)) {
      return fail_at(path, Code::kConflict, "found something else than a file",
                     "move it away and run the command again");
    }
    const Result<std::string> present = read_file(directory->path + '/' + name);
    if (present && *present == content && status.st_uid == 0 && status.st_gid == accounts.aegir_group &&
        (status.st_mode & 07777) == mode) {
      return {};
    }
  }
  const WriteOptions options{.mode = mode, .group = accounts.aegir_group};
  if (Result<void> ok = write_file(directory->path + '/' + name, content, options); !ok) return ok;
  done.push_back(path + ": written");
  return {};
}

}  // namespace aegir::machine
