// A map directory of its own for a test, and short ways to fill it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "compiler/core/atomic_file.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/record.hpp"
#include "compiler/map/writer.hpp"

namespace aegir::map {

/// A site whose fields all differ from each other and from another site's.
inline SiteRecord a_site(const std::string& host, std::vector<AliasRecord> aliases = {}) {
  SiteRecord site;
  site.key = site.host = site.directory = host;
  site.platform_id = 3;
  site.socket = "/run/fpm/" + host + ".sock";
  site.former = {"was-" + host};
  site.key_id = 7;
  site.sealed.assign(60, static_cast<unsigned char>(host.size()));
  std::copy(host.begin(), host.end(), site.sealed.begin());
  std::ranges::sort(aliases, {}, &AliasRecord::key);
  site.aliases = std::move(aliases);
  return site;
}

inline SiteRecord a_candidate(const std::string& token, const std::string& host, std::uint64_t expiry) {
  SiteRecord site = a_site(host);
  site.key = probe_key(token);
  site.directory = "candidate-of-" + host;
  site.expiry = expiry;
  return site;
}

/// What a file holds, in any order.
struct Content {
  std::vector<SiteRecord> sites = {};  ///< candidates too
  std::vector<PassRecord> passes = {};
  std::vector<std::string> tombstones = {};
  std::vector<PlatformRecord> platforms = {{3, kServiceApache | kServiceNginx, Cms::kDrupal8, "d10", "/srv/d10/web"}};
};

/// Writes `content` in the order that the writer wants.
inline Result<Written> write(const Target& target, const FileInfo& info, const Content& content) {
  auto writer = Writer::create(target, info, content.platforms);
  if (!writer) return pass(writer);
  std::map<std::string, std::pair<int, std::size_t>> order;
  for (std::size_t i = 0; i < content.sites.size(); ++i) order[content.sites[i].key] = {0, i};
  for (std::size_t i = 0; i < content.passes.size(); ++i) order[content.passes[i].key] = {1, i};
  for (std::size_t i = 0; i < content.tombstones.size(); ++i) order[content.tombstones[i]] = {2, i};
  for (const auto& [key, what] : order) {
    Result<void> added;
    if (what.first == 0) added = writer->add(content.sites[what.second]);
    if (what.first == 1) added = writer->add(content.passes[what.second]);
    if (what.first == 2) added = writer->add_tombstone(key);
    if (!added) return pass(added);
  }
  return writer->finish();
}

class MapDirectory : public ::testing::Test {
 protected:
  MapDirectory() {
    std::string name = (std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") + std::string("/aegir-map-XXXXXX");
    directory_ = ::mkdtemp(name.data());
    info_.registry_id.fill(0x5a);
    info_.generation = 100;
    info_.key_id = 7;
  }
  ~MapDirectory() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] Target target() const { return {.directory = directory_}; }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

  Written base(const Content& content) {
    Result<Written> written = write(target(), info_, content);
    EXPECT_TRUE(written.has_value()) << (written ? "" : describe(written.error()));
    return written.value();
  }
  Written delta(const Written& below, const Content& content, std::uint64_t generation = 101) {
    Result<Written> written = write(target(), delta_of(below.header, generation), content);
    EXPECT_TRUE(written.has_value()) << (written ? "" : describe(written.error()));
    return written.value();
  }
  [[nodiscard]] std::shared_ptr<const MapFile> opened(const Written& written) const {
    auto file = MapFile::open(path(written.name));
    EXPECT_TRUE(file.has_value()) << (file ? "" : describe(file.error()));
    return file.value();
  }
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot(const Written& below) const {
    return Snapshot::make(opened(below), nullptr).value();
  }
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot(const Written& below, const Written& above) const {
    return Snapshot::make(opened(below), opened(above)).value();
  }
  [[nodiscard]] static Current current_of(const Written& below, const Written* above = nullptr) {
    return {below.header.registry_id, above != nullptr ? above->header.generation : below.header.generation, below.name,
            above != nullptr ? above->name : ""};
  }
  void publish(const Current& current) {
    ASSERT_TRUE(write_file(path("CURRENT"), format_current(current)).has_value());
  }

  std::string directory_;
  FileInfo info_;
};

/// The shared page, as a publisher makes and increases it.
class Counter {
 public:
  explicit Counter(const std::string& directory) {
    const Fd fd(::open((directory + "/counter").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
    if (::ftruncate(fd.get(), kCounterSize) != 0) return;
    void* page = ::mmap(nullptr, kCounterSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (page != MAP_FAILED) page_ = static_cast<std::uint64_t*>(page);
  }
  ~Counter() { ::munmap(page_, kCounterSize); }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  void increase() { std::atomic_ref(*page_).fetch_add(1); }

 private:
  std::uint64_t* page_ = nullptr;
};

/// Where `host` leads: "shop.example", "shop.example -> target", "unknown", "fault".
inline std::string found(const Snapshot& snapshot, std::string_view host) {
  SiteView site;
  switch (snapshot.find_host(host, site)) {
    case Lookup::kUnknown:
      return "unknown";
    case Lookup::kFault:
      return "fault";
    case Lookup::kFound:
      break;
  }
  return std::string(site.host) + (site.target.empty() ? "" : " -> " + std::string(site.target));
}

/// What a probe of `host` with `token` is answered from: its directory, "unknown" or "fault".
inline std::string probed(const Snapshot& snapshot, std::string_view token, std::string_view host, std::uint64_t now) {
  SiteView site;
  const Lookup lookup = snapshot.find_probe(token, host, now, site);
  if (lookup == Lookup::kFound) return std::string(site.directory);
  return lookup == Lookup::kUnknown ? "unknown" : "fault";
}

}  // namespace aegir::map
