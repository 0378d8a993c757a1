// Records of the site map in place: bounds, checksum, lengths. Shared by the look-up of the modules and by
// the tools that read whole files, so that both refuse the same bytes. Nothing here allocates or throws.
//
// The functions return null when the bytes are right, else in a few words what is wrong with them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "compiler/core/crc32c.hpp"
#include "compiler/map/format.hpp"

namespace aegir::map {

/// A record whose bounds and checksum are right, and whose head and key fit in it.
struct RecordView {
  const unsigned char* bytes = nullptr;
  std::uint32_t size = 0;
  RecordType type = RecordType::kTombstone;
  std::string_view key;
};

/// The fields of a site or candidate.
struct SiteFields {
  std::string_view host, directory, socket, target, auth, former, sealed;
};

/// Where the key of a record of `type` begins; 0: no such type.
[[nodiscard]] inline constexpr std::size_t key_offset(std::uint8_t type) noexcept {
  constexpr std::array<std::uint8_t, 6> kOffsets = {
      0, sizeof(SiteHead), sizeof(AliasHead), kTombstoneHead, sizeof(SiteHead), sizeof(PassHead)};
  return type < kOffsets.size() ? kOffsets[type] : 0;
}

[[nodiscard]] inline std::string_view text_at(const unsigned char* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// Examines the record at `offset` of a file whose records are the bytes [`begin`, `end`).
[[nodiscard]] inline const char* view_record(const unsigned char* file, std::uint64_t begin, std::uint64_t end,
                                             std::uint64_t offset, RecordView& record) noexcept {
  if (offset < begin || offset >= end || end - offset < kTombstoneHead || offset % 8 != 0) {
    return "the offset of a record lies outside the records";
  }
  const unsigned char* bytes = file + offset;
  const auto& head = in_place<RecordHead>(bytes);
  if (head.size < kTombstoneHead || head.size % 8 != 0 || head.size > end - offset) {
    return "the size of the record does not fit";
  }
  if (crc32c(bytes + 4, head.size - 4) != head.crc) return "the checksum of the record is wrong";
  const std::size_t key = key_offset(head.type);
  if (key == 0) return "a record of an unknown type";
  if (head.key_size == 0 || key + head.key_size > head.size) return "the key does not fit in the record";
  record = {bytes, head.size, static_cast<RecordType>(head.type), text_at(bytes + key, head.key_size)};
  return nullptr;
}

/// Takes a site or candidate apart. `Fields` has the members of SiteFields (SiteView has them too).
template <class Fields>
[[nodiscard]] const char* view_site(const RecordView& record, Fields& fields) noexcept {
  if (record.size < sizeof(SiteHead)) return "the record is too short for a site";
  const auto& head = in_place<SiteHead>(record.bytes);
  const std::uint64_t used = sizeof(SiteHead) + std::uint64_t{head.key_size} + head.host_size + head.directory_size +
                             head.socket_size + head.target_size + head.auth_size + head.former_size + head.sealed_size;
  if (used > record.size) return "the fields do not fit in the record";
  if (head.state < 1 || head.state > 3 || head.https > 2) return "a site with an unknown state or https policy";
  const unsigned char* at = record.bytes + sizeof(SiteHead) + head.key_size;
  const auto take = [&at](std::size_t size) noexcept {
    const std::string_view field = text_at(at, size);
    at += size;
    return field;
  };
  fields.host = take(head.host_size);
  fields.directory = take(head.directory_size);
  fields.socket = take(head.socket_size);
  fields.target = take(head.target_size);
  fields.auth = take(head.auth_size);
  fields.former = take(head.former_size);
  fields.sealed = take(head.sealed_size);
  return nullptr;
}

/// Takes an alias apart: its target and the offset of its site's record.
[[nodiscard]] inline const char* view_alias(const RecordView& record, std::string_view& target,
                                            std::uint64_t& site) noexcept {
  const auto& head = in_place<AliasHead>(record.bytes);
  if (sizeof(AliasHead) + std::uint64_t{head.key_size} + head.target_size > record.size) {
    return "the target does not fit in the record";
  }
  target = text_at(record.bytes + sizeof(AliasHead) + head.key_size, head.target_size);
  site = std::uint64_t{head.site} * 8;
  return nullptr;
}

/// Takes a pass apart.
[[nodiscard]] inline const char* view_pass(const RecordView& record, std::string_view& host,
                                           std::uint64_t& expiry) noexcept {
  if (record.size < sizeof(PassHead)) return "the record is too short for a pass";
  const auto& head = in_place<PassHead>(record.bytes);
  if (sizeof(PassHead) + std::uint64_t{head.key_size} + head.host_size > record.size) {
    return "the host does not fit in the record";
  }
  host = text_at(record.bytes + sizeof(PassHead) + head.key_size, head.host_size);
  expiry = head.expiry;
  return nullptr;
}

}  // namespace aegir::map
