#include "compiler/verify/server.hpp"

#include <algorithm>

#include "compiler/emit/people.hpp"
#include "compiler/publish/activate.hpp"
#include "compiler/verify/site.hpp"

namespace aegir::verify {
namespace {

/// Takes away what nothing in the registry asks for any more. Only when the servers have taken their new
/// configuration: the old one may include it.
Result<void> remove_stale(const Config& config, emit::Model model, machine::Done& done) {
  Result<emit::Surroundings> around = publish::read_surroundings(config, model);
  if (!around) return pass(around);
  model.surroundings = *std::move(around);
  Result<std::vector<emit::File>> files = emit::emit_all(config, model);
  if (!files) return pass(files);
  std::vector<std::string> emitted;
  for (const emit::File& file : *files) emitted.push_back(file.path);
  for (const registry::Platform& platform : model.platforms) {
    if (platform.state == registry::PlatformState::kDeleted) continue;
    emitted.push_back(emit::accepted_htaccess_path(config, platform));
  }
  return machine::remove_stale_config(config, emitted, done);
}

/// `with_local` are the sites for which people have written a file.
Result<emit::Model> read_model(registry::Store& store, std::vector<registry::Server> servers,
                               const std::set<std::string>& with_local) {
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  Result<std::vector<registry::Block>> blocks = store.blocks();
  if (!blocks) return pass(blocks);
  emit::Model model{std::move(servers), *std::move(platforms), *std::move(blocks)};
  Result<void> read = store.each_site([&](const registry::Site& site) -> Result<void> {
    if (site.body_limit == 0 && !with_local.contains(site.uri)) return {};
    model.own_sites.push_back({site.uri, site.platform, site.body_limit});
    return {};
  });
  if (!read) return pass(read);
  return model;
}

}  // namespace

Result<emit::Model> read_model(registry::Store& store) {
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  return read_model(store, *std::move(servers), {});
}

Result<emit::Model> read_model(registry::Store& store, const Config& config) {
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  std::set<std::string> uris;
  for (const registry::Server& server : *servers) {
    for (const char* service : {"apache", "nginx"}) {
      Result<std::vector<std::string>> files = machine::peoples_files(config, server.name, service);
      if (!files) return pass(files);
      for (const std::string& path : *files) {
        const std::string name = path.substr(path.rfind('/') + 1);
        const std::size_t end = name.rfind(".local.conf");
        if (end == std::string::npos || !path.ends_with('/' + emit::own_site_local(name.substr(0, end)))) continue;
        uris.insert(name.substr(0, end));
      }
    }
  }
  return read_model(store, *std::move(servers), uris);
}

Result<Told> verify_servers(const Config& config, const Accounts& accounts, const emit::Model& model,
                            const std::set<std::string>& read, machine::Done& done) {
  // Everything is emitted before anything is written: one value that can't be said leaves the old files together.
  Result<std::vector<emit::File>> files = emit::emit_all(config, model);
  if (!files) return pass(files);
  for (const registry::Server& server : model.servers) {
    if (Result<void> made = machine::prepare_server(config, accounts, server.name, done); !made) return pass(made);
    if (Result<void> made = write_server_files(config, accounts, server, done); !made) return pass(made);
  }
  for (const registry::Block& block : model.blocks) {
    const machine::BlockSlots slots{block.name, block.first_uid, block.slots};
    if (Result<void> made = machine::prepare_block(config, accounts, slots, done); !made) return pass(made);
    const std::string path = emit::fpm_block_path(config, block);
    const auto file = std::ranges::find(*files, path, &emit::File::path);
    Result<void> made = machine::install_config(config, accounts, path, file->content, file->mode, done);
    if (!made) return pass(made);
  }
  publish::Activation activation = publish::activate(config, accounts, model, read);
  done.insert(done.end(), activation.done.begin(), activation.done.end());
  if (!activation.kept) {
    if (Result<void> removed = remove_stale(config, model, done); !removed) return pass(removed);
  }
  return Told{std::move(activation.errors), std::move(activation.notes)};
}

}  // namespace aegir::verify
