// The registry's store: one SQLite file (WAL, synchronous=FULL, foreign keys, STRICT tables, numbered migrations).
// The only truth of the system, and the only place of its SQL. Passwords and cron keys are sealed in it with
// registry.key (core/secret_box.hpp; the "host" of a sealed value is "<table>/<row key>/<column>").
//
// One writer at a time: Store::open() for writing takes an flock on `<path>.lock` and fails with kBusy, naming the
// holder's pid, when somebody has it. Readers need no lock. A Store is used from one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/core/error.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/registry/model.hpp"

namespace aegir::registry {

/// Who changes something and why; becomes the audit row of the transaction.
struct Actor {
  std::string name;  ///< "root", "aegirc", a user's name
  std::string why;   ///< free text, may be empty
};

/// The changes of one transaction. Each put creates the row or replaces it whole, keyed by its name; it validates the
/// object's own fields and its references (kInvalid names field and value) and host names against all other sites
/// (kConflict names who has it). Everything that touches a host name appends it to the change log.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> put(const Server& server) = 0;
  virtual Result<void> put(const Client& client) = 0;
  virtual Result<void> put(const Block& block) = 0;
  virtual Result<void> put(const Platform& platform) = 0;  ///< platform.id is ignored for one that exists by name
  /// site.id is ignored for one that exists by uri. A site in state kDeleted keeps its row and frees its names; a put
  /// of the same uri afterwards makes a new site. A site without a slot whose platform has a block is given the next
  /// free slot when it is enabled for the first time.
  virtual Result<void> put(const Site& site) = 0;
  /// Renames: the record stays, the old uri becomes a former uri; its names change as the new site says.
  virtual Result<void> rename_site(std::string_view old_uri, const Site& site) = 0;
  virtual Result<void> put(const Settings& settings) = 0;
  /// Removes what is named by neither of the given documents' keys (import --replace): sites are set to deleted, other
  /// unused rows go; kConflict when something still used is left out.
  virtual Result<void> remove_server(std::string_view name) = 0;
  virtual Result<void> remove_client(std::string_view name) = 0;
  virtual Result<void> remove_block(std::string_view name) = 0;
  virtual Result<void> remove_platform(std::string_view name) = 0;  ///< state deleted; refused while it has sites
};

/// A probe's view of a site before its commit (design §6 "Probe"); never part of an export.
struct Candidate {
  std::string token_key;  ///< map key of the token, map::probe_key()
  std::string host;
  std::int64_t expiry = 0;   ///< seconds since 1970
  std::optional<Site> site;  ///< empty: a pass to the live record of host
};

class Store {
 public:
  enum class Mode : std::uint8_t { kRead, kWrite };

  /// Opens, or with kWrite creates and migrates, the registry at `path`. kTooNew when its schema is newer than this
  /// program, kCorrupt when SQLite says so, kBusy when another writer holds it.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(const std::string& path, Mode mode, KeyRing key);
  virtual ~Store() = default;

  /// Runs `body` in one transaction: commits when it succeeds, rolls back and hands its error on when it fails.
  /// Returns the change sequence after the commit (unchanged when nothing touched a name, platform or setting).
  [[nodiscard]] virtual Result<std::uint64_t> transact(const Actor& actor,
                                                       const std::function<Result<void>(Writer&)>& body) = 0;
  /// Adds, replaces or drops candidates; each touches the change log with its token key as the host.
  [[nodiscard]] virtual Result<std::uint64_t> put_candidate(const Candidate& candidate) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> drop_candidate(std::string_view token_key) = 0;
  [[nodiscard]] virtual Result<std::vector<Candidate>> candidates() = 0;

  [[nodiscard]] virtual std::array<unsigned char, 16> registry_id() const = 0;
  [[nodiscard]] virtual Result<std::uint64_t> sequence() = 0;  ///< highest number of the change log

  [[nodiscard]] virtual Result<std::vector<Server>> servers() = 0;
  [[nodiscard]] virtual Result<std::vector<Client>> clients() = 0;
  [[nodiscard]] virtual Result<std::vector<Block>> blocks() = 0;
  [[nodiscard]] virtual Result<std::vector<Slot>> slots() = 0;
  [[nodiscard]] virtual Result<std::vector<Platform>> platforms() = 0;  ///< deleted ones too; sorted by id
  [[nodiscard]] virtual Result<Settings> settings() = 0;
  [[nodiscard]] virtual Result<std::vector<AuditEntry>> audit() = 0;

  /// Every site that is not deleted, in the order of its uri (bytewise). Streams: holds one site at a time.
  [[nodiscard]] virtual Result<void> each_site(const std::function<Result<void>(const Site&)>& visit) = 0;
  /// Also deleted ones, ordered by uri, then id.
  [[nodiscard]] virtual Result<void> each_site_with_deleted(const std::function<Result<void>(const Site&)>& visit) = 0;
  /// The live site that has `host` (canonical or *.suffix, exactly as stored) as uri or alias.
  [[nodiscard]] virtual Result<std::optional<Site>> find_site(std::string_view host) = 0;
  [[nodiscard]] virtual Result<std::optional<Platform>> find_platform(std::uint32_t id) = 0;

  /// Changes with a sequence above `after`, in order. At most `limit` rows.
  [[nodiscard]] virtual Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) = 0;
};

}  // namespace aegir::registry
