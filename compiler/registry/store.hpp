// The registry's store: one SQLite file (WAL, synchronous=FULL, foreign keys, STRICT tables, numbered migrations).
// The only truth of the system, and the only place of its SQL. Passwords and cron keys are sealed in it with
// registry.key (core/secret_box.hpp; the "host" of a sealed value is "<table>/<row key>/<column>").
//
// One writer at a time: Store::open() for writing takes an flock on `<path>.lock` and fails with kBusy, naming the
// holder's pid, when somebody has it. Readers need no lock. A Store is used from one thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/core/error.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/registry/model.hpp"
#include "compiler/registry/problem.hpp"
#include "compiler/registry/tasks.hpp"

namespace aegir::registry {

/// Who changes something and why; becomes the audit row of the transaction.
struct Actor {
  std::string name;  ///< "root", "aegirc", a user's name
  std::string why;   ///< free text, may be empty
};

/// What an export carries besides the objects: the past of a registry.
struct History {
  std::array<unsigned char, 16> registry_id{};
  std::uint64_t sequence = 0;
  std::vector<AuditEntry> audit;
};

/// The changes of one transaction. Each put creates the row or replaces it whole, keyed by its name; it validates the
/// object's own fields and its references (kInvalid names field and value) and host names against all other sites
/// (kConflict names who has it), and writes nothing when it refuses. What touches a host name appends it to the change
/// log; a put that changes nothing leaves no trace.
class Writer {
 public:
  virtual ~Writer() = default;

  /// Everything for which put() would refuse the object; put() itself tells the first.
  [[nodiscard]] virtual Problems check(const Server& server) = 0;
  [[nodiscard]] virtual Problems check(const Client& client) = 0;
  [[nodiscard]] virtual Problems check(const Block& block) = 0;
  [[nodiscard]] virtual Problems check(const Platform& platform) = 0;
  [[nodiscard]] virtual Problems check(const Site& site) = 0;
  [[nodiscard]] virtual Problems check(const Settings& settings) = 0;

  /// Servers that lack a service which a platform or site uses; checked when everything has been put, and transact()
  /// refuses with the first. By the server's name.
  [[nodiscard]] virtual std::vector<std::pair<std::string, Problem>> check_servers() = 0;
  /// The change sequence so far.
  [[nodiscard]] virtual std::uint64_t sequence() const = 0;

  /// A changed database service touches every site that uses it.
  virtual Result<void> put(const Server& server) = 0;
  virtual Result<void> put(const Client& client) = 0;
  /// Server and first uid stay what they were once a slot is given. A change touches the sites of the block.
  virtual Result<void> put(const Block& block) = 0;
  /// platform.id is ignored for one that exists by name. A platform with sites can't be deleted or leave its server.
  virtual Result<void> put(const Platform& platform) = 0;
  /// site.id is ignored for one that exists by uri. A site in state kDeleted keeps its row as it was, frees its names
  /// and retires its slot (only uri and state count); a put of the same uri afterwards makes a new site.
  /// Without a block a site keeps the slot that it has. One that has none is given the next slot of its platform's
  /// block when it is first put in a state other than disabled; a platform without a block takes the open block with
  /// the lowest uids of its server, for the site's client, then for everybody; when there is none, none is given.
  virtual Result<void> put(const Site& site) = 0;
  /// Renames: the record stays, the old uri becomes a former uri; its names change as the new site says.
  virtual Result<void> rename_site(std::string_view old_uri, const Site& site) = 0;
  virtual Result<void> put(const Settings& settings) = 0;
  /// What a platform's code brings; nothing of before stays. Without a version: it is not known any more.
  virtual Result<void> put_codebase(std::string_view platform, const Codebase& codebase) = 0;
  /// The packages of a live site, as own_packages() has reduced them (packages.hpp); nothing of before stays.
  virtual Result<void> put_packages(std::string_view uri, const std::vector<Package>& own) = 0;
  /// Notes a slot that was given elsewhere, so that it is not given again. Ignored when this registry knows the slot.
  virtual Result<void> put(const Slot& slot) = 0;

  /// Removes a row that nothing refers to any more; kConflict names who does. A block of which a slot was ever given
  /// stays; of a platform the row stays in state deleted.
  virtual Result<void> remove_server(std::string_view name) = 0;
  virtual Result<void> remove_client(std::string_view name) = 0;
  virtual Result<void> remove_block(std::string_view name) = 0;
  virtual Result<void> remove_platform(std::string_view name) = 0;

  /// Ends a candidate, together with what its probe was for; nothing when there is none.
  virtual Result<void> drop_candidate(std::string_view token_key) = 0;

  /// Makes this transaction a restore; the first call in an empty registry, else kConflict. The registry takes over
  /// id, sequence and audit; the puts that follow keep the ids which platforms and sites carry, a deleted site goes to
  /// the deleted ones, and neither change log nor audit get rows. The log then begins at `sequence` (log_start()).
  virtual Result<void> restore(const History& history) = 0;
  /// For a registry whose file was restored from a backup: the sequence goes on above `sequence`, which a history that
  /// is lost had reached, and the change log begins there.
  virtual Result<void> begin_log_above(std::uint64_t sequence) = 0;
};

/// A probe's view of a site before its commit (design §6 "Probe"); never part of an export.
struct Candidate {
  std::string token_key;  ///< map key of the token, map::probe_key()
  std::string host;
  std::int64_t expiry = 0;   ///< seconds since 1970
  std::optional<Site> site;  ///< empty: a pass to the live record of host
};

/// How long to wait for another process that writes the registry.
struct Patience {
  std::chrono::milliseconds longest{0};
  std::function<void(const std::string& holder)> on_wait = {};  ///< called once, with "process 17 (aegirc)"
  /// Also for aegird-worker, which holds it for as long as it runs: one that is about to end.
  bool for_worker = false;
};

class Store {
 public:
  enum class Mode : std::uint8_t { kRead, kWrite, kCreate };

