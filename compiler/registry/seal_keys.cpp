#include "compiler/registry/seal_keys.hpp"

#include <algorithm>
#include <array>

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

}  // namespace

Result<void> check_seal_keys(Connection& connection, const KeyRing& key, bool may_write) {
  if (key.empty()) return {};
  Result<std::vector<Row>> rows = read_rows(connection, key);
  if (!rows) return pass(rows);
  bool has_current = false;
  std::vector<std::uint32_t> unused;
  for (const Row& row : *rows) {
    const bool current = row.opens && row.id == key.current_id();
    has_current = has_current || current;
    if (current || (row.opens && !may_write)) continue;
    const Result<bool> used = is_used(connection, row.id);
    if (!used) return std::unexpected<Error>(used.error());
    // A key that was put into the file and taken out again before anything was sealed with it is missed by nobody.
    if (*used && !row.opens) return another_key(connection.path(), key, row.id);
    if (!*used) unused.push_back(row.id);
  }
  if (!may_write || (has_current && unused.empty())) return {};
  Result<Transaction> transaction = Transaction::begin(connection, Transaction::Kind::kWrite);
  if (!transaction) return pass(transaction);
  for (const std::uint32_t id : unused) {
    if (Result<void> done = connection.run("DELETE FROM seal_key WHERE id = ?1", id); !done) return done;
  }
  if (!has_current) {
    if (Result<void> done = add(connection, key); !done) return done;
  }
  return transaction->commit();
}

}  // namespace aegir::registry
