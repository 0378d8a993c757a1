// A map directory with a key for live tests: sites go in as records, every worker sees them at its next request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/core/secret_box.hpp"
#include "compiler/map/record.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::live {

/// What a map holds, in any order.
struct MapContent {
  std::vector<map::SiteRecord> sites = {};  ///< and candidates
  std::vector<map::PassRecord> passes = {};
  std::vector<map::PlatformRecord> platforms = {};
  std::string console = {};
};

/// Readable by workers of any user; the key by root alone (0600).
class MapFixture {
 public:
  MapFixture();
  ~MapFixture();
  MapFixture(const MapFixture&) = delete;
  MapFixture& operator=(const MapFixture&) = delete;

  [[nodiscard]] std::string directory() const { return root_.path("map"); }
  [[nodiscard]] std::string key_file() const { return root_.path("map.key"); }
  [[nodiscard]] const KeyRing& keys() const noexcept { return keys_; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  /// Seals what the site's PHP is to get.
  void seal(map::SiteRecord& site, const map::Credentials& credentials) const;
  /// Publishes the whole content as the next generation. Throws std::runtime_error.
  void publish(const MapContent& content);

 private:
  TempDir root_;
  KeyRing keys_;
  std::uint64_t generation_ = 0;
  std::uint64_t* counter_ = nullptr;  ///< the shared page
};

}  // namespace aegir::live
