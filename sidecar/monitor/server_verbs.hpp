// What aegird does for the worker with servers and platforms: fragments, web servers, code, certificates. Called as the
// functions of site_verbs.hpp are. The worker sends the registry's objects; each of them has to obey the registry's
// rules, lie where root says that codebases lie, and have uids of slots that no other block has. The text of every
// fragment is made here, from these values alone.
#pragma once

#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "sidecar/wire/reconcile_order.hpp"
#include "sidecar/wire/server_order.hpp"

namespace aegir::monitor {

/// What is wrong with a model, before anything is done with it: kInvalid or kPermission names the object.
[[nodiscard]] Result<void> check_model(const Config& config, const emit::Model& model);

[[nodiscard]] Result<wire::PeoplesSites> peoples_sites(const Config& config, const Accounts& accounts,
                                                       const std::vector<std::string>& servers);
[[nodiscard]] Result<wire::Verified> verify_servers(const Config& config, const Accounts& accounts,
                                                    const wire::ServersOrder& order);
[[nodiscard]] Result<wire::Verified> verify_platform(const Config& config, const Accounts& accounts,
                                                     const wire::PlatformOrder& order);
[[nodiscard]] Result<wire::Verified> write_platform(const Config& config, const Accounts& accounts,
                                                    const wire::PlatformFilesOrder& order);
/// The text of the file.
/// What verify_servers() would put right of the servers, and write_platform() of a platform.
[[nodiscard]] Result<wire::Compared> compare_servers(const Config& config, const Accounts& accounts,
                                                     const emit::Model& model);
[[nodiscard]] Result<wire::Compared> compare_platform(const Config& config, const Accounts& accounts,
                                                      const wire::PlatformFilesOrder& order);
[[nodiscard]] Result<std::string> map_key(const Config& config, const Accounts& accounts, const wire::Nothing& order);
[[nodiscard]] Result<std::vector<wire::CertificateFacts>> certificates(const Config& config, const Accounts& accounts,
                                                                       const wire::Nothing& order);

}  // namespace aegir::monitor
