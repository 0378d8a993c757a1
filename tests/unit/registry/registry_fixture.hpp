// What the tests of the registry share: a directory of their own, a key, and a small fleet to begin with.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "compiler/registry/store.hpp"

namespace aegir::registry {

class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "aegir-registry-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed for " + name);
    path_ = name;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline KeyRing key_of(std::uint32_t id, char digit) {
  return KeyRing::parse("aegir-key 1 " + std::to_string(id) + " " + std::string(64, digit) + "\n", "test.key").value();
}
inline KeyRing test_key() { return key_of(7, 'a'); }

inline const Actor kTester{"tester", "a test"};

/// The value, or a failed test with the error's text.
template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return std::move(*result);
}
inline void need(const Result<void>& result) {
  if (!result) throw std::runtime_error(describe(result.error()));
}

/// A description of the error, or "" when there is none.
template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "" : describe(result.error());
}

inline Server test_server() {
  return {"web1", "localhost", {{kApache, 8080, 8443, "127.0.0.1"}, {kNginx, 80, 443, "127.0.0.1"}}, DatabaseService{}};
}

inline Platform test_platform(const std::string& name = "d10") {
  Platform platform;
  platform.name = name;
  platform.server = "web1";
  platform.docroot = "/var/aegir/platforms/" + name + "/web";
  return platform;
}

inline Site test_site(const std::string& uri) {
  Site site;
  site.uri = uri;
  site.platform = "d10";
  std::string name = uri;
  for (char& c : name) c = c == '.' || c == '-' ? '_' : c;
  site.database = {"web1", name, name, "secret of " + uri};
  site.cron_key = "cron-" + uri;
  site.hash_salt = "salt-" + uri;
  return site;
}

/// A registry in a file of its own with one server, one client and one platform.
class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    store = need(Store::open(path, Store::Mode::kCreate, test_key()));
    need(store->transact(kTester, [](Writer& writer) -> Result<void> {
      need(writer.put(test_server()));
      need(writer.put(Client{"acme", "Acme", "web@acme.example"}));
      return writer.put(test_platform());
    }));
  }

  template <class Object>
  Result<std::uint64_t> put(const Object& object) {
    return store->transact(kTester, [&](Writer& writer) { return writer.put(object); });
  }
  Result<std::uint64_t> remove(Site site) {
    site.state = SiteState::kDeleted;
    return put(site);
  }
  Site site(const std::string& host) { return need(store->find_site(host)).value(); }
  bool known(const std::string& host) { return need(store->find_site(host)).has_value(); }
  std::vector<std::string> log_after(std::uint64_t sequence) {
    std::vector<std::string> keys;
    for (const Change& change : need(store->changes(sequence, 1000000))) {
      keys.push_back((change.kind == ChangeKind::kHost       ? "host "
                      : change.kind == ChangeKind::kPlatform ? "platform "
                                                             : "settings ") +
                     change.key);
    }
    return keys;
  }
  void reopen(Store::Mode mode = Store::Mode::kCreate) {
    store.reset();
    store = need(Store::open(path, mode, test_key()));
  }

  TempDirectory directory;
  std::string path = directory.file("registry.sqlite");
  std::unique_ptr<Store> store;
};

}  // namespace aegir::registry
