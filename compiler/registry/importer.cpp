#include "compiler/registry/importer.hpp"

#include <algorithm>
#include <charconv>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/package_fields.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::registry {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::string_view kNoId = "a restore takes over ids; import what has none afterwards, without --replace";

template <class Object>
std::map<std::string, Object, std::less<>> by_name(std::vector<Object> all) {
  std::map<std::string, Object, std::less<>> map;
  for (Object& object : all) {
    std::string name = object.name;
    map.emplace(std::move(name), std::move(object));
  }
  return map;
}

template <std::integral Number>
bool to_number(std::string_view digits, Number& number) {
  const auto [stop, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return problem == std::errc{} && stop == digits.data() + digits.size();
}

bool from_hex(std::string_view text, std::array<unsigned char, 16>& out) {
  if (text.size() != 2 * out.size() || text.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::from_chars(text.data() + 2 * i, text.data() + 2 * i + 2, out[i], 16);
  }
  return true;
}

/// What "state" may say of an object that has no other states.
constexpr std::array kGone = {Word<bool>{"deleted", true}};

template <class Object>
bool is_gone(ObjectReader& in, const Object& object) {
  if constexpr (std::is_same_v<Object, Platform>) return object.state == PlatformState::kDeleted;
  bool gone = false;
  in.read_word("state", kGone, gone);
  return gone;
}

/// "server main" for "servers/main".
std::string one_of(std::string_view path) {
  const std::size_t slash = path.find('/');
  return std::string(path.substr(0, slash - 1)) + ' ' + std::string(path.substr(slash + 1));
}

}  // namespace

Result<void> Importer::run(Writer& writer) {
  writer_ = &writer;
  if (Result<void> done = load(); !done) return done;
  ObjectReader in(diagnostics_, root_, "");
  Result<void> done = head(in);
  if (done) done = settings(in);
  if (done) done = objects(in, "servers", servers_);
  if (done) done = objects(in, "clients", clients_);
  if (done) done = objects(in, "blocks", blocks_);
  if (done) done = objects(in, "platforms", platforms_);
  if (done) done = slots(in);
  if (done) done = sites(in);
  if (done) done = deleted_sites(in);
  if (done) done = locks();
  if (done) done = removals();
  if (done) done = check_servers();
  return done;
}

Result<void> Importer::load() {
  Result<std::vector<Server>> servers = store_.servers();
  if (!servers) return pass(servers);
  Result<std::vector<Client>> clients = store_.clients();
  if (!clients) return pass(clients);
  Result<std::vector<Block>> blocks = store_.blocks();
  if (!blocks) return pass(blocks);
  Result<std::vector<Platform>> platforms = store_.platforms();
  if (!platforms) return pass(platforms);
  Result<std::uint64_t> sequence = store_.sequence();
  if (!sequence) return pass(sequence);
  servers_ = by_name(std::move(*servers));
  clients_ = by_name(std::move(*clients));
  blocks_ = by_name(std::move(*blocks));
  platforms_ = by_name(std::move(*platforms));
  has_sites_ = *sequence != 0;
  if (has_sites_ || !servers_.empty() || !clients_.empty()) return {};
  const Result<std::vector<AuditEntry>> audit = store_.audit();
  if (!audit) return std::unexpected<Error>(audit.error());
  is_empty_ = audit->empty();
  return {};
}

Result<void> Importer::head(ObjectReader& in) {
  in.find("$schema");
  std::string format = "aegir-registry";
  if (in.read("format", format) && format != "aegir-registry") {
    diagnostics_.expected(*root_.find("format"), "format", "aegir-registry");
  }
  std::uint32_t version = kVersion;
  if (in.read("version", version) && version != kVersion) {
    diagnostics_.expected(*root_.find("version"), "version", "version 1",
                          version > kVersion ? "use the newer version of Aegir that wrote this document" : "");
  }
  History history;
  std::string id;
  const bool has_id = in.read("registry_id", id);
  if (has_id && !from_hex(id, history.registry_id)) {
    diagnostics_.expected(*root_.find("registry_id"), "registry_id", "32 hex digits");
  }
  const bool has_sequence = in.read("sequence", history.sequence);
  if (const Node* audit = in.find("audit"); audit != nullptr) {
    if (!audit->is(Node::Kind::kList)) diagnostics_.expected(*audit, "audit", "a list");
    for (const Node& node : audit->is(Node::Kind::kList) ? audit->list() : std::span<const Node>()) {
      AuditEntry& entry = history.audit.emplace_back();
      ObjectReader fields(diagnostics_, node, "audit");
      fields.read("sequence", entry.sequence);
      fields.read("time", entry.time);
      for (const auto& [key, text] : {std::pair{"actor", &entry.actor}, {"what", &entry.what}, {"why", &entry.why}}) {
        if (fields.read(key, *text) && find_control_or_bad_utf8(*text) != std::string::npos) {
          diagnostics_.refuse(*node.find(key), fields.path(key), "holds a control character");
        }
      }
    }
  }
  if (!replace_ && has_id && is_empty_) {
    diagnostics_.refuse(*root_.find("registry_id"), "registry_id",
                        "this is a whole registry, whose id, history and deleted sites would be lost: there is nothing "
                        "here yet to merge it into",
                        "import it with --replace, which takes it over whole; or take registry_id out of the document",
                        Code::kConflict);
  }
  if (!replace_ || !has_id || !has_sequence) return {};
  const Result<void> restored = writer_->restore(history);
  if (!restored && restored.error().code != Code::kConflict) return restored;
  report_.restored = restored.has_value();  // else the registry is not empty: its own history goes on
  return {};
}

