#include "compiler/publish/certificates.hpp"

#include <algorithm>
#include <ctime>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "compiler/core/secret_box.hpp"
#include "compiler/machine/certificates.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/publish/https.hpp"
#include "compiler/tls/certificate.hpp"

namespace aegir::publish {
namespace {

/// A name that nobody asks for.
constexpr const char* kNobody = "catch-all.invalid";

/// All text in which a copy may be named: what is in force or may be again.
std::string configurations(const Config& config, const std::vector<registry::Server>& servers) {
  std::string all;
  const auto add = [&](const std::string& path) {
    if (const Result<std::string> text = machine::read_config(config, path)) all += *text;
  };
  for (const char* service : {"apache", "nginx"}) {
    add(config.config_dir + "/last-good." + service);
    for (const registry::Server& server : servers) {
      const std::string folder = server_config_dir(config, server.name) + '/' + service;
      const std::size_t before = all.size();
      add(folder + "/aegir.conf");
      if (all.find("/tls.conf", before) != std::string::npos) add(folder + "/tls.conf");
    }
  }
  return all;
}

/// The copies of the servers, by path, that a configuration names.
std::map<std::string, std::string> copies_in_force(const Config& config, const std::vector<registry::Server>& servers) {
  std::map<std::string, std::string> copies;
  const std::string text = configurations(config, servers);
  for (const registry::Server& server : servers) {
    const Result<std::vector<std::string>> paths = machine::certificate_copies(config, server.name);
    if (!paths) continue;
    for (const std::string& path : *paths) {
      if (!text.contains(path)) continue;
      if (Result<std::string> pem = machine::read_config(config, path)) copies[path] = *std::move(pem);
    }
  }
  return copies;
}

emit::Certificate certificate_of(const std::string& name, tls::Certificate checked) {
  // Equal certificates have equal copies.
  std::string file = content_hash(checked.pem) + ".pem";
  return {name, std::move(file), std::move(checked.hosts), std::move(checked.pem)};
}

/// Whether a certificate may stand in a folder: in a site's only one of the site's.
bool fits(const std::string& folder, const std::vector<std::string>& hosts,
          const std::vector<emit::CertifiedSite>& sites) {
  const auto site = std::ranges::find(sites, folder, &emit::CertifiedSite::uri);
  return site == sites.end() || std::ranges::any_of(hosts, [&](const auto& host) { return is_for(host, site->names); });
}

/// The certificate of that folder which is in force; of several the one that holds longest.
std::optional<emit::Certificate> present(const std::string& name, const std::map<std::string, std::string>& copies,
                                         const std::vector<emit::CertifiedSite>& sites) {
  std::optional<tls::Certificate> best;
  for (const auto& [path, pem] : copies) {
    if (!path.contains("/ssl.d/" + name + '/') || path.ends_with(emit::kSelfSigned)) continue;
    Result<tls::Certificate> checked = tls::read_pem({path, pem});
    if (!checked || !fits(name, checked->hosts, sites)) continue;
    if (!best || best->until < checked->until) best = *std::move(checked);
  }
  if (!best) return std::nullopt;
  return certificate_of(name, *std::move(best));
}

Result<tls::Certificate> check(const machine::CertificateFolder& folder, const std::vector<emit::CertifiedSite>& sites,
                               std::int64_t now) {
  const auto text = [](const machine::NamedFile& file) { return tls::Text{file.path, file.content}; };
  tls::Source source{text(folder.certificate), std::nullopt, text(folder.key)};
  if (folder.chain) source.chain = text(*folder.chain);
  Result<tls::Certificate> checked = tls::read(source, now);
  if (!checked || folder.name == emit::kDefaultCertificate) return checked;
  if (checked->hosts.empty()) {
    return fail_at(folder.certificate.path, Code::kInvalid, "the certificate names no host",
                   "ask for one that names the site (DNS in subjectAltName)");
  }
  if (!fits(folder.name, checked->hosts, sites)) {
    return fail_at(folder.certificate.path, Code::kInvalid,
                   "the certificate is for " + some_of(checked->hosts) + " and not for any name of site " + folder.name,
                   "put the one of " + folder.name + " there, or this one into the folder of the site that it is for");
  }
  return checked;
}

/// Our own one for all other names: that of before, or a new one.
Result<emit::Certificate> self_signed(const Config& config, const std::vector<registry::Server>& servers) {
  emit::Certificate own{std::string(emit::kDefaultCertificate), std::string(emit::kSelfSigned), {}, {}};
  for (const registry::Server& server : servers) {
    Result<std::string> pem = machine::read_config(config, emit::certificate_path(config, server.name, own));
    if (!pem || !tls::read_pem({own.file, *pem})) continue;
    own.pem = *std::move(pem);
    return own;
  }
  Result<std::string> pem = tls::make_self_signed(kNobody);
  if (!pem) return pass(pem);
  own.pem = *std::move(pem);
  return own;
}

/// How near a folder is to a host name or *.suffix; names have at most 253 characters.
std::size_t nearness(const std::string& folder, const std::string& host,
                     const std::vector<emit::CertifiedSite>& sites) {
  constexpr std::size_t kItsOwn = 3000;
  constexpr std::size_t kOfItsSite = 2000;
  constexpr std::size_t kOfItsWildcard = 1000;
  const std::string name = host.starts_with("*.") ? host.substr(2) : host;
  if (name == folder) return kItsOwn;
  std::size_t nearest = name.ends_with('.' + folder) ? folder.size() : 0;
  const auto site = std::ranges::find(sites, folder, &emit::CertifiedSite::uri);
  if (site == sites.end()) return nearest;
  for (const std::string& each : site->names) {
    if (each == host) return kOfItsSite;
    // As in the map, the longest wildcard has the name.
    if (each.starts_with('*') && host.ends_with(each.substr(1))) {
      nearest = std::max(nearest, kOfItsWildcard + each.size());
    }
  }
  return nearest;
}

}  // namespace

bool is_for(const std::string& host, const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [&](const std::string& name) {
    if (host == name) return true;
    if (name.starts_with('*')) return host.ends_with(name.substr(1));
    const std::size_t dot = name.find('.');
    return host.starts_with('*') && dot != std::string::npos && host.substr(1) == name.substr(dot);
  });
}

