#include "compiler/map/verify.hpp"

#include <sodium.h>

#include <algorithm>

#include "compiler/core/crc32c.hpp"
#include "compiler/core/host_name.hpp"
#include "compiler/core/secret_box.hpp"
#include "compiler/map/units.hpp"

namespace aegir::map {
namespace {

std::unexpected<Error> wrong(const std::string& path, std::uint64_t offset, std::string_view problem) {
  return fail_at(path, Code::kCorrupt, "offset " + std::to_string(offset) + ": " + std::string(problem), kRebuildHint);
}

bool all_zero(std::string_view bytes) noexcept { return bytes.find_first_not_of('\0') == std::string_view::npos; }

bool is_probe_key(std::string_view key) noexcept {
  return key.size() == kProbeKey && key.front() == '!' &&
         key.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
}

/// A canonical host name, or a wildcard's suffix.
bool is_name_key(std::string_view key) noexcept {
  return is_canonical_host(key.starts_with('.') ? key.substr(1) : key);
}

/// Whether `former` is exactly `count` names.
bool is_former(std::string_view former, std::uint32_t count) noexcept {
  for (; count > 0; --count) {
    if (former.empty()) return false;
    const std::size_t size = static_cast<unsigned char>(former.front());
    if (size == 0 || size >= former.size()) return false;
    former.remove_prefix(1 + size);
  }
  return former.empty();
}

const char* check_site(const RecordView& record) noexcept {
  SiteFields fields;
  if (const char* problem = view_site(record, fields)) return problem;
  const auto& head = in_place<SiteHead>(record.bytes);
  const bool candidate = record.type == RecordType::kCandidate;
  if (!is_canonical_host(fields.host)) return "the site's host is no canonical host name";
  if (candidate ? !is_probe_key(record.key) : record.key != fields.host) return "the key is not one of this type";
  if (!candidate && head.expiry != 0) return "a site with an expiry";
  if (head.services > (kServiceApache | kServiceNginx)) return "an unknown web service";
  if (!is_former(fields.former, head.former_count)) return "the former uris are not what their number says";
  if (head.flags != (fields.sealed.empty() ? 0 : kFlagCloaked)) return "the flags do not fit the credentials";
  if (!fields.sealed.empty() && fields.sealed.size() < kSealOverhead) return "sealed credentials of impossible length";
  if (!fields.auth.empty() && fields.auth.size() < 32) return "HTTP authentication of impossible length";
  if (head.certificate != 0 || head.zero != 0 || head.zero2 != 0) return "a reserved field is not zero";
  const std::string_view whole = text_at(record.bytes, record.size);
  const auto used = static_cast<std::size_t>(fields.sealed.end() - whole.begin());
  return align8(used) == record.size && all_zero(whole.substr(used)) ? nullptr : "the padding is not zero or too long";
}

/// Everything about a record that stands in itself.
const char* check_record(const RecordView& record) noexcept {
  const std::string_view whole = text_at(record.bytes, record.size);
  std::string_view text;
  std::uint64_t number = 0;
  std::size_t used = 0;
  switch (record.type) {
    case RecordType::kSite:
    case RecordType::kCandidate:
      return check_site(record);
    case RecordType::kAlias:
      if (const char* problem = view_alias(record, text, number)) return problem;
      if (!is_name_key(record.key)) return "the alias is no canonical name";
      used = sizeof(AliasHead) + record.key.size() + text.size();
      break;
    case RecordType::kPass:
      if (const char* problem = view_pass(record, text, number)) return problem;
      if (!is_probe_key(record.key) || !is_canonical_host(text)) return "the key or host of the pass is none";
      if (in_place<PassHead>(record.bytes).zero != 0) return "a reserved field is not zero";
      used = sizeof(PassHead) + record.key.size() + text.size();
      break;
    case RecordType::kTombstone:
      if (!is_name_key(record.key) && !is_probe_key(record.key)) return "the tombstone is of no possible name";
      if (!all_zero(whole.substr(10, kTombstoneHead - 10))) return "a reserved field is not zero";
      used = kTombstoneHead + record.key.size();
      break;
  }
  return align8(used) == record.size && all_zero(whole.substr(used)) ? nullptr : "the padding is not zero or too long";
}

/// Whether the names of a snapshot lead to the records that it shows: the delta's over the base's. Takes them in
/// batches, since each look-up is a walk through memory.
class Visibility {
 public:
  explicit Visibility(const Snapshot& snapshot) : snapshot_(snapshot) {}

