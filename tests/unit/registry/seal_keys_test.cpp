// The keys that a registry is sealed with: others are refused, and a rotation comes to its end, also after a crash.
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "compiler/registry/sqlite.hpp"
#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::HasSubstr;

class SealKeys : public RegistryTest {
 protected:
  /// Opens the registry with `key` and returns the error's text, or "".
  std::string open(const KeyRing& key, Store::Mode mode = Store::Mode::kWrite) {
    store.reset();
    auto opened = Store::open(path, mode, key);
    std::string error = error_of(opened);
    if (opened) store = std::move(*opened);
    return error;
  }

  /// Runs SQL behind the store's back.
  void sql(const std::string& text) { need(need(Connection::open(path, SQLITE_OPEN_READWRITE))->script(text)); }

  /// How many rows there are, of all tables, that key `id` has sealed.
  std::int64_t sealed_with(std::uint32_t id) {
    const auto connection = need(Connection::open(path, SQLITE_OPEN_READONLY));
    Query query = connection->query(
        "SELECT (SELECT count(*) FROM site WHERE key_id = ?1) + (SELECT count(*) FROM deleted_site WHERE key_id = ?1) "
        "+ "
        "(SELECT count(*) FROM candidate_site WHERE key_id = ?1)",
        id);
    EXPECT_TRUE(need(query.next()));
    return query.integer(0);
  }

  void put_sites(int count) {
    need(store->transact(kTester, [&](Writer& writer) -> Result<void> {
      for (int i = 0; i < count; ++i) need(writer.put(test_site("s" + std::to_string(i) + ".example")));
      return {};
    }));
  }

  /// Everything that the registry holds, deleted sites and candidates too.
  struct Content {
    std::vector<Site> sites;
    std::vector<Site> candidates;
    std::uint64_t sequence = 0;
    std::size_t audit = 0;
    std::vector<std::string> log;
    bool operator==(const Content&) const = default;
  };
  Content content() {
    Content all;
    need(store->each_site_with_deleted([&](const Site& site) -> Result<void> {
      all.sites.push_back(site);
      return {};
    }));
    for (const Candidate& candidate : need(store->candidates())) all.candidates.push_back(candidate.site.value());
    all.sequence = need(store->sequence());
    all.audit = need(store->audit()).size();
    all.log = log_after(0);
    return all;
  }
};

/// The ring of a rotation: `current` seals, `old` still opens. Key n is made of the digit n.
KeyRing ring(std::uint32_t current, std::uint32_t old) {
  std::string text;
  for (const std::uint32_t id : {current, old}) {
    text += "aegir-key 1 " + std::to_string(id) + " " + std::string(64, static_cast<char>('0' + id)) + "\n";
  }
  return KeyRing::parse(text, "test.key").value();
}
KeyRing ring(std::uint32_t only) { return key_of(only, static_cast<char>('0' + only)); }

constexpr Store::Mode kAllModes[] = {Store::Mode::kRead, Store::Mode::kWrite, Store::Mode::kCreate};

TEST_F(SealKeys, AnotherKeyIsRefusedAtOnce) {
  need(put(test_site("a.example")));
  store.reset();
  for (const auto mode : kAllModes) {
    const auto opened = Store::open(path, mode, key_of(8, 'a'));
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Code::kInvalid);
    EXPECT_THAT(describe(opened.error()),
                HasSubstr(path + ": the registry's secrets are sealed with key 7, and the key file has key 8\n"
                                 "  next: put key 7 back from the backup"));
    EXPECT_THAT(error_of(Store::open(path, mode, key_of(7, 'b'))),
                HasSubstr("sealed with key 7, and the key file has another key of that number"));
    EXPECT_THAT(error_of(Store::open(path, mode, ring(8, 9))),
                HasSubstr("sealed with key 7, and the key file has keys 8 and 9"));
  }
  reopen();
  EXPECT_TRUE(known("a.example"));
}

/// Also of deleted sites, whose rows stay, and of candidates.
TEST_F(SealKeys, AnotherKeyIsRefusedWhateverIsSealed) {
  need(put(test_site("a.example")));
  need(remove(test_site("a.example")));
  store.reset();
  EXPECT_THAT(error_of(Store::open(path, Store::Mode::kWrite, key_of(8, 'a'))), HasSubstr("sealed with key 7"));
  reopen();
  need(put(test_site("b.example")));
  need(store->put_candidate({"!" + std::string(64, 'e'), "b.example", 1, test_site("b.example")}));
  store.reset();
  EXPECT_THAT(error_of(Store::open(path, Store::Mode::kWrite, key_of(8, 'a'))), HasSubstr("sealed with key 7"));
}

/// A key may be put into the file and taken out again as long as nothing is sealed with it.
TEST_F(SealKeys, AKeyThatHasSealedNothingIsMissedByNobody) {
  ASSERT_EQ(open(ring(1)), "") << "nothing was sealed with key 7 yet";
  EXPECT_EQ(open(test_key()), "");
  ASSERT_EQ(open(ring(1)), "");
  need(put(test_site("a.example")));
  EXPECT_THAT(open(test_key()), HasSubstr("sealed with key 1, and the key file has key 7"));
  ASSERT_EQ(open(ring(1, 2)), "");
  EXPECT_EQ(open(ring(1)), "");
}

