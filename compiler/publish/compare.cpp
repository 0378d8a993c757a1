#include "compiler/publish/compare.hpp"

#include <algorithm>
#include <unordered_map>

#include "compiler/map/answer.hpp"
#include "compiler/map/units.hpp"
#include "compiler/map/words.hpp"

namespace aegir::publish {
namespace {

struct Field {
  std::string name;
  std::string value;
  bool secret = false;
};

/// What stands in the map under one name.
struct Entry {
  std::string kind;
  std::vector<Field> fields;
};

std::optional<std::string> shown(const Field& field) { return field.secret ? std::string() : field.value; }

/// Every field of `entry`, as before or after; none of its own changed.
std::vector<FieldChange> all_of(const Entry& entry, std::optional<std::string> FieldChange::* side) {
  std::vector<FieldChange> fields;
  for (const Field& field : entry.fields) {
    FieldChange& change = fields.emplace_back();
    change.field = field.name;
    change.secret = field.secret;
    change.*side = shown(field);
  }
  return fields;
}

std::vector<FieldChange> difference(const Entry& before, const Entry& after) {
  std::vector<FieldChange> changes;
  const auto in = [](const Entry& entry, const std::string& name) {
    return std::ranges::find(entry.fields, name, &Field::name);
  };
  if (before.kind != after.kind) changes.push_back({"kind", before.kind, after.kind});
  for (const Field& old : before.fields) {
    const auto now = in(after, old.name);
    if (now == after.fields.end()) {
      changes.push_back({old.name, shown(old), std::nullopt, old.secret});
    } else if (now->value != old.value) {
      changes.push_back({old.name, shown(old), shown(*now), old.secret});
    }
  }
  for (const Field& now : after.fields) {
    if (in(before, now.name) == before.fields.end())
      changes.push_back({now.name, std::nullopt, shown(now), now.secret});
  }
  return changes;
}

using PlatformNames = std::unordered_map<std::uint32_t, std::string>;

/// The credentials of a record in fields, or nothing when `keys` don't open them.
std::optional<std::vector<Field>> opened(const map::SiteRecord& site, const KeyRing* keys) {
  if (keys == nullptr) return std::nullopt;
  map::SiteView view;
  view.host = site.host;
  view.key_id = site.key_id;
  view.sealed = {reinterpret_cast<const char*>(site.sealed.data()), site.sealed.size()};
  std::string plain(site.sealed.size(), '\0');
  map::CredentialFields values;
  if (!map::open_credentials(*keys, view, plain, values)) return std::nullopt;
  std::vector<Field> fields;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string name(map::kCredentialNames[i]);
    fields.push_back({name, std::string(values[i]), name == "db_passwd"});
  }
  return fields;
}

/// The fields of a site's own name. `keys` (may be null) opens its credentials, so that they can be told apart.
Entry entry_of(const map::SiteRecord& site, const PlatformNames& platforms, const KeyRing* keys) {
  const auto platform = platforms.find(site.platform_id);
  Entry entry{"site",
              {{"state", std::string(map::word(site.state))},
               {"https", std::string(map::word(site.https))},
               {"platform", platform == platforms.end() ? std::to_string(site.platform_id) : platform->second},
               {"directory", "sites/" + site.directory},
               {"php", site.socket.empty() ? "none" : site.socket},
               {"memory_limit", std::to_string(site.memory_limit)},
               {"upload_max_filesize", std::to_string(site.upload_max_filesize)},
               {"post_max_size", std::to_string(site.post_max_size)},
               {"max_execution_time", std::to_string(site.max_execution_time)}}};
  const auto add = [&](const char* name, std::string value, bool secret = false) {
    if (!value.empty()) entry.fields.push_back({name, std::move(value), secret});
  };
  add("redirects_to", site.target);
  std::string former;
  for (const std::string& uri : site.former) former += (former.empty() ? "" : ", ") + uri;
  add("former_uris", std::move(former));
  if (site.auth.size() >= std::tuple_size_v<Digest>) {
    add("http_auth", site.auth.substr(0, std::tuple_size_v<Digest>), true);
    add("realm", site.auth.substr(std::tuple_size_v<Digest>));
  }
  if (!site.sealed.empty() || !site.auth.empty()) add("key", std::to_string(site.key_id));
  if (site.sealed.empty()) return entry;
  if (std::optional<std::vector<Field>> credentials = opened(site, keys)) {
    entry.fields.insert(entry.fields.end(), credentials->begin(), credentials->end());
  } else {
    add("credentials", std::string(site.sealed.begin(), site.sealed.end()), true);
  }
  return entry;
}

Entry entry_of(const std::string& site, const std::string& target) {
  Entry entry{"alias", {{"of", site}}};
  if (!target.empty()) entry.fields.push_back({"redirects_to", target});
  return entry;
}

Entry entry_of(const map::PlatformRecord& platform) {
  return {"platform",
          {{"id", std::to_string(platform.id)},
           {"docroot", platform.docroot},
           {"cms", std::string(map::word(platform.cms))},
           {"services", std::string(map::service_words(platform.services))}}};
}

/// Reads the registry and the published state side by side.
class Comparison {
 public:
  Comparison(registry::Store& store, const Compiler& compiler, const KeyRing* keys, const map::Snapshot* live,
             const OnChange& told)
      : store_(store), compiler_(compiler), keys_(keys), live_(live), told_(told) {}

