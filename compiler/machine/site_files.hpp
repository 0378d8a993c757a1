// Where the files lie that Drupal and Drush read, and who may read them. Each function becomes root by itself and is
// who it was when it returns; each says in `done` what it did, and leaves alone what is already so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/machine/machine.hpp"

namespace aegir::machine {

/// The files that Aegir writes or reads in sites/<uri>; the last two are people's.
enum class SiteFile : std::uint8_t { kSettings, kDrushrc, kLocalSettings, kLocalDrushrc };

/// What is there; nothing when there is no such file. kConflict when it can't be aegir's.
[[nodiscard]] Result<std::optional<std::string>> read_site_file(const Config& config, const Accounts& accounts,
                                                                const SitePlace& place, SiteFile file);

/// Writes one of them: aegir's, readable by the site's group alone. The site's directory must be there
/// (prepare_site()).
[[nodiscard]] Result<void> install_site_file(const Config& config, const Accounts& accounts, const SitePlace& place,
                                             SiteFile file, std::string_view content, Done& done);

/// The site's credentials for the command line: <config_dir>/cli/<uri>.php.
[[nodiscard]] Result<std::optional<std::string>> read_cli_file(const Config& config, const Accounts& accounts,
                                                               const std::string& uri);
[[nodiscard]] Result<void> install_cli_file(const Config& config, const Accounts& accounts, const SitePlace& place,
                                            std::string_view content, Done& done);

/// A name below a folder `.drush`, and what it is to hold.
using DrushFile = std::pair<std::string, std::string>;

/// What install_drush_files() and install_slot_drush_files() leave as it is: a person's own drush.yml.
[[nodiscard]] bool keeps_drush_file(std::string_view path, std::string_view present);

/// A file below aegir's own .drush.
[[nodiscard]] Result<std::optional<std::string>> read_drush_file(const Config& config, const Accounts& accounts,
                                                                 const std::string& path);
/// Files below aegir's own .drush ("x.alias.drushrc.php", "sites/x.site.yml"), for aegir alone.
[[nodiscard]] Result<void> install_drush_files(const Config& config, const Accounts& accounts,
                                               const std::vector<DrushFile>& files, Done& done);

/// Takes away an alias of Drush's that aegirc has written for a platform or server, by its file's name in .drush;
/// `name` is a plain one. Nothing when there is none, or it is somebody's own.
[[nodiscard]] Result<void> forget_drush_file(const Config& config, const Accounts& accounts, const std::string& name,
                                             Done& done);

/// The same below the home of a slot, where they are the slot's own; written as the slot. When the site is `alone` in
/// it, what is there of aegirc's under other names goes away: it is of a name that the site had before. kNotFound when
/// there is no such slot.
[[nodiscard]] Result<void> install_slot_drush_files(const std::string& slot_home, uid_t uid, bool alone,
                                                    const std::vector<DrushFile>& files);

/// A file below the home of a slot; nothing also when there is no such slot.
[[nodiscard]] Result<std::optional<std::string>> read_slot_drush_file(const std::string& slot_home, uid_t uid,
                                                                      const std::string& path);
/// What install_slot_drush_files() would take away from a site that is alone in its slot, as paths.
[[nodiscard]] Result<std::vector<std::string>> other_slot_drush_files(const std::string& slot_home, uid_t uid,
                                                                      const std::vector<DrushFile>& files);

/// A file of a platform, in a folder that is made when it is missing: `folder` is "sites" or "sites/all/drush".
/// Everybody may read it when `open`, else aegir alone. A file without kEmittedMark is first moved to `keep_as`, unless
/// that is empty or there is one; an error of `look`, which is shown its content, leaves all as it is.
struct PlatformFile {
  std::string folder;
  std::string name;
  std::string content;
  bool open = true;
  std::string keep_as = {};
  std::function<Result<void>(std::string_view content)> look = {};
};
[[nodiscard]] Result<void> install_platform_file(const Config& config, const Accounts& accounts,
                                                 const std::string& docroot, const PlatformFile& file, Done& done);
[[nodiscard]] Result<std::optional<std::string>> read_platform_file(const Config& config, const Accounts& accounts,
                                                                    const std::string& docroot,
                                                                    const std::string& folder, const std::string& name);

/// clients/<client>/<uri>, a link to the site's directory, and clients/<client>/backups, for links to its backups.
[[nodiscard]] Result<void> link_site_to_client(const Config& config, const Accounts& accounts, const SitePlace& place,
                                               const std::string& client, Done& done);

/// What aegirc has written under the name of a site outside of its directory and slot: its credentials for the command
/// line and aegir's aliases of it, as paths. Only what is there and has kEmittedMark.
[[nodiscard]] Result<std::vector<std::string>> written_for(const Config& config, const Accounts& accounts,
                                                           const std::string& uri);
/// Takes that away, with the clients' links to the site.
[[nodiscard]] Result<void> forget_site(const Config& config, const Accounts& accounts, const std::string& uri,
                                       Done& done);

/// The links of clients other than `client` to a site. Of every client when it is empty.
[[nodiscard]] Result<void> unlink_site_from_others(const Config& config, const Accounts& accounts,
                                                   const std::string& uri, const std::string& client, Done& done);

/// Visits the uris for which there are credentials for the command line, in no order: every site that has been written,
/// and those that were not forgotten. `visit` runs as who called.
[[nodiscard]] Result<void> each_written_site(const Config& config,
                                             const std::function<Result<void>(const std::string& uri)>& visit);

}  // namespace aegir::machine