Result<void> Importer::settings(ObjectReader& in) {
  const Node* node = in.find("settings");
  const Result<Settings> old = store_.settings();
  if (!old) return std::unexpected<Error>(old.error());
  settings_ = replace_ ? Settings{} : *old;
  if (node == nullptr && !replace_) return {};
  const std::size_t first_error = diagnostics_.size();
  if (node != nullptr) {
    ObjectReader fields(diagnostics_, *node, "settings");
    read_fields(fields, settings_);
  }
  report_.settings_changed = settings_ != *old;
  const Result<void> done = writer_->put(settings_);
  if (done) return {};
  return note(done.error(), writer_->check(settings_), node == nullptr ? root_ : *node, node == nullptr ? root_ : *node,
              "settings", first_error);
}

template <class Object>
Result<void> Importer::objects(ObjectReader& in, std::string_view section, ByName<Object>& present) {
  const ByName<Object> before = replace_ ? present : ByName<Object>();
  const Node* node = in.find(section);
  if (node != nullptr && !node->is(Node::Kind::kObject)) {
    diagnostics_.expected(*node, std::string(section), "an object with a name a key");
    return {};
  }
  for (const Member& member : node == nullptr ? std::span<const Member>() : node->members()) {
    const std::string name(member.key.text());
    const std::string path = std::string(section) + "/" + name;
    const std::size_t first_error = diagnostics_.size();
    const auto old = present.find(name);
    Object next = old == present.end() || replace_ ? Object{} : old->second;
    next.name = name;
    bool gone = false;
    const Node* code = nullptr;
    {
      ObjectReader fields(diagnostics_, member.value, path, kDeleteHint);
      read_fields(fields, next);
      if constexpr (std::is_same_v<Object, Platform>) code = fields.find("codebase");
      gone = is_gone(fields, next);
      if (!gone || report_.restored) fill_in(fields, next, old == present.end() ? nullptr : &old->second);
    }
    if (gone && !report_.restored) {
      if (old != present.end()) removals_.push_back({std::string(section), name, &member.key});
      if (old == present.end()) ++report_.unchanged;
      continue;
    }
    if constexpr (std::is_same_v<Object, Platform>)
      lock_later(member, next, old == present.end() ? nullptr : &old->second);
    if (Result<void> done = put(member, path, first_error, next, present); !done) return done;
    if (code == nullptr || diagnostics_.size() != first_error) continue;
    if (Result<void> done = codebase(member, path, name, *code); !done) return done;
  }
  for (const auto& [name, object] : before) {
    if (node == nullptr || node->find(name) == nullptr) removals_.push_back({std::string(section), name, &root_});
  }
  return {};
}

template <class Object>
Result<void> Importer::put(const Member& member, const std::string& path, std::size_t first_error, const Object& object,
                           ByName<Object>& present) {
  const auto old = present.find(object.name);
  const bool is_new = old == present.end();
  if (!is_new && old->second == object) {
    ++report_.unchanged;
    return {};
  }
  const Result<void> done = writer_->put(object);
  if (!done) {
    failed_.insert(path);
    return note(done.error(), writer_->check(object), member.key, member.value, path, first_error);
  }
  ++(is_new ? report_.created : report_.changed);
  if constexpr (!std::is_same_v<Object, Client>) report_.in_files.push_back(one_of(path));
  present[object.name] = object;
  return {};
}

Result<void> Importer::codebase(const Member& member, const std::string& path, const std::string& platform,
                                const Node& node) {
  const std::size_t first_error = diagnostics_.size();
  const Codebase code = read_codebase(diagnostics_, node, path + "/codebase");
  if (diagnostics_.size() != first_error) return {};
  const Result<void> done = writer_->put_codebase(platform, code);
  return done ? Result<void>() : note(done.error(), validate(code), member.key, member.value, path, first_error);
}

void Importer::fill_in_server(ObjectReader& in, std::string& server) {
  if (!server.empty() || in.has("server")) return;
  if (servers_.size() == 1) {
    server = servers_.begin()->first;
  } else {
    in.missing("server", servers_.empty() ? "add a server first" : "name one of the servers");
  }
}

void Importer::fill_in(ObjectReader& in, Block& block, const Block* /*old*/) { fill_in_server(in, block.server); }

