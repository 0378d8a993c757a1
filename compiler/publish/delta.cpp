#include "compiler/publish/delta.hpp"

#include <algorithm>
#include <charconv>

namespace aegir::publish {

Result<void> Delta::take(const map::MapFile& old) {
  for (const map::PlatformView& platform : old.platforms()) {
    platforms_[platform.id] = {platform.id, platform.services, platform.cms, std::string(platform.name),
                               std::string(platform.docroot)};
  }
  map::UnitReader units(old);
  Result<bool> more = units.next();
  for (; more && *more; more = units.next()) {
    const map::UnitView& unit = units.unit();
    unit_of_[unit.key()] = unit.key();
    for (const map::AliasView& alias : unit.aliases) unit_of_[alias.record.key] = unit.key();
    kept_.emplace(unit.key(), unit);
  }
  if (!more) return pass(more);
  return {};
}

Result<void> Delta::apply(const std::vector<registry::Change>& changes) {
  for (const registry::Change& change : changes) {
    switch (change.kind) {
      case registry::ChangeKind::kHost:
        work_.push_back(map::map_key(change.key));
        break;
      case registry::ChangeKind::kPlatform:
        if (Result<void> applied = apply_platform(change); !applied) return applied;
        break;
      case registry::ChangeKind::kSettings:
        ++touched_tables_;  // every delta has the settings
        break;
    }
  }
  while (!work_.empty()) {
    const std::string key = std::move(work_.back());
    work_.pop_back();
    evict(key);
    if (settled_.contains(key)) continue;
    if (Result<void> settled = key.starts_with('!') ? settle_probe(key) : settle(key); !settled) return settled;
  }
  return {};
}

Result<void> Delta::apply_platform(const registry::Change& change) {
  std::uint32_t id = 0;
  const char* const end = change.key.data() + change.key.size();
  if (const auto parsed = std::from_chars(change.key.data(), end, id); parsed.ec != std::errc{} || parsed.ptr != end) {
    return fail(Code::kInternal, "the change log names the platform '" + change.key + "'");
  }
  Result<std::optional<registry::Platform>> platform = store_.find_platform(id);
  if (!platform) return pass(platform);
  if (!*platform) return fail(Code::kInternal, "the change log names platform " + change.key + ", which is not there");
  platforms_[id] = Compiler::platform(**platform);
  ++touched_tables_;
  return {};
}

void Delta::evict(std::string_view key) {
  const auto owner = unit_of_.find(key);
  if (owner == unit_of_.end()) return;
  const auto unit = kept_.extract(owner->second);
  unit_of_.erase(owner);
  work_.emplace_back(unit.key());
  for (const map::AliasView& alias : unit.mapped().aliases) work_.emplace_back(alias.record.key);
  unit_of_.erase(unit.key());
  for (const map::AliasView& alias : unit.mapped().aliases) unit_of_.erase(alias.record.key);
}

Result<void> Delta::settle(const std::string& key) {
  settled_.insert(key);
  Result<std::optional<registry::Site>> site = store_.find_site(key.starts_with('.') ? "*" + key : key);
  if (!site) return pass(site);
  std::optional<map::SiteRecord> record;
  if (*site) {
    Result<std::optional<map::SiteRecord>> compiled = compiler_.site(**site);
    if (!compiled) return pass(compiled);
    record = *std::move(compiled);
  }
  if (!record) {
    fresh_.emplace(key, Tombstone{});
    return {};
  }
  settled_.insert(record->key);
  work_.push_back(record->key);  // to be evicted, in case it stood in another unit
  for (const map::AliasRecord& alias : record->aliases) {
    settled_.insert(alias.key);
    work_.push_back(alias.key);
  }
  const std::string own = record->key;
  fresh_.insert_or_assign(own, *std::move(record));
  return {};
}

Result<void> Delta::settle_probe(const std::string& key) {
  settled_.insert(key);
  if (!candidates_) {
    Result<std::vector<registry::Candidate>> candidates = store_.candidates();
    if (!candidates) return pass(candidates);
    candidates_ = *std::move(candidates);
  }
  const auto candidate = std::ranges::find(*candidates_, key, &registry::Candidate::token_key);
  if (candidate == candidates_->end()) {
    fresh_.emplace(key, Tombstone{});
    return {};
  }
  Result<ProbeRecord> record = compiler_.candidate(*candidate);
  if (!record) return pass(record);
  std::visit([&](auto& value) { fresh_.insert_or_assign(key, std::move(value)); }, *record);
  return {};
}

Result<map::Written> Delta::write(const map::Target& target, const map::Header& base, std::uint64_t generation) const {
  const Result<std::optional<std::uint64_t>> tag = store_.tag_of(generation);
  if (!tag) return std::unexpected(tag.error());
  map::FileInfo info = map::delta_of(base, generation);
  info.history_tag = tag->value_or(0);
  info.console = compiler_.console();
  std::vector<map::PlatformRecord> platforms;
  for (const auto& [id, platform] : platforms_) platforms.push_back(platform);
  Result<map::Writer> writer = map::Writer::create(target, info, platforms);
  if (!writer) return pass(writer);
  struct Add {
    map::Writer& writer;
    const std::string& key;
    Result<void> operator()(const Tombstone&) const { return writer.add_tombstone(key); }
    Result<void> operator()(const map::SiteRecord& site) const { return writer.add(site); }
    Result<void> operator()(const map::PassRecord& pass_record) const { return writer.add(pass_record); }
  };
  auto kept = kept_.begin();
  const auto write_kept = [&](auto wanted) -> Result<void> {
    for (; kept != kept_.end() && wanted(kept->first); ++kept) {
      if (Result<void> added = writer->add(kept->second); !added) return added;
    }
    return {};
  };
  for (const auto& [key, fresh] : fresh_) {
    if (Result<void> added = write_kept([&](std::string_view other) { return other < key; }); !added) {
      return pass(added);
    }
    if (Result<void> added = std::visit(Add{*writer, key}, fresh); !added) return pass(added);
  }
  if (Result<void> added = write_kept([](std::string_view) { return true; }); !added) return pass(added);
  return writer->finish();
}

}  // namespace aegir::publish
