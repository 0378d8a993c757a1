// How aegirc publishes on a machine: key as root, registry and map as aegir, then what may come after the change is
// visible (merging a grown delta, the durable copy), then one report.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/cli/cli.hpp"
#include "compiler/emit/emit.hpp"
#include "compiler/machine/machine.hpp"
#include "compiler/publish/publisher.hpp"
#include "compiler/verify/from_registry.hpp"
#include "compiler/verify/site.hpp"

namespace aegir::cli {

using PublishStep = std::function<Result<publish::Report>(publish::Publisher&)>;

/// What a command did before it published, to be told first.
struct DoneBefore {
  std::string sentence;
  Json facts = Json::object();
};

/// What was put right, the first of it by name; `nothing` when all was right.
[[nodiscard]] std::string put_right(const machine::Done& done, std::string_view nothing);

/// Prints what a Verify has to note, and puts what it did into words. Its errors are left.
[[nodiscard]] DoneBefore tell(const Output& out, const verify::Told& told, const machine::Done& done);

/// Runs `step` on the live map, ends a merge, writes the durable copy, and says what was done.
[[nodiscard]] Outcome run_publisher(const Output& out, const Config& config, const KeyRing& keys,
                                    registry::Store& store, const PublishStep& step, const DoneBefore& before = {});

/// Ends a command that goes on after errors: with its own outcome's first, if any.
[[nodiscard]] Outcome with(Errors errors, Outcome outcome);

/// The same with everything that it needs opened first: what `publish` and `map compact` do.
[[nodiscard]] Outcome run_publisher(const Cli& cli, const PublishStep& step);

/// Where the sites of a registry lie, and which slots they run in.
class Places {
 public:
  Places(const std::vector<registry::Platform>& platforms, const std::vector<registry::Block>& blocks);
  /// The place of a site that has a slot.
  [[nodiscard]] machine::SitePlace of(const registry::Site& site) const;

 private:
  std::unordered_map<std::string, std::string> docroots_;      ///< by platform
  std::unordered_map<std::string, std::uint32_t> first_uids_;  ///< by block
};

/// A site of the registry that the live map does not have yet, or not in this place.
struct Arrival {
  machine::SitePlace place;
  std::optional<Error> foreign;  ///< its directory is another's
};
/// A name that is no site's uri (any more).
struct Gone {
  std::string name;
  std::string docroot;  ///< of the site that the live map has under it; empty: it was no site's
};
struct Arrivals {
  bool map_is_known = false;   ///< there is a map of this registry, live or durable; without one every site is new
  std::vector<Arrival> sites;  ///< without a known map only the foreign ones
  std::vector<std::string> changed;   ///< uris of the other sites that the live map does not have as they are now
  std::vector<Gone> gone;             ///< names that changed and are no site's uri (any more)
  std::set<std::uint32_t> platforms;  ///< ids of those that have changed, or got or lost a site
};
/// Looks where the new sites are to lie, and what has changed. Only root can tell whose a directory is: for others
/// there are none.
[[nodiscard]] Result<Arrivals> look_at_arrivals(const Config& config, registry::Store& store);

/// Notes what is left of the sites that have been deleted, directory and database, which nobody but a person removes.
[[nodiscard]] Result<void> note_remains(const Output& out, registry::Store& store, const std::vector<Gone>& gone);

/// Notes those of these sites that are served by https alone and that browsers can not reach so, or are warned of.
[[nodiscard]] Result<void> note_https(const Output& out, const Config& config, registry::Store& store,
                                      const std::vector<std::string>& uris);

/// Why a site's directory is not what it has to be.
struct Unprepared {
  std::string uri;
  Error error;
};
/// A new site that can't be prepared must not be seen: another's files would show under its name, or Drupal would fall
/// back to sites/default. Puts these into state installing, so that every other site is published, and returns what is
/// to be told of each. In one transaction.
[[nodiscard]] Result<Errors> keep_back(registry::Store& store, std::vector<Unprepared> sites);

/// verify::Sites around a publish, with what it has to tell a person collected.
class FilesOfSites {
 public:
  [[nodiscard]] static Result<FilesOfSites> load(const Config& config, const Accounts& accounts,
                                                 registry::Store& store);
  /// Fails when the site can't work.
  [[nodiscard]] Result<void> write(const registry::Site& site, machine::Done& done);
  /// The same for one that is served already and goes on being served: what is wrong is only told. `prepared` is what
  /// has become of its directory.
  void write_again(const registry::Site& site, Result<void> prepared, machine::Done& done);
  void forget(const std::string& uri, machine::Done& done);
  /// The files of a platform itself, with the names of its sites; an error is only told. Nothing of one that is
  /// deleted, or whose code is still to come.
  [[nodiscard]] Result<void> write_platform(const registry::Platform& platform, machine::Done& done);
  void add(Errors errors);
  /// Whether there is an error to be told so far.
  [[nodiscard]] bool has_errors() const { return !errors_.empty(); }
  /// Before the publish, when all are written.
  [[nodiscard]] Result<void> record(machine::Done& done);
  /// After it: what has waited for it, and everything that is to be told.
  [[nodiscard]] Outcome finish(Outcome published);

  [[nodiscard]] verify::Sites& sites() { return sites_; }

 private:
  FilesOfSites(const Config& config, const Accounts& accounts, registry::Store& store, verify::Sites sites)
      : config_(&config), accounts_(accounts), store_(&store), sites_(std::move(sites)) {}
  const Config* config_;
  Accounts accounts_;
  registry::Store* store_;
  verify::Sites sites_;
  Errors errors_;
  std::set<std::string> told_;  ///< of a platform a site tells the same as the platform itself
};

}  // namespace aegir::cli
