// reconcile, in parts: what each holds against the registry, and how it puts right what differs.
//
// Nothing is held while everything is looked at, so that a fleet's look keeps nobody from work. What seems wrong is
// looked at once more with its object borrowed from the queue (tasks::Loan): what a task is at work on is no
// difference.
//
// What is safe: what is compiled from the registry is written again, and what a task of this registry was asked to take
// away (a delete that was committed, an install that was undone) goes. Everything else that no site has may be
// somebody's only copy, above all after the registry was put back from its backup: it is named, with what a person can
// do.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/verbs/services.hpp"
#include "sidecar/wire/reconcile_order.hpp"

namespace aegir::verbs {

/// What was found, and what became of it. Used by one task.
class Differences {
 public:
  /// `mends`: false when everything is to stay as it is.
  explicit Differences(bool mends) : mends_(mends) {}
  /// How many were put right so far.
  [[nodiscard]] std::size_t mended() const { return mended_; }

  /// One that `mend` puts right; what it can't is for a person.
  void mend(tasks::Work& work, const std::string& about, const std::string& what,
            const std::function<Result<void>()>& mend);
  /// Several that are put right together; `look` says afterwards which there still are.
  void mend(tasks::Work& work, const std::string& about, const wire::Compared& found,
            const std::function<Result<void>()>& mend, const std::function<Result<wire::Compared>()>& look);
  /// One that only a person can put right.
  void leave(tasks::Work& work, const std::string& about, const std::string& what, const std::string& next);
  void leave(tasks::Work& work, const std::string& about, const Error& error);
  /// No difference: something of somebody else's that a person may want to know of.
  void mention(tasks::Work& work, const std::string& what, const std::string& next);

  /// The result of the task, and its warning.
  void tell(tasks::Work& work) const;

 private:
  enum class Fate : std::uint8_t { kMended, kToMend, kLeft };
  void add(tasks::Work& work, const std::string& about, const std::string& what, Fate fate, const std::string& next);

  bool mends_;
  std::size_t mended_ = 0;
  std::size_t to_mend_ = 0;
  std::size_t left_ = 0;
  nlohmann::json rows_ = nlohmann::json::array();
  nlohmann::json others_ = nlohmann::json::array();
};

/// What a look at everything knows of a live site, without its secrets.
struct KnownSite {
  std::uint64_t id = 0;
  registry::SiteState state = registry::SiteState::kEnabled;
  std::string docroot;
  std::string block;  ///< empty: it has no slot
  std::uint32_t slot = 0;
  std::string database_server;
  std::string database;
  std::string user;
  std::vector<std::string> former_uris;
};

/// A database server, with all records of the registry that lead to it.
struct KnownServer {
  std::string identity;
  std::vector<std::string> records;
  database::Server databases;  ///< by the first of them

  [[nodiscard]] bool is_of(const std::string& record) const {
    return std::ranges::find(records, record) != records.end();
  }
};

/// A name on a database server that no live site has.
struct StrayName {
  std::string name;
  bool is_database = false;  ///< else it is a user's alone
  std::string mark;          ///< of the database
  std::string accounts;      ///< as statements list them
};

/// One reconcile, from begin to end. Its parts are steps of the task, in this order.
class Reconciliation {
 public:
  Reconciliation(Services& services, bool mends) : services_(services), differences_(mends) {}

  /// Reads registry and machine as they are now.
  [[nodiscard]] Result<void> look(tasks::Work& work);
  /// Tasks, candidates, states and slots of the registry that contradict each other.
  [[nodiscard]] Result<void> contradictions(tasks::Work& work);
  [[nodiscard]] Result<void> slots(tasks::Work& work);
  /// Fragments, PHP masters, platforms, certificates, and people's own files that take a site's name.
  [[nodiscard]] Result<void> servers(tasks::Work& work);
  /// Directories and files of sites, and what is left of sites that are gone.
  [[nodiscard]] Result<void> sites(tasks::Work& work);
  [[nodiscard]] Result<void> databases(tasks::Work& work);
  /// The site map, and the result of it all.
  [[nodiscard]] Result<void> site_map(tasks::Work& work);

