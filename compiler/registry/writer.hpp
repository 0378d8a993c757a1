// The changes of one transaction, made on the tables and on the catalog together. Made and ended by the Store.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/registry/catalog.hpp"
#include "compiler/registry/site_row.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::registry {

/// The identity of a registry and how far its change sequence has come.
struct Identity {
  std::array<unsigned char, 16> id{};
  std::uint64_t sequence = 0;
  std::uint64_t log_start = 0;
  std::uint64_t log_start_tag = 0;  ///< Store::tag_of(log_start)
};

/// The first of `problems` as the error of the object `name`.
[[nodiscard]] std::unexpected<Error> refuse(std::string_view noun, std::string_view name, const Problems& problems);

class SqliteWriter final : public Writer {
 public:
  SqliteWriter(Connection& connection, Catalog& catalog, const KeyRing& key, Identity& identity);

  [[nodiscard]] Problems check(const Server& server) override;
  [[nodiscard]] Problems check(const Client& client) override;
  [[nodiscard]] Problems check(const Block& block) override;
  [[nodiscard]] Problems check(const Platform& platform) override;
  [[nodiscard]] Problems check(const Site& site) override;
  [[nodiscard]] Problems check(const Settings& settings) override;

  [[nodiscard]] std::vector<std::pair<std::string, Problem>> check_servers() override;
  [[nodiscard]] std::uint64_t sequence() const override { return identity_.sequence; }

  [[nodiscard]] Result<void> put(const Server& server) override;
  [[nodiscard]] Result<void> put(const Client& client) override;
  [[nodiscard]] Result<void> put(const Block& block) override;
  [[nodiscard]] Result<void> put(const Platform& platform) override;
  [[nodiscard]] Result<void> put(const Site& site) override;
  [[nodiscard]] Result<void> rename_site(std::string_view old_uri, const Site& site) override;
  [[nodiscard]] Result<void> put(const Settings& settings) override;
  [[nodiscard]] Result<void> put_codebase(std::string_view platform, const Codebase& codebase) override;
  [[nodiscard]] Result<void> put_packages(std::string_view uri, const std::vector<Package>& own) override;
  [[nodiscard]] Result<void> put(const Slot& slot) override;
  [[nodiscard]] Result<void> remove_server(std::string_view name) override;
  [[nodiscard]] Result<void> remove_client(std::string_view name) override;
  [[nodiscard]] Result<void> remove_block(std::string_view name) override;
  [[nodiscard]] Result<void> remove_platform(std::string_view name) override;
  [[nodiscard]] Result<void> restore(const History& history) override;
  [[nodiscard]] Result<void> begin_log_above(std::uint64_t sequence) override;

  [[nodiscard]] Result<void> put(const Candidate& candidate);
  [[nodiscard]] Result<void> drop_candidate(std::string_view token_key) override;

  /// Writes the audit row and the change sequence; the last thing before the commit.
  [[nodiscard]] Result<void> finish(const Actor& actor);

 private:
  // check.cpp
  [[nodiscard]] Problems check(const Site& site, const Site* old);
  void check_references(const Site& site, Problems& problems);
  void check_arrival(const Site& site, const Site* old, Problems& problems);
  void check_names(const Site& site, const Site* old, Problems& problems);
  void check_slot(const Site& site, const Site* old, Problems& problems);

  // site_writer.cpp; `old` is the site as it is now, null for a new one
  [[nodiscard]] Result<void> write_site(Site site, const Site* old);
  [[nodiscard]] Result<void> write_deleted_site(const Site& site);
  [[nodiscard]] Result<void> delete_site(const Site& old);
  [[nodiscard]] bool needs_slot(const Site& site, const Site* old) const;
  [[nodiscard]] Result<std::string> choose_block(const Site& site) const;
  /// What was used by a site of its own is never given again; a shared slot goes on.
  [[nodiscard]] Result<void> retire_slot(const Site& site);
  [[nodiscard]] Result<void> settle_slot(Site& site, const Site* old);
  [[nodiscard]] Result<void> write_names(const Site& site, const Site* old);
  [[nodiscard]] Result<std::optional<Site>> find_by_uri(std::string_view uri);
  [[nodiscard]] Result<std::string> holder_of(std::string_view host);
  [[nodiscard]] Result<std::uint64_t> next_site_id();

  // package_rows.cpp
  [[nodiscard]] Result<void> write_codebase(std::uint32_t platform, const Codebase& codebase);
  [[nodiscard]] Result<void> write_packages(std::uint64_t site, const std::vector<Package>& own);

  /// The tag of this transaction's changes.
  [[nodiscard]] std::uint64_t tag();
  [[nodiscard]] Result<void> log(ChangeKind kind, std::string_view key);
  /// Logs each host name that `sql` selects for `value`.
  [[nodiscard]] Result<void> log_names(std::string_view sql, std::string_view value);
  [[nodiscard]] Result<bool> any(std::string_view sql, std::string_view value);
  /// Notes for the audit row what was done.
  void did(std::string_view deed, std::string_view name);

  Connection& connection_;
  Catalog& catalog_;
  const KeyRing& key_;
  Identity& identity_;
  std::uint64_t tag_ = 0;  ///< 0: not drawn yet
  bool restoring_ = false;
  std::set<std::string> changed_servers_;  ///< for check_servers()
  std::uint64_t next_site_id_ = 0;         ///< 0: not known yet
  std::vector<std::string> deeds_;
  std::size_t deed_count_ = 0;
};

}  // namespace aegir::registry
