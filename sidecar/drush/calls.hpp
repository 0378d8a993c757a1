// What the verbs ask of a site's Drush (Drupal 7 and later) or bee (Backdrop), and what it answers.
//
// Each call runs one program or a few as the site's uid, waits for them, and believes nothing: an exit status of 0 is
// not enough, what was asked for must be there in what they print, and be of this site and its database. An Error names
// command, site, what was found (shortened, without control bytes and secrets) and the next step. Codes: kInvalid for
// an answer that can't be right or a command that failed, kBusy for one that took too long or was ended by somebody,
// kConflict where the site's state is in the way, and what the Runner says. Nothing is undone: that is the saga's part.
//
// Thread safety is the Runner's. `progress` hears the log of what runs, from a thread of the Runner's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/drush/command.hpp"

namespace aegir::drush {

/// How long a call may take until it is ended, each run of it.
inline constexpr Milliseconds kQuick = std::chrono::minutes(2);  ///< questions: measured 0.2 to 0.5 s
inline constexpr Milliseconds kInstalling =
    std::chrono::minutes(20);                                       ///< measured 2 to 7 s; distributions need minutes
inline constexpr Milliseconds kWorking = std::chrono::minutes(10);  ///< caches and cron

/// What a site's database and code say together.
struct Status {
  std::string core_version;  ///< "10.6.15"
  bool installed = false;    ///< Drupal has started on this database; false: nothing there, or the database refused
  std::string profile;       ///< empty when it is not installed
  bool operator==(const Status&) const = default;
};

/// Asks where the site stands, also of one that is not installed yet (Drush: core-status, which ends with 0 whatever
/// the state; Backdrop: a script of ours). kConflict when the answer is of another directory or database, as Drush
/// gives without a word when it does not find this one's.
[[nodiscard]] Result<Status> status(process::Runner& runner, const Site& site);

/// What a new site is to be.
struct Installation {
  std::string profile = "standard";
  std::string language = "en";         ///< another one must be brought by the platform (Profile::languages)
  std::string site_name;               ///< its title
  std::string site_mail;               ///< sender of its mail
  std::string account_name = "admin";  ///< of uid 1; its password is made up and told to nobody: see login_link()
  std::string account_mail;
};

/// Installs the site into its empty database. Before it the site's directory and settings.php, sites/sites.php (Drupal
/// 8 and later) and the database with its user must be there: what aegirc prepares. The database's credentials are in
/// the environment alone. Refuses (kConflict) a site that is installed already, since Drush would drop all its tables
/// without a question; tables of an attempt that was cut off are dropped
/// (by Backdrop's installer they are not: there the database and private/config must be empty). Afterwards Drupal must
/// start on this database, with that profile and language. `translations`: for another language than English, and not
/// Drupal 7, which looks there itself: the platform's .po files for it, absolute paths; they are copied to where the
/// installer looks, as it would fetch them otherwise.
[[nodiscard]] Result<void> install(process::Runner& runner, const Site& site, const Installation& installation,
                                   const std::vector<std::string>& translations = {}, const Progress& progress = {});

/// A new one-time login link for uid 1, which makes earlier ones invalid. It is the secret of who asked for it: it
/// stands in no error and no progress. kInvalid when it leads anywhere but to site.origin, or for anybody but uid 1.
[[nodiscard]] Result<std::string> login_link(process::Runner& runner, const Site& site);

using registry::Package;
using registry::PackageKind;
using registry::PackagePlace;

/// The place that a path (relative to the docroot) tells.
[[nodiscard]] PackagePlace place_of(std::string_view path, registry::Cms cms);

/// What an installed site is, as it says itself (one php-eval).
struct Facts {
  std::string core_version;
  std::string profile;
  std::string language;         ///< its default language
  bool maintenance = false;     ///< Drupal's own maintenance mode
  std::uint64_t cron_last = 0;  ///< when cron last ran, seconds since 1970; 0: never
};

/// kConflict as for status(); kInvalid when Drupal does not start on its database.
[[nodiscard]] Result<Facts> facts(process::Runner& runner, const Site& site);

/// An installed site's facts and its packages, sorted by kind and name.
struct Inventory {
  Facts facts;
  std::vector<Package> packages;
};

/// Where from: all of it but libraries from one php-eval (bee: eval), so that it is one moment's. Drupal 8 and later:
/// the extension lists, and for schema versions the key-value collection system.schema. Drupal 7 and Backdrop:
/// system_rebuild_*_data(), which is the table system brought up to date. pm-list is not asked: it has no schema
/// versions, leaves out what is hidden though it is enabled, and Drush 8 says states and kinds in the site's language.
/// Libraries, which Drupal knows nothing of, are the folders where they lie (libraries_of()).
[[nodiscard]] Result<Inventory> inventory(process::Runner& runner, const Site& site);

/// Drupal 8 and later: cache-rebuild; before: cache-clear all. Afterwards Drupal must start.
[[nodiscard]] Result<void> rebuild_caches(process::Runner& runner, const Site& site, const Progress& progress = {});

/// Runs cron, and sees from the site's own clock that it did.
[[nodiscard]] Result<void> run_cron(process::Runner& runner, const Site& site, const Progress& progress = {});

/// An update of the database that has not run.
struct Update {
  std::string module;  ///< Drush 8: its title
  std::string id;      ///< "10000", or the name of a post-update
  std::string description;
  bool operator==(const Update&) const = default;
};

/// The updates that wait; none after a successful updatedb. (Drush: updatedb-status.)
[[nodiscard]] Result<std::vector<Update>> pending_updates(process::Runner& runner, const Site& site);

}  // namespace aegir::drush
