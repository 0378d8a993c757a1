#include "sidecar/verbs/verbs.hpp"

namespace aegir::verbs {

std::vector<std::unique_ptr<tasks::Verb>> all_verbs(Services& services) {
  std::vector<std::unique_ptr<tasks::Verb>> verbs;
  for (const auto make :
       {site_install, site_delete, site_disable, site_enable, site_verify, site_login, platform_add, platform_verify,
        platform_lock, platform_unlock, platform_delete, server_add, server_verify, block_add, client_add, reconcile}) {
    verbs.push_back(make(services));
  }
  return verbs;
}

}  // namespace aegir::verbs
