// openapi.json says what the service does: the same paths, the same verbs with the same members, and answers of the
// forms that it gives.
#include <algorithm>
#include <set>

#include "sidecar/api/words.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace aegir::api {
namespace {

const Json& document() {
  static const Json parsed = Json::parse(openapi());
  return parsed;
}

TEST(OpenApi, NamesEveryRouteAndNoOther) {
  std::set<std::string> described;
  for (const auto& [path, item] : document().at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      std::string capitals = method;
      std::ranges::transform(capitals, capitals.begin(), [](unsigned char c) { return std::toupper(c); });
      described.insert(capitals + " " + path);
    }
  }
  std::set<std::string> served;
  for (const Route& route : routes()) served.insert(std::string(route.method) + " " + std::string(route.path));
  EXPECT_EQ(described, served);
}

/// The schema of a member, as openapi.json has to say it; without its description.
Json schema_of(const Member& member);

Json schema_of(const std::vector<Member>& members) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Member& member : members) {
    properties[std::string(member.name)] = schema_of(member);
    if (member.required) required.push_back(member.name);
  }
  Json schema = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

Json schema_of(const Member& member) {
  switch (member.type) {
    case Type::kText:
      return member.secret ? Json{{"type", "string"}, {"minLength", 1}, {"writeOnly", true}}
                           : Json{{"type", "string"}, {"minLength", 1}};
    case Type::kNumber:
      return {{"type", "integer"}, {"minimum", 0}, {"maximum", member.most}};
    case Type::kWord:
      return {{"enum", member.words}};
    case Type::kWords:
      return {{"type", "array"}, {"minItems", 1}, {"items", {{"enum", member.words}}}};
    case Type::kObject:
      return schema_of(member.members);
    case Type::kMap:
      return {{"type", "object"}, {"additionalProperties", schema_of(member.members)}};
  }
  return {};
}

/// Without what is for people.
nlohmann::json bare(const Json& schema) {
  nlohmann::json out = schema;
  const std::function<void(nlohmann::json&, bool)> strip = [&](nlohmann::json& value, bool is_schema) {
    if (value.is_object() && is_schema) value.erase("description");
    if (!value.is_structured()) return;
    for (auto it = value.begin(); it != value.end(); ++it) {
      strip(*it, !value.is_object() || it.key() != "properties");
    }
  };
  strip(out, true);
  return out;
}

TEST(OpenApi, HasTheFormOfEveryVerb) {
  std::set<std::string> wishes;
  for (const Json& each : document().at("components").at("schemas").at("Wish").at("oneOf")) {
    wishes.insert(each.at("title").get<std::string>());
  }
  std::set<std::string> verbs;
  for (const VerbForm& form : verb_forms()) {
    const std::string kind(registry::word_of(kKindWords, form.kind));
    verbs.insert(kind + " " + std::string(form.verb));
    const std::string name = kind + "_" + std::string(form.verb);
    const Json& schemas = document().at("components").at("schemas");
    ASSERT_TRUE(schemas.contains(name)) << name;
    EXPECT_EQ(bare(schemas.at(name)), bare(schema_of(form.members))) << name;
    EXPECT_TRUE(schemas.at(name).contains("description")) << name;
  }
  EXPECT_EQ(verbs, wishes);
}

/// Holds answers against the schemas of the document: an entry a line, "<schema>\t<answer>".
std::string check(const std::string& entries) {
  const live::TempDir directory;
  live::put(directory.path("openapi.json"), std::string(openapi()));
  live::put(directory.path("entries"), entries);
  return live::run({"python3", std::string(AEGIR_SOURCE_DIR) + "/tests/unit/api/openapi_check.py",
                    directory.path("openapi.json"), directory.path("entries")})
      .output;
}

TEST(OpenApi, IsTrueOfRealAnswers) {
  World world;
  world.queue().end(world.start("login", "shop.example"));
  world.queue().end(world.start("verify", "blog.example"));
  std::string entries;
  int answers = 0;
  const auto add = [&](const std::string& method, const std::string& target, const std::string& path,
                       const std::string& status, const std::string& body = "") {
    const Answer given = world.ask(method, target, body);
    std::string low = method;
    std::ranges::transform(low, low.begin(), [](unsigned char c) { return std::tolower(c); });
    const Json& responses = document().at("paths").at(path).at(low).at("responses");
    EXPECT_TRUE(responses.contains(status)) << path;
    EXPECT_TRUE(status == "default" || std::to_string(given.status) == status) << target << given.body;
    Json response = responses.at(status);
    if (response.contains("$ref")) response = document().at("components").at("responses").at("Problem");
    const Json& schema = response.at("content").begin().value().at("schema");
    entries += schema.dump() + "\t" + Json::parse(given.body).dump() + "\n";
    ++answers;
  };
  for (const auto& [path, item] : document().at("paths").items()) {
    if (path == "/metrics" || path.ends_with("/events")) continue;
    std::string target = path;
    for (const auto& [name, value] : {std::pair("{id}", "1"), std::pair("{uri}", "shop.example")}) {
      if (const auto at = target.find(name); at != std::string::npos)
        target.replace(at, std::string(name).size(), value);
    }
    if (const auto at = target.find("{name}"); at != std::string::npos) {
      target.replace(at, 6,
                     target.contains("servers")     ? "web1"
                     : target.contains("blocks")    ? "php"
                     : target.contains("platforms") ? "d10"
                                                    : "acme");
    }
    if (item.contains("get")) add("GET", target, path, "200");
  }
  const std::string wish = R"({"kind": "site", "verb": "verify", "object": "shop.example")";
  add("POST", "/v1/tasks", "/v1/tasks", "202", wish + "}");
  add("POST", "/v1/tasks", "/v1/tasks", "200", wish + ", \"dry_run\": true}");
  add("POST", "/v1/tasks", "/v1/tasks", "default", wish + ", \"wrong\": 1, \"after\": \"x\"}");
  add("POST", "/v1/queue/pause", "/v1/queue/pause", "200");
  add("POST", "/v1/queue/resume", "/v1/queue/resume", "200");
  add("GET", "/v1/sites/none.example", "/v1/sites/{uri}", "default");
  add("GET", "/v1/tasks?limit=x", "/v1/tasks", "default");
  EXPECT_GT(answers, 20);
  EXPECT_EQ(check(entries), "");
}

TEST(OpenApi, ChecksWishesAsTheServiceDoes) {
  const std::string wish = R"({"$ref": "#/components/schemas/Wish"})";
  EXPECT_EQ(check(wish + "\t" + R"({"kind": "site", "verb": "verify", "object": "a.example"})" + "\n"), "");
  for (const char* bad :
       {R"({"kind": "site", "verb": "verify"})", R"({"kind": "site", "verb": "nothing", "object": "a"})",
        R"({"kind": "site", "verb": "install", "object": "a.example"})",
        R"({"kind": "site", "verb": "verify", "object": "a", "request": {"x": 1}})"}) {
    EXPECT_FALSE(read_wish(bad)) << bad;
    EXPECT_NE(check(wish + "\t" + bad + "\n"), "") << bad;
  }
}

}  // namespace
}  // namespace aegir::api
