// The small tables of a registry in memory: servers, clients, blocks and platforms, which every site refers to. Kept by
// the Store between transactions; the Writer changes it together with the tables.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>

#include "compiler/registry/model.hpp"
#include "compiler/registry/sqlite.hpp"

namespace aegir::registry {

struct Catalog {
  /// A block with the number that its next site gets.
  struct OpenBlock {
    Block block;
    std::uint32_t next_slot = 0;
    [[nodiscard]] bool shared() const noexcept { return block.isolation == Isolation::kShared; }
    [[nodiscard]] bool full() const noexcept { return !shared() && next_slot >= block.slots; }
    /// The slot of a shared block is given again and again.
    [[nodiscard]] std::uint32_t next_site() const noexcept { return shared() ? 0 : next_slot; }
  };
  template <class Object>
  using ByName = std::map<std::string, Object, std::less<>>;

  ByName<Server> servers;
  ByName<Client> clients;
  ByName<OpenBlock> blocks;
  ByName<Platform> platforms;
  std::unordered_map<std::uint32_t, std::string> platform_names;
  /// Names of blocks that have a free slot, by (server, client, first uid); no shared ones: to share is asked for by
  /// name. So a block that is added takes nothing from one that was there before.
  std::map<std::tuple<std::string, std::string, std::uint32_t>, std::string> open_blocks;

  /// Puts `block` in, or notes what has changed about it.
  void note(const Block& block, std::uint32_t next_slot);
  void note(const Platform& platform);
  void forget_block(const std::string& name);

  [[nodiscard]] static Result<Catalog> load(Connection& connection);
};

}  // namespace aegir::registry