void Importer::fill_in(ObjectReader& in, Platform& platform, const Platform* old) {
  if (old != nullptr) platform.id = old->id;
  if (report_.restored && platform.id == 0 && !in.has("id")) in.missing("id", std::string(kNoId));
  fill_in_server(in, platform.server);
  if (platform.docroot.empty() && !in.has("docroot")) in.missing("docroot");
  // A new platform is served by whatever web service its server has.
  const auto server = servers_.find(platform.server);
  if ((old != nullptr && !replace_) || in.has("services") || server == servers_.end()) return;
  platform.services = 0;
  for (const WebService& service : server->second.web) platform.services |= service.kind;
  if (platform.services == 0) {
    diagnostics_.refuse(in.node(), in.path("services"), "server " + printable(platform.server) + " has no web service",
                        "add \"web\" to that server, or name another one");
  }
}

void Importer::lock_later(const Member& member, Platform& platform, const Platform* old) {
  if (report_.restored || platform.state != PlatformState::kLocked) return;
  if (old != nullptr && old->state == PlatformState::kLocked) return;
  Platform enabled = platform;
  enabled.state = PlatformState::kEnabled;
  locks_.push_back({&member, platform, old != nullptr && *old == enabled});
  platform = std::move(enabled);
}

Result<void> Importer::locks() {
  for (const auto& [member, platform, is_all] : locks_) {
    const std::string path = "platforms/" + platform.name;
    if (failed_.contains(path)) continue;
    const Result<void> done = writer_->put(platform);
    if (done) {
      report_.unchanged -= is_all ? 1 : 0;  // as it was counted before
      report_.changed += is_all ? 1 : 0;
      if (is_all) report_.in_files.push_back(one_of(path));
      continue;
    }
    Result<void> noted =
        note(done.error(), writer_->check(platform), member->key, member->value, path, diagnostics_.size());
    if (!noted) return noted;
  }
  return {};
}

Result<void> Importer::slots(ObjectReader& in) {
  const Node* node = in.find("slots");
  if (node == nullptr) return {};
  if (!node->is(Node::Kind::kObject)) {
    diagnostics_.expected(*node, "slots", "an object with a block a key");
    return {};
  }
  for (const Member& block : node->members()) {
    const std::string path = "slots/" + std::string(block.key.text());
    if (!block.value.is(Node::Kind::kObject)) {
      diagnostics_.expected(block.value, path, "an object with a slot's number a key");
      continue;
    }
    for (const Member& member : block.value.members()) {
      Slot slot;
      slot.block = block.key.text();
      const std::string slot_path = path + "/" + std::string(member.key.text());
      const std::size_t first_error = diagnostics_.size();
      if (!to_number(member.key.text(), slot.number)) {
        diagnostics_.expected(member.key, slot_path, "the number of a slot");
      }
      {
        ObjectReader fields(diagnostics_, member.value, slot_path);
        fields.read_word("state", kSlotStateWords, slot.state);
        if (fields.read("site", slot.site) && !is_host(slot.site, false)) {
          diagnostics_.expected(*member.value.find("site"), fields.path("site"), "a canonical host name");
        }
        for (const std::string_view needed : {"state", "site"}) {
          if (!fields.has(needed)) fields.missing(needed);
        }
      }
      if (diagnostics_.size() != first_error || failed_.contains("blocks/" + slot.block)) continue;
      // Elsewhere than in a restore, a given slot comes with its site; a retired one must stay so here too.
      if (!report_.restored && slot.state == SlotState::kGiven) continue;
      const Result<void> done = writer_->put(slot);
      if (done) continue;
      Result<void> noted = note(done.error(), {}, member.key, member.value, slot_path, first_error);
      if (!noted) return noted;
    }
  }
  return {};
}

Result<void> Importer::removals() {
  // Sites are gone by now. What refers to others goes before them.
  for (const std::string_view section : {"platforms", "blocks", "clients", "servers"}) {
    for (const Removal& removal : removals_) {
      if (removal.section != section) continue;
      Platform platform;
      if (section == "platforms") {
        platform = platforms_.find(removal.name)->second;
        if (platform.state == PlatformState::kDeleted) {
          report_.unchanged += removal.at == &root_ ? 0 : 1;
          continue;
        }
        platform.state = PlatformState::kDeleted;
      }
      const Result<void> done = section == "platforms" ? writer_->put(platform)
                                : section == "blocks"  ? writer_->remove_block(removal.name)
                                : section == "clients" ? writer_->remove_client(removal.name)
                                                       : writer_->remove_server(removal.name);
      if (done) {
        ++report_.deleted;
        if (section != "clients") report_.in_files.push_back(one_of(removal.section + '/' + removal.name));
        continue;
      }
      const Problems problems = section == "platforms" ? writer_->check(platform) : Problems{};
      Result<void> noted = note(done.error(), problems, *removal.at, *removal.at, removal.section + "/" + removal.name,
                                diagnostics_.size());
      if (!noted) return noted;
    }
  }
  return {};
}

}  // namespace aegir::registry
