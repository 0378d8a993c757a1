// What Verify does with the sites of a registry that is at hand, in aegirc: their trees, and the files that Drupal and
// Drush read (site_files.hpp).
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/core/config.hpp"
#include "compiler/machine/site_files.hpp"
#include "compiler/registry/store.hpp"
#include "compiler/verify/compare.hpp"
#include "compiler/verify/site_files.hpp"

namespace aegir::verify {

/// Verifies sites, one after the other, in three steps around a publish:
///
///   write() each site, then record();  publish;  finish()
///
/// A site that works goes on working between any two of them, and after a kill: what a plain settings.php needs is
/// there before the map lets go of the credentials, and the other way round. Used from one thread.
class Sites {
 public:
  /// Reads what sites refer to. `config` and `store` must outlive it. Needs root for everything else.
  [[nodiscard]] static Result<Sites> load(const Config& config, const Accounts& accounts, registry::Store& store);

  /// The place of a site that has a slot.
  [[nodiscard]] machine::SitePlace place_of(const registry::Site& site) const;
  /// Whether its directory is its own already (machine::is_own_site()).
  [[nodiscard]] bool is_own(const registry::Site& site) const {
    return machine::is_own_site(accounts_, place_of(site));
  }
  [[nodiscard]] const registry::Block& block_of(const registry::Site& site) const { return blocks_.at(site.block); }

  /// Writes a site's files into its directory, which must be there (machine::prepare_site()), and around it. Nothing
  /// for a site without a slot, or on a platform whose CMS is none of ours. Fails when the site can't work without
  /// what is missing; returns what else a person has to know, which keeps no site from working.
  [[nodiscard]] Result<std::vector<Error>> write(const registry::Site& site, machine::Done& done);

  /// Tells what write(), record() and finish() would change in a site's files, with the differences of those that are
  /// there and stay; the lines of a secret are masked. Also for a site that has no directory yet. Returns and fails
  /// with what keeps files from being compared.
  [[nodiscard]] Result<std::vector<Error>> compare(const registry::Site& site, const OnFile& told);

  /// Takes away what was written for a name that no site has any more.
  [[nodiscard]] Result<void> forget(const std::string& uri, machine::Done& done);
  /// The same for every such name.
  [[nodiscard]] Result<void> forget_others(machine::Done& done);
  /// Tells of the files that forget_others() would take away.
  [[nodiscard]] Result<void> compare_others(const OnFile& told) const;

  /// What a person should know of the sites that were written since: what people have set for them.
  [[nodiscard]] std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

  /// What people have written for the site alone, and PHP can't read: the site does not answer with it.
  [[nodiscard]] std::vector<Error> lint(const registry::Site& site) const;

  /// Tells the registry of the sites whose cloaking people have changed in drushrc.php, and writes their files. Returns
  /// what is wrong with them, and with the platforms of all sites that were written.
  [[nodiscard]] Result<std::vector<Error>> record(const registry::Actor& actor, machine::Done& done);

  /// After the map is published: the settings.php of sites that are cloaked now and were not before. Returns what went
  /// wrong; the next Verify heals it.
  [[nodiscard]] std::vector<Error> finish(machine::Done& done);

 private:
  Sites(const Config& config, const Accounts& accounts, registry::Store& store)
      : config_(&config), accounts_(accounts), store_(&store) {}

  [[nodiscard]] bool has_files(const registry::Site& site) const;
  [[nodiscard]] Result<emit::SiteFacts> facts_of(const registry::Site& site);
  [[nodiscard]] std::string slot_home_of(const registry::Site& site) const;
  [[nodiscard]] Result<SiteWork> work_of(const registry::Site& site);
  [[nodiscard]] bool is_first_of_platform(const SiteWork& work) const;
  [[nodiscard]] std::vector<Error> take(SiteWork work, WrittenSite written);
  [[nodiscard]] Result<std::vector<std::string>> forgotten() const;

  const Config* config_;
  Accounts accounts_;
  registry::Store* store_;
  std::unordered_map<std::string, registry::Platform> platforms_;
  std::unordered_map<std::string, registry::Block> blocks_;
  std::unordered_map<std::string, registry::DatabaseService> databases_;  ///< by server
  std::unordered_map<std::string, registry::Codebase> codebases_;         ///< by platform, as they were needed
  std::vector<std::string> notes_;                                        ///< told by take_notes()
  std::set<std::string> with_sites_php_;                                  ///< docroots
  std::set<std::string> with_drush_yml_;                                  ///< homes of shared slots, compared
  std::vector<Error> of_platforms_;                                       ///< told by record()
  std::vector<registry::Site> changed_;                                   ///< as they are to be in the registry
  std::vector<SiteWork> waiting_;                                         ///< whose settings.php waits for the map
};

}  // namespace aegir::verify
