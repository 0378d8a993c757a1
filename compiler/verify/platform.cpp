#include "compiler/verify/platform.hpp"

#include "compiler/verify/site_files.hpp"

namespace aegir::verify {

Result<Told> verify_platform(const Config& config, const Accounts& accounts, const emit::Model& model,
                             const PlatformFacts& facts, machine::Done& done) {
  const registry::Platform& platform = facts.platform;
  Told told;
  const auto tell = [&](Error error) {
    error.message = "platform " + platform.name + ": " + error.message;
    told.errors.push_back(std::move(error));
  };
  if (Result<void> owned = machine::prepare_platform(config, accounts, platform.docroot, done); !owned) {
    tell(std::move(owned.error()));
  }
  Result<Told> written = write_platform_files(config, accounts, facts, done);
  if (written) {
    for (Error& error : written->errors) tell(std::move(error));
    told.notes = std::move(written->notes);
  } else {
    tell(std::move(written.error()));
  }
  Result<Told> servers = verify_servers(config, accounts, model, {platform.name}, done);
  if (!servers) return servers;
  told.errors.insert(told.errors.end(), servers->errors.begin(), servers->errors.end());
  told.notes.insert(told.notes.end(), servers->notes.begin(), servers->notes.end());
  return told;
}

}  // namespace aegir::verify
