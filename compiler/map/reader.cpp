#include "compiler/map/reader.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "compiler/core/crc32c.hpp"
#include "compiler/core/host_name.hpp"
#include "compiler/map/record_view.hpp"

namespace aegir::map {
namespace {

/// What is wrong with a header or with the places of its sections; null when nothing is.
const char* check_header(const Header& header, std::uint64_t size) noexcept {
  if (header.header_size != sizeof(Header)) return "its header has another size than this format version gives it";
  if (header.header_crc != crc32c(&header, offsetof(Header, header_crc))) return "the checksum of its header is wrong";
  if (header.file_size != size) return "it is not as long as its header says";
  if (size >= kMaxFileSize) return "it is larger than the format allows";
  if (header.kind != static_cast<std::uint32_t>(FileKind::kBase) &&
      header.kind != static_cast<std::uint32_t>(FileKind::kDelta)) {
    return "it is neither base nor delta";
  }
  const bool in_order = header.platforms_offset == sizeof(Header) &&
                        header.platforms_offset <= header.settings_offset &&
                        header.settings_offset < header.records_offset &&
                        header.records_offset <= header.buckets_offset && header.buckets_offset < size;
  if (!in_order) return "its sections are not in order";
  const std::uint64_t places = header.settings_offset | header.records_offset | header.buckets_offset;
  if (places % 8 != 0 || header.buckets_offset % sizeof(Bucket) != 0) return "its sections are not aligned";
  if (size - header.buckets_offset != std::uint64_t{header.bucket_count} * sizeof(Bucket)) {
    return "its buckets do not end with the file";
  }
  if (header.settings_offset - header.platforms_offset < std::uint64_t{header.platform_count} * sizeof(PlatformRow)) {
    return "its platforms do not fit before the settings";
  }
  return nullptr;
}

/// Verifies the platforms and settings of a file whose header is right, and takes them apart.
const char* read_tables(const unsigned char* data, const Header& header, std::vector<PlatformView>& platforms,
                        std::string_view& console) {
  if (header.tables_crc != crc32c(data + header.platforms_offset, header.records_offset - header.platforms_offset)) {
    return "the checksum of its platforms and settings is wrong";
  }
  const unsigned char* section = data + header.platforms_offset;
  const std::uint64_t space = header.settings_offset - header.platforms_offset;
  platforms.reserve(header.platform_count);
  for (std::uint32_t i = 0; i < header.platform_count; ++i) {
    const auto& row = in_place<PlatformRow>(section + std::uint64_t{i} * sizeof(PlatformRow));
    if (i > 0 && row.id <= platforms.back().id) return "its platforms are not in order";
    if (std::uint64_t{row.strings} + row.name_size + row.docroot_size > space) return "a platform's name does not fit";
    const unsigned char* strings = section + row.strings;
    platforms.push_back({row.id, row.services, static_cast<Cms>(row.cms), text_at(strings, row.name_size),
                         text_at(strings + row.name_size, row.docroot_size)});
  }
  const unsigned char* settings = data + header.settings_offset;
  const auto console_size = load<std::uint16_t>(settings);
  if (header.records_offset - header.settings_offset < 2U + console_size) return "its settings do not fit";
  console = text_at(settings + 2, console_size);
  return nullptr;
}

/// Asks for the cache lines of a record at once, and for those before it, where an alias has its site. Inline, since
/// g++ takes a function that only prefetches for one that does nothing.
[[gnu::always_inline]] inline void prefetch_record(const unsigned char* record) noexcept {
  for (std::ptrdiff_t line = 0; line < 5; ++line) __builtin_prefetch(record + line * 64);
  for (std::ptrdiff_t line = 1; line < 6; ++line) __builtin_prefetch(record - line * 64);
}

}  // namespace

bool SiteView::has_former(std::string_view name) const noexcept {
  std::string_view rest = former;
  while (!rest.empty()) {
    const std::size_t size = static_cast<unsigned char>(rest.front());
    if (size >= rest.size()) return false;
    if (rest.substr(1, size) == name) return true;
    rest.remove_prefix(1 + size);
  }
  return false;
}

std::size_t SiteView::footprint() const noexcept {
  return blocks[0].size() + blocks[1].size() + blocks[2].size() + blocks[3].size();
}

void SiteView::copy_to(char* memory) noexcept {
  const auto move = [&memory](std::string_view& block, auto&... views) noexcept {
    if (block.empty()) return;
    std::memcpy(memory, block.data(), block.size());
    const std::ptrdiff_t distance = memory - block.data();
    ((views = {views.data() + distance, views.size()}), ...);
    block = {memory, block.size()};
    memory += block.size();
  };
  if (blocks[2].empty()) {
    move(blocks[0], host, directory, socket, auth, former, sealed, target);
  } else {
    move(blocks[0], host, directory, socket, auth, former, sealed);
  }
  move(blocks[1], platform_name, docroot);
  move(blocks[2], target);
  move(blocks[3], console);
}

std::array<char, kProbeKey> hash_token(std::string_view token) noexcept {
  std::array<unsigned char, 32> digest;
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(token.data()), token.size(),
                     nullptr, 0);
  std::array<char, kProbeKey> key;
  key[0] = '!';
  for (std::size_t i = 0; i < digest.size(); ++i) {
    key[1 + 2 * i] = "0123456789abcdef"[digest[i] >> 4U];
    key[2 + 2 * i] = "0123456789abcdef"[digest[i] & 15U];
  }
  return key;
}

