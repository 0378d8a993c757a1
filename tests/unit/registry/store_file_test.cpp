// The store as a file: opening, locking, refusing, crashes, full disks.
#include "compiler/registry/store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "compiler/registry/schema.hpp"
#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Runs SQL on a registry file behind the store's back.
void sql(const std::string& path, const std::string& text) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(handle, text.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_free(message);
  sqlite3_close(handle);
}

class StoreFile : public RegistryTest {};

TEST_F(StoreFile, IsForItsOwnerOnly) {
  need(put(test_site("a.example")));
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) EXPECT_EQ(mode_of(path + suffix), 0600U) << suffix;
  store.reset();
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_THAT(error_of(Store::open(path, Store::Mode::kRead, test_key())),
              HasSubstr(path + ": the registry is open to group or others\n  next: chmod 0600 it"));
}

TEST_F(StoreFile, HoldsNoSecretInPlain) {
  Site site = test_site("a.example");
  site.database.password = "canary-password";
  site.cron_key = "canary-cron";
  site.hash_salt = "canary-salt";
  site.http_auth = HttpAuth{"guest", "canary-auth", "Restricted"};
  need(put(site));
  need(store->put_candidate({"!" + std::string(64, 'e'), "a.example", 1, site}));
  const std::string bytes = content_of(path) + content_of(path + "-wal");
  EXPECT_THAT(bytes, HasSubstr("a.example"));
  EXPECT_THAT(bytes, Not(HasSubstr("canary")));
}

TEST_F(StoreFile, WithoutAKeyNoSiteIsReadOrWritten) {
  need(put(test_site("a.example")));
  store.reset();
  store = need(Store::open(path, Store::Mode::kCreate, KeyRing()));
  EXPECT_EQ(need(store->platforms()).size(), 1U);
  EXPECT_THAT(
      error_of(store->find_site("a.example")),
      HasSubstr("the secrets of site 'a.example' can't be opened with the given key; they were sealed with key 7"));
  EXPECT_THAT(error_of(put(test_site("b.example"))), HasSubstr("opened without a key"));
}

TEST_F(StoreFile, ASecondWriterIsToldWhoHasIt) {
  const std::string expected =
      path + ".lock: the registry is being written by process " + std::to_string(::getpid()) + " (";
  EXPECT_THAT(error_of(Store::open(path, Store::Mode::kCreate, test_key())), HasSubstr(expected));
  // and from another process, which also can read meanwhile
  need(put(test_site("a.example")));
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto second = Store::open(path, Store::Mode::kCreate, test_key());
    const bool refused = !second && second.error().code == Code::kBusy && describe(second.error()).contains(expected);
    auto reader = Store::open(path, Store::Mode::kRead, test_key());
    const bool read = reader && (*reader)->find_site("a.example").value().has_value();
    ::_exit((refused ? 0 : 1) + (read ? 0 : 2));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "1: was not refused, 2: could not read";
  reopen();
}

TEST_F(StoreFile, ASecondWriterWaitsAsLongAsItMay) {
  std::vector<std::string> told;
  const auto open = [&](std::chrono::milliseconds longest, const std::function<void()>& meanwhile) {
    return Store::open(path, Store::Mode::kWrite, test_key(),
                       {.longest = longest, .on_wait = [&](const std::string& holder) {
                          told.push_back(holder);
                          meanwhile();
                        }});
  };
  const auto start = std::chrono::steady_clock::now();
  const auto late = open(std::chrono::milliseconds(100), [] {});
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::kBusy);
  ASSERT_EQ(told.size(), 1U) << "once, however often it tries";
  EXPECT_THAT(told.front(), HasSubstr("process " + std::to_string(::getpid())));
  need(open(std::chrono::hours(1), [&] { store.reset(); }));
}

TEST_F(StoreFile, ANewerSchemaIsRefused) {
  store.reset();
  sql(path, "PRAGMA user_version = 99");
  for (const auto mode : {Store::Mode::kRead, Store::Mode::kWrite, Store::Mode::kCreate}) {
    const auto opened = Store::open(path, mode, test_key());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Code::kTooNew);
    EXPECT_THAT(describe(opened.error()), HasSubstr(path + ": the registry has schema 99; this program knows up to "));
  }
}

TEST_F(StoreFile, AnEmptyFileIsNoRegistryUnlessOneIsToBeMade) {
  const std::string empty = directory.file("empty.sqlite");
  {
    std::ofstream file(empty);
  }
  ASSERT_EQ(::chmod(empty.c_str(), 0600), 0);
  for (const auto mode : {Store::Mode::kRead, Store::Mode::kWrite}) {
    const auto opened = Store::open(empty, mode, test_key());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Code::kNotFound);
    EXPECT_THAT(describe(opened.error()), HasSubstr(empty + ": the registry's file is empty\n  next: `aegirc import"));
  }
  auto made = need(Store::open(empty, Store::Mode::kCreate, test_key()));
  EXPECT_EQ(need(made->sequence()), 0U);
  EXPECT_NE(made->registry_id(), store->registry_id());
}

