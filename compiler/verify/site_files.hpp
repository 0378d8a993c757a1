// Writes the files that Drupal and Drush read, of one site, platform or server, from plain values: for whoever is root
// here, aegirc with the registry in the same process or aegird, which is told.
//
// Whether a site's credentials are cloaked is said in two places, the registry and the site's drushrc.php, where people
// of Aegir 3 are used to say it. What settings.php has tells which of the two has changed since the last Verify.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/emit/drupal.hpp"
#include "compiler/machine/site_files.hpp"
#include "compiler/verify/server.hpp"
#include "compiler/verify/texts.hpp"

namespace aegir::verify {

/// Whether a site's credentials are to be cloaked. `registry` is what the registry says, `present` what settings.php
/// has now (nothing: not there, or not ours), `asked` what drushrc.php says (nothing: it can't be read, or the site is
/// new), `local` what local.drushrc.php says, which comes last and is never written.
[[nodiscard]] bool decide_cloaking(bool registry, std::optional<bool> present, std::optional<bool> asked,
                                   std::optional<bool> local);

/// A site whose files are written, with all that they depend on. It has a slot.
struct SiteWork {
  emit::SiteFacts facts;
  machine::SitePlace place;
  std::string slot_home;
  std::string php_version;  ///< of its block
  bool alone = true;        ///< in its slot
};

/// What was found when a site's files were written.
struct WrittenSite {
  std::vector<Error> errors;       ///< what a person has to know, and what keeps no site from working
  std::vector<Error> of_platform;  ///< the same of sites.php, which all sites of the platform have
  /// People have said another thing in drushrc.php than the registry. Nothing is written then: the registry comes
  /// first, since were the files written and this process killed, nothing would tell that a person has changed it.
  std::optional<bool> cloaking;
  std::vector<std::string> kept;  ///< what people have set in drushrc.php and goes on to stand there
  /// settings.php waits until the map has the credentials: finish_site() writes it after the publish.
  bool waits = false;
};

/// Writes a site's files into its directory, which must be there (machine::prepare_site()), and around it; sites.php of
/// its platform only `with_sites_php`. Nothing on a platform whose CMS is none of ours. What was found is added to
/// `written`, also when it fails: when the site can't work without what is missing. A site that works goes on working
/// between this, a publish and finish_site(), and after a kill: what a plain settings.php needs is there before the map
/// lets go of the credentials, and the other way round.
[[nodiscard]] Result<void> write_site(const Config& config, const Accounts& accounts, const SiteWork& work,
                                      bool with_sites_php, WrittenSite& written, machine::Done& done);

/// The part of write_site() that writes, of a site whose cloaking the registry has as it is to be; `present` is what is
/// there now.
[[nodiscard]] Result<void> write_site_files(const Config& config, const Accounts& accounts, const SiteWork& work,
                                            const Present& present, bool with_sites_php, WrittenSite& written,
                                            machine::Done& done);

/// After the publish: the settings.php that has waited for it.
[[nodiscard]] Result<void> finish_site(const Config& config, const Accounts& accounts, const SiteWork& work,
                                       machine::Done& done);

/// A platform's own files: sites.php, drushrc.php with its packages and the names of its sites, Drush's alias of the
/// platform. Tells what of them could not be written, what people have written that its PHP can't read, and what they
/// have set.
[[nodiscard]] Result<Told> write_platform_files(const Config& config, const Accounts& accounts,
                                                const PlatformFacts& facts, machine::Done& done);

/// Drush's alias of a server, and where Drush finds its aliases.
[[nodiscard]] Result<void> write_server_files(const Config& config, const Accounts& accounts,
                                              const registry::Server& server, machine::Done& done);

}  // namespace aegir::verify