std::string file_name(const Header& header) {
  std::string name = header.kind == static_cast<std::uint32_t>(FileKind::kBase) ? "base-" : "delta-";
  name += std::to_string(header.generation) + "-";
  for (std::size_t i = 0; i < 4; ++i) {
    name += "0123456789abcdef"[header.body_digest[i] >> 4U];
    name += "0123456789abcdef"[header.body_digest[i] & 15U];
  }
  return name + ".map";
}

Result<std::shared_ptr<const MapFile>> MapFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return fail_errno("the map file can't be opened", path, errno);
  std::shared_ptr<MapFile> file;
  struct stat status{};
  try {
    file = std::shared_ptr<MapFile>(new MapFile);
  } catch (...) {
    ::close(fd);
    throw;
  }
  const bool usable =
      ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= static_cast<off_t>(sizeof(Header));
  void* data =
      usable ? ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, fd, 0) : nullptr;
  const int error_number = errno;
  ::close(fd);
  if (!usable)
    return fail_at(path, Code::kCorrupt, "not a map file: not a regular file, or shorter than a header", kRebuildHint);
  if (data == MAP_FAILED) return fail_errno("the map file can't be mapped", path, error_number);
  file->data_ = static_cast<const unsigned char*>(data);
  file->size_ = static_cast<std::size_t>(status.st_size);
  file->device_ = status.st_dev;
  file->inode_ = status.st_ino;
  file->header_ = load<Header>(data);
  const Header& header = file->header_;
  if (header.magic != kMagic)
    return fail_at(path, Code::kCorrupt, "not a map file: the magic is missing", kRebuildHint);
  if (header.version != kFormatVersion) {
    const std::string found =
        "format version " + std::to_string(header.version) + ", this program reads " + std::to_string(kFormatVersion);
    if (header.version > kFormatVersion)
      return fail_at(path, Code::kTooNew, found, "install the newer aegir everywhere");
    return fail_at(path, Code::kCorrupt, found, kRebuildHint);
  }
  const char* problem = check_header(header, file->size_);
  if (problem == nullptr) problem = read_tables(file->data_, header, file->platforms_, file->console_);
  if (problem != nullptr) return fail_at(path, Code::kCorrupt, problem, kRebuildHint);
  return file;
}

MapFile::~MapFile() {
  if (data_ != nullptr) ::munmap(const_cast<unsigned char*>(data_), size_);
}

bool MapFile::replaced_at(const std::string& path) const noexcept {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && (status.st_dev != device_ || status.st_ino != inode_);
}

