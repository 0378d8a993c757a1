#include "compiler/emit/static_parts.hpp"

#include <crypt.h>
#include <sodium.h>

#include <algorithm>
#include <memory>

#include "compiler/emit/parts.hpp"
#include "compiler/map/answer.hpp"

namespace aegir::emit {

Result<void> check_site_names(const StaticSite& site) {
  if (Result<void> ok = check_host(site.site.uri, "a site's uri"); !ok) return ok;
  for (const StaticName& name : site.names) {
    const std::string_view host = name.host;
    const Result<void> ok = check_host(host.substr(host.starts_with("*.") ? 2 : 0), "a name of site " + site.site.uri);
    if (!ok) return ok;
  }
  return check_name(site.platform.name, "a platform's name");
}

SortedNames sort_names(const StaticSite& site) {
  SortedNames sorted;
  const auto is_name = [&](std::string_view host) {
    return std::ranges::find(site.names, host, &StaticName::host) != site.names.end();
  };
  for (const StaticName& name : site.names) {
    if (name.target.empty()) {
      sorted.served.push_back(name.host);
      continue;
    }
    sorted.redirected[name.target].push_back(name.host);
    if (!name.host.starts_with("*.")) continue;
    std::string_view host = name.target;
    if (const std::size_t scheme = host.find("://"); scheme != std::string_view::npos) host.remove_prefix(scheme + 3);
    host = host.substr(0, host.find(':'));
    if (host.ends_with(std::string_view(name.host).substr(1)) && !is_name(host)) sorted.served.emplace_back(host);
  }
  return sorted;
}

namespace {

const Certificate& certificate_for(const std::string& host, const std::vector<Certificate>& certificates) {
  const std::size_t dot = host.find('.');
  const std::string wildcard = dot == std::string::npos ? host : '*' + host.substr(dot);
  for (const std::string& name : {host, wildcard}) {
    const auto found = std::ranges::find_if(
        certificates, [&](const Certificate& each) { return std::ranges::find(each.hosts, name) != each.hosts.end(); });
    if (found != certificates.end()) return *found;
  }
  return certificates.front();
}

}  // namespace

SortedNames names_of(const SortedNames& names, const Certificate& certificate,
                     const std::vector<Certificate>& certificates) {
  SortedNames own = names;
  const auto is_other = [&](const std::string& host) { return &certificate_for(host, certificates) != &certificate; };
  std::erase_if(own.served, is_other);
  for (auto& [target, hosts] : own.redirected) std::erase_if(hosts, is_other);
  std::erase_if(own.redirected, [](const auto& each) { return each.second.empty(); });
  return own;
}

std::vector<File> certificate_files(const Config& config, const registry::Server& server,
                                    const std::vector<Certificate>& certificates) {
  std::vector<File> files;
  for (const Certificate& each : certificates) {
    files.push_back({certificate_path(config, server.name, each), 0600, each.pem});
  }
  return files;
}

std::string as_pattern(std::string_view host) {
  std::string pattern;
  for (const char c : host) {
    if (c == '.') {
      pattern += "[.]";  // no backslash: mod_rewrite and nginx read those differently in quotes
    } else {
      pattern += c;
    }
  }
  return pattern;
}

std::string as_patterns(const std::vector<std::string>& hosts) {
  std::string patterns;
  for (const std::string& host : hosts) patterns += (patterns.empty() ? "" : "|") + as_pattern(host);
  return patterns;
}

Result<std::string> password_line(const registry::Site& site) {
  if (site.http_auth->user.find(':') != std::string::npos) {
    return fail(Code::kInvalid, "site " + site.uri + ": the user of its HTTP authentication contains ':'");
  }
  std::array<unsigned char, 16> digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(site.uri.data()),
                     site.uri.size(), nullptr, 0);
  std::string setting = "$6$";
  for (const unsigned char byte : digest)
    setting += "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[byte % 64];
  const auto data = std::make_unique<crypt_data>();
  const char* const hash = crypt_r(site.http_auth->password.c_str(), setting.c_str(), data.get());
  if (hash == nullptr || *hash == '*') {
    return fail(Code::kInvalid, "site " + site.uri + ": the password of its HTTP authentication can't be hashed");
  }
  return site.http_auth->user + ":" + hash + "\n";
}

std::string gate_page(registry::SiteState state) {
  std::string page(
      map::page(state == registry::SiteState::kMaintenance ? map::Verdict::kMaintenance : map::Verdict::kDisabled));
  std::ranges::replace(page, '\n', ' ');
  return page;
}

}  // namespace aegir::emit