  Result<void> run() {
    for (const map::PlatformRecord& row : compiler_.platforms()) platforms_[row.id] = row.name;
    if (live_ != nullptr) {
      for (const map::PlatformView& row : live_->platforms()) live_platforms_[row.id] = row.name;
      units_.emplace(*live_);
    }
    if (Result<void> done = settings(); !done) return done;
    if (Result<void> done = platforms(); !done) return done;
    if (Result<void> done = next(); !done) return done;
    if (Result<void> done = candidates(); !done) return done;
    Result<void> done = store_.each_site([&](const registry::Site& each) { return site(each); });
    if (!done) return done;
    while (at_ != nullptr) {
      if (done = gone(*at_); done) done = next();
      if (!done) return done;
    }
    return {};
  }

 private:
  Result<void> tell(What what, const std::string& name, const Entry& entry) {
    return told_(
        {what, entry.kind, name, all_of(entry, what == What::kAdded ? &FieldChange::after : &FieldChange::before)});
  }
  Result<void> tell(const std::string& name, const Entry& before, const Entry& after) {
    std::vector<FieldChange> fields = difference(before, after);
    if (fields.empty()) return {};
    return told_({What::kChanged, after.kind, name, std::move(fields)});
  }

  Result<void> settings() {
    const auto entry = [](std::string_view console) {
      return Entry{"setting", {{"value", console.empty() ? "none" : std::string(console)}}};
    };
    return tell("console_url", entry(live_ == nullptr ? std::string_view() : live_->console()),
                entry(compiler_.console()));
  }

  /// By name: a document that is no export gives platforms numbers of its own.
  Result<void> platforms() {
    std::vector<map::PlatformRecord> left;
    if (live_ != nullptr) {
      for (const map::PlatformView& row : live_->platforms()) {
        left.push_back({row.id, row.services, row.cms, std::string(row.name), std::string(row.docroot)});
      }
    }
    for (const map::PlatformRecord& row : compiler_.platforms()) {
      const auto old = std::ranges::find(left, row.name, &map::PlatformRecord::name);
      Result<void> done;
      if (old == left.end()) {
        done = tell(What::kAdded, row.name, entry_of(row));
      } else {
        done = tell(row.name, entry_of(*old), entry_of(row));
        left.erase(old);
      }
      if (!done) return done;
    }
    for (const map::PlatformRecord& row : left) {
      if (Result<void> done = tell(What::kGone, row.name, entry_of(row)); !done) return done;
    }
    return {};
  }

