// block add: more slots for sites, in a PHP-FPM master of their own, with the version of PHP that they are to have.
#include <algorithm>
#include <filesystem>

#include "compiler/core/utf8.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/registry/import_fields.hpp"
#include "compiler/registry/validate.hpp"
#include "sidecar/verbs/machine_steps.hpp"
#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {
namespace {

using registry::Block;
using registry::NewTask;
using tasks::Work;

/// The first uid above those of all blocks.
std::uint32_t next_uid(const Config& config, const std::vector<Block>& blocks) {
  std::uint64_t next = config.uid_first;
  for (const Block& block : blocks) next = std::max(next, std::uint64_t{block.first_uid} + block.slots);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(next, UINT32_MAX));
}

class BlockAdd final : public tasks::Verb {
 public:
  explicit BlockAdd(Services& services) : services_(services) {}

  [[nodiscard]] std::string name() const override { return "add"; }
  [[nodiscard]] registry::ObjectKind kind() const override { return registry::ObjectKind::kBlock; }
  [[nodiscard]] Result<tasks::Locks> locks(const NewTask& task, registry::Store&) const override {
    return tasks::Locks{{tasks::object_name(task.kind, task.object), tasks::Hold::kAlone}};
  }
  [[nodiscard]] Result<void> check(const NewTask& task, registry::Store& store) const override {
    Result<Block> block = parse(task, store);
    if (!block) return pass(block);
    const Result<std::vector<Block>> blocks = store.blocks();
    if (!blocks) return std::unexpected<Error>(blocks.error());
    if (std::ranges::find(*blocks, task.object, &Block::name) != blocks->end()) {
      return fail(Code::kConflict, "there is a block " + printable(task.object) + " already", "choose another name");
    }
    if (!registry::is_php_version(block->php_version)) {
      return fail(Code::kInvalid, printable(block->php_version) + " is no version of PHP", "write it as 8.3");
    }
    const Result<std::string> pools = emit::fpm_block(services_.config(), *block);
    if (!pools) return std::unexpected<Error>(pools.error());
    return check_php(block->php_version);
  }
  [[nodiscard]] tasks::Saga saga(const registry::Task&) const override {
    tasks::Saga saga;
    saga.commit = {"add", [this](Work& work, registry::Store& store, registry::Writer& writer) -> Result<void> {
                     Result<Block> block = parse(work.task(), store);
                     if (!block) return pass(block);
                     return writer.put(*block);
                   }};
    saga.after = {bring_servers_step(services_)};
    return saga;
  }

 private:
  /// Without a server it is on the only one; without uids it gets the next ones.
  [[nodiscard]] Result<Block> parse(const NewTask& task, registry::Store& store) const {
    const Result<std::vector<registry::Server>> servers = store.servers();
    if (!servers) return std::unexpected<Error>(servers.error());
    const Result<std::vector<Block>> blocks = store.blocks();
    if (!blocks) return std::unexpected<Error>(blocks.error());
    Block block;
    block.name = task.object;
    block.first_uid = next_uid(services_.config(), *blocks);
    Result<void> read = read_request(task.request, [&](registry::ObjectReader& in) {
      registry::read_fields(in, block);
      if (block.server.empty() && servers->size() == 1) block.server = servers->front().name;
      if (block.server.empty()) in.missing("server", "name the server that it is on");
      // One place for all its sites.
      if (block.isolation == registry::Isolation::kShared && !in.has("slots")) block.slots = 1;
    });
    if (!read) return pass(read);
    return block;
  }

  /// Sites whose PHP is not there would be installed in vain.
  [[nodiscard]] Result<void> check_php(const std::string& version) const {
    const Config& config = services_.config();
    std::error_code error;
    for (const auto& [key, pattern] : {std::pair{"php_cli", &config.php_cli}, std::pair{"php_fpm", &config.php_fpm}}) {
      const std::string program = php_program(*pattern, version);
      if (std::filesystem::exists(program, error)) continue;
      return fail_at(program, Code::kNotFound, "PHP " + version + " is not there",
                     std::string("install it, or say in aegir.conf where it is (") + key + ")");
    }
    return {};
  }

  Services& services_;
};

}  // namespace

std::unique_ptr<tasks::Verb> block_add(Services& services) { return std::make_unique<BlockAdd>(services); }

}  // namespace aegir::verbs
