// The bytes of the site map: the only code that knows the numbers of FORMAT.md. No I/O, no allocation.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace aegir::map {

static_assert(std::endian::native == std::endian::little, "the site map is little-endian and read in place");

inline constexpr std::array<char, 8> kMagic = {'A', 'E', 'G', 'I', 'R', 'M', 'A', 'P'};
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint32_t kBucketSlots = 7;
inline constexpr std::uint32_t kMaxProbe = 8;  ///< buckets that a look-up reads at most
inline constexpr unsigned kMaxWildcardLookups = 8;
inline constexpr std::uint64_t kMaxFileSize = 8ULL << 32U;
inline constexpr std::size_t kMaxKey = 255;
inline constexpr std::size_t kProbeKey = 65;       ///< "!" and 64 hex digits
inline constexpr std::size_t kCounterSize = 4096;  ///< of the file `counter`

enum class FileKind : std::uint32_t { kBase = 1, kDelta = 2 };
enum class RecordType : std::uint8_t { kSite = 1, kAlias = 2, kTombstone = 3, kCandidate = 4, kPass = 5 };
enum class SiteState : std::uint8_t { kEnabled = 1, kDisabled = 2, kMaintenance = 3 };
enum class Https : std::uint8_t { kNone = 0, kAllowed = 1, kRequired = 2 };
enum class Cms : std::uint8_t { kOther = 0, kDrupal7 = 1, kDrupal8 = 2, kBackdrop = 3 };
inline constexpr std::uint8_t kServiceApache = 1;
inline constexpr std::uint8_t kServiceNginx = 2;
inline constexpr std::uint8_t kFlagCloaked = 1;

/// FORMAT.md "Header".
struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t header_size;
  std::uint64_t file_size;
  std::uint64_t generation;
  std::array<unsigned char, 16> registry_id;
  std::array<unsigned char, 16> hash_key;
  std::uint32_t kind;
  std::uint32_t platform_count;
  std::uint64_t base_generation;
  std::uint32_t bucket_count;
  std::uint32_t name_count;
  std::uint32_t site_count;
  std::uint32_t key_id;
  std::uint64_t platforms_offset;
  std::uint64_t settings_offset;
  std::uint64_t records_offset;
  std::uint64_t buckets_offset;
  std::uint64_t wildcard_depths;
  std::uint32_t tables_crc;
  std::uint32_t zero;
  std::array<unsigned char, 32> body_digest;
  std::uint64_t history_tag;
  std::array<unsigned char, 68> zeros;
  std::uint32_t header_crc;
};
static_assert(sizeof(Header) == 256);

/// FORMAT.md "Platforms": a row; its strings stand behind all rows.
struct PlatformRow {
  std::uint32_t id;
  std::uint8_t services;
  std::uint8_t cms;
  std::uint16_t name_size;
  std::uint16_t docroot_size;
  std::uint16_t zero;
  std::uint32_t strings;  ///< offset of name, then docroot, from the start of the platforms
};
static_assert(sizeof(PlatformRow) == 16);

/// FORMAT.md "Buckets": one cache line of the index.
struct Bucket {
  std::array<std::uint32_t, kBucketSlots> tags;     ///< high half of the key's hash
  std::array<std::uint32_t, kBucketSlots> records;  ///< offset of the record / 8; 0: empty, as is all behind it
  std::uint32_t zero;
  std::uint32_t crc;  ///< of tags and records
};
static_assert(sizeof(Bucket) == 64);

/// The bucket where the probe for a hash begins.
[[nodiscard]] inline constexpr std::uint32_t home_bucket(std::uint64_t hash, std::uint32_t bucket_count) noexcept {
  return static_cast<std::uint32_t>(((hash & 0xffffffffU) * bucket_count) >> 32U);
}

[[nodiscard]] inline constexpr std::uint32_t hash_tag(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash >> 32U);
}

/// FORMAT.md "Records": what all of them begin with.
struct RecordHead {
  std::uint32_t crc;
  std::uint32_t size;
  std::uint8_t type;
  std::uint8_t key_size;
};

/// FORMAT.md "Site" and "candidate"; key and fields follow at offset 72.
struct SiteHead {
  std::uint32_t crc;
  std::uint32_t size;
  std::uint8_t type;
  std::uint8_t key_size;
  std::uint8_t state;
  std::uint8_t https;
  std::uint32_t platform_id;
  std::uint8_t services;
  std::uint8_t flags;
  std::uint16_t former_count;
  std::uint32_t key_id;
  std::uint64_t expiry;
  std::uint32_t memory_limit;
  std::uint32_t upload_max_filesize;
  std::uint32_t post_max_size;
  std::uint32_t max_execution_time;
  std::uint32_t certificate;
  std::uint16_t host_size;
  std::uint16_t directory_size;
  std::uint16_t socket_size;
  std::uint16_t target_size;
  std::uint16_t auth_size;
  std::uint16_t former_size;
  std::uint16_t sealed_size;
  std::uint16_t zero;
  std::uint32_t zero2;
};
static_assert(sizeof(SiteHead) == 72);

/// FORMAT.md "Alias"; key and target follow at offset 16.
struct AliasHead {
  std::uint32_t crc;
  std::uint32_t size;
  std::uint8_t type;
  std::uint8_t key_size;
  std::uint16_t target_size;
  std::uint32_t site;  ///< offset of the site's record / 8
};
static_assert(sizeof(AliasHead) == 16);

/// FORMAT.md "Pass"; key and host follow at offset 24.
struct PassHead {
  std::uint32_t crc;
  std::uint32_t size;
  std::uint8_t type;
  std::uint8_t key_size;
  std::uint16_t host_size;
  std::uint32_t zero;
  std::uint64_t expiry;
};
static_assert(sizeof(PassHead) == 24);

inline constexpr std::size_t kTombstoneHead = 16;

/// Reads a struct of the format from unaligned bytes.
template <class T>
[[nodiscard]] inline T load(const void* bytes) noexcept {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// A struct of the format where it stands. Everything in a file is aligned, and a mapping begins at a page.
template <class T>
[[nodiscard]] inline const T& in_place(const unsigned char* bytes) noexcept {
  return *reinterpret_cast<const T*>(bytes);
}

[[nodiscard]] inline constexpr std::uint64_t align8(std::uint64_t size) noexcept { return (size + 7) & ~7ULL; }

}  // namespace aegir::map
