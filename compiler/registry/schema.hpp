// The tables of a registry file and their numbered migrations. PRAGMA user_version is the number of the last one that
// ran; PRAGMA application_id tells a registry from any other SQLite file.
#pragma once

#include <span>
#include <string>

#include "compiler/registry/sqlite.hpp"

namespace aegir::registry {

/// Columns of a site, in the order in which site_row.cpp binds and reads them (id is the first). Live sites, deleted
/// sites and candidates have the same ones.
inline constexpr std::string_view kSiteColumns =
    "id, uri, platform, client, state, profile, language, https, cloaking, redirect_to, aliases, former_uris, "
    "http_auth_user, http_auth_realm, key_pages, memory_limit, upload_max_filesize, post_max_size, "
    "max_execution_time, body_limit, database_server, database_name, database_user, block, slot, key_id, secrets";

/// Gives the SQL of one step; number n + 1 is at n.
using Migration = std::string (*)();

/// Those of this program. The number of the last one is the schema that it reads and writes.
[[nodiscard]] std::span<const Migration> migrations() noexcept;

/// Checks that the file is a registry of this program's schema: kTooNew when it is newer, kCorrupt when it is none.
/// An empty or older one is migrated (`may_write`) or refused.
[[nodiscard]] Result<void> prepare_schema(Connection& connection, bool may_write,
                                          std::span<const Migration> steps = migrations());

}  // namespace aegir::registry
