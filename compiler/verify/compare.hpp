// What Verify would change in files: the same texts, beside what is there. Plain values, as in site_files.hpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/publish/compare_files.hpp"
#include "compiler/verify/site_files.hpp"

namespace aegir::verify {

/// Hears of one file that would change.
using OnFile = std::function<Result<void>(const publish::FileChange& change)>;

/// Tells what write_site() and finish_site() would change in a site's files, with the differences of those that are
/// there and stay; the lines of a secret are masked. Also for a site that has no directory yet. `with_drush_yml`: the
/// drush.yml of the slot, which sites of one slot share, is compared too. Returns and fails with what keeps files from
/// being compared.
[[nodiscard]] Result<std::vector<Error>> compare_site(const Config& config, const Accounts& accounts,
                                                      const SiteWork& work, bool with_drush_yml, const OnFile& told);

/// What write_platform_files() and write_server_files() would change.
[[nodiscard]] Result<std::vector<Error>> compare_platform_files(const Config& config, const Accounts& accounts,
                                                                const PlatformFacts& facts, const OnFile& told);
[[nodiscard]] Result<std::vector<Error>> compare_server_files(const Config& config, const Accounts& accounts,
                                                              const registry::Server& server, const OnFile& told);

/// What verify_servers() would change in the files that web servers and PHP-FPM read: emitted ones, those that nothing
/// asks for any more and, told apart, people's, which come into force with them. Returns what can't be compared.
/// Without root (at hand or in reserve) only the emitted ones are looked at.
[[nodiscard]] Result<std::vector<Error>> compare_fragments(const Config& config, emit::Model model, bool has_root,
                                                           const OnFile& told, const OnFile& peoples);

}  // namespace aegir::verify
