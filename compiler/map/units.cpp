#include "compiler/map/units.hpp"

namespace aegir::map {

SiteRecord UnitView::site() const {
  SiteFields fields;
  (void)view_site(record, fields);  // verified when the unit was read
  const auto& head = in_place<SiteHead>(record.bytes);
  SiteRecord site;
  site.key = record.key;
  site.host = fields.host;
  site.state = static_cast<SiteState>(head.state);
  site.https = static_cast<Https>(head.https);
  site.platform_id = head.platform_id;
  site.services = head.services;
  site.expiry = head.expiry;
  site.memory_limit = head.memory_limit;
  site.upload_max_filesize = head.upload_max_filesize;
  site.post_max_size = head.post_max_size;
  site.max_execution_time = head.max_execution_time;
  site.directory = fields.directory;
  site.socket = fields.socket;
  site.target = fields.target;
  site.auth = fields.auth;
  for (std::string_view rest = fields.former; !rest.empty();) {
    const std::size_t size = static_cast<unsigned char>(rest.front());
    site.former.emplace_back(rest.substr(1, size));
    rest.remove_prefix(std::min(rest.size(), 1 + size));
  }
  site.key_id = head.key_id;
  site.sealed.assign(fields.sealed.begin(), fields.sealed.end());
  for (const AliasView& alias : aliases) {
    site.aliases.push_back({std::string(alias.record.key), std::string(alias.target)});
  }
  return site;
}

PassRecord UnitView::pass() const {
  PassRecord pass_record;
  std::string_view host;
  (void)view_pass(record, host, pass_record.expiry);  // verified when the unit was read
  pass_record.key = record.key;
  pass_record.host = host;
  return pass_record;
}

std::unexpected<Error> UnitReader::refuse(const char* problem) const {
  return fail_at(file_name(file_.header()), Code::kCorrupt, "offset " + std::to_string(offset_) + ": " + problem,
                 kRebuildHint);
}

Result<bool> UnitReader::peek(RecordView& record) const {
  const Header& header = file_.header();
  // Behind the last record there is padding up to the buckets, shorter than a bucket and all zero.
  if (header.buckets_offset - offset_ < sizeof(Bucket)) {
    bool padding = true;
    for (std::uint64_t i = offset_; i < header.buckets_offset; ++i) padding = padding && file_.bytes()[i] == 0;
    if (padding) return false;
  }
  const char* problem =
      view_record(file_.bytes().data(), header.records_offset, header.buckets_offset, offset_, record);
  if (problem != nullptr) return refuse(problem);
  return true;
}

Result<bool> UnitReader::next() {
  const std::string_view previous = unit_.record.key;
  unit_.aliases.clear();
  Result<bool> more = peek(unit_.record);
  if (!more || !*more) return more;
  const RecordView& record = unit_.record;
  if (record.key <= previous) return refuse("a unit is out of order");
  unit_offset_ = offset_;
  SiteFields fields;
  std::string_view text;
  std::uint64_t number = 0;
  const char* problem = nullptr;
  switch (record.type) {
    case RecordType::kSite:
    case RecordType::kCandidate:
      problem = view_site(record, fields);
      break;
    case RecordType::kPass:
      problem = view_pass(record, text, number);
      break;
    case RecordType::kTombstone:
      if (file_.header().kind == static_cast<std::uint32_t>(FileKind::kBase)) problem = "a tombstone in a base";
      break;
    case RecordType::kAlias:
      problem = "an alias without its site";
      break;
  }
  if (problem != nullptr) return refuse(problem);
  offset_ += record.size;
  while (record.type == RecordType::kSite) {
    AliasView alias;
    more = peek(alias.record);
    if (!more) return more;
    if (!*more || alias.record.type != RecordType::kAlias) break;
    problem = view_alias(alias.record, alias.target, number);
    if (problem == nullptr && number != unit_offset_) problem = "an alias behind another site than its own";
    if (problem == nullptr && !unit_.aliases.empty() && alias.record.key <= unit_.aliases.back().record.key) {
      problem = "an alias is out of order";
    }
    if (problem != nullptr) return refuse(problem);
    unit_.aliases.push_back(alias);
    offset_ += alias.record.size;
  }
  return true;
}

MergedUnits::MergedUnits(const Snapshot& snapshot) : snapshot_(snapshot), base_(snapshot.base()) {
  if (snapshot.delta() != nullptr) delta_.emplace(*snapshot.delta());
}

Result<bool> MergedUnits::delta_has(std::string_view key) const {
  if (!delta_) return false;
  RecordView record;
  const Lookup found = snapshot_.delta()->find(snapshot_.base().hash(key), key, record);
  if (found != Lookup::kFault) return found == Lookup::kFound;
  return fail_at(file_name(snapshot_.delta()->header()), Code::kCorrupt,
                 "the bucket or record of '" + std::string(key) + "' is broken", kRebuildHint);
}

Result<bool> MergedUnits::next_of_base() {
  for (Result<bool> more = base_.next();; more = base_.next()) {
    if (!more || !*more) return more;
    const UnitView& unit = base_.unit();
    base_unit_.record = unit.record;
    base_unit_.aliases.clear();
    const Result<bool> hidden = delta_has(unit.key());
    if (!hidden) return hidden;
    for (const AliasView& alias : unit.aliases) {
      const Result<bool> taken = delta_has(alias.record.key);
      if (!taken) return taken;
      if (*taken) continue;
      if (*hidden) {
        return fail_at(file_name(snapshot_.delta()->header()), Code::kCorrupt,
                       "it replaces or buries '" + std::string(unit.key()) + "', but not its alias '" +
                           std::string(alias.record.key) + "'",
                       kRebuildHint);
      }
      base_unit_.aliases.push_back(alias);
    }
    if (!*hidden) return true;
  }
}

Result<bool> MergedUnits::next_of_delta() {
  if (!delta_) return false;
  for (Result<bool> more = delta_->next();; more = delta_->next()) {
    if (!more || !*more || delta_->unit().record.type != RecordType::kTombstone) return more;
  }
}

Result<bool> MergedUnits::next() {
  if (from_base_) {
    const Result<bool> more = next_of_base();
    if (!more) return more;
    base_left_ = *more;
  }
  if (from_delta_) {
    const Result<bool> more = next_of_delta();
    if (!more) return more;
    delta_left_ = *more;
  }
  from_delta_ = delta_left_ && (!base_left_ || delta_->unit().key() < base_unit_.key());
  from_base_ = base_left_ && !from_delta_;
  return base_left_ || delta_left_;
}

}  // namespace aegir::map
