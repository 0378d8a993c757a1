// The keys of aegir.conf: how the parser reads each, and what aegir.conf(5) says of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/core/config.hpp"

namespace aegir {

struct ConfigKey {
  struct Path {
    std::string Config::* member;
  };
  struct Paths {
    std::vector<std::string> Config::* member;
  };
  struct Name {  ///< a user or a group
    std::string Config::* member;
  };
  using Field = std::variant<Path, Paths, Name, std::uint32_t Config::*, std::vector<std::string> Config::*,
                             std::vector<Listen> Config::*, Reload Config::*>;

  std::string_view name;
  Field field;
  std::string_view value;     ///< what stands right of '=', "PATH"
  std::string_view fallback;  ///< what it is when the file leaves it out
  std::string_view meaning;   ///< begins small, ends without a full stop
};

/// All of them, in the order in which aegir.conf(5) tells them.
[[nodiscard]] std::span<const ConfigKey> config_keys();

}  // namespace aegir
