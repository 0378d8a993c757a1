#include "compiler/registry/schema.hpp"

#include <array>
#include <string>

#include "compiler/core/secret_box.hpp"
#include "compiler/registry/random.hpp"

namespace aegir::registry {
namespace {

constexpr int kApplicationId = 0x41454752;  // "AEGR"

// One table row each for a live site, a deleted one and a candidate's. Lists (aliases, former_uris, key_pages) have one
// entry a line: a site is always read and written whole, and a million of them have to be read in a second or two.
// An alias's own target follows it after a space. `secrets` is sealed.
constexpr std::string_view kSiteDefinitions = R"(
  uri TEXT NOT NULL,
  platform INTEGER NOT NULL REFERENCES platform (id),
  client TEXT REFERENCES client (name),
  state INTEGER NOT NULL,
  profile TEXT NOT NULL,
  language TEXT NOT NULL,
  https INTEGER NOT NULL,
  cloaking INTEGER NOT NULL,
  redirect_to TEXT NOT NULL,
  aliases TEXT NOT NULL,
  former_uris TEXT NOT NULL,
  http_auth_user TEXT,
  http_auth_realm TEXT,
  key_pages TEXT NOT NULL,
  memory_limit INTEGER NOT NULL,
  upload_max_filesize INTEGER NOT NULL,
  post_max_size INTEGER NOT NULL,
  max_execution_time INTEGER NOT NULL,
  body_limit INTEGER NOT NULL,
  database_server TEXT REFERENCES server (name),
  database_name TEXT NOT NULL,
  database_user TEXT NOT NULL,
  block TEXT REFERENCES block (name),
  slot INTEGER NOT NULL,
  key_id INTEGER NOT NULL,
  secrets BLOB NOT NULL)";

std::string without_references(std::string_view definitions) {
  std::string text(definitions);
  for (std::size_t at; (at = text.find(" REFERENCES ")) != std::string::npos;)
    text.erase(at, text.find(')', at) + 1 - at);
  return text;
}

/// Migration 1: the first schema.
std::string first_schema() {
  const std::string site(kSiteDefinitions);
  const std::string history = without_references(kSiteDefinitions);
  return R"(
CREATE TABLE registry (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  id BLOB NOT NULL CHECK (length(id) = 16),
  sequence INTEGER NOT NULL,
  log_start INTEGER NOT NULL,
  log_start_tag INTEGER NOT NULL
) STRICT;
-- A row for each key that a row of a site may be sealed with: see seal_keys.hpp.
CREATE TABLE seal_key (id INTEGER PRIMARY KEY, proof BLOB NOT NULL) STRICT;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE server (
  name TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  database_type TEXT,
  database_host TEXT,
  database_port INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE web_service (
  server TEXT NOT NULL REFERENCES server (name) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  http_port INTEGER NOT NULL,
  https_port INTEGER NOT NULL,
  probe_address TEXT NOT NULL,
  PRIMARY KEY (server, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE client (name TEXT PRIMARY KEY, title TEXT NOT NULL, email TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE block (
  name TEXT PRIMARY KEY,
  server TEXT NOT NULL REFERENCES server (name),
  php_version TEXT NOT NULL,
  client TEXT REFERENCES client (name),
  first_uid INTEGER NOT NULL,
  slots INTEGER NOT NULL,
  max_children INTEGER NOT NULL,
  isolation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A row is a slot that was given; it is never given again.
CREATE TABLE slot (
  block TEXT NOT NULL REFERENCES block (name),
  number INTEGER NOT NULL,
  state INTEGER NOT NULL,
  site TEXT NOT NULL,
  PRIMARY KEY (block, number)
) STRICT, WITHOUT ROWID;
-- Rows stay for ever. A deleted platform's server and block may be gone, hence no reference.
CREATE TABLE platform (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  server TEXT NOT NULL,
  docroot TEXT NOT NULL,
  services INTEGER NOT NULL,
  cms INTEGER NOT NULL,
  state INTEGER NOT NULL,
  block TEXT NOT NULL,
  body_limit INTEGER NOT NULL,
  drush TEXT NOT NULL
) STRICT;
-- What Verify has read of a platform's code. Languages: one a line.
CREATE TABLE codebase (platform INTEGER PRIMARY KEY REFERENCES platform (id), version TEXT NOT NULL) STRICT;
CREATE TABLE profile (
  platform INTEGER NOT NULL REFERENCES codebase (platform) ON DELETE CASCADE,
  name TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  version TEXT NOT NULL,
  path TEXT NOT NULL,
  hidden INTEGER NOT NULL,
  languages TEXT NOT NULL,
  PRIMARY KEY (platform, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE package (
  platform INTEGER NOT NULL REFERENCES codebase (platform) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  title TEXT NOT NULL,
  version TEXT NOT NULL,
  schema INTEGER,
  place INTEGER NOT NULL,
  hidden INTEGER NOT NULL,
  PRIMARY KEY (platform, kind, name, path)
) STRICT, WITHOUT ROWID;
-- Kept in the order of uri, in which the compiler reads it.
CREATE TABLE site (
  id INTEGER NOT NULL UNIQUE,)" +
         site + R"(,
  PRIMARY KEY (uri)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX site_database ON site (database_server, database_name) WHERE database_server IS NOT NULL;
CREATE INDEX site_platform ON site (platform);
-- One row for each host name that a live site has: what nobody else can take.
CREATE TABLE name (
  host TEXT PRIMARY KEY,
  site INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX name_site ON name (site);
-- Of a site's packages what is its own (packages.hpp): there are as many rows as sites have modules that are enabled.
CREATE TABLE site_package (
  site INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  path TEXT NOT NULL,
  title TEXT NOT NULL,
  version TEXT NOT NULL,
  schema INTEGER,
  place INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  PRIMARY KEY (site, kind, name, path)
) STRICT, WITHOUT ROWID;
-- History: what it refers to may be gone.
CREATE TABLE deleted_site (
  id INTEGER NOT NULL,)" +
         history + R"(,
  PRIMARY KEY (uri, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deleted_site_id ON deleted_site (id);
CREATE TABLE candidate (
  token_key TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  expiry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE candidate_site (
  token_key TEXT PRIMARY KEY REFERENCES candidate (token_key) ON DELETE CASCADE,
  id INTEGER NOT NULL,)" +
         site + R"(
) STRICT, WITHOUT ROWID;
CREATE TABLE change (
  sequence INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  key TEXT NOT NULL,
  tag INTEGER NOT NULL
) STRICT;
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL,
  what TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT;
-- Tasks (tasks.hpp). Rows of tasks stay; states 0 and 1 are open.
CREATE TABLE task (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  verb TEXT NOT NULL,
  kind INTEGER NOT NULL,
  object TEXT NOT NULL,
  site INTEGER NOT NULL,
  request TEXT NOT NULL,
  actor TEXT NOT NULL,
  priority INTEGER NOT NULL,
  after INTEGER NOT NULL,
  retry_of INTEGER NOT NULL,
  state INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  cancel_asked INTEGER NOT NULL,
  verdict INTEGER NOT NULL,
  message TEXT NOT NULL,
  result TEXT NOT NULL
) STRICT;
CREATE INDEX task_open ON task (priority DESC, id) WHERE state <= 1;
CREATE INDEX task_queued ON task (verb, kind, object) WHERE state = 0;
CREATE INDEX task_object ON task (kind, object);
CREATE INDEX task_site ON task (site) WHERE site <> 0;
CREATE INDEX task_state ON task (state);
-- A request is found again by its key for ever; requests with several keys may have become one task.
CREATE TABLE task_key (
  key TEXT PRIMARY KEY,
  task INTEGER NOT NULL REFERENCES task (id)
) STRICT, WITHOUT ROWID;
CREATE TABLE task_step (
  task INTEGER NOT NULL REFERENCES task (id),
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  state INTEGER NOT NULL,
  memo TEXT NOT NULL,
  warning TEXT NOT NULL,
  PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE task_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES task (id),
  time INTEGER NOT NULL,
  level INTEGER NOT NULL,
  step TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX task_log_task ON task_log (task);
CREATE TABLE queue (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), paused INTEGER NOT NULL) STRICT;
)";
}

/// A migration that has been released is never changed.
constexpr std::array<Migration, 1> kMigrations = {first_schema};

Result<std::int64_t> pragma(Connection& connection, std::string_view sql) {
  Query query = connection.query(sql);
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  return *row ? query.integer(0) : 0;
}

/// The row that makes a file this registry and no other. A registry in memory has an id of zeros, so that what is
/// compiled from one document is the same each time.
Result<void> insert_identity(Connection& connection) {
  std::array<unsigned char, 16> id{};
  if (connection.path() != kMemory) random_bytes(id);
  return connection.run(
      "INSERT INTO registry (only_row, id, sequence, log_start, log_start_tag) VALUES (1, ?1, 0, 0, 0)", Blob(id));
}

}  // namespace

std::span<const Migration> migrations() noexcept { return kMigrations; }

Result<void> prepare_schema(Connection& connection, bool may_write, std::span<const Migration> steps) {
  const auto newest = static_cast<std::int64_t>(steps.size());
  Result<std::int64_t> version = pragma(connection, "PRAGMA user_version");
  if (!version) return pass(version);
  Result<std::int64_t> application = pragma(connection, "PRAGMA application_id");
  if (!application) return pass(application);
  Result<std::int64_t> tables = pragma(connection, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return pass(tables);
  if (*tables != 0 && *application != kApplicationId) {
    return fail_at(connection.path(), Code::kCorrupt, "this SQLite file is not an Aegir registry",
                   "name the registry's file in the configuration, or another place for a new one");
  }
  if (*version > newest) {
    return fail_at(
        connection.path(), Code::kTooNew,
        "the registry has schema " + std::to_string(*version) + "; this program knows up to " + std::to_string(newest),
        "use the newer version of Aegir that wrote it");
  }
  if (*version == newest) return {};
  if (!may_write) {
    return fail_at(
        connection.path(), Code::kConflict,
        "the registry has schema " + std::to_string(*version) + "; this program reads " + std::to_string(newest),
        "run a command that writes the registry (`aegirc import` does); it brings the file up to date");
  }
  Result<Transaction> transaction = Transaction::begin(connection, Transaction::Kind::kWrite);
  if (!transaction) return pass(transaction);
  for (std::size_t next = static_cast<std::size_t>(*version); next < steps.size(); ++next) {
    if (Result<void> done = connection.script(steps[next]()); !done) return done;
  }
  if (*version == 0) {
    if (Result<void> done = insert_identity(connection); !done) return done;
  }
  const std::string marks =
      "PRAGMA application_id = " + std::to_string(kApplicationId) + "; PRAGMA user_version = " + std::to_string(newest);
  if (Result<void> done = connection.script(marks); !done) return done;
  return transaction->commit();
}

}  // namespace aegir::registry
