// Settings as rows of the table setting: name and value. A setting without a row has its default, so that a new one
// needs no migration.
#pragma once

#include "compiler/registry/model.hpp"
#include "compiler/registry/sqlite.hpp"

namespace aegir::registry {

[[nodiscard]] Result<Settings> read_settings(Connection& connection);
[[nodiscard]] Result<void> write_settings(Connection& connection, const Settings& settings);

}  // namespace aegir::registry