  /// False when one of the names so far leads elsewhere: lost().
  bool add(const RecordView& record) noexcept {
    keys_[count_] = record.key;
    records_[count_++] = record.bytes;
    return count_ < keys_.size() || check();
  }
  bool check() noexcept {
    snapshot_.prefetch({keys_.data(), count_});
    for (std::size_t i = 0; i < count_; ++i) {
      RecordView found;
      const MapFile* file = nullptr;
      lost_ = keys_[i];
      if (snapshot_.find_key(keys_[i], found, file) != Lookup::kFound || found.bytes != records_[i]) return false;
    }
    count_ = 0;
    return true;
  }
  [[nodiscard]] std::string_view lost() const noexcept { return lost_; }

 private:
  const Snapshot& snapshot_;
  std::array<std::string_view, Snapshot::kBatch> keys_{};
  std::array<const unsigned char*, Snapshot::kBatch> records_{};
  std::size_t count_ = 0;
  std::string_view lost_;
};

/// Collects names until there are enough of them to let their buckets come from memory side by side.
class Reachability {
 public:
  explicit Reachability(const MapFile& file) : file_(file) {}

  /// Null, or the first name that the index does not lead to.
  const unsigned char* add(const RecordView& record) noexcept {
    Waiting& waiting = waiting_[count_++];
    waiting = {record, file_.hash(record.key)};
    file_.prefetch(waiting.hash);
    return count_ == waiting_.size() ? check() : nullptr;
  }
  const unsigned char* check() noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      RecordView found;
      if (file_.find(waiting_[i].hash, waiting_[i].record.key, found) != Lookup::kFound ||
          found.bytes != waiting_[i].record.bytes) {
        return waiting_[i].record.bytes;
      }
    }
    count_ = 0;
    return nullptr;
  }

 private:
  struct Waiting {
    RecordView record;
    std::uint64_t hash = 0;
  };
  const MapFile& file_;
  std::array<Waiting, 32> waiting_{};
  std::size_t count_ = 0;
};

/// Header fields and tables beyond what opening the file has verified.
Result<void> check_head(const std::string& path, const MapFile& file) {
  const Header& header = file.header();
  const bool base = header.kind == static_cast<std::uint32_t>(FileKind::kBase);
  const unsigned char* data = file.bytes().data();
  if (header.zero != 0) return wrong(path, offsetof(Header, zero), "a reserved field is not zero");
  if (std::ranges::any_of(header.zeros, [](unsigned char byte) { return byte != 0; })) {
    return wrong(path, offsetof(Header, zeros), "a reserved field is not zero");
  }
  if (base && header.base_generation != header.generation) {
    return wrong(path, offsetof(Header, base_generation), "a base that belongs to another base");
  }
  std::uint64_t end = header.platforms_offset + header.platform_count * sizeof(PlatformRow);
  for (std::uint32_t i = 0; i < header.platform_count; ++i) {
    const std::uint64_t at = header.platforms_offset + i * sizeof(PlatformRow);
    const auto& row = in_place<PlatformRow>(data + at);
    const bool gone = row.services == 0;
    if (row.zero != 0 || row.services > (kServiceApache | kServiceNginx) || row.cms > 3) {
      return wrong(path, at, "a platform with an unknown web service or CMS");
    }
    if (gone && (base || row.cms != 0 || row.name_size != 0 || row.docroot_size != 0)) {
      return wrong(path, at, "a platform without a web service");
    }
    const std::uint64_t size = std::uint64_t{row.name_size} + row.docroot_size;
    if (header.platforms_offset + row.strings != end || end + align8(size) > header.settings_offset ||
        !all_zero(text_at(data + end + size, align8(size) - size))) {
      return wrong(path, at, "a platform's strings are not in their place");
    }
    end += align8(size);
  }
  if (end != header.settings_offset) return wrong(path, end, "bytes between platforms and settings");
  const std::uint64_t console = file.console().size() + 2;
  if (header.settings_offset + align8(console) != header.records_offset ||
      !all_zero(text_at(data + header.settings_offset + console, align8(console) - console))) {
    return wrong(path, header.settings_offset, "bytes between settings and records");
  }
  return {};
}