  /// Goes to the next unit of the published state; at_ is null behind the last.
  Result<void> next() {
    at_ = nullptr;
    if (!units_) return {};
    const Result<bool> more = units_->next();
    if (!more) return std::unexpected(more.error());
    if (*more) at_ = &units_->unit();
    return {};
  }

  /// Tells of all units before `key`: the registry has none of them.
  Result<void> skip_to(std::string_view key) {
    while (at_ != nullptr && at_->key() < key) {
      Result<void> done = gone(*at_);
      if (done) done = next();
      if (!done) return done;
    }
    return {};
  }

  /// '!' sorts before every character of a host name, so candidates stand before all sites.
  Result<void> candidates() {
    Result<std::vector<registry::Candidate>> all = store_.candidates();
    if (!all) return pass(all);
    std::ranges::sort(*all, {}, &registry::Candidate::token_key);
    for (const registry::Candidate& each : *all) {
      Result<ProbeRecord> record = compiler_.candidate(each);
      if (!record) return pass(record);
      std::string bytes;
      Result<void> done = std::visit([&](const auto& value) { return map::append_record(bytes, value); }, *record);
      if (done) done = skip_to(each.token_key);
      if (!done) return done;
      const Entry entry = probe(each.host, each.expiry);
      if (at_ == nullptr || at_->key() != each.token_key) {
        done = tell(What::kAdded, each.token_key, entry);
      } else if (keys_ != nullptr && map::text_at(at_->record.bytes, at_->record.size) != bytes) {
        done = told_({What::kChanged, "probe", each.token_key, {{"record", std::string(), std::string(), true}}});
        if (done) done = next();
      } else {
        done = next();
      }
      if (!done) return done;
    }
    return {};
  }

  static Entry probe(std::string_view host, std::int64_t expiry) {
    return {"probe", {{"of", std::string(host)}, {"expiry", std::to_string(expiry)}}};
  }

  Result<void> site(const registry::Site& wanted) {
    Result<std::optional<map::SiteRecord>> record = compiler_.site(wanted);
    if (!record) return pass(record);
    if (!*record) return {};
    if (Result<void> done = skip_to((*record)->key); !done) return done;
    if (at_ == nullptr || at_->key() != (*record)->key) return added(**record);
    if (Result<void> done = changed(*at_, **record); !done) return done;
    return next();
  }

  /// Whether the map is to have `key`, under whatever site: who has it now tells of it.
  Result<bool> is_wanted(std::string_view key) {
    Result<std::optional<registry::Site>> site = store_.find_site(map::name_of(key));
    if (!site) return pass(site);
    return site->has_value() && (*site)->state != registry::SiteState::kInstalling;
  }

  Result<void> gone_name(std::string_view key, const Entry& entry) {
    const Result<bool> wanted = is_wanted(key);
    if (!wanted) return std::unexpected(wanted.error());
    if (*wanted) return {};
    return tell(What::kGone, map::name_of(key), entry);
  }

  Result<void> gone(const map::UnitView& unit) {
    if (unit.record.type == map::RecordType::kPass) {
      const map::PassRecord old = unit.pass();
      return tell(What::kGone, old.key, probe(old.host, static_cast<std::int64_t>(old.expiry)));
    }
    const map::SiteRecord old = unit.site();
    if (unit.record.type == map::RecordType::kCandidate) {
      return tell(What::kGone, old.key, probe(old.host, static_cast<std::int64_t>(old.expiry)));
    }
    if (Result<void> done = gone_name(old.key, entry_of(old, live_platforms_, keys_)); !done) return done;
    for (const map::AliasRecord& alias : old.aliases) {
      if (Result<void> done = gone_name(alias.key, entry_of(old.key, alias.target)); !done) return done;
    }
    return {};
  }

