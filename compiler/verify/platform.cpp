#include "compiler/verify/platform.hpp"

#include "compiler/core/atomic_file.hpp"
#include "compiler/emit/htaccess.hpp"
#include "compiler/verify/site.hpp"

namespace aegir::verify {
namespace {

constexpr std::size_t kLargestHtaccess = 1U << 20U;

void note_unobeyed(const Config& config, const registry::Platform& platform, Told& told) {
  if ((platform.services & registry::kNginx) == 0) return;
  const std::string path = platform.docroot + "/.htaccess";
  const std::string local =
      server_config_dir(config, platform.server) + "/nginx/platform.d/" + platform.name + ".local.conf";
  const Result<std::string> text = read_file(path, kLargestHtaccess);
  if (!text) return;
  for (const emit::Unobeyed& rule : emit::unobeyed_by_nginx(*text, platform.cms)) {
    std::string note = path + ':' + std::to_string(rule.line) + ": nginx does not obey: " + rule.directive;
    if (!rule.instead.empty()) note += "\n  in " + local + ": " + rule.instead;
    told.notes.push_back(std::move(note));
  }
}

}  // namespace

Result<Told> verify_platform(const Config& config, const Accounts& accounts, const emit::Model& model,
                             const registry::Platform& platform, const std::vector<std::string>& uris,
                             machine::Done& done) {
  Told told;
  const auto tell = [&](Error error) {
    error.message = "platform " + platform.name + ": " + error.message;
    told.errors.push_back(std::move(error));
  };
  if (Result<void> owned = machine::prepare_platform(config, accounts, platform.docroot, done); !owned) {
    tell(std::move(owned.error()));
  }
  Result<std::vector<Error>> written = write_platform_files(config, accounts, platform, uris, {}, done);
  if (written) {
    for (Error& error : *written) tell(std::move(error));
  } else {
    tell(std::move(written.error()));
  }
  Result<Told> servers = verify_servers(config, accounts, model, {platform.name}, done);
  if (!servers) return servers;
  told.errors.insert(told.errors.end(), servers->errors.begin(), servers->errors.end());
  told.notes = std::move(servers->notes);
  note_unobeyed(config, platform, told);
  return told;
}

}  // namespace aegir::verify
