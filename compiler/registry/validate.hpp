// The rules that an object's own fields obey, in one place: the Writer and the import both ask here. What needs other
// objects (references, names that are taken) is the Writer's business (check.cpp).
#pragma once

#include <string_view>

#include "compiler/registry/model.hpp"
#include "compiler/registry/problem.hpp"

namespace aegir::registry {

/// Whether `name` can name a server, client, block or platform: [a-z0-9][a-z0-9_-]{0,31}. Such names are parts of
/// file names and of arguments, hence no dot and no leading dash.
[[nodiscard]] bool is_object_name(std::string_view name);

/// Whether `text` is a version of PHP as a block has it: "8.2". It is a part of paths.
[[nodiscard]] bool is_php_version(std::string_view text);

/// Whether `host` is a canonical host name with labels that DNS can carry; with `wildcard` also *.suffix.
[[nodiscard]] bool is_host(std::string_view host, bool wildcard);

/// The same by its bytes and lengths alone: what is in an xn-- label is not looked at.
[[nodiscard]] bool has_host_form(std::string_view host, bool wildcard);

/// Everything that is wrong with an object by itself; empty when nothing is. `is_name` says what a host name is.
[[nodiscard]] Problems validate(const Server& server, bool (*is_name)(std::string_view, bool) = is_host);
[[nodiscard]] Problems validate(const Client& client);
[[nodiscard]] Problems validate(const Block& block);
[[nodiscard]] Problems validate(const Platform& platform);
[[nodiscard]] Problems validate(const Site& site);
[[nodiscard]] Problems validate(const Settings& settings);
[[nodiscard]] Problems validate(const Codebase& codebase);
/// A site's own packages (packages.hpp).
[[nodiscard]] Problems validate(const std::vector<Package>& own);

/// Whether `text` is http(s)://host[:port] in canonical form, without a path.
[[nodiscard]] bool is_origin(std::string_view text);

/// The host of an origin, or `target` itself when it is a host name.
[[nodiscard]] std::string_view host_of_target(std::string_view target);

}  // namespace aegir::registry
