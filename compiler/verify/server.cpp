#include "compiler/verify/server.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "compiler/emit/htaccess.hpp"
#include "compiler/emit/people.hpp"
#include "compiler/machine/certificates.hpp"
#include "compiler/publish/activate.hpp"
#include "compiler/publish/https.hpp"
#include "compiler/verify/lint.hpp"
#include "compiler/verify/site_files.hpp"

namespace aegir::verify {
namespace {

/// Takes away what nothing in the registry asks for any more. Only when the servers have taken their new
/// configuration: the old one may include it.
Result<void> remove_stale(const Config& config, emit::Model model, machine::Done& done) {
  Result<emit::Surroundings> around = publish::read_surroundings(config, model);
  if (!around) return pass(around);
  model.surroundings = *std::move(around);
  std::vector<std::string> emitted;
  Result<void> listed = emit::emit_each(config, model, [&](const emit::File& file) -> Result<void> {
    emitted.push_back(file.path);
    return {};
  });
  if (!listed) return listed;
  for (const registry::Platform& platform : model.platforms) {
    if (platform.state == registry::PlatformState::kDeleted) continue;
    emitted.push_back(emit::accepted_htaccess_path(config, platform));
  }
  return machine::remove_stale_config(config, emitted, done);
}

/// Tells what of an accepted .htaccess nginx does not obey, and where a person can say it to nginx.
Result<void> note_unobeyed(const Config& config, const registry::Platform& platform, std::vector<std::string>& notes) {
  if ((platform.services & registry::kNginx) == 0) return {};
  const Result<std::string> text = machine::read_config(config, emit::accepted_htaccess_path(config, platform));
  if (!text) return std::unexpected(text.error());
  const std::string local =
      server_config_dir(config, platform.server) + "/nginx/platform.d/" + platform.name + ".local.conf";
  for (const emit::Unobeyed& rule : emit::unobeyed_by_nginx(*text, platform.cms)) {
    std::string note =
        platform.docroot + "/.htaccess:" + std::to_string(rule.line) + ": nginx does not obey: " + rule.directive;
    if (!rule.instead.empty()) note += "\n  in " + local + ": " + rule.instead;
    notes.push_back(std::move(note));
  }
  return {};
}

/// The block's PHP, and what a person has to do about it.
Result<void> give_php(const Config& config, const registry::Block& block, std::vector<std::string>& notes,
                      machine::Done& done) {
  const std::size_t before = done.size();
  if (Result<void> linked = machine::link_php(config, block.name, block.php_version, done); !linked) return linked;
  const std::string what = "block " + block.name + " has PHP " + block.php_version;
  std::error_code error;
  for (const auto& [key, pattern] : {std::pair{"php_cli", &config.php_cli}, std::pair{"php_fpm", &config.php_fpm}}) {
    const std::string program = php_program(*pattern, block.php_version);
    if (std::filesystem::exists(program, error)) continue;
    notes.push_back(what + ", and " + program + " is not there; next: install it, or say in aegir.conf where it is (" +
                    key + ")");
  }
  const std::string pid = emit::fpm_block_pid(config, block);
  if (done.size() != before && std::filesystem::exists(pid, error)) {
    notes.push_back(what + " for what is started from now on; next: end its master (pid in " + pid + ") and start " +
                    block_php_dir(config, block.name) + "/php-fpm");
  }
  return {};
}

}  // namespace

Result<PeoplesSites> peoples_sites(const Config& config, const std::vector<std::string>& servers) {
  PeoplesSites sites;
  for (const std::string& server : servers) {
    for (const char* service : {"apache", "nginx"}) {
      Result<std::vector<std::string>> files = machine::peoples_files(config, server, service);
      if (!files) return pass(files);
      for (const std::string& path : *files) {
        const std::string name = path.substr(path.rfind('/') + 1);
        const std::size_t end = name.rfind(".local.conf");
        if (end == std::string::npos || !path.ends_with('/' + emit::own_site_local(name.substr(0, end)))) continue;
        sites.with_local.insert(name.substr(0, end));
      }
    }
  }
  const Result<machine::CertificateFolders> folders = machine::read_certificates(config);
  if (!folders) return std::unexpected(folders.error());
  for (const machine::CertificateFolder& folder : folders->folders) sites.certified.insert(folder.name);
  return sites;
}

Result<bool> body_limit_is_in_force(const Config& config, const registry::Platform& platform,
                                    const registry::Site& site) {
  const auto is_so = [&](const char* service, const std::string& line, bool wanted) -> Result<bool> {
    const std::string path =
        server_config_dir(config, platform.server) + '/' + service + '/' + emit::own_site_file(site.uri);
    const Result<std::string> text = machine::read_config(config, path);
    if (text) return text->contains(line) == wanted;
    if (text.error().code == Code::kNotFound) return site.body_limit == 0;
    return std::unexpected(text.error());
  };
  Result<bool> so = true;
  if ((platform.services & registry::kApache) != 0) {
    const bool own = site.body_limit != 0;  // else the platform's section holds for the site's server too
    so = is_so(
        "apache",
        own ? "LimitRequestBody " + std::to_string(std::uint64_t{site.body_limit} << 20U) + '\n' : "LimitRequestBody ",
        own);
  }
  if (so && *so && (platform.services & registry::kNginx) != 0) {
    const std::uint32_t limit = site.body_limit != 0 ? site.body_limit : platform.body_limit;
    so = is_so("nginx", "client_max_body_size " + std::to_string(limit) + "m;", true);
  }
  return so;
}

Result<Told> verify_servers(const Config& config, const Accounts& accounts, const emit::Model& model,
                            const std::set<std::string>& read, machine::Done& done) {
  // Everything is emitted before anything is written: one value that can't be said leaves the old files together.
  Result<void> can_be_said = emit::emit_each(config, model, [](const emit::File&) -> Result<void> { return {}; });
  if (!can_be_said) return pass(can_be_said);
  for (const registry::Server& server : model.servers) {
    if (Result<void> made = machine::prepare_server(config, accounts, server.name, done); !made) return pass(made);
    if (Result<void> made = write_server_files(config, accounts, server, done); !made) return pass(made);
  }
  std::vector<std::string> notes;
  for (const registry::Block& block : model.blocks) {
    const machine::BlockSlots slots{block.name, block.first_uid, block.slots};
    if (Result<void> made = machine::prepare_block(config, accounts, slots, done); !made) return pass(made);
    const Result<std::string> pools = emit::fpm_block(config, block);
    if (!pools) return std::unexpected(pools.error());
    Result<void> made =
        machine::install_config(config, accounts, emit::fpm_block_path(config, block), *pools, 0640, done);
    if (made) made = give_php(config, block, notes, done);
    if (!made) return pass(made);
  }
  publish::Activation activation = publish::activate(config, accounts, model, read);
  done.insert(done.end(), activation.done.begin(), activation.done.end());
  if (!activation.kept) {
    if (Result<void> removed = remove_stale(config, model, done); !removed) return pass(removed);
  }
  for (const registry::Platform& platform : model.platforms) {
    if (!activation.accepted.contains(platform.name)) continue;
    if (Result<void> noted = note_unobeyed(config, platform, activation.notes); !noted) return pass(noted);
  }
  notes.insert(notes.end(), activation.notes.begin(), activation.notes.end());
  publish::HttpsNotes https(config, model.servers, model.platforms);
  for (const emit::HttpsSite& site : model.https_sites) https.look(site);
  std::ranges::move(https.take(), std::back_inserter(notes));
  Told told{std::move(activation.errors), std::move(notes)};
  std::vector<Error> broken = lint_server(config, model.blocks);
  told.errors.insert(told.errors.end(), std::move_iterator(broken.begin()), std::move_iterator(broken.end()));
  return told;
}

}  // namespace aegir::verify
