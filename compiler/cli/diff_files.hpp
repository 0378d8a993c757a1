// The files that compile would write and take away, beside those that are there.
#pragma once

#include <functional>

#include "compiler/cli/cli.hpp"
#include "compiler/publish/compare_files.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::cli {

/// Tells of each file that would change: fragments of servers, files of sites, platforms and Drush, then what nothing
/// asks for any more. Sites are streamed. Who is not root is noted what he is not told of. Returns how many files can't
/// be compared; notes say which (the first hundred) and why.
[[nodiscard]] Result<std::uint64_t> compare_files(const Output& out, const Config& config, registry::Store& store,
                                                  const std::function<void(const publish::FileChange&)>& told);

}  // namespace aegir::cli