 private:
  /// The site itself: its tasks hold no less.
  [[nodiscard]] static tasks::Locks locks_of(const std::string& uri);
  [[nodiscard]] bool is_live(const std::string& uri) const { return sites_.contains(uri); }
  /// Whether a task of this registry was asked to take away what the deleted site of that id had.
  [[nodiscard]] Result<bool> is_doomed(std::uint64_t site);
  /// What made the database of a deleted site, when is_doomed() and its install is known.
  [[nodiscard]] Result<std::optional<database::Creation>> creation_of(const registry::Site& deleted);
  /// The last deleted site of that uri, when is_doomed().
  [[nodiscard]] Result<std::optional<registry::Site>> doomed(const std::string& uri);
  [[nodiscard]] Result<void> cancelled(const tasks::Work& work) const;
  [[nodiscard]] Result<void> transact(const tasks::Work& work,
                                      const std::function<Result<void>(registry::Store&, registry::Writer&)>& body);

  void look_at_candidate(tasks::Work& work, const registry::Candidate& candidate);
  [[nodiscard]] Result<void> look_at_tasks(tasks::Work& work);
  void look_at_given_slots(tasks::Work& work);
  void look_at_slot(tasks::Work& work, const wire::FoundSlot& slot);
  void note_used(tasks::Work& work, const std::string& about, const std::string& what, const std::string& block,
                 std::uint32_t number);
  [[nodiscard]] Result<void> look_at_fragments(tasks::Work& work);
  [[nodiscard]] Result<void> look_at_platform(tasks::Work& work, const registry::Platform& platform);
  [[nodiscard]] Result<void> look_at_certificates(tasks::Work& work);
  [[nodiscard]] Result<void> look_at_sites(tasks::Work& work);
  [[nodiscard]] Result<void> look_at_site(tasks::Work& work, const std::string& uri);
  [[nodiscard]] Result<void> look_at_folder(tasks::Work& work, const wire::FoundFolder& folder);
  [[nodiscard]] Result<void> look_at_gone(tasks::Work& work, const wire::FoundFolder& folder);
  [[nodiscard]] Result<void> look_at_staged(tasks::Work& work, const wire::FoundFolder& folder);
  [[nodiscard]] Result<void> look_at_logins(tasks::Work& work, const registry::Server& server);
  [[nodiscard]] Result<void> look_at_login(tasks::Work& work, const database::Server& server, const std::string& uri);
  [[nodiscard]] Result<void> look_at_foreign(tasks::Work& work, const KnownServer& server);
  [[nodiscard]] Result<bool> look_at_remains(tasks::Work& work, const KnownServer& server, const StrayName& stray,
                                             const registry::Site& deleted);
  void name_stray(tasks::Work& work, const KnownServer& server, const StrayName& stray);
  /// What stands there and is of no live site of the server's, nor of a task that is at work; by name.
  [[nodiscard]] Result<std::vector<StrayName>> strays_on(const KnownServer& server);
  /// The deleted sites of the server that had one of those, by its name.
  [[nodiscard]] Result<std::map<std::string, registry::Site>> deleted_on(const KnownServer& server,
                                                                         const std::vector<StrayName>& strays);

  Services& services_;
  Differences differences_;
  std::vector<registry::Server> servers_;
  std::vector<registry::Platform> platforms_;  ///< that are not deleted
  std::map<std::string, registry::Block> blocks_;
  std::map<std::pair<std::string, std::uint32_t>, registry::Slot> slot_rows_;
  std::map<std::string, KnownSite> sites_;                                             ///< live ones, by uri
  std::map<std::pair<std::string, std::uint32_t>, std::vector<std::string>> holders_;  ///< live sites of a slot
  wire::Survey survey_;
};

}  // namespace aegir::verbs
