#include "compiler/verify/platform.hpp"

#include "compiler/verify/site_files.hpp"

namespace aegir::verify {

Result<Told> verify_platform(const Config& config, const Accounts& accounts, const emit::Model& model,
                             const registry::Platform& platform, const std::vector<std::string>& uris,
                             const std::vector<std::string>& profiles, const PhpVersions& versions,
                             machine::Done& done) {
  Told told;
  const auto tell = [&](Error error) {
    error.message = "platform " + platform.name + ": " + error.message;
    told.errors.push_back(std::move(error));
  };
  if (Result<void> owned = machine::prepare_platform(config, accounts, platform.docroot, done); !owned) {
    tell(std::move(owned.error()));
  }
  Result<std::vector<Error>> written = write_platform_files(config, accounts, platform, uris, profiles, versions, done);
  if (written) {
    for (Error& error : *written) tell(std::move(error));
  } else {
    tell(std::move(written.error()));
  }
  Result<Told> servers = verify_servers(config, accounts, model, {platform.name}, done);
  if (!servers) return servers;
  told.errors.insert(told.errors.end(), servers->errors.begin(), servers->errors.end());
  told.notes = std::move(servers->notes);
  return told;
}

}  // namespace aegir::verify
