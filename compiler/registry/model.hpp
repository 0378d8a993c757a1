// The domain model: what a registry holds, in plain structs. The store (SQLite), JSON export and import, the compiler
// and the sidecar all speak in these. Words as in the README's glossary; secrets are plain text here and sealed in
// the store.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace aegir::registry {

/// Which web servers serve a platform; a bit set, the same bits as in the site map.
enum Service : std::uint8_t { kApache = 1, kNginx = 2 };
using Services = std::uint8_t;

/// One web service of a server.
struct WebService {
  Service kind = kApache;
  std::uint16_t http_port = 80;
  std::uint16_t https_port = 443;
  std::string probe_address = "127.0.0.1";  ///< where probes connect, never what DNS says
  bool operator==(const WebService&) const = default;
};

/// The database service of a server.
struct DatabaseService {
  std::string type = "mysql";  ///< Drupal's driver name, handed to sites as db_type
  std::string host = "localhost";
  std::uint16_t port = 3306;
  bool operator==(const DatabaseService&) const = default;
};

/// A host record with web and/or database service.
struct Server {
  std::string name;  ///< [a-z0-9_-]{1,32}
  std::string host = "localhost";
  std::vector<WebService> web;
  std::optional<DatabaseService> database;
  bool operator==(const Server&) const = default;
};

/// The largest request body that the web servers accept when nothing else is said, in MiB: Apache's own default of
/// LimitRequestBody.
inline constexpr std::uint32_t kDefaultBodyLimit = 1024;

enum class PlatformState : std::uint8_t { kEnabled, kLocked, kDeleted };
enum class Cms : std::uint8_t { kOther, kDrupal7, kDrupal8, kBackdrop };  ///< kDrupal8 is 8 and every later one

/// One codebase.
struct Platform {
  std::uint32_t id = 0;  ///< given by the store, never twice; the site map names platforms by it
  std::string name;
  std::string server;
  std::string docroot;  ///< absolute, without a slash at its end
  Services services = kApache | kNginx;
  Cms cms = Cms::kDrupal8;
  PlatformState state = PlatformState::kEnabled;
  std::string block;  ///< name of the PHP block that new sites take slots from; empty: the server's default
  std::uint32_t body_limit = kDefaultBodyLimit;  ///< largest request body, MiB
  /// Drush (drush.php), for Backdrop bee (bee.php), when the codebase brings none; empty: what aegir.conf names.
  std::string drush;
  bool operator==(const Platform&) const = default;
};

enum class PackageKind : std::uint8_t { kModule, kTheme, kProfile, kLibrary };

/// Whose a package is, by its path.
enum class PackagePlace : std::uint8_t { kCore, kPlatform, kProfile, kSite };

/// A profile, module, theme or library of a site or of a platform.
struct Package {
  PackageKind kind = PackageKind::kModule;
  std::string name;     ///< machine name
  std::string title;    ///< for people; may be empty
  std::string version;  ///< as it says itself: "10.6.15", "7.x-3.2"; empty: it says none
  /// Of its tables: of a site's package what its database has (none: not installed, or no module), of a platform's
  /// what its code would bring it to.
  std::optional<std::uint32_t> schema;
  bool enabled = false;  ///< of a site's module, theme or profile
  std::string path;      ///< relative to the docroot
  PackagePlace place = PackagePlace::kCore;
  bool hidden = false;  ///< of a platform's: not offered to people
  bool operator==(const Package&) const = default;
};

/// An installation profile and the languages in which it can be installed without the internet.
struct Profile {
  std::string name;
  std::string title;
  std::string description;
  std::string version;
  std::string path;     ///< relative to the docroot
  bool hidden = false;  ///< not offered, as Drupal's own installer does not
  /// "en", then those of .po files in its folder translations/ (Drupal 8 and later and Backdrop: also those in
  /// sites/all/translations/), sorted.
  std::vector<std::string> languages;
  bool operator==(const Profile&) const = default;
};

/// What a platform's code brings, as its last Verify has read it. Sites' own packages are none of it.
struct Codebase {
  std::string version;            ///< of the core; empty: the code was not read yet
  std::vector<Profile> profiles;  ///< sorted by name
  std::vector<Package> packages;  ///< profiles too, and libraries; sorted by kind, name and path
  bool operator==(const Codebase&) const = default;
};

/// The owner of sites.
struct Client {
  std::string name;  ///< short name, [a-z0-9_-]{1,32}
  std::string title;
  std::string email;
  bool operator==(const Client&) const = default;
};

/// Who runs in one slot of a block: one site alone, or all sites that get a slot there. Whoever shares a uid and a pool
/// can read the others' secrets, so these must trust each other.
enum class Isolation : std::uint8_t { kSite, kShared };

