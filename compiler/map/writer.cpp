#include "compiler/map/writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "compiler/core/crc32c.hpp"
#include "compiler/core/host_name.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/map/units.hpp"

namespace aegir::map {
namespace {

constexpr std::size_t kBuffer = 1U << 20U;

std::uint64_t hash_key(const Header& header, std::string_view key) noexcept {
  std::array<unsigned char, crypto_shorthash_siphash24_BYTES> out;
  crypto_shorthash_siphash24(out.data(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                             header.hash_key.data());
  return load<std::uint64_t>(out.data());
}

void hash_bytes(crypto_generichash_state& state, std::string_view bytes) noexcept {
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

template <class T>
void append_struct(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

FileInfo delta_of(const Header& base, std::uint64_t generation) {
  FileInfo info;
  info.kind = FileKind::kDelta;
  info.registry_id = base.registry_id;
  info.generation = generation;
  info.key_id = base.key_id;
  info.base_generation = base.generation;
  info.hash_key = base.hash_key;
  return info;
}

Writer::Writer(Target target, const FileInfo& info) : target_(std::move(target)) {
  header_.magic = kMagic;
  header_.version = kFormatVersion;
  header_.header_size = sizeof(Header);
  header_.generation = info.generation;
  header_.history_tag = info.history_tag;
  header_.registry_id = info.registry_id;
  header_.kind = static_cast<std::uint32_t>(info.kind);
  header_.key_id = info.key_id;
  const bool delta = info.kind == FileKind::kDelta;
  header_.base_generation = delta ? info.base_generation : info.generation;
  if (delta) header_.hash_key = info.hash_key;
  buffer_.reserve(kBuffer + 4096);
}

Writer::Writer(Writer&& other) noexcept
    : target_(std::move(other.target_)),
      header_(other.header_),
      fd_(std::move(other.fd_)),
      temporary_(std::exchange(other.temporary_, {})),
      buffer_(std::move(other.buffer_)),
      flushed_(other.flushed_),
      digest_(other.digest_),
      last_key_(std::move(other.last_key_)),
      keys_(std::move(other.keys_)),
      names_(std::move(other.names_)) {}

Writer::~Writer() {
  if (!temporary_.empty()) (void)::unlink(temporary_.c_str());
}

Result<Writer> Writer::create(const Target& target, const FileInfo& info, std::span<const PlatformRecord> platforms) {
  if (!crypto_ready()) return fail(Code::kInternal, "libsodium could not start: no source of randomness");
  Writer writer(target, info);
  std::string temporary = target.directory + "/.map-XXXXXX.tmp";
  writer.fd_ = Fd(::mkostemps(temporary.data(), 4, O_CLOEXEC));
  if (!writer.fd_) return fail_errno("no map file can be created", target.directory, errno);
  writer.temporary_ = std::move(temporary);
  if (::fchmod(writer.fd_.get(), target.mode) != 0) {
    return fail_errno("the mode of the map file can't be set", writer.temporary_, errno);
  }
  crypto_generichash_init(&writer.digest_, nullptr, 0, 32);
  if (::lseek(writer.fd_.get(), sizeof(Header), SEEK_SET) < 0) {
    return fail_errno("the map file can't be written", writer.temporary_, errno);
  }
  writer.flushed_ = sizeof(Header);
  if (Result<void> begun = writer.begin(platforms, info.console); !begun) return pass(begun);
  return writer;
}

Result<void> Writer::begin(std::span<const PlatformRecord> platforms, std::string_view console) {
  const std::size_t start = buffer_.size();
  std::string strings;
  const std::size_t rows = platforms.size() * sizeof(PlatformRow);
  const PlatformRecord* previous = nullptr;
  for (const PlatformRecord& platform : platforms) {
    const bool gone = platform.services == 0;
    if (previous != nullptr && previous->id >= platform.id) {
      return fail(Code::kInternal, "platforms are not handed to the map in the order of their ids");
    }
    previous = &platform;
    if (platform.name.size() > 0xffff || platform.docroot.size() > 0xffff ||
        platform.services > (kServiceApache | kServiceNginx)) {
      return fail_at(platform.name.substr(0, 80), Code::kInvalid, "the site map can't hold this platform",
                     "shorten its name or docroot");
    }
    if (gone && header_.kind == static_cast<std::uint32_t>(FileKind::kBase)) {
      return fail(Code::kInternal, "a base can't hold the platform '" + platform.name + "' without a web service");
    }
    PlatformRow row{};
    row.id = platform.id;
    row.services = platform.services;
    row.cms = gone ? std::uint8_t{0} : static_cast<std::uint8_t>(platform.cms);
    row.strings = static_cast<std::uint32_t>(rows + strings.size());
    if (!gone) {
      row.name_size = static_cast<std::uint16_t>(platform.name.size());
      row.docroot_size = static_cast<std::uint16_t>(platform.docroot.size());
      strings += platform.name + platform.docroot;
      strings.resize(align8(strings.size()), '\0');
    }
    append_struct(buffer_, row);
  }
  buffer_ += strings;
  if (console.size() > 0xffff) {
    return fail(Code::kInvalid, "the console's origin is too long for the site map",
                "correct console_url in the settings");
  }
  header_.platform_count = static_cast<std::uint32_t>(platforms.size());
  header_.platforms_offset = sizeof(Header);
  header_.settings_offset = position();
  append_struct(buffer_, static_cast<std::uint16_t>(console.size()));
  buffer_ += console;
  buffer_.resize(align8(buffer_.size()), '\0');
  header_.records_offset = position();
  header_.tables_crc = crc32c(buffer_.data() + start, buffer_.size() - start);
  return {};
}

Result<std::uint32_t> Writer::start_unit(std::string_view key) {
  if (key <= last_key_) {
    return fail(Code::kInternal,
                "the map is not written in order: '" + std::string(key) + "' after '" + last_key_ + "'");
  }
  last_key_ = key;
  if (buffer_.size() >= kBuffer) {
    if (Result<void> flushed = flush(); !flushed) return pass(flushed);
  }
  if (position() >= kMaxFileSize) {
    return fail_at(target_.directory, Code::kInvalid, "the site map would be larger than its format allows");
  }
  return static_cast<std::uint32_t>(position() / 8);
}

Result<void> Writer::name(std::string_view key, std::size_t start) {
  if (key.front() == '.' && buffer_[start + offsetof(RecordHead, type)] != static_cast<char>(RecordType::kTombstone)) {
    const unsigned labels = label_count(key);
    if (labels > 63) return fail_at(key, Code::kInvalid, "a wildcard of more than 63 labels", "shorten the wildcard");
    header_.wildcard_depths |= 1ULL << labels;
  }
  names_.push_back({static_cast<std::uint32_t>((flushed_ + start) / 8), static_cast<std::uint8_t>(key.size())});
  keys_ += key;
  return {};
}

Result<void> Writer::add(const SiteRecord& site) {
  const Result<std::uint32_t> record = start_unit(site.key);
  if (!record) return std::unexpected(record.error());
  std::size_t start = buffer_.size();
  if (Result<void> added = append_record(buffer_, site); !added) return added;
  if (Result<void> named = name(site.key, start); !named) return named;
  if (!site.key.starts_with('!')) ++header_.site_count;
  const AliasRecord* previous = nullptr;
  for (const AliasRecord& alias : site.aliases) {
    if (previous != nullptr && previous->key >= alias.key) {
      return fail_at(site.key, Code::kInternal, "its aliases are not in order at '" + alias.key + "'");
    }
    previous = &alias;
    start = buffer_.size();
    if (Result<void> added = append_record(buffer_, alias.key, alias.target, *record); !added) return added;
    if (Result<void> named = name(alias.key, start); !named) return named;
  }
  return {};
}

Result<void> Writer::add(const PassRecord& pass_record) {
  const Result<std::uint32_t> record = start_unit(pass_record.key);
  if (!record) return std::unexpected(record.error());
  const std::size_t start = buffer_.size();
  if (Result<void> added = append_record(buffer_, pass_record); !added) return added;
  return name(pass_record.key, start);
}

Result<void> Writer::add_tombstone(std::string_view key) {
  if (header_.kind != static_cast<std::uint32_t>(FileKind::kDelta)) {
    return fail(Code::kInternal, "a base can't hold the tombstone '" + std::string(key) + "'");
  }
  const Result<std::uint32_t> record = start_unit(key);
  if (!record) return std::unexpected(record.error());
  const std::size_t start = buffer_.size();
  if (Result<void> added = append_tombstone(buffer_, key); !added) return added;
  return name(key, start);
}

Result<void> Writer::add(const UnitView& unit) {
  if (unit.record.type == RecordType::kTombstone) return add_tombstone(unit.record.key);
  const Result<std::uint32_t> record = start_unit(unit.record.key);
  if (!record) return std::unexpected(record.error());
  std::size_t start = buffer_.size();
  buffer_ += text_at(unit.record.bytes, unit.record.size);
  if (Result<void> named = name(unit.record.key, start); !named) return named;
  if (unit.record.type == RecordType::kSite) ++header_.site_count;
  for (const AliasView& alias : unit.aliases) {
    start = buffer_.size();
    if (Result<void> added = append_record(buffer_, alias.record.key, alias.target, *record); !added) return added;
    if (Result<void> named = name(alias.record.key, start); !named) return named;
  }
  return {};
}

Result<void> Writer::flush() {
  hash_bytes(digest_, buffer_);
  if (!write_all(fd_.get(), buffer_)) return fail_errno("the map file can't be written", temporary_, errno);
  flushed_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<void> Writer::conflict(std::string_view key, std::uint32_t record) const {
  std::size_t at = 0;
  for (const Name& other : names_) {
    if (other.record == record) {
      if (std::string_view(keys_).substr(at, other.size) != key) return {};  // the tags alone are the same
      return fail_at(key, Code::kConflict, "this name stands twice in the site map", "take it from one of its sites");
    }
    at += other.size;
  }
  return {};
}

bool Writer::fill(std::vector<Bucket>& buckets, Result<void>& problem) const {
  constexpr std::size_t kAhead = 16;  // names whose buckets are on their way from memory
  const auto count = static_cast<std::uint32_t>(buckets.size());
  std::array<std::uint64_t, kAhead> hashes;
  std::size_t at = 0;
  for (std::size_t first = 0; first < names_.size(); first += kAhead) {
    const std::size_t last = std::min(first + kAhead, names_.size());
    std::size_t ahead = at;
    for (std::size_t i = first; i < last; ++i) {
      hashes[i - first] = hash_key(header_, std::string_view(keys_).substr(ahead, names_[i].size));
      ahead += names_[i].size;
      __builtin_prefetch(&buckets[home_bucket(hashes[i - first], count)], 1);
    }
    for (std::size_t i = first; i < last; ++i) {
      const std::string_view key = std::string_view(keys_).substr(at, names_[i].size);
      at += names_[i].size;
      const std::uint64_t hash = hashes[i - first];
      std::uint32_t number = home_bucket(hash, count);
      bool placed = false;
      for (std::uint32_t probe = 0; probe < kMaxProbe && !placed; ++probe) {
        Bucket& bucket = buckets[number];
        for (std::uint32_t slot = 0; slot < kBucketSlots && !placed; ++slot) {
          if (bucket.records[slot] == 0) {
            bucket.tags[slot] = hash_tag(hash);
            bucket.records[slot] = names_[i].record;
            placed = true;
          } else if (bucket.tags[slot] == hash_tag(hash)) {
            problem = conflict(key, bucket.records[slot]);
            if (!problem) return true;
          }
        }
        number = number + 1 == count ? 0 : number + 1;
      }
      if (!placed) return false;
    }
  }
  return true;
}

Result<void> Writer::index() {
  buffer_.resize(buffer_.size() + (sizeof(Bucket) - position() % sizeof(Bucket)) % sizeof(Bucket), '\0');
  header_.buckets_offset = position();
  if (Result<void> flushed = flush(); !flushed) return flushed;
  if (header_.kind == static_cast<std::uint32_t>(FileKind::kBase)) {
    crypto_generichash_state records = digest_;
    Digest digest;
    crypto_generichash_final(&records, digest.data(), digest.size());
    std::copy_n(digest.begin(), header_.hash_key.size(), header_.hash_key.begin());
  }
  std::vector<Bucket> buckets(std::max<std::size_t>(1, (names_.size() * 2 + kBucketSlots - 1) / kBucketSlots));
  Result<void> problem;
  while (!fill(buckets, problem)) {
    const std::size_t more = buckets.size() * 2;
    buckets.assign(more, Bucket{});
  }
  if (!problem) return problem;
  std::uint32_t number = 0;
  for (Bucket& bucket : buckets) bucket.crc = crc32c(&bucket, offsetof(Bucket, zero), number++);
  header_.bucket_count = number;
  header_.name_count = static_cast<std::uint32_t>(names_.size());
  if (position() + buckets.size() * sizeof(Bucket) >= kMaxFileSize) {
    return fail_at(target_.directory, Code::kInvalid, "the site map would be larger than its format allows");
  }
  const std::string_view bytes(reinterpret_cast<const char*>(buckets.data()), buckets.size() * sizeof(Bucket));
  hash_bytes(digest_, bytes);
  if (!write_all(fd_.get(), bytes)) return fail_errno("the map file can't be written", temporary_, errno);
  flushed_ += bytes.size();
  return {};
}

Result<Written> Writer::finish() {
  if (Result<void> indexed = index(); !indexed) return pass(indexed);
  header_.file_size = flushed_;
  crypto_generichash_final(&digest_, header_.body_digest.data(), header_.body_digest.size());
  header_.header_crc = crc32c(&header_, offsetof(Header, header_crc));
  if (::lseek(fd_.get(), 0, SEEK_SET) != 0 ||
      !write_all(fd_.get(), {reinterpret_cast<const char*>(&header_), sizeof header_})) {
    return fail_errno("the map file can't be written", temporary_, errno);
  }
  if (target_.durable && ::fsync(fd_.get()) != 0) return fail_errno("the map file can't be synced", temporary_, errno);
  if (::close(fd_.release()) != 0) return fail_errno("the map file can't be closed", temporary_, errno);
  Written written{file_name(header_), header_};
  const std::string path = target_.directory + "/" + written.name;
  if (::rename(temporary_.c_str(), path.c_str()) != 0) {
    return fail_errno("the map file can't be put in its place", path, errno);
  }
  temporary_.clear();
  if (target_.durable) {
    if (Result<void> synced = sync_directory(target_.directory); !synced) return pass(synced);
  }
  return written;
}

}  // namespace aegir::map
