#include <utility>

#include "compiler/core/path.hpp"
#include "compiler/machine/file.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"

namespace aegir::machine {

Result<void> prepare_block(const Config& config, const Accounts& accounts, const BlockSlots& block, Done& done) {
  const std::uint64_t end = std::uint64_t{block.first_uid} + block.slots;
  if (block.slots == 0 || block.first_uid < config.uid_first || end > std::uint64_t{config.uid_last} + 1) {
    return fail(Code::kInvalid, "the uids of block " + block.block + " are not within " +
                                    std::to_string(config.uid_first) + " to " + std::to_string(config.uid_last));
  }
  if (!is_plain_name(block.block)) return fail(Code::kInvalid, "'" + block.block + "' is no name of a block");
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  Result<Directory> sockets =
      ensure_path(block_socket_dir(config, block.block), {.owner = 0, .group = accounts.web_group, .mode = 0710}, done);
  if (!sockets) return pass(sockets);
  Result<Directory> slots =
      ensure_path(config.slot_dir + '/' + block.block, {.owner = 0, .group = 0, .mode = 0711}, done);
  if (!slots) return pass(slots);
  for (std::uint32_t slot = 0; slot < block.slots; ++slot) {
    const std::uint32_t uid = block.first_uid + slot;
    // The slot's folder is root's, so that the slot can't put anything else in the place of the four.
    Result<Directory> own =
        ensure_directory(*slots, std::to_string(slot), {.owner = 0, .group = uid, .mode = 0710}, done);
    if (!own) return pass(own);
    for (const char* name : {"home", "tmp", "sessions", "log"}) {
      Result<Directory> directory = ensure_directory(*own, name, {.owner = uid, .group = uid, .mode = 0700}, done);
      if (!directory) return pass(directory);
    }
  }
  return {};
}

Result<void> link_php(const Config& config, std::string_view block, std::string_view version, Done& done) {
  if (!is_plain_name(block)) return fail(Code::kInvalid, "'" + std::string(block) + "' is no name of a block");
  if (version.empty() || version.find_first_not_of("0123456789.") != std::string_view::npos) {
    return fail(Code::kInvalid, "'" + std::string(version) + "' is no version of PHP");
  }
  Result<AsRoot> root = AsRoot::begin();
  if (!root) return pass(root);
  // Every site's PHP looks for programs there.
  Result<Directory> folder = ensure_path(block_php_dir(config, block), {.owner = 0, .group = 0, .mode = 0755}, done);
  if (!folder) return pass(folder);
  for (const auto& [name, pattern] : {std::pair{"php", &config.php_cli}, std::pair{"php-fpm", &config.php_fpm}}) {
    Result<void> linked = install_link(*folder, name, php_program(*pattern, version), 0, 0, done);
    if (!linked) return linked;
  }
  return {};
}

}  // namespace aegir::machine