/// The slots of one PHP-FPM master.
struct Block {
  std::string name;
  std::string server;
  std::string php_version = "8.2";
  std::string client;  ///< empty: for everybody
  std::uint32_t first_uid = 300000;
  std::uint32_t slots = 64;  ///< slot n has uid and gid first_uid + n
  std::uint32_t max_children = 5;
  Isolation isolation = Isolation::kSite;
  bool operator==(const Block&) const = default;
};

enum class SlotState : std::uint8_t { kGiven, kRetired };  ///< a slot without a row is free

/// One slot that was given to a site. Used slots are never given again.
struct Slot {
  std::string block;
  std::uint32_t number = 0;
  SlotState state = SlotState::kGiven;
  std::string site;  ///< uri of the site that has or had it
  bool operator==(const Slot&) const = default;
};

enum class SiteState : std::uint8_t { kInstalling, kEnabled, kDisabled, kMaintenance, kDeleted };
enum class Https : std::uint8_t { kNone, kAllowed, kRequired };

/// PHP limits of a site; always all of them, since PHP_ADMIN_VALUE sticks to a pool.
struct PhpLimits {
  std::uint32_t memory_limit = 256;        ///< MiB
  std::uint32_t upload_max_filesize = 64;  ///< MiB
  std::uint32_t post_max_size = 64;        ///< MiB
  std::uint32_t max_execution_time = 120;  ///< seconds
  bool operator==(const PhpLimits&) const = default;
};

/// Where a site's data lies and with which account.
struct Database {
  std::string server;  ///< a server with a database service
  std::string name;
  std::string user;
  std::string password;  ///< secret
  bool operator==(const Database&) const = default;
};

/// Another host name of a site.
struct Alias {
  std::string host;         ///< canonical, or *.suffix
  std::string redirect_to;  ///< own target: a host name or an origin (https://new.example); empty: the site's
  bool operator==(const Alias&) const = default;
};

/// HTTP authentication of a site.
struct HttpAuth {
  std::string user;
  std::string password;  ///< secret
  std::string realm = "Restricted";
  bool operator==(const HttpAuth&) const = default;
};

/// One Drupal site; it stays one record through every rename.
struct Site {
  std::uint64_t id = 0;  ///< given by the store, never twice
  std::string uri;       ///< canonical host name; also the name of its directory below sites/
  std::string platform;
  std::string client;
  SiteState state = SiteState::kEnabled;
  std::string profile = "standard";
  std::string language = "en";
  Https https = Https::kAllowed;
  bool cloaking = true;
  std::string redirect_to;     ///< one of the site's names (or an origin), to which all its other names redirect
  std::vector<Alias> aliases;  ///< sorted by host
  std::vector<std::string> former_uris;  ///< names it had before, and on a clone its source's; sorted
  std::optional<HttpAuth> http_auth;
  std::string cron_key;                ///< secret
  std::string hash_salt;               ///< secret; Drupal's own secrets hang on it, so nothing changes it by itself
  std::vector<std::string> key_pages;  ///< paths compared before and after a change
  PhpLimits php;
  std::uint32_t body_limit = 0;  ///< largest request body, MiB; 0: the platform's
  Database database;
  std::string block;  ///< the slot it runs in; empty: none yet
  std::uint32_t slot = 0;
  bool operator==(const Site&) const = default;
};

/// Names that new sites get by themselves; the effect comes with site install.
struct AliasDefaults {
  std::vector<std::string> patterns;  ///< "www.{uri}"
  bool redirect = false;
  bool operator==(const AliasDefaults&) const = default;
};

/// Settings that hold for the whole registry.
struct Settings {
  std::string console_url;  ///< origin of the console, for the page of a disabled site; empty: none
  AliasDefaults alias_defaults;
  std::uint32_t log_days = 90;
  bool require_disabled_before_delete = true;
  bool operator==(const Settings&) const = default;
};

enum class ChangeKind : std::uint8_t { kHost, kPlatform, kSettings };

/// One row of the change log: what the site map has to look at again. `sequence` is the map's generation.
struct Change {
  std::uint64_t sequence = 0;
  ChangeKind kind = ChangeKind::kHost;
  std::string key;  ///< host name (or wildcard), platform id in decimal, or empty
};

/// Who did what, when and why.
struct AuditEntry {
  std::uint64_t sequence = 0;
  std::int64_t time = 0;  ///< seconds since 1970, UTC
  std::string actor;
  std::string what;
  std::string why;
  bool operator==(const AuditEntry&) const = default;
};

}  // namespace aegir::registry
