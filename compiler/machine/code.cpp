#include "compiler/machine/code.hpp"

namespace aegir::machine {

bool is_tenant(const Config& config, const Accounts& accounts, id_t id) {
  return (id >= config.uid_first && id <= config.uid_last) || id == accounts.web || id == accounts.web_group;
}

Rules code_rules(const Config& config, const Accounts& accounts) {
  const auto tenant = [&config, accounts](id_t id) { return is_tenant(config, accounts, id); };
  return {.owner = {accounts.aegir, accounts.aegir_group},
          // Whoever unpacked it or left it there. A tenant could still hold a file of his open for writing.
          .adopts = [tenant](uid_t uid) { return !tenant(uid); },
          .directories = 0755,
          .files = 0644,
          .closed_to_others = true,
          .barred = tenant,
          .secluded = [&config](gid_t gid) { return gid >= config.uid_first && gid <= config.uid_last; }};
}

Rules shared_code_rules(const Config& config, const Accounts& accounts) {
  Rules rules = code_rules(config, accounts);
  rules.directories = 02775;
  rules.files = 0664;
  return rules;
}

}  // namespace aegir::machine