/// Sites, deleted ones and candidates' are sealed anew; nobody who reads the registry sees a change.
TEST_F(SealKeys, ARotationEndsWithTheFirstWritingOpen) {
  ASSERT_EQ(open(ring(1)), "");
  Site with_all = test_site("a.example");
  with_all.http_auth = HttpAuth{"guest", "knock", "Staff"};
  need(put(with_all));
  for (int deleted = 0; deleted < 2; ++deleted) {  // the same uri twice
    need(put(test_site("gone.example")));
    need(remove(test_site("gone.example")));
  }
  need(store->put_candidate({"!" + std::string(64, 'e'), "a.example", 1, test_site("a.example")}));
  const Content before = content();
  ASSERT_EQ(before.sites.size(), 3U);
  ASSERT_EQ(before.candidates.size(), 1U);
  ASSERT_EQ(sealed_with(1), 4);

  ASSERT_EQ(open(ring(2, 1), Store::Mode::kRead), "");
  EXPECT_EQ(content(), before);
  EXPECT_EQ(sealed_with(1), 4) << "a reader changes nothing";
  ASSERT_EQ(open(ring(2, 1)), "");
  EXPECT_EQ(content(), before);
  EXPECT_EQ(sealed_with(1), 0);
  EXPECT_EQ(sealed_with(2), 4);
  for (const auto mode : kAllModes) {
    EXPECT_THAT(open(ring(1), mode), HasSubstr("sealed with key 2, and the key file has key 1"));
    ASSERT_EQ(open(ring(2), mode), "");
    EXPECT_EQ(content(), before);
  }
  ASSERT_EQ(open(ring(3, 2)), "") << "the next rotation";
  ASSERT_EQ(open(ring(3)), "");
  EXPECT_EQ(content(), before);
}

void kill_me(sqlite3_context*, int, sqlite3_value**) { ::raise(SIGKILL); }

/// Gives each connection that is opened from now on the SQL function kill_me().
int define_kill_me(sqlite3* handle, char**, const void*) {
  return sqlite3_create_function(handle, "kill_me", 0, SQLITE_UTF8, nullptr, kill_me, nullptr, nullptr);
}

/// SIGKILL in the second batch: the first one stays, the rest follows at the next open, with both keys alone.
TEST_F(SealKeys, AKilledRotationIsGoneOnWith) {
  ASSERT_EQ(open(ring(1)), "");
  put_sites(2500);
  const Content before = content();
  store.reset();
  sql("CREATE TRIGGER killer BEFORE UPDATE ON site WHEN OLD.uri = 's500.example' BEGIN SELECT kill_me(); END");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (sqlite3_auto_extension(reinterpret_cast<void (*)()>(define_kill_me)) != SQLITE_OK) ::_exit(1);
    (void)Store::open(path, Store::Mode::kWrite, ring(2, 1));
    ::_exit(2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  EXPECT_EQ(sealed_with(2), 1000);
  EXPECT_EQ(sealed_with(1), 1500);
  sql("DROP TRIGGER killer");
  for (const auto mode : kAllModes) {
    EXPECT_THAT(open(ring(1), mode), HasSubstr("sealed with key 2, and the key file has key 1"));
    EXPECT_THAT(open(ring(2), mode), HasSubstr("sealed with key 1, and the key file has key 2"));
    EXPECT_THAT(open(ring(3, 1), mode), HasSubstr("sealed with key 2, and the key file has keys 3 and 1"));
  }
  ASSERT_EQ(open(ring(2, 1), Store::Mode::kRead), "");
  EXPECT_EQ(content(), before);
  ASSERT_EQ(open(ring(2, 1)), "");
  ASSERT_EQ(open(ring(2)), "");
  EXPECT_EQ(content(), before);
}

/// Back to the old key in the middle: both directions lead to one key.
TEST_F(SealKeys, ARotationCanBeTakenBack) {
  ASSERT_EQ(open(ring(1)), "");
  put_sites(3);
  const Content before = content();
  ASSERT_EQ(open(ring(2, 1)), "");
  ASSERT_EQ(open(ring(1, 2)), "");
  ASSERT_EQ(open(ring(1)), "");
  EXPECT_EQ(content(), before);
}

TEST_F(SealKeys, ARowThatDoesNotOpenStopsTheRotationByItsName) {
  ASSERT_EQ(open(ring(1)), "");
  put_sites(2);
  store.reset();
  sql("UPDATE site SET secrets = zeroblob(60) WHERE uri = 's1.example'");
  EXPECT_THAT(
      open(ring(2, 1)),
      HasSubstr(path + ": the secrets of site/2 can't be opened with key 1, so they can't be sealed with key 2"));
  EXPECT_EQ(sealed_with(1), 2);
  ASSERT_EQ(open(ring(1, 2)), "") << "the old key first again: the registry can be written";
  need(remove(test_site("s0.example")));
}

}  // namespace
}  // namespace aegir::registry