/// With migrations of the test's own: no released one has a second yet.
TEST_F(StoreFile, AnOlderSchemaIsBroughtUpToDate) {
  need(put(test_site("a.example")));
  store.reset();
  const auto second = [] { return std::string("CREATE TABLE second (text TEXT NOT NULL) STRICT;"); };
  const auto third = [] { return std::string("INSERT INTO second (text) VALUES ('kept');"); };
  const auto broken = [] { return std::string("INSERT INTO second (text) VALUES ('lost'); nonsense"); };
  ASSERT_EQ(migrations().size(), 1U);
  const std::vector<Migration> newer = {migrations().front(), second, third};
  const std::vector<Migration> bad = {migrations().front(), second, third, broken};
  auto connection = need(Connection::open(path, SQLITE_OPEN_READWRITE));
  EXPECT_THAT(error_of(prepare_schema(*connection, false, newer)),
              HasSubstr(path + ": the registry has schema 1; this program reads 3\n  next: run a command that writes"));
  const auto texts = [&] {
    std::vector<std::string> all;
    Query query = connection->query("SELECT text FROM second");
    while (need(query.next())) all.emplace_back(query.text(0));
    return all;
  };
  need(prepare_schema(*connection, true, newer));
  EXPECT_THAT(texts(), ElementsAre("kept"));
  need(prepare_schema(*connection, true, newer));
  EXPECT_THAT(texts(), ElementsAre("kept")) << "a migration ran twice";
  EXPECT_NE(error_of(prepare_schema(*connection, true, bad)), "");
  EXPECT_THAT(texts(), ElementsAre("kept")) << "half a migration stays";
  need(prepare_schema(*connection, false, newer));
  Query site = connection->query("SELECT 1 FROM site WHERE uri = 'a.example'");
  EXPECT_TRUE(need(site.next()));
}

TEST_F(StoreFile, ADamagedOrForeignFileIsRefused) {
  need(put(test_site("a.example")));
  store.reset();
  const std::string foreign = directory.file("foreign.sqlite");
  sql(foreign, "CREATE TABLE note (text TEXT)");
  ASSERT_EQ(::chmod(foreign.c_str(), 0600), 0);
  const std::string untouched = content_of(foreign);
  EXPECT_THAT(error_of(Store::open(foreign, Store::Mode::kCreate, test_key())),
              HasSubstr(foreign + ": this SQLite file is not an Aegir registry"));
  EXPECT_EQ(content_of(foreign), untouched);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file << "no database";
  }
  const auto opened = Store::open(path, Store::Mode::kCreate, test_key());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
  EXPECT_THAT(describe(opened.error()), HasSubstr(path + ": the registry is damaged"));
  EXPECT_THAT(describe(opened.error()), HasSubstr("next: "));
}

TEST_F(StoreFile, ADamagedPageIsFoundWhenItIsRead) {
  need(store->transact(kTester, [](Writer& writer) -> Result<void> {
    for (int i = 0; i < 200; ++i) need(writer.put(test_site("site" + std::to_string(i) + ".example")));
    return {};
  }));
  store.reset();
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    for (std::streamoff page = 8 * 4096; page < size; page += 4096) {
      file.seekp(page);
      file << std::string(64, '\xff');
    }
  }
  auto opened = Store::open(path, Store::Mode::kRead, test_key());
  Result<void> read = opened ? (*opened)->each_site([](const Site&) -> Result<void> { return {}; })
                             : Result<void>(std::unexpected<Error>(opened.error()));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::kCorrupt) << describe(read.error());
}

TEST_F(StoreFile, OneThatIsNotThereOrCantBeMadeNamesTheNextStep) {
  for (const auto mode : {Store::Mode::kRead, Store::Mode::kWrite}) {
    const auto opened = Store::open(directory.file("none"), mode, test_key());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Code::kNotFound);
    EXPECT_THAT(describe(opened.error()),
                HasSubstr("none: there is no registry\n  next: `aegirc import FILE` makes one"));
  }
  for (const char* name : {"none", "none.lock"}) EXPECT_FALSE(std::filesystem::exists(directory.file(name))) << name;
  EXPECT_THAT(error_of(Store::open(directory.file("no/where"), Store::Mode::kCreate, test_key())),
              HasSubstr("no/where"));
  ASSERT_EQ(::symlink(path.c_str(), directory.file("link").c_str()), 0);
  EXPECT_FALSE(Store::open(directory.file("link"), Store::Mode::kRead, test_key()).has_value());
}

TEST_F(StoreFile, AnotherProgramsLockIsNamed) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto refused = put(test_site("a.example"));
  sqlite3_close(handle);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kBusy);
  EXPECT_THAT(describe(refused.error()), HasSubstr(path + ": another program holds the registry's file"));
  need(put(test_site("a.example")));
}

