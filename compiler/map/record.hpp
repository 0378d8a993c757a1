// Records of the site map as the writer takes them: owned, decoded, complete. (The reader's view is in
// reader.hpp.)
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"
#include "compiler/map/format.hpp"

namespace aegir::map {

/// Database credentials as PHP gets them.
struct Credentials {
  std::string type, name, user, password, host, port;
  bool operator==(const Credentials&) const = default;
};

/// The plaintext that is sealed (FORMAT.md "Sealed credentials").
[[nodiscard]] std::string encode(const Credentials& credentials);

/// Another name of a site with the effective target for it (empty: served in place).
struct AliasRecord {
  std::string key;  ///< host name, or ".suffix" for a wildcard
  std::string target;
  bool operator==(const AliasRecord&) const = default;
};

/// A site with all its names; the unit in which the map changes.
struct SiteRecord {
  std::string key;   ///< the canonical host; a candidate's probe name
  std::string host;  ///< the canonical host
  SiteState state = SiteState::kEnabled;
  Https https = Https::kAllowed;
  std::uint32_t platform_id = 0;
  std::uint8_t services = kServiceApache | kServiceNginx;
  std::uint64_t expiry = 0;  ///< candidates only
  std::uint32_t memory_limit = 256, upload_max_filesize = 64, post_max_size = 64, max_execution_time = 120;
  std::string directory;  ///< name below sites/
  std::string socket;     ///< path of its FPM socket; empty: no PHP
  std::string target;     ///< where its own name redirects to; empty: served in place
  std::string auth;       ///< 32-byte digest, then realm; empty: none
  std::vector<std::string> former;
  std::uint32_t key_id = 0;
  std::vector<unsigned char> sealed;  ///< empty: not cloaked
  std::vector<AliasRecord> aliases;   ///< sorted by key; none for a candidate
  bool operator==(const SiteRecord&) const = default;
};

/// A token that lets a probe read a live record past its gate.
struct PassRecord {
  std::string key;  ///< probe name
  std::string host;
  std::uint64_t expiry = 0;
  bool operator==(const PassRecord&) const = default;
};

/// A platform's row.
struct PlatformRecord {
  std::uint32_t id = 0;
  std::uint8_t services = kServiceApache | kServiceNginx;
  Cms cms = Cms::kOther;
  std::string name;
  std::string docroot;
  bool operator==(const PlatformRecord&) const = default;
};

/// Appends a site's or candidate's own record (not its aliases) to `out`. Refuses what the format can't hold,
/// with the site's key as the place.
[[nodiscard]] Result<void> append_record(std::string& out, const SiteRecord& site);
/// Appends an alias; `site` is the offset of its site's record / 8.
[[nodiscard]] Result<void> append_record(std::string& out, std::string_view key, std::string_view target,
                                         std::uint32_t site);
[[nodiscard]] Result<void> append_record(std::string& out, const PassRecord& pass_record);
[[nodiscard]] Result<void> append_tombstone(std::string& out, std::string_view key);

/// The map key of a host name or wildcard: "*.x.example" is stored as ".x.example".
[[nodiscard]] std::string map_key(std::string_view host_or_wildcard);

/// The map key of a probe token: "!" and 64 hex digits.
[[nodiscard]] std::string probe_key(std::string_view token);

}  // namespace aegir::map
