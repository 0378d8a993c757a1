#include "compiler/registry/package_fields.hpp"

#include <string>

namespace aegir::registry {
namespace {

void write_names(JsonWriter& json, const Package& package) {
  json.open('{', true);
  json.member("kind", word_of(kPackageKindWords, package.kind));
  json.member("name", package.name);
}

void write_code(JsonWriter& json, const Package& package) {
  json.member("path", package.path);
  json.member("place", word_of(kPackagePlaceWords, package.place));
  json.member("title", package.title);
  json.member("version", package.version);
}

void write_schema(JsonWriter& json, const Package& package) {
  if (package.schema) json.member("schema", *package.schema);
}

void need(ObjectReader& fields, std::string_view name) {
  if (!fields.has(name)) fields.missing(name);
}

Package read_package(Diagnostics& diagnostics, const Node& node, const std::string& path) {
  Package package;
  ObjectReader fields(diagnostics, node, path);
  fields.read_word("kind", kPackageKindWords, package.kind);
  fields.read("name", package.name);
  need(fields, "kind");
  need(fields, "name");
  fields.read("path", package.path);
  fields.read_word("place", kPackagePlaceWords, package.place);
  fields.read("title", package.title);
  fields.read("version", package.version);
  if (std::uint32_t schema = 0; fields.read("schema", schema)) package.schema = schema;
  fields.read("enabled", package.enabled);
  fields.read("hidden", package.hidden);
  return package;
}

std::vector<Package> read_list(Diagnostics& diagnostics, const Node& node, const std::string& path) {
  std::vector<Package> packages;
  if (!node.is(Node::Kind::kList)) {
    diagnostics.expected(node, path, "a list of packages");
    return packages;
  }
  for (const Node& entry : node.list()) {
    packages.push_back(read_package(diagnostics, entry, path + '/' + std::to_string(packages.size())));
  }
  return packages;
}

Profile read_profile(Diagnostics& diagnostics, const Node::Member& member, const std::string& path) {
  Profile profile;
  profile.name = member.key.text();
  ObjectReader fields(diagnostics, member.value, path + '/' + profile.name);
  fields.read("title", profile.title);
  fields.read("description", profile.description);
  fields.read("version", profile.version);
  fields.read("path", profile.path);
  need(fields, "path");
  fields.read("hidden", profile.hidden);
  fields.read("languages", profile.languages);
  return profile;
}

}  // namespace

void write_codebase(JsonWriter& json, const Codebase& codebase) {
  if (codebase.version.empty()) return;
  json.open("codebase", '{');
  json.member("version", codebase.version);
  json.open("profiles", '{');
  for (const Profile& profile : codebase.profiles) {
    json.open(profile.name, '{', true);
    json.member("path", profile.path);
    json.member("title", profile.title);
    json.member("description", profile.description);
    json.member("version", profile.version);
    json.member("hidden", profile.hidden);
    json.open("languages", '[', true);
    for (const std::string& language : profile.languages) json.entry(language);
    json.close(']');
    json.close('}');
  }
  json.close('}');
  json.open("packages", '[');
  for (const Package& package : codebase.packages) {
    write_names(json, package);
    write_code(json, package);
    write_schema(json, package);
    json.member("hidden", package.hidden);
    json.close('}');
  }
  json.close(']');
  json.close('}');
}

void write_packages(JsonWriter& json, const std::vector<Package>& own) {
  if (own.empty()) return;
  json.open("packages", '[');
  for (const Package& package : own) {
    write_names(json, package);
    if (!package.path.empty()) write_code(json, package);
    write_schema(json, package);
    json.member("enabled", package.enabled);
    json.close('}');
  }
  json.close(']');
}

Codebase read_codebase(Diagnostics& diagnostics, const Node& node, const std::string& path) {
  Codebase codebase;
  if (node.is(Node::Kind::kNull)) return codebase;
  ObjectReader fields(diagnostics, node, path);
  fields.read("version", codebase.version);
  need(fields, "version");
  if (const Node* profiles = fields.find("profiles"); profiles != nullptr) {
    if (!profiles->is(Node::Kind::kObject)) {
      diagnostics.expected(*profiles, fields.path("profiles"), "an object with a profile a key");
    } else {
      for (const Node::Member& member : profiles->members()) {
        codebase.profiles.push_back(read_profile(diagnostics, member, fields.path("profiles")));
      }
    }
  }
  if (const Node* packages = fields.find("packages"); packages != nullptr) {
    codebase.packages = read_list(diagnostics, *packages, fields.path("packages"));
  }
  return codebase;
}

std::vector<Package> read_packages(Diagnostics& diagnostics, const Node& node, const std::string& path) {
  if (node.is(Node::Kind::kNull)) return {};
  return read_list(diagnostics, node, path);
}

}  // namespace aegir::registry