void share_names(std::vector<emit::Certificate>& certificates, const std::vector<emit::CertifiedSite>& sites,
                 std::vector<std::string>& notes) {
  std::map<std::string, const emit::Certificate*> owners;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> twice;  // by the folder of each
  for (const emit::Certificate& certificate : certificates) {
    for (const std::string& host : certificate.hosts) {
      const auto [owner, is_new] = owners.try_emplace(host, &certificate);
      if (is_new) continue;
      const emit::Certificate* other = &certificate;
      if (nearness(certificate.name, host, sites) > nearness(owner->second->name, host, sites)) {
        std::swap(owner->second, other);
      }
      twice[{owner->second->name, other->name}].push_back(host);
    }
  }
  for (const auto& [folders, hosts] : twice) {
    const auto& [owner, other] = folders;
    notes.push_back("certificates of two folders in config/ssl.d, " + owner + " and " + other + ", are for " +
                    some_of(hosts) + ": that of " + owner + " is shown");
  }
  for (emit::Certificate& certificate : certificates) {
    std::erase_if(certificate.hosts, [&](const std::string& host) {
      return owners.at(host) != &certificate || host == emit::kStatusHost;
    });
  }
}

Result<FoundCertificates> find_certificates(const Config& config, const emit::Model& model) {
  FoundCertificates found;
  Result<machine::CertificateFolders> folders = machine::read_certificates(config);
  if (!folders) return pass(folders);
  for (const std::string& path : folders->loose) {
    found.notes.push_back(path + ": nobody reads what is not in a folder; next: mkdir " + config.config_dir +
                          "/ssl.d/<site>, and put openssl.crt and openssl.key there");
  }
  const std::map<std::string, std::string> copies = copies_in_force(config, model.servers);
  std::optional<emit::Certificate> other_names;
  const auto add = [&](std::optional<emit::Certificate> certificate) {
    if (!certificate) return false;
    if (certificate->name == emit::kDefaultCertificate) {
      other_names = *std::move(certificate);
    } else {
      found.certificates.push_back(*std::move(certificate));
    }
    return true;
  };
  const auto refuse = [&](const std::string& name, Error error) {
    error.message += add(present(name, copies, model.certified_sites)) ? "; the certificate of before stays in force"
                                                                       : "; https goes on without it";
    found.errors.push_back(std::move(error));
  };
  for (const machine::CertificateFolder& folder : folders->folders) {
    Result<tls::Certificate> checked = check(folder, model.certified_sites, std::time(nullptr));
    if (checked) {
      add(certificate_of(folder.name, *std::move(checked)));
    } else {
      refuse(folder.name, std::move(checked.error()));
    }
  }
  for (machine::UnreadableFolder& folder : folders->unreadable) refuse(folder.name, std::move(folder.error));
  if (found.certificates.empty() && !other_names && copies.empty() && model.https_sites.empty()) return found;
  if (!other_names) {
    Result<emit::Certificate> own = self_signed(config, model.servers);
    if (!own) return pass(own);
    other_names = *std::move(own);
  }
  other_names->hosts.clear();
  std::ranges::sort(found.certificates, {}, &emit::Certificate::name);
  found.certificates.insert(found.certificates.begin(), *std::move(other_names));
  share_names(found.certificates, model.certified_sites, found.notes);
  return found;
}

Result<void> install_certificates(const Config& config, const std::vector<registry::Server>& servers,
                                  const std::vector<emit::Certificate>& certificates, machine::Done& done) {
  for (const registry::Server& server : servers) {
    if (server.web.empty()) continue;
    for (const emit::Certificate& each : certificates) {
      Result<void> ok = machine::install_certificate(config, server.name, each.name, each.file, each.pem, done);
      if (!ok) return ok;
    }
  }
  return {};
}

Result<void> forget_certificates(const Config& config, const std::vector<registry::Server>& servers,
                                 const std::vector<emit::Certificate>& certificates, machine::Done& done) {
  std::set<std::string> kept;
  for (const auto& [path, pem] : copies_in_force(config, servers)) kept.insert(path);
  for (const registry::Server& server : servers) {
    for (const emit::Certificate& each : certificates) kept.insert(emit::certificate_path(config, server.name, each));
  }
  for (const registry::Server& server : servers) {
    if (Result<void> ok = machine::forget_certificates(config, server.name, kept, done); !ok) return ok;
  }
  return {};
}

}  // namespace aegir::publish