Result<void> check_digests(const std::string& path, const MapFile& file) {
  const Header& header = file.header();
  const auto bytes = file.bytes();
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sizeof header.body_digest);
  crypto_generichash_update(&state, bytes.data() + sizeof(Header), header.buckets_offset - sizeof(Header));
  crypto_generichash_state content = state;
  Digest digest;
  crypto_generichash_final(&content, digest.data(), digest.size());
  if (header.kind == static_cast<std::uint32_t>(FileKind::kBase) &&
      !std::equal(header.hash_key.begin(), header.hash_key.end(), digest.begin())) {
    return wrong(path, offsetof(Header, hash_key), "the hash key was not made from the content");
  }
  crypto_generichash_update(&state, bytes.data() + header.buckets_offset, bytes.size() - header.buckets_offset);
  crypto_generichash_final(&state, digest.data(), digest.size());
  if (digest != header.body_digest)
    return wrong(path, offsetof(Header, body_digest), "the digest of the body is wrong");
  return {};
}

Result<void> check_buckets(const std::string& path, const MapFile& file) {
  const Header& header = file.header();
  std::uint64_t used = 0;
  for (std::uint32_t number = 0; number < header.bucket_count; ++number) {
    const std::uint64_t at = header.buckets_offset + std::uint64_t{number} * sizeof(Bucket);
    const auto& bucket = in_place<Bucket>(file.bytes().data() + at);
    if (crc32c(&bucket, offsetof(Bucket, zero), number) != bucket.crc) {
      return wrong(path, at, "the checksum of the bucket is wrong");
    }
    if (bucket.zero != 0) return wrong(path, at, "a reserved field is not zero");
    const auto first_empty = std::ranges::find(bucket.records, 0U);
    used += static_cast<std::uint64_t>(first_empty - bucket.records.begin());
    for (std::size_t slot = static_cast<std::size_t>(first_empty - bucket.records.begin()); slot < kBucketSlots;
         ++slot) {
      if (bucket.records[slot] != 0 || bucket.tags[slot] != 0)
        return wrong(path, at, "a slot behind an empty one is used");
    }
  }
  if (used != header.name_count)
    return wrong(path, header.buckets_offset, "the index has more or fewer slots than names");
  if (std::uint64_t{header.bucket_count} * kBucketSlots < 2 * std::uint64_t{header.name_count}) {
    return wrong(path, offsetof(Header, bucket_count), "the index is fuller than half");
  }
  return {};
}

