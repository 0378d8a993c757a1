// The rules for code: whose it is and who may do what with it (design §7 "Who owns what").
#pragma once

#include "compiler/core/config.hpp"
#include "compiler/machine/walk.hpp"

namespace aegir::machine {

/// Code that everybody may read and only aegir has to write: a platform's own.
[[nodiscard]] Rules code_rules(const Config& config, const Accounts& accounts);

/// Folders of code in which the members of group aegir work: modules, themes, libraries. What a member left closed is
/// opened; what anybody else did is not, root too.
[[nodiscard]] Rules shared_code_rules(const Config& config, const Accounts& accounts);

/// Whether `id` is a uid, and so a group, of a slot: within the configured range.
[[nodiscard]] bool is_slot(const Config& config, id_t id);

/// The same as a check, for what is asked of these functions (kInvalid).
[[nodiscard]] Result<void> check_slot(const Config& config, uid_t uid);

/// Whether a codebase may lie at `docroot`: below one of Config::platform_roots, which root has named, and not one of
/// them itself. Everything that root gives to aegir there depends on it: the registry, which says where docroots are,
/// is aegir's. kPermission else.
[[nodiscard]] Result<void> check_docroot(const Config& config, std::string_view docroot);

/// Opens the folder of a file below config_dir, by a path that leads nowhere else: names of the registry are parts of
/// it. kPermission else.
[[nodiscard]] Result<Directory> open_config_folder(const Config& config, const std::string& path);

/// Whether `id` is one that sites' PHP or the web servers run as: such a one owns no code, and gets no say in it.
[[nodiscard]] bool is_tenant(const Config& config, const Accounts& accounts, id_t id);

}  // namespace aegir::machine
