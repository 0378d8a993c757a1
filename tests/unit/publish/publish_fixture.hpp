// What the tests of publishing share: a registry, a live map directory and a durable one, all in one temporary place
// (a tmpfs when there is one), and short ways to change and to look.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/config.hpp"
#include "compiler/map/dump.hpp"
#include "compiler/publish/publisher.hpp"
#include "compiler/registry/store.hpp"

namespace aegir::publish {

inline KeyRing key_of(std::uint32_t id, char digit) {
  return KeyRing::parse("aegir-key 1 " + std::to_string(id) + " " + std::string(64, digit) + "\n", "test.key").value();
}

/// The value, or an exception with the error's text, which ends the test.
template <class T>
T need(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// A description of the error, or "" when there is none.
template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "" : describe(result.error());
}

inline registry::Site a_site(const std::string& uri, std::vector<std::string> aliases = {}) {
  registry::Site site;
  site.uri = uri;
  site.platform = "d10";
  std::string name = uri;
  std::ranges::replace(name, '.', '_');
  site.database = {"web1", name, name, "secret of " + uri};
  std::ranges::sort(aliases);
  for (std::string& alias : aliases) site.aliases.push_back({std::move(alias), ""});
  return site;
}

inline registry::Server a_server(registry::DatabaseService database = {}) {
  return {"web1",
          "localhost",
          {{registry::kApache, 8080, 8443, "127.0.0.1"}, {registry::kNginx, 80, 443, "127.0.0.1"}},
          std::move(database)};
}

inline registry::Platform a_platform(const std::string& name) {
  registry::Platform platform;
  platform.name = name;
  platform.server = "web1";
  platform.docroot = "/srv/" + name + "/web";
  return platform;
}

/// Where a test's files lie, and the configuration that says so.
class Place {
 public:
  Place() {
    std::string name =
        (std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") + std::string("/aegir-publish-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed for " + name);
    root = name;
    config = parse_config("prefix = " + root + "\nmap_dir = " + root + "/map\nmap_durable = " + root +
                              "/durable\nregistry = " + root + "/registry.sqlite\n",
                          "test.conf")
                 .value();
    std::filesystem::create_directory(config.map_dir);
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] std::unique_ptr<registry::Store> open_store(
      registry::Store::Mode mode = registry::Store::Mode::kCreate) const {
    return need(registry::Store::open(config.registry, mode, key_of(9, 'b')));
  }

  std::string root;
  Config config;
};

/// Everything that a map says: the lines of `aegirc map dump`.
inline std::vector<std::string> content(const map::Snapshot& snapshot) {
  std::stringstream text;
  need(map::dump_snapshot(snapshot, text));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(std::move(line));
  return lines;
}

/// Where two maps begin to differ; empty: nowhere.
inline std::string difference(const std::vector<std::string>& have, const std::vector<std::string>& want) {
  for (std::size_t i = 0; i < std::max(have.size(), want.size()); ++i) {
    const std::string left = i < have.size() ? have[i] : "nothing";
    const std::string right = i < want.size() ? want[i] : "nothing";
    if (left != right) return left + "\n  instead of\n" + right;
  }
  return {};
}

inline Snapshot open_map(const std::string& directory) { return need(map::open_published(directory, nullptr)); }

inline std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) names.insert(entry.path().filename());
  return names;
}

/// Changes one bit of a file.
inline void flip(const std::string& path, std::size_t at) {
  std::string bytes = need(read_file(path));
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  need(write_file(path, bytes));
}

/// Where `host` leads: "shop.example", "shop.example -> target", "unknown", "fault".
inline std::string found(const map::Snapshot& snapshot, std::string_view host) {
  map::SiteView site;
  switch (snapshot.find_host(host, site)) {
    case map::Lookup::kUnknown:
      return "unknown";
    case map::Lookup::kFault:
      return "fault";
    case map::Lookup::kFound:
      break;
  }
  return std::string(site.host) + (site.target.empty() ? "" : " -> " + std::string(site.target));
}

/// A registry with one server and one platform, nothing published yet.
class PublishTest : public ::testing::Test {
 protected:
  PublishTest() {
    change([](registry::Writer& writer) -> Result<void> {
      if (Result<void> put = writer.put(a_server()); !put) return put;
      return writer.put(a_platform("d10"));
    });
  }

  std::uint64_t change(const std::function<Result<void>(registry::Writer&)>& body) {
    return need(store->transact({"tester", "a test"}, body));
  }
  template <class Object>
  std::uint64_t put(const Object& object) {
    return change([&](registry::Writer& writer) { return writer.put(object); });
  }
  std::uint64_t remove(registry::Site site) {
    site.state = registry::SiteState::kDeleted;
    return put(site);
  }
  void new_publisher(const Limits& limits = {}) { publisher.emplace(place.config, *store, keys, limits); }
  Report publish() { return need(publisher->publish()); }
  /// What a worker sees that is there since before the publish.
  Snapshot live() { return worker.snapshot(0); }  // the clock stands still: only the counter tells
  /// The content of a map that is compiled whole from the registry as it is now.
  std::vector<std::string> compiled() {
    const std::string directory = place.root + "/compiled";
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    const map::Written written = need(full_compile(*store, place.config, keys, {directory}));
    return content(*need(map::Snapshot::make(need(map::MapFile::open(directory + "/" + written.name)), nullptr)));
  }
  static void refused(void* context, const char* message) noexcept {
    static_cast<std::vector<std::string>*>(context)->emplace_back(message);
  }

  Place place;
  KeyRing keys = key_of(7, 'a');
  std::unique_ptr<registry::Store> store = place.open_store();
  std::optional<Publisher> publisher{std::in_place, place.config, *store, keys};
  std::vector<std::string> refusals;
  map::LiveMap worker{place.config.map_dir, &refused, &refusals};
};

}  // namespace aegir::publish