  /// What is published under `key`, whatever it is.
  Result<std::optional<Entry>> published(std::string_view key) {
    if (live_ == nullptr) return std::optional<Entry>();
    map::RecordView record;
    const map::MapFile* file = nullptr;
    const map::Lookup found = live_->find_key(key, record, file);
    if (found == map::Lookup::kUnknown) return std::optional<Entry>();
    if (found == map::Lookup::kFound && record.type == map::RecordType::kSite) {
      return entry_of(map::UnitView{record, {}}.site(), live_platforms_, keys_);
    }
    std::string_view target;
    std::uint64_t at = 0;
    map::RecordView owner;
    if (found == map::Lookup::kFound && map::view_alias(record, target, at) == nullptr &&
        map::view_record(file->bytes().data(), file->header().records_offset, file->header().buckets_offset, at,
                         owner) == nullptr) {
      return entry_of(std::string(owner.key), std::string(target));
    }
    return fail(Code::kCorrupt, "the record of '" + map::name_of(key) + "' in the live map is broken",
                map::kRebuildHint);
  }

  Result<void> new_name(std::string_view key, const Entry& entry) {
    const Result<std::optional<Entry>> before = published(key);
    if (!before) return std::unexpected(before.error());
    if (*before) return tell(map::name_of(key), **before, entry);
    return tell(What::kAdded, map::name_of(key), entry);
  }

  Result<void> added(const map::SiteRecord& site) {
    if (Result<void> done = new_name(site.key, entry_of(site, platforms_, keys_)); !done) return done;
    for (const map::AliasRecord& alias : site.aliases) {
      if (Result<void> done = new_name(alias.key, entry_of(site.key, alias.target)); !done) return done;
    }
    return {};
  }

  /// Without the key what is sealed can't be compared: it is taken for what is there, as far as its size agrees.
  void take_sealed(const map::SiteRecord& old, map::SiteRecord& site) const {
    if (keys_ != nullptr) return;
    site.key_id = old.key_id;
    if (site.sealed.size() == old.sealed.size()) site.sealed = old.sealed;
    constexpr std::size_t kDigest = std::tuple_size_v<Digest>;
    if (site.auth.size() >= kDigest && old.auth.size() >= kDigest) {
      site.auth.replace(0, kDigest, old.auth, 0, kDigest);
    }
  }

  Result<void> changed(const map::UnitView& unit, map::SiteRecord& site) {
    const map::SiteRecord old = unit.site();
    take_sealed(old, site);
    if (old == site && same_platform(site.platform_id)) return {};
    const bool open = opened(old, keys_) && opened(site, keys_);
    const KeyRing* const both = open ? keys_ : nullptr;
    Result<void> done = tell(site.key, entry_of(old, live_platforms_, both), entry_of(site, platforms_, both));
    auto before = old.aliases.begin();
    for (const map::AliasRecord& alias : site.aliases) {
      for (; done && before != old.aliases.end() && before->key < alias.key; ++before) {
        done = gone_name(before->key, entry_of(site.key, before->target));
      }
      if (!done) return done;
      const Entry entry = entry_of(site.key, alias.target);
      if (before != old.aliases.end() && before->key == alias.key) {
        done = tell(map::name_of(alias.key), entry_of(site.key, before->target), entry);
        ++before;
      } else {
        done = new_name(alias.key, entry);
      }
    }
    for (; done && before != old.aliases.end(); ++before) {
      done = gone_name(before->key, entry_of(site.key, before->target));
    }
    return done;
  }

  bool same_platform(std::uint32_t id) const {
    const auto here = platforms_.find(id);
    const auto there = live_platforms_.find(id);
    return here != platforms_.end() && there != live_platforms_.end() && here->second == there->second;
  }

  registry::Store& store_;
  const Compiler& compiler_;
  const KeyRing* keys_;
  const map::Snapshot* live_;
  const OnChange& told_;
  PlatformNames platforms_, live_platforms_;
  std::optional<map::MergedUnits> units_;
  const map::UnitView* at_ = nullptr;
};

}  // namespace

Result<void> compare_map(registry::Store& store, const Compiler& compiler, const KeyRing* keys,
                         const map::Snapshot* live, const OnChange& told) {
  return Comparison(store, compiler, keys, live, told).run();
}

}  // namespace aegir::publish