std::uint64_t MapFile::hash(std::string_view key) const noexcept {
  std::array<unsigned char, crypto_shorthash_siphash24_BYTES> out;
  crypto_shorthash_siphash24(out.data(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                             header_.hash_key.data());
  return load<std::uint64_t>(out.data());
}

Lookup MapFile::find(std::uint64_t hash, std::string_view key, RecordView& record) const noexcept {
  const std::uint32_t tag = hash_tag(hash);
  std::uint32_t number = home_bucket(hash, header_.bucket_count);
  for (std::uint32_t probe = 0; probe < kMaxProbe; ++probe) {
    const auto& bucket = in_place<Bucket>(data_ + header_.buckets_offset + std::uint64_t{number} * sizeof(Bucket));
    if (crc32c(&bucket, offsetof(Bucket, zero), number) != bucket.crc) return Lookup::kFault;
    for (std::uint32_t slot = 0; slot < kBucketSlots; ++slot) {
      if (bucket.tags[slot] != tag) continue;
      const std::uint64_t offset = std::uint64_t{bucket.records[slot]} * 8;
      if (offset == 0) break;
      prefetch_record(data_ + offset);
      if (view_record(data_, header_.records_offset, header_.buckets_offset, offset, record) != nullptr) {
        return Lookup::kFault;
      }
      if (record.key == key) return Lookup::kFound;
    }
    if (bucket.records.back() == 0) return Lookup::kUnknown;
    number = number + 1 == header_.bucket_count ? 0 : number + 1;
  }
  return Lookup::kUnknown;
}

Result<std::shared_ptr<const Snapshot>> Snapshot::make(std::shared_ptr<const MapFile> base,
                                                       std::shared_ptr<const MapFile> delta) {
  const Header& below = base->header();
  const std::string name = file_name(delta ? delta->header() : below);
  if (below.kind != static_cast<std::uint32_t>(FileKind::kBase)) {
    return fail_at(file_name(below), Code::kCorrupt, "a delta where a base is expected", kRebuildHint);
  }
  if (delta) {
    const Header& above = delta->header();
    if (above.kind != static_cast<std::uint32_t>(FileKind::kDelta)) {
      return fail_at(name, Code::kCorrupt, "a base where a delta is expected", kRebuildHint);
    }
    if (above.registry_id != below.registry_id) {
      return fail_at(name, Code::kCorrupt, "it belongs to another registry than its base", kRebuildHint);
    }
    if (above.base_generation != below.generation || above.hash_key != below.hash_key) {
      return fail_at(name, Code::kCorrupt, "it belongs to another base than " + file_name(below), kRebuildHint);
    }
  }
  std::shared_ptr<Snapshot> snapshot(new Snapshot);
  snapshot->platforms_ = base->platforms();
  if (delta && !delta->platforms().empty()) {
    std::vector<PlatformView>& merged = snapshot->merged_platforms_;
    std::ranges::set_union(delta->platforms(), base->platforms(), std::back_inserter(merged), {}, &PlatformView::id,
                           &PlatformView::id);
    std::erase_if(merged, [](const PlatformView& platform) { return platform.services == 0; });
    snapshot->platforms_ = merged;
  }
  snapshot->wildcard_depths_ = below.wildcard_depths | (delta ? delta->header().wildcard_depths : 0);
  snapshot->base_ = std::move(base);
  snapshot->delta_ = std::move(delta);
  return snapshot;
}

Lookup Snapshot::find(std::uint64_t hash, std::string_view key, RecordView& record,
                      const MapFile*& file) const noexcept {
  if (delta_) {
    base_->prefetch(hash);
    file = delta_.get();
    const Lookup found = delta_->find(hash, key, record);
    if (found == Lookup::kFound && record.type == RecordType::kTombstone) return Lookup::kUnknown;
    if (found != Lookup::kUnknown) return found;
  }
  file = base_.get();
  return base_->find(hash, key, record);
}

void Snapshot::prefetch(std::span<const std::string_view> keys) const noexcept {
  std::array<std::uint64_t, kBatch> hashes;
  const std::size_t count = std::min(keys.size(), hashes.size());
  for (std::size_t i = 0; i < count; ++i) {
    hashes[i] = base_->hash(keys[i]);
    base_->prefetch(hashes[i]);
  }
  const unsigned char* data = base_->bytes().data();
  const Header& header = base_->header();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t home = std::uint64_t{home_bucket(hashes[i], header.bucket_count)} * sizeof(Bucket);
    const auto& bucket = in_place<Bucket>(data + header.buckets_offset + home);
    for (std::uint32_t slot = 0; slot < kBucketSlots; ++slot) {
      if (bucket.tags[slot] == hash_tag(hashes[i])) prefetch_record(data + std::uint64_t{bucket.records[slot]} * 8);
    }
  }
}

Lookup Snapshot::find_key(std::string_view key, RecordView& record, const MapFile*& file) const noexcept {
  return find(base_->hash(key), key, record, file);
}

[[gnu::noinline]] Lookup Snapshot::find_wildcard(std::string_view host, RecordView& record,
                                                 const MapFile*& file) const noexcept {
  struct Suffix {
    std::string_view key;
    std::uint64_t hash = 0;
  };
  std::array<Suffix, kMaxWildcardLookups> suffixes;
  unsigned dots = 0;
  for (const char c : host) dots += c == '.' ? 1U : 0U;
  // The suffix after the n-th dot from the right has n labels. Hash all candidates first: their buckets then
  // come from memory side by side.
  unsigned count = 0;
  for (std::size_t i = 0; dots > 0 && count < suffixes.size(); ++i) {
    if (host[i] != '.') continue;
    if (dots < 64 && ((wildcard_depths_ >> dots) & 1U) != 0) {
      Suffix& suffix = suffixes[count++];
      suffix.key = host.substr(i);
      suffix.hash = base_->hash(suffix.key);
      base_->prefetch(suffix.hash);
    }
    --dots;
  }
  for (unsigned i = 0; i < count; ++i) {
    const Lookup found = find(suffixes[i].hash, suffixes[i].key, record, file);
    if (found != Lookup::kUnknown) return found;
  }
  return Lookup::kUnknown;
}

