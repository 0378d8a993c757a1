#include "compiler/publish/activate.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "compiler/machine/certificates.hpp"
#include "compiler/publish/bringer.hpp"
#include "compiler/publish/certificates.hpp"
#include "compiler/publish/running_server.hpp"

namespace aegir::publish {
namespace {

/// What a person has written for a platform that is gone, or is no business of this kind of server, nobody reads.
bool is_included(const emit::Model& model, const registry::Server& server, const ServerKind& kind,
                 std::string_view path) {
  if (!path.contains("/platform.d/")) return true;
  return std::ranges::any_of(model.platforms, [&](const registry::Platform& platform) {
    return platform.server == server.name && platform.state != registry::PlatformState::kDeleted &&
           (platform.services & kind.service) != 0 && path.ends_with('/' + platform.name + ".local.conf");
  });
}

}  // namespace

Result<emit::Surroundings> read_surroundings(const Config& config, const emit::Model& model, std::vector<Error>* errors,
                                             std::vector<std::string>* notes) {
  emit::Surroundings around;
  for (const registry::Server& server : model.servers) {
    for (const ServerKind* kind : {&kApache, &kNginx}) {
      Result<std::vector<std::string>> files = machine::peoples_files(config, server.name, kind->folder);
      if (!files) return pass(files);
      for (std::string& path : *files) {
        if (is_included(model, server, *kind, path)) around.people.push_back({std::move(path)});
      }
    }
  }
  std::ranges::sort(around.people, {}, &emit::PersonsFile::path);
  Result<FoundCertificates> found = find_certificates(config, model);
  if (!found) return pass(found);
  around.certificates = std::move(found->certificates);
  if (errors != nullptr) std::ranges::move(found->errors, std::back_inserter(*errors));
  if (notes != nullptr) std::ranges::move(found->notes, std::back_inserter(*notes));
  for (const registry::Platform& platform : model.platforms) {
    if (machine::read_config(config, emit::accepted_htaccess_path(config, platform))) {
      around.accepted.insert(platform.name);
    }
  }
  for (const registry::Server& server : model.servers) {
    for (const ServerKind* kind : {&kApache, &kNginx}) {
      const Result<std::string> conf =
          machine::read_config(config, server_config_dir(config, server.name) + '/' + kind->folder + "/aegir.conf");
      if (conf) (kind == &kApache ? around.apache : around.nginx) = set_name_in(*kind, *conf);
    }
  }
  return around;
}

Activation activate(const Config& config, const Accounts& accounts, emit::Model model,
                    const std::set<std::string>& read) {
  Activation activation;
  const auto give_up = [&](Error& error) {
    activation.errors.push_back(std::move(error));
    activation.kept = true;
    return std::move(activation);
  };
  if (Result<void> ok = emit::check_names(model); !ok) return give_up(ok.error());
  Result<std::vector<Error>> unsafe = machine::protect_certificates(config, activation.done);
  if (!unsafe) return give_up(unsafe.error());
  Result<emit::Surroundings> around = read_surroundings(config, model, &activation.errors, &activation.notes);
  if (!around) return give_up(around.error());
  for (Error& error : *unsafe) {
    const bool told = std::ranges::any_of(activation.errors,
                                          [&](const Error& other) { return other.place.file == error.place.file; });
    if (!told) activation.errors.push_back(std::move(error));
  }
  model.surroundings = *std::move(around);
  const std::vector<emit::Certificate>& certificates = model.surroundings.certificates;
  Result<void> installed = install_certificates(config, model.servers, certificates, activation.done);
  if (!installed) return give_up(installed.error());
  for (const ServerKind* kind : {&kApache, &kNginx}) {
    const std::optional<RunningServer> server = RunningServer::find(*kind, config, model);
    if (!server) continue;
    Result<void> brought = Bringer(*server, config, accounts, model, activation).bring(read);
    if (!brought) {
      activation.kept = true;
      brought.error().message = std::string(kind->name) + " keeps what it has: " + brought.error().message;
      activation.errors.push_back(std::move(brought.error()));
    }
  }
  Result<void> forgotten = forget_certificates(config, model.servers, certificates, activation.done);
  if (!forgotten) activation.errors.push_back(std::move(forgotten.error()));
  return activation;
}

}  // namespace aegir::publish
