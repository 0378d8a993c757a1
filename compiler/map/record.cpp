#include "compiler/map/record.hpp"

#include <algorithm>
#include <limits>

#include "compiler/core/crc32c.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/map/reader.hpp"

namespace aegir::map {
namespace {

constexpr std::size_t kMaxField = std::numeric_limits<std::uint16_t>::max();

std::unexpected<Error> refuse(std::string_view key, std::string message) {
  return fail_at(key, Code::kInvalid, "the site map can't hold it: " + std::move(message),
                 "shorten or correct this field in the registry");
}

bool is_probe_key(std::string_view key) {
  return key.size() == kProbeKey && key.front() == '!' &&
         key.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

/// Copies a head, writes the texts behind it, pads, and fills in size and checksum.
template <class Head>
void append(std::string& out, const Head& head, std::initializer_list<std::string_view> texts) {
  const std::size_t start = out.size();
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  for (const std::string_view text : texts) out.append(text);
  out.resize(start + align8(out.size() - start), '\0');
  const auto size = static_cast<std::uint32_t>(out.size() - start);
  std::memcpy(out.data() + start + offsetof(RecordHead, size), &size, sizeof size);
  const std::uint32_t crc = crc32c(out.data() + start + sizeof crc, size - sizeof crc);
  std::memcpy(out.data() + start, &crc, sizeof crc);
}

Result<void> check(const SiteRecord& site, std::size_t former_size) {
  const auto too_long = [](std::string_view text) { return text.size() > kMaxField; };
  const bool candidate = site.key.starts_with('!');
  if (site.host.empty() || site.host.size() > kMaxKey || site.host.front() == '.' || site.host.front() == '!') {
    return refuse(site.key, "'" + site.host + "' is not a canonical host name");
  }
  if (candidate ? !is_probe_key(site.key) : site.key != site.host) {
    return refuse(site.key, "a site's key is its host, a candidate's is a probe's name");
  }
  if (candidate && !site.aliases.empty()) return refuse(site.key, "a candidate has no aliases");
  if (site.services > (kServiceApache | kServiceNginx)) return refuse(site.key, "an unknown web service");
  if (too_long(site.directory)) return refuse(site.key, "the site directory is too long");
  if (too_long(site.socket)) return refuse(site.key, "the path of the FPM socket is too long");
  if (too_long(site.target)) return refuse(site.key, "the redirect target is too long");
  if (too_long(site.auth) || (!site.auth.empty() && site.auth.size() < 32)) {
    return refuse(site.key, "the HTTP authentication is no digest and realm of at most 65503 bytes");
  }
  if (site.sealed.size() > kMaxField || (!site.sealed.empty() && site.sealed.size() < kSealOverhead)) {
    return refuse(site.key, "the sealed credentials have an impossible length");
  }
  for (const std::string& name : site.former) {
    if (name.empty() || name.size() > kMaxKey) return refuse(site.key, "a former uri is empty or too long");
  }
  if (former_size > kMaxField) return refuse(site.key, "the former uris have more than 65535 bytes together");
  return {};
}

}  // namespace

std::string encode(const Credentials& credentials) {
  std::string text;
  for (const std::string* field : {&credentials.type, &credentials.name, &credentials.user, &credentials.password,
                                   &credentials.host, &credentials.port}) {
    const auto size = static_cast<std::uint16_t>(std::min(field->size(), kMaxField));
    text.append(reinterpret_cast<const char*>(&size), sizeof size);
    text.append(*field, 0, size);
  }
  return text;
}

std::string map_key(std::string_view host_or_wildcard) {
  if (host_or_wildcard.starts_with("*.")) host_or_wildcard.remove_prefix(1);
  return std::string(host_or_wildcard);
}

std::string probe_key(std::string_view token) {
  const std::array<char, kProbeKey> key = hash_token(token);
  return {key.data(), key.size()};
}

Result<void> append_record(std::string& out, const SiteRecord& site) {
  std::string former;
  for (const std::string& name : site.former) {
    former += static_cast<char>(name.size());
    former += name;
  }
  if (Result<void> checked = check(site, former.size()); !checked) return checked;
  const auto size16 = [](const auto& field) { return static_cast<std::uint16_t>(field.size()); };
  SiteHead head{};
  head.type = static_cast<std::uint8_t>(site.key.starts_with('!') ? RecordType::kCandidate : RecordType::kSite);
  head.key_size = static_cast<std::uint8_t>(site.key.size());
  head.state = static_cast<std::uint8_t>(site.state);
  head.https = static_cast<std::uint8_t>(site.https);
  head.platform_id = site.platform_id;
  head.services = site.services;
  head.flags = site.sealed.empty() ? std::uint8_t{0} : kFlagCloaked;
  head.former_count = size16(site.former);
  head.key_id = site.key_id;
  head.expiry = site.expiry;
  head.memory_limit = site.memory_limit;
  head.upload_max_filesize = site.upload_max_filesize;
  head.post_max_size = site.post_max_size;
  head.max_execution_time = site.max_execution_time;
  head.host_size = size16(site.host);
  head.directory_size = size16(site.directory);
  head.socket_size = size16(site.socket);
  head.target_size = size16(site.target);
  head.auth_size = size16(site.auth);
  head.former_size = size16(former);
  head.sealed_size = size16(site.sealed);
  append(out, head,
         {site.key, site.host, site.directory, site.socket, site.target, site.auth, former,
          std::string_view(reinterpret_cast<const char*>(site.sealed.data()), site.sealed.size())});
  return {};
}

Result<void> append_record(std::string& out, std::string_view key, std::string_view target, std::uint32_t site) {
  if (key.empty() || key.size() > kMaxKey || key.front() == '!') {
    return refuse(key, "an alias is a host name or a wildcard's suffix");
  }
  if (target.size() > kMaxField) return refuse(key, "the redirect target is too long");
  AliasHead head{};
  head.type = static_cast<std::uint8_t>(RecordType::kAlias);
  head.key_size = static_cast<std::uint8_t>(key.size());
  head.target_size = static_cast<std::uint16_t>(target.size());
  head.site = site;
  append(out, head, {key, target});
  return {};
}

Result<void> append_record(std::string& out, const PassRecord& pass_record) {
  if (!is_probe_key(pass_record.key)) return refuse(pass_record.key, "a pass's key is a probe's name");
  if (pass_record.host.empty() || pass_record.host.size() > kMaxKey) {
    return refuse(pass_record.key, "'" + pass_record.host + "' is not a canonical host name");
  }
  PassHead head{};
  head.type = static_cast<std::uint8_t>(RecordType::kPass);
  head.key_size = static_cast<std::uint8_t>(pass_record.key.size());
  head.host_size = static_cast<std::uint16_t>(pass_record.host.size());
  head.expiry = pass_record.expiry;
  append(out, head, {pass_record.key, pass_record.host});
  return {};
}

Result<void> append_tombstone(std::string& out, std::string_view key) {
  if (key.empty() || key.size() > kMaxKey) return refuse(key, "not a key");
  AliasHead head{};  // a tombstone is a head of 16 bytes, like an alias's, with nothing in it but the key
  static_assert(sizeof head == kTombstoneHead);
  head.type = static_cast<std::uint8_t>(RecordType::kTombstone);
  head.key_size = static_cast<std::uint8_t>(key.size());
  append(out, head, {key});
  return {};
}

}  // namespace aegir::map
