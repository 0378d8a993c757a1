#include "sidecar/monitor/server_verbs.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>
#include <set>
#include <utility>

#include "compiler/core/path.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/machine/certificates.hpp"
#include "compiler/machine/code.hpp"
#include "compiler/machine/look.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/registry/validate.hpp"
#include "compiler/tls/certificate.hpp"
#include "compiler/verify/compare.hpp"
#include "compiler/verify/platform.hpp"
#include "compiler/verify/site_files.hpp"
#include "sidecar/monitor/reconcile_verbs.hpp"
#include "sidecar/monitor/slot.hpp"

namespace aegir::monitor {
namespace {

Result<void> first_of(const registry::Problems& problems, const std::string& object) {
  if (problems.empty()) return {};
  const registry::Problem& problem = problems.front();
  return fail(Code::kInvalid, object + (problem.field.empty() ? "" : ", " + problem.field) + ": " + problem.message,
              problem.hint);
}

Result<void> check_platform(const Config& config, const registry::Platform& platform) {
  if (Result<void> ok = first_of(registry::validate(platform), "platform " + platform.name); !ok) return ok;
  // What serves it would show what lies there to the world.
  if (platform.state == registry::PlatformState::kDeleted) return {};
  return machine::check_docroot(config, platform.docroot);
}

Result<void> check_block(const Config& config, const registry::Block& block) {
  if (Result<void> ok = first_of(registry::validate(block), "block " + block.name); !ok) return ok;
  if (Result<void> ok = machine::check_slot(config, block.first_uid); !ok) return ok;
  return machine::check_slot(config, block.first_uid + block.slots - 1);
}

Result<void> check_host(const std::string& host, bool wildcard) {
  if (registry::has_host_form(host, wildcard)) return {};
  return fail(Code::kInvalid, "'" + host + "' is no name of a site");
}

Result<void> check_name(const std::string& name) {
  if (registry::is_object_name(name)) return {};
  return fail(Code::kInvalid, "'" + name + "' is no name of a server, platform or block");
}

Result<void> check_files(const Config& config, const wire::PlatformFilesOrder& order) {
  if (Result<void> ok = check_platform(config, order.platform); !ok) return ok;
  for (const std::string& uri : order.uris) {
    if (Result<void> ok = check_host(uri, false); !ok) return ok;
  }
  if (!order.codebase.version.empty()) {
    Result<void> ok = first_of(registry::validate(order.codebase), "platform " + order.platform.name);
    if (!ok) return ok;
  }
  for (const std::string& version : order.versions) {
    if (!registry::is_php_version(version)) return fail(Code::kInvalid, "'" + version + "' is no version of PHP");
  }
  return {};
}

verify::PlatformFacts facts_of(const wire::PlatformFilesOrder& order) {
  return {order.platform, order.uris, order.codebase, {order.versions.begin(), order.versions.end()}};
}

/// One at a time changes what the web servers read. Held until the descriptor is closed, also by what is left of an
/// aegird that was killed while it did so.
Result<Fd> take_turn(const Config& config) {
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  const std::string path = config.run_dir + "/activate.lock";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("the lock can't be opened", path, errno);
  while (::flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno("can't be locked", path, errno);
  }
  return file;
}

/// With a look whether the uids are another block's, which Verify itself trusts the registry for.
Result<void> make_all_slots(const Config& config, const Accounts& accounts, const std::vector<registry::Block>& blocks,
                            machine::Done& done) {
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  for (const registry::Block& block : blocks) {
    Result<void> made = make_slots(config, accounts, {block.name, block.first_uid, block.slots}, done);
    if (!made) return made;
  }
  return {};
}

wire::Verified answer(verify::Told told, machine::Done done) {
  return {std::move(done), std::move(told.errors), std::move(told.notes)};
}

}  // namespace

Result<void> check_model(const Config& config, const emit::Model& model) {
  for (const registry::Server& server : model.servers) {
    for (const registry::WebService& web : server.web) {
      if (web.kind != registry::kApache && web.kind != registry::kNginx) {
        return fail(Code::kInvalid, "server " + server.name + " has a web service of no kind");
      }
    }
    Result<void> ok = first_of(registry::validate(server, registry::has_host_form), "server " + server.name);
    if (!ok) return ok;
  }
  for (const registry::Platform& platform : model.platforms) {
    if (Result<void> ok = check_platform(config, platform); !ok) return ok;
  }
  for (const registry::Block& block : model.blocks) {
    if (Result<void> ok = check_block(config, block); !ok) return ok;
  }
  for (const emit::OwnSite& site : model.own_sites) {
    if (Result<void> ok = check_host(site.uri, false); !ok) return ok;
    if (Result<void> ok = check_name(site.platform); !ok) return ok;
  }
  for (const emit::CertifiedSite& site : model.certified_sites) {
    if (Result<void> ok = check_host(site.uri, false); !ok) return ok;
    for (const std::string& name : site.names) {
      if (Result<void> ok = check_host(name, true); !ok) return ok;
    }
  }
  for (const emit::HttpsSite& site : model.https_sites) {
    if (Result<void> ok = check_host(site.uri, false); !ok) return ok;
    if (Result<void> ok = check_name(site.platform); !ok) return ok;
  }
  return {};
}

Result<wire::PeoplesSites> peoples_sites(const Config& config, const Accounts&,
                                         const std::vector<std::string>& servers) {
  for (const std::string& server : servers) {
    if (Result<void> ok = check_name(server); !ok) return pass(ok);
  }
  const Result<verify::PeoplesSites> sites = verify::peoples_sites(config, servers);
  if (!sites) return std::unexpected(sites.error());
  return wire::PeoplesSites{{sites->with_local.begin(), sites->with_local.end()},
                            {sites->certified.begin(), sites->certified.end()}};
}

Result<wire::Verified> verify_servers(const Config& config, const Accounts& accounts, const wire::ServersOrder& order) {
  if (Result<void> ok = check_model(config, order.model); !ok) return pass(ok);
  const Result<Fd> turn = take_turn(config);
  if (!turn) return std::unexpected(turn.error());
  machine::Done done;
  if (Result<void> made = machine::prepare_directories(config, accounts, done); !made) return pass(made);
  if (Result<void> made = make_all_slots(config, accounts, order.model.blocks, done); !made) return pass(made);
  Result<verify::Told> told =
      verify::verify_servers(config, accounts, order.model, {order.read.begin(), order.read.end()}, done);
  if (!told) return pass(told);
  return answer(*std::move(told), std::move(done));
}

Result<wire::Verified> verify_platform(const Config& config, const Accounts& accounts,
                                       const wire::PlatformOrder& order) {
  if (Result<void> ok = check_model(config, order.model); !ok) return pass(ok);
  if (Result<void> ok = check_files(config, order.files); !ok) return pass(ok);
  const Result<Fd> turn = take_turn(config);
  if (!turn) return std::unexpected(turn.error());
  machine::Done done;
  if (Result<void> made = make_all_slots(config, accounts, order.model.blocks, done); !made) return pass(made);
  Result<verify::Told> told = verify::verify_platform(config, accounts, order.model, facts_of(order.files), done);
  if (!told) return pass(told);
  return answer(*std::move(told), std::move(done));
}

Result<wire::Verified> write_platform(const Config& config, const Accounts& accounts,
                                      const wire::PlatformFilesOrder& order) {
  if (Result<void> ok = check_files(config, order); !ok) return pass(ok);
  machine::Done done;
  Result<verify::Told> told = verify::write_platform_files(config, accounts, facts_of(order), done);
  if (!told) return pass(told);
  return answer(*std::move(told), std::move(done));
}

Result<wire::Compared> compare_servers(const Config& config, const Accounts& accounts, const emit::Model& model) {
  if (Result<void> ok = check_model(config, model); !ok) return pass(ok);
  wire::Compared found;
  {
    const machine::OnlyLook only;
    take(found, machine::prepare_directories(config, accounts, found.lines));
    for (const registry::Server& server : model.servers) {
      take(found, machine::prepare_server(config, accounts, server.name, found.lines));
    }
    for (const registry::Block& block : model.blocks) {
      take(found, machine::prepare_block(config, accounts, {block.name, block.first_uid, block.slots}, found.lines));
    }
  }
  // What people have changed of their own is theirs to bring in force.
  take(found, verify::compare_fragments(config, model, true, line_into(found),
                                        [](const publish::FileChange&) -> Result<void> { return {}; }));
  for (const registry::Server& server : model.servers) {
    take(found, verify::compare_server_files(config, accounts, server, line_into(found)));
  }
  // Servers share a file.
  std::set<std::string> seen;
  std::erase_if(found.lines, [&](const std::string& line) { return !seen.insert(line).second; });
  return found;
}

Result<wire::Compared> compare_platform(const Config& config, const Accounts& accounts,
                                        const wire::PlatformFilesOrder& order) {
  if (Result<void> ok = check_files(config, order); !ok) return pass(ok);
  wire::Compared found;
  take(found, verify::compare_platform_files(config, accounts, facts_of(order), line_into(found)));
  return found;
}

Result<std::string> map_key(const Config& config, const Accounts&, const wire::Nothing&) {
  const Result<machine::AsRoot> root = machine::AsRoot::begin();
  if (!root) return std::unexpected(root.error());
  // Who may read it and what stands in it is looked at here; the worker has no right to the file.
  if (const Result<KeyRing> keys = KeyRing::read(config.map_key); !keys) return std::unexpected(keys.error());
  return read_file(config.map_key);
}

Result<std::vector<wire::CertificateFacts>> certificates(const Config& config, const Accounts&, const wire::Nothing&) {
  Result<machine::CertificateFolders> folders = machine::read_certificates(config);
  if (!folders) return pass(folders);
  std::vector<wire::CertificateFacts> found;
  const auto text = [](const machine::NamedFile& file) { return tls::Text{file.path, file.content}; };
  for (const machine::CertificateFolder& folder : folders->folders) {
    wire::CertificateFacts facts{folder.name, folder.certificate.path, {}, 0, std::nullopt};
    tls::Source source{text(folder.certificate), std::nullopt, text(folder.key)};
    if (folder.chain) source.chain = text(*folder.chain);
    Result<tls::Certificate> certificate = tls::read(source, std::time(nullptr));
    if (certificate) {
      facts.hosts = std::move(certificate->hosts);
      facts.until = certificate->until;
    } else {
      facts.error = std::move(certificate.error());
    }
    found.push_back(std::move(facts));
  }
  for (machine::UnreadableFolder& folder : folders->unreadable) {
    found.push_back({folder.name, folder.error.place.file, {}, 0, std::move(folder.error)});
  }
  std::ranges::sort(found, {}, &wire::CertificateFacts::folder);
  return found;
}

}  // namespace aegir::monitor