/// The child writes sites until it is killed: whole ones, one a transaction, then a transaction that never ends.
TEST_F(StoreFile, AKilledWriterLeavesWholeTransactions) {
  store.reset();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    store = need(Store::open(path, Store::Mode::kCreate, test_key()));
    need(put(test_site("done.example")));
    (void)store->transact(kTester, [&](Writer& writer) -> Result<void> {
      for (int i = 0;; ++i) {
        need(writer.put(test_site("half" + std::to_string(i) + ".example")));
        if (i == 20000 && ::write(ready[1], "x", 1) != 1) ::_exit(1);  // by now pages have spilled to the file
      }
    });
    ::_exit(2);
  }
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  reopen();
  EXPECT_TRUE(known("done.example"));
  EXPECT_FALSE(known("half0.example"));
  EXPECT_THAT(log_after(1), ElementsAre("host done.example"));
  EXPECT_EQ(need(store->audit()).size(), 2U);
  EXPECT_EQ(need(put(test_site("next.example"))), 3U);
}

/// Killed at ten places that nobody chose, while each transaction makes three sites.
TEST_F(StoreFile, AWriterKilledAnywhereLeavesWholeTransactions) {
  store.reset();
  for (int kill = 1; kill <= 10; ++kill) {
    int progress[2];
    ASSERT_EQ(::pipe(progress), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      store = need(Store::open(path, Store::Mode::kCreate, test_key()));
      for (int i = 0;; ++i) {
        const std::string name = std::to_string(kill) + "-" + std::to_string(i) + ".example";
        need(store->transact(kTester, [&](Writer& writer) -> Result<void> {
          for (const char* letter : {"a", "b", "c"}) need(writer.put(test_site(letter + name)));
          return {};
        }));
        if (::write(progress[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(progress[1]);
    std::size_t committed = 0;
    for (char byte; committed < static_cast<std::size_t>(kill) && ::read(progress[0], &byte, 1) == 1;) ++committed;
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    for (char byte; ::read(progress[0], &byte, 1) == 1;) ++committed;
    ::close(progress[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    reopen();
    std::size_t sites = 0;
    need(store->each_site([&](const Site& site) -> Result<void> {
      sites += site.uri.substr(1).starts_with(std::to_string(kill) + "-") ? 1 : 0;
      return {};
    }));
    EXPECT_EQ(sites % 3, 0U);
    EXPECT_GE(sites / 3, committed) << "what was committed is there";
    EXPECT_LE(sites / 3, committed + 1);
    EXPECT_EQ(need(store->sequence()), need(store->changes(0, 1000000)).back().sequence);
    store.reset();
  }
}

/// A limit of the file's size stands in for a full disk: the same error comes from the same write.
TEST_F(StoreFile, AFullDiskLeavesTheOldState) {
  need(put(test_site("a.example")));
  store.reset();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    store = need(Store::open(path, Store::Mode::kCreate, test_key()));
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {std::size_t{1} << 20U, std::size_t{1} << 20U};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(1);
    const auto refused = store->transact(kTester, [](Writer& writer) -> Result<void> {
      for (int i = 0; i < 100000; ++i) {
        if (Result<void> done = writer.put(test_site("s" + std::to_string(i) + ".example")); !done) return done;
      }
      return {};
    });
    if (refused) ::_exit(2);
    if (refused.error().code != Code::kIo || !describe(refused.error()).contains("next: ")) ::_exit(3);
    // the same Store goes on
    ::_exit(store->find_site("a.example").value() && !store->find_site("s0.example").value() ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: no limit, 2: not refused, 3: another error, 4: the state is wrong";
  EXPECT_TRUE(WIFEXITED(status));
  reopen();
  EXPECT_TRUE(known("a.example"));
  need(put(test_site("b.example")));
}

TEST_F(StoreFile, HasStrictTablesAndAWriteAheadLog) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
  const auto ask = [&](const char* text) {
    std::string answer;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(handle, text, -1, &statement, nullptr), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      answer += reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return answer;
  };
  EXPECT_EQ(ask("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(ask("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND "
                "name NOT LIKE 'sqlite%'"),
            "");
  sqlite3_close(handle);
}

TEST_F(StoreFile, AReaderSeesOneStateDuringASnapshot) {
  auto reader = need(Store::open(path, Store::Mode::kRead, test_key()));
  need(reader->snapshot([&]() -> Result<void> {
    EXPECT_EQ(need(reader->sequence()), 1U);
    need(put(test_platform("d11")));
    need(put(test_site("a.example")));
    EXPECT_EQ(need(reader->sequence()), 1U);
    EXPECT_EQ(need(reader->platforms()).size(), 1U);
    EXPECT_FALSE(need(reader->find_site("a.example")).has_value());
    return {};
  }));
  EXPECT_EQ(need(reader->sequence()), 3U);
  EXPECT_EQ(need(reader->platforms()).size(), 2U);
  EXPECT_TRUE(need(reader->find_site("a.example")).has_value());
}

}  // namespace
}  // namespace aegir::registry
