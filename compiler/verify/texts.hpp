// The files of Drupal and Drush as they are to be: the emitters' texts, fed with what is there of them. Verify writes
// them and `aegirc diff` compares them, both from here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/drupal.hpp"
#include "compiler/machine/site_files.hpp"
#include "compiler/verify/lint.hpp"

namespace aegir::verify {

/// A local.settings.php as Verify makes it.
inline constexpr std::string_view kBlankLocalSettings =
    "<?php\n# Yours: settings.php includes it last, and Aegir never writes it again.\n";

/// What is there of a site's files, as far as it decides what is to be there.
struct Present {
  bool has_settings = false;
  std::optional<bool> cloaked;                         ///< by settings.php; nothing: not there, or not ours
  std::optional<std::vector<php::Statement>> drushrc;  ///< empty when there is none; nothing when it can't be read
  std::optional<bool> asked;                           ///< by drushrc.php
  std::optional<bool> local;                           ///< by local.drushrc.php
  bool has_local_settings = false;                     ///< or it can't be looked at
};

/// Reads a site's files as root. Adds to `errors` what a person has to know and what keeps no site from working.
[[nodiscard]] Result<Present> read_present(const Config& config, const Accounts& accounts,
                                           const machine::SitePlace& place, std::vector<Error>& errors);

/// The files of a site.
struct SiteTexts {
  std::string cli;
  std::string settings;
  std::optional<std::string> drushrc;         ///< nothing: what is there stays, it can't be read
  std::vector<std::string> kept;              ///< what people have set in it
  std::optional<std::string> local_settings;  ///< nothing: there is one
  std::vector<machine::DrushFile> drush;      ///< below aegir's .drush; drush.yml comes last
  std::vector<machine::DrushFile> slot_drush;
};

/// Says which settings of people's a drushrc.php goes on to have; nothing when there are none.
[[nodiscard]] std::optional<std::string> note_of_kept(const std::vector<std::string>& kept);

/// `slot_home` is that of the site's slot. Adds to `errors` what keeps aliases from being said: then there are none.
[[nodiscard]] Result<SiteTexts> site_texts(const Config& config, const emit::SiteFacts& facts, const Present& present,
                                           const std::string& slot_home, std::vector<Error>& errors);

/// The content is the same for every platform. A person's own that PHP of one of `versions` can't read stays.
/// `config` must outlive the answer.
[[nodiscard]] machine::PlatformFile sites_php_file(const Config& config, const std::string& docroot,
                                                   const PhpVersions& versions);

/// A platform with what its own files depend on.
struct PlatformFacts {
  registry::Platform platform;
  std::vector<std::string> uris;  ///< of its sites
  registry::Codebase codebase;    ///< what its code brings, as far as that is known
  PhpVersions versions;           ///< of the PHP that its sites run with
};

/// A platform's own files.
struct PlatformTexts {
  std::vector<machine::PlatformFile> files;
  std::vector<machine::DrushFile> drush;
  std::vector<std::string> kept;  ///< what people have set in drushrc.php
};

/// Reads the platform's drushrc.php as root; when it can't be parsed it stays, and `errors` says so. Nothing for a
/// platform whose CMS is none of ours.
[[nodiscard]] Result<PlatformTexts> platform_texts(const Config& config, const Accounts& accounts,
                                                   const PlatformFacts& facts, std::vector<Error>& errors);

/// A server's files below aegir's .drush.
[[nodiscard]] Result<std::vector<machine::DrushFile>> server_texts(const Config& config,
                                                                   const registry::Server& server);

}  // namespace aegir::verify
