// What the emitters share: what they demand of names and paths before they build other names and paths from them, and
// how an address is written.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/core/error.hpp"
#include "compiler/core/host_name.hpp"
#include "compiler/core/path.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::emit {

/// A name that becomes part of a path or a section header: [a-z0-9_-]{1,32}.
[[nodiscard]] inline Result<void> check_name(std::string_view name, std::string_view field) {
  constexpr std::size_t kLongest = 32;
  if (is_plain_name(name) && name.size() <= kLongest) return {};
  return fail(Code::kInvalid, std::string(field) + " must be 1 to 32 of a-z, 0-9, '_' and '-'");
}

/// A host name in its canonical form, which can be a part of a path. The registry's rules say so too, but whoever can
/// write its file can write others, and what root's programs read is named after them.
[[nodiscard]] inline Result<void> check_host(std::string_view name, std::string_view field) {
  if (is_canonical_host(name)) return {};
  return fail(Code::kInvalid, std::string(field) + " must be a host name in small letters");
}

/// An absolute path to which names and wildcards can be added: none of its bytes means something to Apache's
/// <Directory> (*, ?, [, \), and no part of it is empty or a dot.
[[nodiscard]] inline Result<void> check_path(std::string_view path, std::string_view field) {
  if (is_plain_path(path) && path.find_first_of("*?[]\\") == std::string_view::npos) return {};
  return fail(Code::kInvalid,
              std::string(field) + " must be an absolute path without '.', '..', '//', '*', '?', '[', ']' and '\\'");
}

/// "127.0.0.1:80", "[::1]:80"; without an address `any` and the port, or the port alone when `any` is empty.
[[nodiscard]] inline std::string address_of(const Listen& listen, std::string_view any) {
  const bool v6 = listen.address.find(':') != std::string::npos;
  std::string address = listen.address.empty() ? std::string(any) : v6 ? '[' + listen.address + ']' : listen.address;
  if (!address.empty()) address += ':';
  return address + std::to_string(listen.port);
}

/// `listen` as addresses; when it is empty, those of `anywhere` on the port that the registry names.
[[nodiscard]] inline std::vector<std::string> addresses_of(const std::vector<Listen>& listen, std::uint16_t port,
                                                           std::string_view any,
                                                           const std::vector<std::string_view>& anywhere) {
  std::vector<std::string> addresses;
  for (const Listen& each : listen) addresses.push_back(address_of(each, any));
  if (!listen.empty()) return addresses;
  for (const std::string_view each : anywhere) addresses.push_back(address_of({"", port}, each));
  return addresses;
}

/// Where a service answers https that answers http at `listen`: on the same addresses, each once, at the port that the
/// registry names.
[[nodiscard]] inline std::vector<Listen> https_listen(const std::vector<Listen>& listen, std::uint16_t https_port) {
  std::vector<Listen> https;
  for (const Listen& each : listen) {
    const Listen one{each.address, https_port};
    if (each.address.empty()) return {one};  // all of them: no other can be listened on beside it
    if (std::ranges::find(https, one) == https.end()) https.push_back(one);
  }
  return https;
}

// Where each kind of server listens.
[[nodiscard]] inline std::vector<std::string> apache_addresses(const Config& config, const registry::WebService& web) {
  return addresses_of(config.apache_listen, web.http_port, "*", {"*"});
}
[[nodiscard]] inline std::vector<std::string> apache_https_addresses(const Config& config,
                                                                     const registry::WebService& web) {
  return addresses_of(https_listen(config.apache_listen, web.https_port), web.https_port, "*", {"*"});
}
[[nodiscard]] inline std::vector<std::string> nginx_addresses(const Config& config, const registry::WebService& web) {
  return addresses_of(config.nginx_listen, web.http_port, "", {"", "[::]"});
}
[[nodiscard]] inline std::vector<std::string> nginx_https_addresses(const Config& config,
                                                                    const registry::WebService& web) {
  return addresses_of(https_listen(config.nginx_listen, web.https_port), web.https_port, "", {"", "[::]"});
}

}  // namespace aegir::emit
