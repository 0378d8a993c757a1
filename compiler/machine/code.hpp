// The rules for code: whose it is and who may do what with it (design §7 "Who owns what").
#pragma once

#include "compiler/core/config.hpp"
#include "compiler/machine/walk.hpp"

namespace aegir::machine {

/// Code that everybody may read and only aegir has to write: a platform's own.
[[nodiscard]] Rules code_rules(const Config& config, const Accounts& accounts);

/// Folders of code in which the members of group aegir work: modules, themes, libraries.
[[nodiscard]] Rules shared_code_rules(const Config& config, const Accounts& accounts);

/// Whether `id` is one that sites' PHP or the web servers run as: such a one owns no code, and gets no say in it.
[[nodiscard]] bool is_tenant(const Config& config, const Accounts& accounts, id_t id);

}  // namespace aegir::machine
