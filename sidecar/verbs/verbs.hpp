// The verbs of aegird-worker, a file each. What each does and in which order: design §10.
#pragma once

#include <memory>
#include <vector>

#include "sidecar/tasks/verb.hpp"
#include "sidecar/verbs/services.hpp"

namespace aegir::verbs {

[[nodiscard]] std::unique_ptr<tasks::Verb> site_install(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> site_delete(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> site_disable(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> site_enable(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> site_verify(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> site_login(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> platform_add(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> platform_verify(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> platform_lock(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> platform_unlock(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> platform_delete(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> server_add(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> server_verify(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> block_add(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> client_add(Services& services);
[[nodiscard]] std::unique_ptr<tasks::Verb> reconcile(Services& services);

/// All of them. `services` must outlive them.
[[nodiscard]] std::vector<std::unique_ptr<tasks::Verb>> all_verbs(Services& services);

}  // namespace aegir::verbs