Result<void> check_units(const std::string& path, const MapFile& file) {
  const Header& header = file.header();
  Reachability reachability(file);
  std::uint64_t names = 0;
  std::uint64_t sites = 0;
  std::uint64_t depths = 0;
  const auto offset_of = [&](const unsigned char* bytes) {
    return static_cast<std::uint64_t>(bytes - file.bytes().data());
  };
  const auto take = [&](const RecordView& record) -> Result<void> {
    ++names;
    if (record.type == RecordType::kSite) ++sites;
    if (record.type == RecordType::kAlias && record.key.front() == '.')
      depths |= 1ULL << (label_count(record.key) & 63U);
    if (const char* problem = check_record(record)) return wrong(path, offset_of(record.bytes), problem);
    if (const unsigned char* lost = reachability.add(record)) {
      return wrong(path, offset_of(lost), "the index does not lead to this record");
    }
    return {};
  };
  UnitReader units(file);
  Result<bool> more = units.next();
  for (; more && *more; more = units.next()) {
    if (Result<void> taken = take(units.unit().record); !taken) return taken;
    for (const AliasView& alias : units.unit().aliases) {
      if (Result<void> taken = take(alias.record); !taken) return taken;
    }
  }
  if (!more) {
    more.error().place.file = path;
    return pass(more);
  }
  if (const unsigned char* lost = reachability.check()) {
    return wrong(path, offset_of(lost), "the index does not lead to this record");
  }
  if (names != header.name_count) return wrong(path, offsetof(Header, name_count), "the number of names is wrong");
  if (sites != header.site_count) return wrong(path, offsetof(Header, site_count), "the number of sites is wrong");
  if (depths != header.wildcard_depths) {
    return wrong(path, offsetof(Header, wildcard_depths), "the depths of the wildcards are wrong");
  }
  return {};
}

Result<void> check_file(const std::string& path, const MapFile& file) {
  for (const auto check : {check_digests, check_head, check_buckets, check_units}) {
    if (Result<void> checked = check(path, file); !checked) return checked;
  }
  return {};
}

}  // namespace

Result<Verified> verify_file(const std::string& path) {
  if (!crypto_ready()) return fail(Code::kInternal, "libsodium could not start: no source of randomness");
  auto file = MapFile::open(path);
  if (!file) return pass(file);
  if (Result<void> checked = check_file(path, **file); !checked) return pass(checked);
  const Header& header = (*file)->header();
  return Verified{header.generation, header.name_count, header.site_count, header.file_size};
}

Result<Verified> verify_published(const std::string& directory) {
  if (!crypto_ready()) return fail(Code::kInternal, "libsodium could not start: no source of randomness");
  auto snapshot = open_published(directory, nullptr);
  if (!snapshot) return pass(snapshot);
  Verified verified{.generation = (*snapshot)->generation()};
  for (const MapFile* file : {&(*snapshot)->base(), (*snapshot)->delta()}) {
    if (file == nullptr) continue;
    if (Result<void> checked = check_file(directory + "/" + file_name(file->header()), *file); !checked)
      return pass(checked);
    verified.bytes += file->bytes().size();
  }
  MergedUnits units(**snapshot);
  Visibility visibility(**snapshot);
  const auto lost = [&] {
    return fail_at(directory, Code::kCorrupt,
                   "'" + std::string(visibility.lost()) + "' does not lead to the record that belongs to it",
                   kRebuildHint);
  };
  Result<bool> more = units.next();
  for (; more && *more; more = units.next()) {
    const UnitView& unit = units.unit();
    verified.names += 1 + unit.aliases.size();
    if (!visibility.add(unit.record)) return lost();
    for (const AliasView& alias : unit.aliases) {
      if (!visibility.add(alias.record)) return lost();
    }
    if (unit.record.type == RecordType::kSite) ++verified.sites;
    if (unit.record.type != RecordType::kSite && unit.record.type != RecordType::kCandidate) continue;
    const std::uint32_t platform = in_place<SiteHead>(unit.record.bytes).platform_id;
    if ((*snapshot)->find_platform(platform) == nullptr) {
      return fail_at(directory, Code::kCorrupt,
                     "'" + std::string(unit.key()) + "' is on platform " + std::to_string(platform) +
                         ", which the map does not have",
                     kRebuildHint);
    }
  }
  if (!visibility.check()) return lost();
  if (!more) return pass(more);
  return verified;
}

}  // namespace aegir::map