const PlatformView* Snapshot::find_platform(std::uint32_t id) const noexcept {
  if (platforms_.empty() || id < platforms_.front().id) return nullptr;
  // Ids are given one after the other: without gaps a row's number follows from its id.
  const std::size_t row = id - platforms_.front().id;
  if (row < platforms_.size() && platforms_[row].id == id) return &platforms_[row];
  const auto found = std::ranges::lower_bound(platforms_, id, {}, &PlatformView::id);
  return found != platforms_.end() && found->id == id ? &*found : nullptr;
}

Lookup Snapshot::view(const MapFile& file, const RecordView& record, SiteView& site) const noexcept {
  RecordView record_of_site = record;
  std::string_view alias_target;
  const bool alias = record.type == RecordType::kAlias;
  if (alias) {
    const Header& header = file.header();
    std::uint64_t offset = 0;
    if (view_alias(record, alias_target, offset) != nullptr ||
        view_record(file.bytes().data(), header.records_offset, header.buckets_offset, offset, record_of_site) !=
            nullptr ||
        record_of_site.type != RecordType::kSite) {
      return Lookup::kFault;
    }
  }
  if (view_site(record_of_site, site) != nullptr) return Lookup::kFault;
  const auto& head = in_place<SiteHead>(record_of_site.bytes);
  const PlatformView* platform = find_platform(head.platform_id);
  if (platform == nullptr) return Lookup::kFault;
  site.blocks[0] = {site.host.data(), static_cast<std::size_t>(site.sealed.end() - site.host.begin())};
  site.blocks[1] = {platform->name.data(), platform->name.size() + platform->docroot.size()};
  site.blocks[2] = alias_target;
  site.blocks[3] = console();
  site.platform_name = platform->name;
  site.docroot = platform->docroot;
  site.console = site.blocks[3];
  if (alias) site.target = alias_target;
  site.state = static_cast<SiteState>(head.state);
  site.https = static_cast<Https>(head.https);
  site.cms = platform->cms;
  site.services = head.services & platform->services;
  site.former_count = head.former_count;
  site.platform_id = head.platform_id;
  site.key_id = head.key_id;
  site.memory_limit = head.memory_limit;
  site.upload_max_filesize = head.upload_max_filesize;
  site.post_max_size = head.post_max_size;
  site.max_execution_time = head.max_execution_time;
  site.expiry = head.expiry;
  site.generation = generation();
  return Lookup::kFound;
}

[[gnu::flatten]] Lookup Snapshot::find_host(std::string_view host, SiteView& site) const noexcept {
  if (host.empty() || host.size() > kMaxHostName || host.front() == '.' || host.front() == '!') return Lookup::kUnknown;
  RecordView record;
  const MapFile* file = nullptr;
  Lookup found = find(base_->hash(host), host, record, file);
  if (found == Lookup::kUnknown && wildcard_depths_ != 0) found = find_wildcard(host, record, file);
  if (found != Lookup::kFound) return found;
  if (record.type != RecordType::kSite && record.type != RecordType::kAlias) return Lookup::kFault;
  return view(*file, record, site);
}

Lookup Snapshot::find_probe(std::string_view token, std::string_view host, std::uint64_t now,
                            SiteView& site) const noexcept {
  const std::array<char, kProbeKey> key = hash_token(token);
  RecordView record;
  const MapFile* file = nullptr;
  const Lookup found = find_key({key.data(), key.size()}, record, file);
  if (found != Lookup::kFound) return found;
  if (record.type == RecordType::kCandidate) {
    const Lookup candidate = view(*file, record, site);
    if (candidate != Lookup::kFound) return candidate;
    return site.expiry > now && site.host == host ? Lookup::kFound : Lookup::kUnknown;
  }
  std::string_view pass_host;
  std::uint64_t expiry = 0;
  if (record.type != RecordType::kPass || view_pass(record, pass_host, expiry) != nullptr) return Lookup::kFault;
  if (expiry <= now) return Lookup::kUnknown;
  const Lookup live = find_host(host, site);
  if (live == Lookup::kFound && host != pass_host && site.host != pass_host) return Lookup::kUnknown;
  return live;
}

}  // namespace aegir::map
