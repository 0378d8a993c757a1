// The rules that an object's own fields obey, in one place: the Writer and the import both ask here. What needs other
// objects (references, names that are taken) is the Writer's business (check.cpp).
#pragma once

#include <string_view>

#include "compiler/registry/model.hpp"
#include "compiler/registry/problem.hpp"

namespace aegir::registry {

/// Everything that is wrong with an object by itself; empty when nothing is.
[[nodiscard]] Problems validate(const Server& server);
[[nodiscard]] Problems validate(const Client& client);
[[nodiscard]] Problems validate(const Block& block);
[[nodiscard]] Problems validate(const Platform& platform);
[[nodiscard]] Problems validate(const Site& site);
[[nodiscard]] Problems validate(const Settings& settings);

/// Whether `name` can name a server, client, block or platform: [a-z0-9][a-z0-9_-]{0,31}. Such names are parts of
/// file names and of arguments, hence no dot and no leading dash.
[[nodiscard]] bool is_object_name(std::string_view name);

/// Whether `host` is a canonical host name with labels that DNS can carry; with `wildcard` also *.suffix.
[[nodiscard]] bool is_host(std::string_view host, bool wildcard);

/// Whether `text` is http(s)://host[:port] in canonical form, without a path.
[[nodiscard]] bool is_origin(std::string_view text);

/// The host of an origin, or `target` itself when it is a host name.
[[nodiscard]] std::string_view host_of_target(std::string_view target);

}  // namespace aegir::registry
