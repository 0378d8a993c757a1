// What people write beside what we emit, their own configuration files and the .htaccess of a platform, and what of it
// is in force: that is what the last compile or verify has read, whatever was edited since.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/publish/compare_files.hpp"
#include "compiler/publish/kept.hpp"
#include "compiler/publish/running_server.hpp"

namespace aegir::publish {

/// A platform's .htaccess as it is in its docroot, read as who we are; nothing when there is none.
[[nodiscard]] Result<std::optional<std::string>> docroots_htaccess(const registry::Platform& platform);

/// Remembers that these files of people's, whose contents are `contents`, were put in place with what we emit, or
/// left out of it. Only hashes are kept. The process has root in reserve.
[[nodiscard]] Result<void> remember_people(const Config& config, const Accounts& accounts, const ServerKind& kind,
                                           const std::vector<emit::PersonsFile>& people, const Files& contents);

/// What is in force of a file of people's instead of what it holds now, in words: "not in force yet"; empty when it is
/// in force as it is. The process has root in reserve.
[[nodiscard]] Result<std::string> what_is_not_in_force(const Config& config, const ServerKind& kind,
                                                       const std::string& path);

/// Tells of each file of people's, and of each platform's .htaccess, that differs from what is in force, and so would
/// be tried by the next compile, and of the files that were refused as they are, which it marks in the model's
/// surroundings (they are read: read_surroundings()). Returns what can't be compared.
[[nodiscard]] Result<std::vector<Error>> compare_people(const Config& config, emit::Model& model,
                                                        const std::function<void(const FileChange&)>& told);

}  // namespace aegir::publish
