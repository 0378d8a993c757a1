// What a worker remembers of credentials (credential_memo.hpp): the same answers as without it, and nothing that was
// replaced.
#include "compiler/map/credential_memo.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace aegir::map {
namespace {

using ::testing::HasSubstr;

KeyRing ring(std::uint32_t id = 7) { return *KeyRing::parse(KeyRing::generate(id), "test.key"); }

/// A site's record as far as it matters here.
struct Record {
  std::string host, password;
  std::uint32_t key_id;
  std::vector<unsigned char> sealed;

  Record(const KeyRing& keys, std::string name, std::string secret)
      : host(std::move(name)), password(std::move(secret)), key_id(keys.current_id()) {
    std::string plain;
    for (const std::string& field :
         {std::string("mysql"), host, host, password, std::string("localhost"), std::string()})
      plain += std::string{static_cast<char>(field.size() & 0xff), static_cast<char>(field.size() >> 8U)} + field;
    sealed = keys.seal(host, plain);
  }
  [[nodiscard]] SiteView view() const {
    SiteView site;
    site.host = host;
    site.key_id = key_id;
    site.sealed = {reinterpret_cast<const char*>(sealed.data()), sealed.size()};
    return site;
  }
};

/// The password that comes out; nothing: the credentials could not be opened.
std::optional<std::string> password_of(CredentialMemo& memo, const SiteView& site) {
  std::vector<char> plain(site.sealed.size());
  CredentialFields fields;
  if (!memo.open(site, plain, fields)) return {};
  EXPECT_EQ(fields[1], site.host);
  return std::string(fields[3].data());  // with the NUL that belongs behind each field
}
std::optional<std::string> password_of(CredentialMemo& memo, const Record& record) {
  return password_of(memo, record.view());
}

bool holds(const CredentialMemo& memo, const std::string& text) {
  return !std::ranges::search(memo.memory(), text).empty();
}

/// Records whose places are the same one.
std::vector<Record> neighbours(const KeyRing& keys, std::size_t count) {
  std::vector<Record> found;
  for (int i = 0; found.size() < count; ++i) {
    Record record(keys, "s" + std::to_string(i) + ".example", "secret-" + std::to_string(i) + "-end");
    const auto place = [](const Record& one) {
      std::uint32_t number = 0;
      std::copy_n(one.sealed.begin(), sizeof number, reinterpret_cast<unsigned char*>(&number));
      return number % CredentialMemo::kSlots;
    };
    if (found.empty() || place(record) == place(found.front())) found.push_back(std::move(record));
  }
  return found;
}

TEST(CredentialMemo, DecryptsASiteOnce) {
  KeyRing keys = ring();
  CredentialMemo memo(keys);
  const Record shop(keys, "shop.example", "secret");
  const Record other(keys, "other.example", "another");
  EXPECT_EQ(password_of(memo, shop), "secret");
  keys = ring();  // from here on nothing can be decrypted
  EXPECT_EQ(password_of(memo, shop), "secret");
  EXPECT_EQ(password_of(memo, shop), "secret");
  EXPECT_EQ(password_of(memo, other), std::nullopt);
}

TEST(CredentialMemo, AChangedPasswordIsSeenAtTheNextRequest) {
  const KeyRing keys = ring();
  CredentialMemo memo(keys);
  for (const char* password : {"first", "second", "first", "third"}) {
    const Record shop(keys, "shop.example", password);
    EXPECT_EQ(password_of(memo, shop), password);
    EXPECT_EQ(password_of(memo, shop), password);
  }
}

TEST(CredentialMemo, WhatFitsNotExactlyIsNeverOpened) {
  const KeyRing keys = ring();
  CredentialMemo memo(keys);
  const Record shop(keys, "shop.example", "secret");
  Record moved = shop;
  moved.host = "evil.example";  // of the same length
  Record longer = shop;
  longer.host += ".more";
  Record other_key = shop;
  other_key.key_id = 8;
  for (int round = 0; round < 2; ++round) {  // with nothing remembered, and with the right one
    EXPECT_EQ(password_of(memo, moved), std::nullopt);
    EXPECT_EQ(password_of(memo, longer), std::nullopt);
    EXPECT_EQ(password_of(memo, other_key), std::nullopt);
    for (std::size_t at = 0; at < shop.sealed.size(); ++at) {
      Record damaged = shop;
      damaged.sealed[at] ^= 1U;
      EXPECT_EQ(password_of(memo, damaged), std::nullopt) << at;
      damaged.sealed.resize(at);
      EXPECT_EQ(password_of(memo, damaged), std::nullopt) << at;
    }
    EXPECT_EQ(password_of(memo, shop), "secret");
  }
}

TEST(CredentialMemo, SitesThatShareAPlaceNeverMixAndLeaveNothing) {
  const KeyRing keys = ring();
  CredentialMemo memo(keys);
  const std::vector<Record> sites = neighbours(keys, 3);
  for (const Record& site : sites) {
    EXPECT_EQ(password_of(memo, site), site.password);
    for (const Record& other : sites) EXPECT_EQ(holds(memo, other.password), &other == &site) << other.host;
  }
  EXPECT_EQ(password_of(memo, sites[0]), sites[0].password);
}

TEST(CredentialMemo, WhatIsTooLongIsOpenedEachTime) {
  const KeyRing keys = ring();
  CredentialMemo memo(keys);
  for (const std::size_t size : {100UL, 150UL, 200UL, 400UL, 5000UL}) {
    const Record shop(keys, "shop.example", std::string(size, 'x'));
    EXPECT_EQ(password_of(memo, shop), shop.password);
    EXPECT_EQ(password_of(memo, shop), shop.password);
  }
  EXPECT_FALSE(holds(memo, std::string(400, 'x')));
}

TEST(CredentialMemo, StaysOutOfCoreDumpsAndOfForkedProcesses) {
  const KeyRing keys = ring();
  const CredentialMemo memo(keys);
  ASSERT_FALSE(memo.memory().empty());
  std::ostringstream start;
  start << std::hex << reinterpret_cast<std::uintptr_t>(memo.memory().data()) << '-';
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  while (std::getline(maps, line) && !line.starts_with(start.str())) {
  }
  while (std::getline(maps, line) && !line.starts_with("VmFlags:")) {
  }
  EXPECT_THAT(line + " ", HasSubstr(" dd "));
  EXPECT_THAT(line + " ", HasSubstr(" wf "));
}

TEST(CredentialMemo, ThreadsGetTheirOwnSites) {
  const KeyRing keys = ring();
  CredentialMemo memo(keys);
  const std::vector<Record> sites = neighbours(keys, 3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (std::size_t round = 0; round < 5000; ++round) {
        const Record& site = sites[(round / 7 + i) % sites.size()];
        if (password_of(memo, site) != site.password) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace aegir::map