  /// Opens the registry at `path`; kWrite migrates it, kCreate also makes it, in a file of no bytes too. kTooNew when
  /// its schema is newer than this program, kCorrupt when SQLite says so, kBusy when another writer holds it after
  /// `patience`, kNotFound when there is none and it is not to be made: a registry that is lost must not be taken for
  /// an empty one.
  /// ":memory:" (with kCreate) is a registry that is gone with the Store; its id is all zeros until a restore.
  /// kInvalid when a row may be sealed with a key that `key` does not hold. Without a key (an empty ring) sites can be
  /// neither written nor read.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& path, Mode mode, const KeyRing& key,
                                                           const Patience& patience = {});
  /// Whether something lies at `path` that may be a registry. A file without a byte never was one.
  [[nodiscard]] static Result<bool> exists(const std::string& path);
  virtual ~Store() = default;

  /// Runs `body` in one transaction: commits when it succeeds, rolls back and hands its error on when it fails.
  /// Returns the change sequence after the commit (unchanged when nothing touched a name, platform or setting).
  [[nodiscard]] virtual Result<std::uint64_t> transact(const Actor& actor,
                                                       const std::function<Result<void>(Writer&)>& body) = 0;
  /// Adds, replaces or drops candidates; each touches the change log with its token key as the host.
  [[nodiscard]] virtual Result<std::uint64_t> put_candidate(const Candidate& candidate) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> drop_candidate(std::string_view token_key) = 0;
  [[nodiscard]] virtual Result<std::vector<Candidate>> candidates() = 0;

  /// Runs `body`, whose reads all see one state of the registry.
  [[nodiscard]] virtual Result<void> snapshot(const std::function<Result<void>()>& body) = 0;

  [[nodiscard]] virtual const KeyRing& key() const = 0;  ///< what it was opened with
  [[nodiscard]] virtual std::array<unsigned char, 16> registry_id() const = 0;
  [[nodiscard]] virtual Result<std::uint64_t> sequence() = 0;  ///< highest number of the change log
  /// The change log is complete above this number. A map of an older generation has to be built anew.
  [[nodiscard]] virtual Result<std::uint64_t> log_start() = 0;
  /// The random tag of the transaction that gave this number of the change sequence; nothing when this registry's
  /// history has no such number. Two histories of one registry (its file was restored from a backup and changed since)
  /// give the same numbers, never the same tags. 0: in memory, or no change yet.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> tag_of(std::uint64_t sequence) = 0;

  [[nodiscard]] virtual Result<std::vector<Server>> servers() = 0;
  [[nodiscard]] virtual Result<std::vector<Client>> clients() = 0;
  [[nodiscard]] virtual Result<std::vector<Block>> blocks() = 0;
  [[nodiscard]] virtual Result<std::vector<Slot>> slots() = 0;
  [[nodiscard]] virtual Result<std::vector<Platform>> platforms() = 0;  ///< deleted ones too; sorted by id
  /// What put_codebase() was given last; empty when that was nothing.
  [[nodiscard]] virtual Result<Codebase> codebase(std::uint32_t platform) = 0;
  /// The profiles of it alone.
  [[nodiscard]] virtual Result<std::vector<Profile>> profiles(std::uint32_t platform) = 0;
  /// What put_packages() was given last, sorted by kind, name and path; packages_of() makes them whole (packages.hpp).
  [[nodiscard]] virtual Result<std::vector<Package>> own_packages(std::uint64_t site) = 0;
  [[nodiscard]] virtual Result<Settings> settings() = 0;
  [[nodiscard]] virtual Result<std::vector<AuditEntry>> audit() = 0;

  /// Every site that is not deleted, in the order of its uri (bytewise). Streams: holds one site at a time.
  [[nodiscard]] virtual Result<void> each_site(const std::function<Result<void>(const Site&)>& visit) = 0;
  /// Also deleted ones, ordered by uri, then id.
  [[nodiscard]] virtual Result<void> each_site_with_deleted(const std::function<Result<void>(const Site&)>& visit) = 0;
  /// The live site that has `host` (canonical or *.suffix, exactly as stored) as uri or alias.
  [[nodiscard]] virtual Result<std::optional<Site>> find_site(std::string_view host) = 0;
  /// Whether a site has a database of that name on that server, or had it and is still being deleted.
  [[nodiscard]] virtual Result<bool> has_database(std::string_view server, std::string_view name) = 0;
  /// The uris of the sites on a platform that have a slot, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> uris_on(std::uint32_t platform) = 0;
  /// The site of that uri that was deleted last.
  [[nodiscard]] virtual Result<std::optional<Site>> find_deleted(std::string_view uri) = 0;
  [[nodiscard]] virtual Result<std::optional<Platform>> find_platform(std::uint32_t id) = 0;

  /// The last change of this kind and key that has a sequence of at most `until`.
  [[nodiscard]] virtual Result<std::optional<Change>> last_change(ChangeKind kind, std::string_view key,
                                                                  std::uint64_t until) = 0;
  /// The audit row of the transaction that gave this number of the change sequence; nothing when it is older than the
  /// registry.
  [[nodiscard]] virtual Result<std::optional<AuditEntry>> audit_of(std::uint64_t sequence) = 0;

  /// Changes with a sequence above `after`, in order. At most `limit` rows.
  [[nodiscard]] virtual Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) = 0;

  /// Tasks, their journal and log. Never part of an export.
  [[nodiscard]] virtual Tasks tasks() = 0;
};

}  // namespace aegir::registry
