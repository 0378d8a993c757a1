// Opening a registry, its transactions and its candidates. What is read from it: queries.cpp.
#include "compiler/registry/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/lock_file.hpp"
#include "compiler/registry/seal_keys.hpp"
#include "compiler/registry/sqlite_store.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::registry {
namespace {

/// Before the lock, so that nothing is made where no registry is.
Result<void> require_registry(const std::string& path) {
  const Result<bool> there = Store::exists(path);
  if (!there) return std::unexpected(there.error());
  if (*there) return {};
  struct stat status{};
  const bool empty = ::lstat(path.c_str(), &status) == 0;
  return fail_at(path, Code::kNotFound, empty ? "the registry's file is empty" : "there is no registry",
                 "`aegirc import FILE` makes one (of an export: with --replace); is the volume mounted, is `registry` "
                 "in aegir.conf right?");
}

/// Makes the file before SQLite does, so that it is 0600 from its first byte (-wal and -shm take its mode), and
/// refuses one that others may read.
Result<void> prepare_file(const std::string& path, Store::Mode mode) {
  const int flags = mode == Store::Mode::kCreate ? O_RDWR | O_CREAT : mode == Store::Mode::kWrite ? O_RDWR : O_RDONLY;
  const Fd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd) {
    auto error = fail_errno("the registry can't be opened", path, errno);
    if (errno == ENOENT) error.error().hint = "make the directory it lies in (0700), or name another file";
    return error;
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("the registry can't be examined", path, errno);
  if (!S_ISREG(status.st_mode))
    return fail_at(path, Code::kInvalid, "the registry is not a regular file", "name another");
  if ((status.st_mode & 077) != 0) {
    return fail_at(path, Code::kPermission, "the registry is open to group or others", "chmod 0600 it");
  }
  return {};
}

/// What holds for this connection. The cache is in KiB: 64 MiB.
constexpr char kPragmas[] = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536";

}  // namespace

Result<bool> Store::exists(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) return !S_ISREG(status.st_mode) || status.st_size != 0;
  if (errno == ENOENT) return false;
  return fail_errno("the registry can't be opened", path, errno);
}

Result<std::unique_ptr<Store>> Store::open(const std::string& path, Mode mode, const KeyRing& key,
                                           const Patience& patience) {
  if (!crypto_ready()) return fail(Code::kInternal, "libsodium could not start: no source of randomness");
  const bool in_memory = path == kMemory;
  if (mode != Mode::kCreate && !in_memory) {
    if (Result<void> there = require_registry(path); !there) return pass(there);
  }
  Fd lock;
  if (mode != Mode::kRead && !in_memory) {
    Result<Fd> taken = take_lock(path + ".lock", patience);
    if (!taken) return pass(taken);
    lock = std::move(*taken);
  }
  if (!in_memory) {
    if (Result<void> done = prepare_file(path, mode); !done) return pass(done);
  }
  const int flags =
      mode != Mode::kRead ? SQLITE_OPEN_READWRITE | (in_memory ? SQLITE_OPEN_CREATE : 0) : SQLITE_OPEN_READONLY;
  Result<std::unique_ptr<Connection>> connection = Connection::open(path, flags);
  if (!connection) return pass(connection);
  Result<void> done = (*connection)->script(kPragmas);
  if (done) done = prepare_schema(**connection, mode != Mode::kRead);
  if (done) done = check_seal_keys(**connection, key, mode != Mode::kRead);
  // Kept in the file, hence only when it is known to be ours.
  if (done && mode != Mode::kRead) done = (*connection)->script("PRAGMA journal_mode = WAL");
  if (!done) return pass(done);
  auto store = std::make_unique<SqliteStore>(std::move(*connection), std::move(lock), mode, key);
  if (done = store->start(); !done) return pass(done);
  return store;
}

Result<void> SqliteStore::start() {
  return reading([&]() -> Result<void> {
    const Result<Identity> known = identity();
    if (!known) return std::unexpected<Error>(known.error());
    id_ = known->id;
    return {};
  });
}

Result<void> SqliteStore::refresh() {
  // data_version changes when another connection has committed; our own changes are made in the catalog too.
  Query query = connection_->query("PRAGMA data_version");
  const Result<bool> row = query.next();
  if (!row) return std::unexpected<Error>(row.error());
  const std::int64_t version = query.integer(0);
  if (version == catalog_version_) return {};
  Result<Catalog> catalog = Catalog::load(*connection_);
  if (!catalog) return pass(catalog);
  catalog_ = std::move(*catalog);
  catalog_version_ = version;
  return {};
}

Result<void> SqliteStore::snapshot(const std::function<Result<void>()>& body) {
  return reading([&] { return body(); });
}

Result<std::uint64_t> SqliteStore::writing(const Actor& actor, const std::function<Result<void>(SqliteWriter&)>& body) {
  if (mode_ == Mode::kRead) return fail(Code::kUsage, "the registry was opened for reading");
  if (connection_->in_transaction()) return fail(Code::kUsage, "a transaction of this registry is open already");
  Result<Transaction> transaction = Transaction::begin(*connection_, Transaction::Kind::kWrite);
  if (!transaction) return pass(transaction);
  if (Result<void> done = refresh(); !done) return pass(done);
  Result<Identity> now = identity();
  if (!now) return pass(now);
  SqliteWriter writer(*connection_, catalog_, key_, *now);
  // Until the commit the catalog may hold what will be rolled back, also by an exception of the body's.
  struct Rollback {
    std::int64_t* version;
    ~Rollback() {
      if (version != nullptr) *version = -1;
    }
  } rollback{&catalog_version_};
  Result<void> done = body(writer);
  if (done) done = writer.finish(actor);
  if (done) done = transaction->commit();
  if (!done) return pass(done);
  rollback.version = nullptr;
  id_ = now->id;
  return now->sequence;
}

Result<std::uint64_t> SqliteStore::transact(const Actor& actor, const std::function<Result<void>(Writer&)>& body) {
  for (const std::string& text : {actor.name, actor.why}) {
    if (find_control_or_bad_utf8(text) == std::string::npos) continue;
    return fail(Code::kInvalid, "the audit row can't hold " + printable(text), "write it without control characters");
  }
  return writing(actor, body);
}

Result<std::uint64_t> SqliteStore::put_candidate(const Candidate& candidate) {
  return writing({}, [&](SqliteWriter& writer) { return writer.put(candidate); });
}

Result<std::uint64_t> SqliteStore::drop_candidate(std::string_view token_key) {
  return writing({}, [&](SqliteWriter& writer) { return writer.drop_candidate(token_key); });
}

}  // namespace aegir::registry
