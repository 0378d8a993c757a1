#include "compiler/registry/seal_keys.hpp"

#include <algorithm>
#include <array>

#include "compiler/registry/site_row.hpp"

namespace aegir::registry {
namespace {

constexpr std::string_view kSealedFor = "seal_key";
constexpr std::string_view kKnownText = "a registry of Aegir";

bool opens(const KeyRing& key, std::uint32_t id, Blob proof) {
  std::array<char, kKnownText.size()> text;
  return proof.size() == kKnownText.size() + kSealOverhead &&
         key.open(id, kSealedFor, proof, text) == static_cast<std::ptrdiff_t>(kKnownText.size()) &&
         std::ranges::equal(text, kKnownText);
}

std::unexpected<Error> another_key(const std::string& path, const KeyRing& key, std::uint32_t id) {
  const std::string wanted = "key " + std::to_string(id);
  const std::string found =
      key.holds(id) ? "the key file has another key of that number" : "the key file has " + key.names();
  return fail_at(path, Code::kInvalid, "the registry's secrets are sealed with " + wanted + ", and " + found,
                 "put " + wanted +
                     " back from the backup of the keys (registry_key in aegir.conf names the file); a new key comes "
                     "above it in the same file");
}

Result<bool> is_used(Connection& connection, std::uint32_t id) {
  return connection
      .query(
          "SELECT 1 FROM site WHERE key_id = ?1 UNION ALL SELECT 1 FROM deleted_site WHERE key_id = ?1 "
          "UNION ALL SELECT 1 FROM candidate_site WHERE key_id = ?1 LIMIT 1",
          id)
      .next();
}

struct Row {
  std::uint32_t id = 0;
  bool opens = false;
};

Result<std::vector<Row>> read_rows(Connection& connection, const KeyRing& key) {
  std::vector<Row> rows;
  Query query = connection.query("SELECT id, proof FROM seal_key ORDER BY id");
  for (;;) {
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return rows;
    const auto id = static_cast<std::uint32_t>(query.integer(0));
    rows.push_back({id, opens(key, id, query.blob(1))});
  }
}

Result<void> add(Connection& connection, const KeyRing& key) {
  const std::vector<unsigned char> proof = key.seal(kSealedFor, kKnownText);
  return connection.run("INSERT INTO seal_key (id, proof) VALUES (?1, ?2)", key.current_id(), Blob(proof));
}

Result<void> drop(Connection& connection, std::uint32_t id) {
  return connection.run("DELETE FROM seal_key WHERE id = ?1", id);
}

/// How many rows are sealed anew in one transaction: few enough that memory and WAL stay small.
constexpr std::size_t kBatch = 1000;

/// A table of sealed rows, read in the order of its primary key, so that no batch looks at what is behind it again.
struct SealedTable {
  SealedTable(const std::string& name, const std::string& key, std::string (*naming)(std::string_view, std::uint64_t))
      : read("SELECT " + key + ", id, secrets FROM " + name + " WHERE key_id = ?1 AND (" + key +
             ", id) > (?2, ?3) ORDER BY " + key + ", id LIMIT " + std::to_string(kBatch)),
        write("UPDATE " + name + " SET key_id = ?1, secrets = ?2 WHERE " + key + " = ?3 AND id = ?4"),
        row_name(naming) {}
  std::string read;
  std::string write;
  std::string (*row_name)(std::string_view key, std::uint64_t id);
};

const std::array<SealedTable, 3>& sealed_tables() {
  const auto of_site = [](std::string_view, std::uint64_t id) { return site_row_name(id); };
  const auto of_candidate = [](std::string_view token, std::uint64_t) { return candidate_row_name(token); };
  static const std::array<SealedTable, 3> tables = {SealedTable("site", "uri", of_site),
                                                    SealedTable("deleted_site", "uri", of_site),
                                                    SealedTable("candidate_site", "token_key", of_candidate)};
  return tables;
}

struct SealedRow {
  std::string key;
  std::uint64_t id = 0;
  std::vector<unsigned char> secrets;
};

/// The next rows behind `last` that are sealed with key `old`, with their secrets sealed with the current one.
Result<std::vector<SealedRow>> next_batch(Connection& connection, const KeyRing& key, std::uint32_t old,
                                          const SealedTable& table, const SealedRow& last) {
  std::vector<SealedRow> batch;
  Query query = connection.query(table.read, old, last.key, last.id);
  for (;;) {
    const Result<bool> row = query.next();
    if (!row) return std::unexpected<Error>(row.error());
    if (!*row) return batch;
    SealedRow next{std::string(query.text(0)), static_cast<std::uint64_t>(query.integer(1)), {}};
    const std::string name = table.row_name(next.key, next.id);
    auto secrets = seal_again(query.blob(2), old, key, name);
    if (!secrets) {
      return fail_at(connection.path(), Code::kCorrupt,
                     "the secrets of " + name + " can't be opened with key " + std::to_string(old) +
                         ", so they can't be sealed with key " + std::to_string(key.current_id()),
                     "make key " + std::to_string(old) +
                         " the first in the key file again, write or delete that site anew, then rotate");
    }
    next.secrets = *std::move(secrets);
    batch.push_back(std::move(next));
  }
}

Result<void> seal_all_again(Connection& connection, const KeyRing& key, std::uint32_t old) {
  for (const SealedTable& table : sealed_tables()) {
    SealedRow last;
    for (std::size_t count = kBatch; count == kBatch;) {
      Result<Transaction> transaction = Transaction::begin(connection, Transaction::Kind::kWrite);
      if (!transaction) return pass(transaction);
      Result<std::vector<SealedRow>> batch = next_batch(connection, key, old, table, last);
      if (!batch) return pass(batch);
      for (const SealedRow& row : *batch) {
        Result<void> done = connection.run(table.write, key.current_id(), Blob(row.secrets), row.key, row.id);
        if (!done) return done;
      }
      if (Result<void> done = transaction->commit(); !done) return done;
      count = batch->size();
      if (count != 0) last = std::move(batch->back());
    }
  }
  return drop(connection, old);
}

}  // namespace

Result<void> check_seal_keys(Connection& connection, const KeyRing& key, bool may_write) {
  if (key.empty()) return {};
  Result<std::vector<Row>> rows = read_rows(connection, key);
  if (!rows) return pass(rows);
  bool has_current = false;
  std::vector<std::uint32_t> old;
  std::vector<std::uint32_t> unused;
  for (const Row& row : *rows) {
    if (row.opens && row.id == key.current_id()) {
      has_current = true;
    } else if (row.opens) {
      old.push_back(row.id);
    } else {
      const Result<bool> used = is_used(connection, row.id);
      if (!used) return std::unexpected<Error>(used.error());
      // A key that was put into the file and taken out again before anything was sealed with it is missed by nobody.
      if (*used) return another_key(connection.path(), key, row.id);
      unused.push_back(row.id);
    }
  }
  if (!may_write) return {};
  if (!has_current || !unused.empty()) {
    Result<Transaction> transaction = Transaction::begin(connection, Transaction::Kind::kWrite);
    if (!transaction) return pass(transaction);
    for (const std::uint32_t id : unused) {
      if (Result<void> done = drop(connection, id); !done) return done;
    }
    if (!has_current) {
      if (Result<void> done = add(connection, key); !done) return done;
    }
    if (Result<void> done = transaction->commit(); !done) return done;
  }
  // Only now: a row must never be sealed with a key whose own row is not there yet.
  for (const std::uint32_t id : old) {
    if (Result<void> done = seal_all_again(connection, key, id); !done) return done;
  }
  return {};
}

}  // namespace aegir::registry
