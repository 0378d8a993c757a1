#include "sidecar/api/requests.hpp"

#include <algorithm>
#include <limits>

#include "compiler/core/nearest.hpp"
#include "compiler/core/utf8.hpp"
#include "compiler/registry/object_reader.hpp"
#include "compiler/registry/sealed_text.hpp"
#include "sidecar/api/words.hpp"

namespace aegir::api {
namespace {

using nlohmann::json;
using registry::Node;
using registry::ObjectReader;

constexpr std::string_view kForm = "see /openapi.json for the form of a request";
constexpr std::string_view kBody = "request";

Member text(std::string_view name, bool required = false) { return {.name = name, .required = required}; }
Member number(std::string_view name, std::uint64_t most) { return {.name = name, .type = Type::kNumber, .most = most}; }
Member object(std::string_view name, std::vector<Member> members) {
  return {.name = name, .type = Type::kObject, .members = std::move(members)};
}

std::vector<VerbForm> make_forms() {
  const std::vector<Member> web = {number("http_port", 65535), number("https_port", 65535), text("probe_address")};
  Member password = text("password", true);
  password.secret = true;
  return {
      {ObjectKind::kServer,
       "add",
       true,
       {text("host"), object("web", {object("apache", web), object("nginx", web)}),
        object("database", {text("type"), text("host"), number("port", 65535)})}},
      {ObjectKind::kServer, "verify"},
      {ObjectKind::kBlock,
       "add",
       true,
       {text("server"),
        text("php_version"),
        number("slots", 4096),
        number("first_uid", 2000000000),
        text("client"),
        number("max_children", 1000),
        {.name = "isolation", .type = Type::kWord, .words = {"site", "shared"}}}},
      {ObjectKind::kPlatform,
       "add",
       true,
       {text("docroot", true),
        text("server"),
        {.name = "services", .type = Type::kWords, .words = {"apache", "nginx"}},
        text("block"),
        number("body_limit", 65536),
        text("drush")}},
      {ObjectKind::kPlatform, "verify"},
      {ObjectKind::kPlatform, "lock"},
      {ObjectKind::kPlatform, "unlock"},
      {ObjectKind::kPlatform, "delete"},
      {ObjectKind::kClient, "add", true, {text("title"), text("email")}},
      {ObjectKind::kRegistry, "reconcile", false, {{.name = "mode", .type = Type::kWord, .words = {"mend", "look"}}}},
      {ObjectKind::kSite,
       "install",
       true,
       {text("platform", true),
        text("profile"),
        text("language"),
        text("client"),
        {.name = "aliases", .type = Type::kMap, .members = {text("redirect_to")}},
        text("redirect_to"),
        {.name = "https", .type = Type::kWord, .words = {"none", "allowed", "required"}},
        object("http_auth", {text("user", true), password, text("realm")}),
        text("title"),
        text("mail")}},
      {ObjectKind::kSite, "verify"},
      {ObjectKind::kSite, "disable"},
      {ObjectKind::kSite, "enable"},
      {ObjectKind::kSite, "delete"},
      {ObjectKind::kSite, "login"},
  };
}

/// Whether a text may be used as a value; refuses what is empty or has control characters.
bool is_good_text(registry::Diagnostics& wrong, const Node& at, const std::string& path, std::string_view value) {
  if (value.empty()) {
    wrong.expected(at, path, "a text that is not empty", "leave it out for its default");
    return false;
  }
  if (find_control_or_bad_utf8(value) == std::string_view::npos) return true;
  wrong.refuse(at, path, "has control characters: " + printable(value), "write it without them");
  return false;
}

void read_members(ObjectReader& reader, const std::vector<Member>& members, json& out);

void read_words(ObjectReader& reader, const Member& member, json& out) {
  const Node* list = reader.find(member.name);
  if (list == nullptr) return;
  const std::string path = reader.path(member.name);
  if (!list->is(Node::Kind::kList) || list->list().empty()) {
    return reader.diagnostics().expected(*list, path, "a list that is not empty");
  }
  json words = json::array();
  for (const Node& entry : list->list()) {
    const std::size_t index = reader.word_index(entry, path, member.words);
    if (index < member.words.size()) words.push_back(member.words[index]);
  }
  out[member.name] = std::move(words);
}

void read_map(ObjectReader& reader, const Member& member, json& out) {
  const Node* map = reader.find(member.name);
  if (map == nullptr) return;
  const std::string path = reader.path(member.name);
  if (!map->is(Node::Kind::kObject)) return reader.diagnostics().expected(*map, path, "an object");
  json entries = json::object();
  for (const Node::Member& entry : map->members()) {
    if (!is_good_text(reader.diagnostics(), entry.key, path, entry.key.text())) continue;
    const std::string name(entry.key.text());
    json value = json::object();
    ObjectReader below(reader.diagnostics(), entry.value, path + "/" + name, "write {} for one without members");
    read_members(below, member.members, value);
    entries[name] = std::move(value);
  }
  out[member.name] = std::move(entries);
}

void read_member(ObjectReader& reader, const Member& member, json& out) {
  switch (member.type) {
    case Type::kText: {
      std::string value;
      if (reader.read(member.name, value) &&
          is_good_text(reader.diagnostics(), *reader.find(member.name), reader.path(member.name), value)) {
        out[member.name] = std::move(value);
      }
      break;
    }
    case Type::kNumber: {
      std::uint64_t value = 0;
      if (!reader.read(member.name, value)) break;
      if (value > member.most) {
        reader.diagnostics().expected(*reader.find(member.name), reader.path(member.name),
                                      "a whole number from 0 to " + std::to_string(member.most));
        break;
      }
      out[member.name] = value;
      break;
    }
    case Type::kWord: {
      const Node* value = reader.find(member.name);
      if (value == nullptr) break;
      const std::size_t index = reader.word_index(*value, reader.path(member.name), member.words);
      if (index < member.words.size()) out[member.name] = member.words[index];
      break;
    }
    case Type::kWords:
      read_words(reader, member, out);
      break;
    case Type::kObject: {
      const Node* node = reader.find(member.name);
      if (node == nullptr) break;
      json value = json::object();
      ObjectReader below(reader.diagnostics(), *node, reader.path(member.name), "leave it out for its default");
      read_members(below, member.members, value);
      out[member.name] = std::move(value);
      break;
    }
    case Type::kMap:
      read_map(reader, member, out);
      break;
  }
}

void read_members(ObjectReader& reader, const std::vector<Member>& members, json& out) {
  for (const Member& member : members) {
    if (!reader.has(member.name)) {
      (void)reader.find(member.name);
      if (member.required) reader.missing(member.name, std::string(kForm));
      continue;
    }
    read_member(reader, member, out);
  }
}

/// The form of the verb that a wish names, or null, told.
const VerbForm* form_of(ObjectReader& reader, const Wish& wish) {
  if (const VerbForm* form = find_form(wish.kind, wish.verb); form != nullptr) return form;
  std::vector<std::string_view> known;
  std::string names;
  for (const VerbForm& form : verb_forms()) {
    if (form.kind != wish.kind) continue;
    known.push_back(form.verb);
    names += (names.empty() ? "" : ", ") + std::string(form.verb);
  }
  const std::string_view near = nearest(wish.verb, known);
  reader.diagnostics().refuse(
      *reader.find("verb"), reader.path("verb"),
      "there is no verb " + printable(wish.verb) + " for a " + std::string(registry::word_of(kKindWords, wish.kind)),
      near.empty() ? "there are: " + names : "did you mean " + printable(near) + "?", Code::kNotFound);
  return nullptr;
}

void read_priority(ObjectReader& reader, Wish& wish) {
  std::int64_t priority = 0;
  if (!reader.read("priority", priority)) return;
  constexpr std::int64_t kHighest = 1000;
  if (priority < -kHighest || priority > kHighest) {
    return reader.diagnostics().expected(*reader.find("priority"), "priority", "a whole number from -1000 to 1000");
  }
  wish.priority = static_cast<std::int32_t>(priority);
}

void read_members_of_wish(ObjectReader& reader, Wish& wish) {
  const bool kind = reader.read_word("kind", kKindWords, wish.kind);
  if (!reader.has("kind")) reader.missing("kind", std::string(kForm));
  const bool verb = reader.read("verb", wish.verb);
  if (!reader.has("verb")) reader.missing("verb", std::string(kForm));
  if (reader.read("object", wish.object)) {
    const Node& object = *reader.find("object");
    if (kind && wish.kind == ObjectKind::kRegistry) {
      reader.diagnostics().refuse(object, "object", "the registry has no name", "leave it out");
    } else {
      (void)is_good_text(reader.diagnostics(), object, "object", wish.object);
    }
  } else if (kind && wish.kind != ObjectKind::kRegistry && !reader.has("object")) {
    reader.missing("object", "name what it is about");
  }
  read_priority(reader, wish);
  (void)reader.read("after", wish.after);
  (void)reader.read("dry_run", wish.dry_run);
  const Node* request = reader.find(kBody);
  const VerbForm* form = kind && verb ? form_of(reader, wish) : nullptr;
  if (form == nullptr) return;
  if (request != nullptr) {
    ObjectReader below(reader.diagnostics(), *request, std::string(kBody), "leave it out when the verb needs nothing");
    read_members(below, form->members, wish.request);
    return;
  }
  for (const Member& member : form->members) {
    if (member.required) return reader.missing(kBody, std::string(kForm));
  }
}

/// Calls `change` with each secret of a request.
template <class Change>
Result<void> each_secret(const std::vector<Member>& members, json& at, const Change& change) {
  for (const Member& member : members) {
    const auto value = at.find(member.name);
    if (value == at.end()) continue;
    if (member.secret) {
      if (Result<void> done = change(*value); !done) return done;
    }
    if (member.type == Type::kObject) {
      if (Result<void> done = each_secret(member.members, *value, change); !done) return done;
    }
  }
  return {};
}

}  // namespace

std::span<const VerbForm> verb_forms() {
  static const std::vector<VerbForm> forms = make_forms();
  return forms;
}

const VerbForm* find_form(ObjectKind kind, std::string_view verb) {
  const auto forms = verb_forms();
  const auto form =
      std::ranges::find_if(forms, [&](const VerbForm& each) { return each.kind == kind && each.verb == verb; });
  return form == forms.end() ? nullptr : &*form;
}

std::expected<Wish, std::vector<Error>> read_wish(std::string_view text) {
  constexpr std::string_view kFile = "request body";
  Result<registry::Document> document = registry::Document::parse(text, kFile);
  if (!document) return std::unexpected(std::vector{std::move(document.error())});
  registry::Diagnostics wrong(*document, kFile, kForm);
  wrong.refuse_duplicates();
  Wish wish;
  {
    ObjectReader reader(wrong, document->root(), "");
    if (document->root().is(Node::Kind::kObject)) read_members_of_wish(reader, wish);
  }
  if (wrong.size() != 0) return std::unexpected(wrong.take());
  return wish;
}

Result<json> sealed(const VerbForm& form, json request, const KeyRing& key, const std::string& uri) {
  Result<void> done = each_secret(form.members, request, [&](json& value) -> Result<void> {
    if (key.empty()) {
      return fail(Code::kUsage, "the registry was opened without a key, so no secret can be kept",
                  "leave the password out of the request");
    }
    value = {{"sealed", registry::seal_text(key, registry::Secret::kHttpAuth, uri, value.get<std::string>())},
             {"key", key.current_id()}};
    return {};
  });
  if (!done) return pass(done);
  return request;
}

Result<std::string> open_secret(const json& value, const KeyRing& key, const std::string& uri) {
  const auto broken = [] {
    return fail(Code::kCorrupt, "a secret of the request does not open with the registry's key", "ask for it again");
  };
  if (!value.is_object()) return broken();
  const auto sealed = value.find("sealed");
  const auto id = value.find("key");
  if (sealed == value.end() || !sealed->is_string() || id == value.end() || !id->is_number_unsigned()) return broken();
  const auto number = id->get<std::uint64_t>();
  if (number > std::numeric_limits<std::uint32_t>::max()) return broken();
  std::optional<std::string> plain = registry::open_text(
      key, static_cast<std::uint32_t>(number), registry::Secret::kHttpAuth, uri, sealed->get_ref<const std::string&>());
  if (!plain) return broken();
  return *std::move(plain);
}

json masked(json request) {
  if (request.is_object() && request.size() == 2 && request.contains("sealed") && request.contains("key")) return "***";
  if (request.is_structured()) {
    for (json& value : request) value = masked(std::move(value));
  }
  return request;
}

}  // namespace aegir::api
