// What aegird does for the worker with sites. Every function is called in a child of aegird's own, which works as aegir
// with root in reserve, and checks its order: where the site lies against the configuration, the slot against what root
// has made on disk, names that become parts of paths. What stands in the files is data: the emitters quote it.
#pragma once

#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/wire/reconcile_order.hpp"
#include "sidecar/wire/site_order.hpp"

namespace aegir::monitor {

[[nodiscard]] Result<void> look_at_site(const Config& config, const Accounts& accounts, const wire::SiteOrder& order);
[[nodiscard]] Result<machine::Done> prepare_site(const Config& config, const Accounts& accounts,
                                                 const wire::SiteOrder& order);
[[nodiscard]] Result<wire::PreparedTree> prepare_site_tree(const Config& config, const Accounts& accounts,
                                                           const wire::SiteOrder& order);
[[nodiscard]] Result<wire::WrittenSite> write_site(const Config& config, const Accounts& accounts,
                                                   const wire::SiteFilesOrder& order);
[[nodiscard]] Result<machine::Done> finish_site(const Config& config, const Accounts& accounts,
                                                const wire::SiteFilesOrder& order);
[[nodiscard]] Result<std::vector<Error>> lint_site(const Config& config, const Accounts& accounts,
                                                   const wire::SiteFilesOrder& order);
[[nodiscard]] Result<machine::Done> forget_site(const Config& config, const Accounts& accounts, const std::string& uri);
[[nodiscard]] Result<std::vector<std::string>> written_sites(const Config& config, const Accounts& accounts,
                                                             const wire::Nothing& order);
/// What prepare_site(), write_site() and finish_site() would put right.
[[nodiscard]] wire::Compared compare_site(const Config& config, const Accounts& accounts,
                                          const wire::SiteFilesOrder& order);
[[nodiscard]] Result<machine::Done> remove_site(const Config& config, const Accounts& accounts,
                                                const wire::SiteOrder& order);

}  // namespace aegir::monitor
