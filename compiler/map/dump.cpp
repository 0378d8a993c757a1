#include "compiler/map/dump.hpp"

#include <ostream>
#include <string>
#include <string_view>

#include "compiler/core/secret_box.hpp"
#include "compiler/map/units.hpp"
#include "compiler/map/words.hpp"

namespace aegir::map {
namespace {

/// A value that can't be taken for anything else: plain when it is made of the usual characters, else quoted.
std::string shown(std::string_view text) {
  if (text.empty()) return "-";
  const bool plain = text != "-" && text.find_first_not_of(
                                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789.-_/:!") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      quoted += "\\x" + to_hex({&byte, 1});
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

/// Enough of a digest to tell two secrets apart.
std::string digest_of(std::string_view secret) {
  if (secret.empty()) return "-";
  const Digest digest = blake2b(secret);
  return to_hex({digest.data(), 16});
}

void write_site(std::ostream& out, const RecordView& record) {
  SiteFields fields;
  (void)view_site(record, fields);  // verified when the unit was read
  const auto& head = in_place<SiteHead>(record.bytes);
  const bool candidate = record.type == RecordType::kCandidate;
  out << (candidate ? "candidate " : "site ") << name_of(record.key);
  if (candidate) out << " host " << shown(fields.host) << " expiry " << head.expiry;
  out << " state " << word(static_cast<SiteState>(head.state)) << " https " << word(static_cast<Https>(head.https))
      << " services " << service_words(head.services) << " platform " << head.platform_id << " directory "
      << shown(fields.directory) << " socket " << shown(fields.socket) << " target " << shown(fields.target)
      << " former ";
  std::string_view former = fields.former;
  if (former.empty()) out << '-';
  while (!former.empty()) {
    const std::size_t size = static_cast<unsigned char>(former.front());
    out << shown(former.substr(1, size));
    former.remove_prefix(std::min(former.size(), size + 1));
    if (!former.empty()) out << ',';
  }
  out << " auth " << digest_of(fields.auth);
  if (fields.auth.size() > 32) out << " realm " << shown(fields.auth.substr(32));
  out << " php " << head.memory_limit << '/' << head.upload_max_filesize << '/' << head.post_max_size << '/'
      << head.max_execution_time << " key " << head.key_id << " sealed " << digest_of(fields.sealed) << '\n';
}

void write_alias(std::ostream& out, const AliasView& alias, std::string_view site) {
  out << "alias " << name_of(alias.record.key) << " of " << site << " target " << shown(alias.target) << '\n';
}

void write_unit(std::ostream& out, const UnitView& unit) {
  std::string_view host;
  std::uint64_t expiry = 0;
  switch (unit.record.type) {
    case RecordType::kSite:
    case RecordType::kCandidate:
      write_site(out, unit.record);
      break;
    case RecordType::kPass:
      (void)view_pass(unit.record, host, expiry);  // verified when the unit was read
      out << "pass " << unit.key() << " host " << shown(host) << " expiry " << expiry << '\n';
      break;
    case RecordType::kTombstone:
    case RecordType::kAlias:
      out << "tombstone " << name_of(unit.key()) << '\n';
      break;
  }
}

void write_platforms(std::ostream& out, std::span<const PlatformView> platforms) {
  for (const PlatformView& row : platforms) {
    out << "platform " << row.id << ' ';
    if (row.services == 0) {
      out << "gone\n";
    } else {
      out << shown(row.name) << " docroot " << shown(row.docroot) << " cms " << word(row.cms) << " services "
          << service_words(row.services) << '\n';
    }
  }
}

}  // namespace

Result<void> dump_file(const MapFile& file, std::ostream& out) {
  const Header& header = file.header();
  const bool base = header.kind == static_cast<std::uint32_t>(FileKind::kBase);
  out << "file " << file_name(header) << "\nformat " << header.version << "\nregistry " << to_hex(header.registry_id)
      << "\ngeneration " << header.generation << '\n';
  if (!base) out << "base generation " << header.base_generation << '\n';
  out << "key " << header.key_id << "\nhash key " << to_hex(header.hash_key) << "\nbody digest "
      << to_hex(header.body_digest) << "\nsize " << header.file_size << "\nplatforms at " << header.platforms_offset
      << "\nsettings at " << header.settings_offset << "\nrecords at " << header.records_offset << "\nbuckets at "
      << header.buckets_offset << " number " << header.bucket_count << "\nnames " << header.name_count << "\nsites "
      << header.site_count << "\nwildcard depths";
  for (unsigned depth = 1; depth < 64; ++depth) {
    if ((header.wildcard_depths >> depth & 1U) != 0) out << ' ' << depth;
  }
  out << (header.wildcard_depths == 0 ? " none\n" : "\n") << "console " << shown(file.console()) << '\n';
  write_platforms(out, file.platforms());
  const auto at = [&](const RecordView& record) { return record.bytes - file.bytes().data(); };
  UnitReader units(file);
  Result<bool> more = units.next();
  for (; more && *more; more = units.next()) {
    const UnitView& unit = units.unit();
    out << at(unit.record) << ' ';
    write_unit(out, unit);
    for (const AliasView& alias : unit.aliases) {
      out << at(alias.record) << ' ';
      write_alias(out, alias, unit.key());
    }
  }
  if (!more) return pass(more);
  return {};
}

Result<void> dump_snapshot(const Snapshot& snapshot, std::ostream& out) {
  const Header& newest = snapshot.delta() != nullptr ? snapshot.delta()->header() : snapshot.base().header();
  out << "registry " << to_hex(newest.registry_id) << "\ngeneration " << newest.generation << "\nkey " << newest.key_id
      << "\nconsole " << shown(snapshot.console()) << '\n';
  write_platforms(out, snapshot.platforms());
  MergedUnits units(snapshot);
  Result<bool> more = units.next();
  for (; more && *more; more = units.next()) {
    const UnitView& unit = units.unit();
    write_unit(out, unit);
    for (const AliasView& alias : unit.aliases) write_alias(out, alias, unit.key());
  }
  if (!more) return pass(more);
  return {};
}

}  // namespace aegir::map
