// The Store on SQLite.
#pragma once

#include "compiler/core/atomic_file.hpp"
#include "compiler/registry/site_list.hpp"
#include "compiler/registry/writer.hpp"

namespace aegir::registry {

class SqliteStore final : public Store {
 public:
  /// `lock` is empty for reading.
  SqliteStore(std::unique_ptr<Connection> connection, Fd lock, Mode mode, const KeyRing& key)
      : lock_(std::move(lock)), connection_(std::move(connection)), mode_(mode), key_(key) {}

  /// Reads what is kept in memory; before anything else.
  [[nodiscard]] Result<void> start();

  [[nodiscard]] Result<std::uint64_t> transact(const Actor& actor,
                                               const std::function<Result<void>(Writer&)>& body) override;
  [[nodiscard]] Result<std::uint64_t> put_candidate(const Candidate& candidate) override;
  [[nodiscard]] Result<std::uint64_t> drop_candidate(std::string_view token_key) override;
  [[nodiscard]] Result<std::vector<Candidate>> candidates() override;
  [[nodiscard]] Result<void> snapshot(const std::function<Result<void>()>& body) override;

  [[nodiscard]] const KeyRing& key() const override { return key_; }
  [[nodiscard]] std::array<unsigned char, 16> registry_id() const override { return id_; }
  [[nodiscard]] Result<std::uint64_t> sequence() override;
  [[nodiscard]] Result<std::uint64_t> log_start() override;
  [[nodiscard]] Result<std::optional<std::uint64_t>> tag_of(std::uint64_t sequence) override;
  [[nodiscard]] Result<std::vector<Server>> servers() override;
  [[nodiscard]] Result<std::vector<Client>> clients() override;
  [[nodiscard]] Result<std::vector<Block>> blocks() override;
  [[nodiscard]] Result<std::vector<Slot>> slots() override;
  [[nodiscard]] Result<std::vector<Platform>> platforms() override;
  [[nodiscard]] Result<Codebase> codebase(std::uint32_t platform) override;
  [[nodiscard]] Result<std::vector<Profile>> profiles(std::uint32_t platform) override;
  [[nodiscard]] Result<std::vector<Package>> own_packages(std::uint64_t site) override;
  [[nodiscard]] Result<Settings> settings() override;
  [[nodiscard]] Result<std::vector<AuditEntry>> audit() override;
  [[nodiscard]] Result<void> each_site(const std::function<Result<void>(const Site&)>& visit) override;
  [[nodiscard]] Result<void> each_site_with_deleted(const std::function<Result<void>(const Site&)>& visit) override;
  [[nodiscard]] Result<std::optional<Site>> find_site(std::string_view host) override;
  [[nodiscard]] Result<bool> has_database(std::string_view server, std::string_view name) override;
  [[nodiscard]] Result<std::vector<std::string>> uris_on(std::uint32_t platform) override;
  [[nodiscard]] Result<std::optional<Site>> find_deleted(std::string_view uri) override;
  [[nodiscard]] Result<std::optional<Platform>> find_platform(std::uint32_t id) override;
  [[nodiscard]] Result<std::optional<Change>> last_change(ChangeKind kind, std::string_view key,
                                                          std::uint64_t until) override;
  [[nodiscard]] Result<std::optional<AuditEntry>> audit_of(std::uint64_t sequence) override;
  [[nodiscard]] Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) override;
  [[nodiscard]] Tasks tasks() override { return Tasks(*connection_); }
  /// See site_list.hpp.
  [[nodiscard]] Result<std::vector<Site>> list_sites(const SiteFilter& filter);

 private:
  /// Runs `body` in a transaction for reading (or in the one that is open), with the catalog of that state.
  template <class Body>
  [[nodiscard]] std::invoke_result_t<Body> reading(Body body);
  /// Runs `body` in a transaction for writing; on success its changes and the new change sequence are durable.
  [[nodiscard]] Result<std::uint64_t> writing(const Actor& actor,
                                              const std::function<Result<void>(SqliteWriter&)>& body);
  [[nodiscard]] Result<void> refresh();
  [[nodiscard]] Result<Identity> identity();
  /// The first row of `sql`, whose parameter is `key`.
  [[nodiscard]] Result<std::optional<Site>> one_site(const std::string& sql, std::string_view key);
  [[nodiscard]] Result<void> visit_sites(std::string_view sql, const std::function<Result<void>(const Site&)>& visit);

  Fd lock_;
  std::unique_ptr<Connection> connection_;
  Mode mode_;
  KeyRing key_;
  std::array<unsigned char, 16> id_{};
  Catalog catalog_;
  std::int64_t catalog_version_ = -1;  ///< PRAGMA data_version when the catalog was read; -1: it must be read
};

template <class Body>
std::invoke_result_t<Body> SqliteStore::reading(Body body) {
  std::optional<Transaction> transaction;
  if (!connection_->in_transaction()) {
    Result<Transaction> begun = Transaction::begin(*connection_, Transaction::Kind::kRead);
    if (!begun) return pass(begun);
    transaction.emplace(std::move(*begun));
  }
  if (Result<void> done = refresh(); !done) return pass(done);
  return body();
}

}  // namespace aegir::registry
