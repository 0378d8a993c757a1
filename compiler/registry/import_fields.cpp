#include "compiler/registry/import_fields.hpp"

#include <algorithm>

#include "compiler/core/idna.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::registry {
namespace {

/// Canonical form of a host name or origin; what is neither stays as it is, for validate() to refuse.
std::string canonical_target(const std::string& typed) {
  if (is_host(typed, false)) return typed;
  std::size_t host = typed.find("://");
  host = host == std::string::npos ? 0 : host + 3;
  const std::size_t colon = host == 0 ? std::string::npos : typed.find(':', host);
  const Result<std::string> canonical =
      canonical_host(typed.substr(host, colon == std::string::npos ? colon : colon - host));
  if (!canonical) return typed;
  std::string scheme = typed.substr(0, host);
  std::ranges::transform(scheme, scheme.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return scheme + *canonical + (colon == std::string::npos ? "" : typed.substr(colon));
}

bool read_target(ObjectReader& in, std::string_view key, std::string& out) {
  if (!in.read_or_null(key, out)) return false;
  if (!out.empty()) out = canonical_target(out);
  return true;
}

/// A secret: a text, or {"sealed": "<base64>", "key": <key id>}.
bool read_secret(ObjectReader& in, std::string_view name, Secret kind, const std::string& uri, const KeyRing& key,
                 std::string& out) {
  const Node* value = in.find(name);
  if (value == nullptr) return false;
  if (value->is(Node::Kind::kText)) {
    out = value->text();
    return true;
  }
  if (!value->is(Node::Kind::kObject)) {
    in.diagnostics().expected(*value, in.path(name), "a text or a sealed secret");
    return false;
  }
  ObjectReader sealed(in.diagnostics(), *value, in.path(name));
  std::string text;
  std::uint32_t key_id = 0;
  const bool has_text = sealed.read("sealed", text);
  const bool has_key = sealed.read("key", key_id);
  if (!sealed.has("sealed")) sealed.missing("sealed");
  if (!sealed.has("key")) sealed.missing("key");
  if (!has_text || !has_key) return false;
  std::optional<std::string> plain = open_text(key, key_id, kind, uri, text);
  if (!plain) {
    in.diagnostics().refuse(*value, in.path(name),
                            "this secret can't be opened: it was sealed with key " + std::to_string(key_id) +
                                " for this site, and the registry's key file has another key or the text was changed",
                            "use the key file of the registry that it comes from, or export that with --plain");
    return false;
  }
  out = std::move(*plain);
  return true;
}

void read_web(ObjectReader& in, Server& server) {
  const Node* node = in.find("web");
  if (node == nullptr) return;
  ObjectReader web(in.diagnostics(), *node, in.path("web"));
  for (const auto& [word, kind] : kServiceWords) {
    const Node* value = web.find(word);
    if (value == nullptr) continue;
    WebService service{.kind = kind};
    std::vector<WebService> others;
    for (const WebService& each : server.web) {
      if (each.kind == kind) {
        service = each;
      } else {
        others.push_back(each);
      }
    }
    server.web = std::move(others);
    if (value->is(Node::Kind::kNull)) continue;
    ObjectReader fields(in.diagnostics(), *value, web.path(word));
    fields.read("http_port", service.http_port);
    fields.read("https_port", service.https_port);
    fields.read("probe_address", service.probe_address);
    server.web.push_back(service);
  }
  std::ranges::sort(server.web, {}, &WebService::kind);
}

void read_aliases(ObjectReader& in, Site& site) {
  const Node* node = in.find("aliases");
  if (node == nullptr) return;
  if (!node->is(Node::Kind::kObject)) {
    in.diagnostics().expected(*node, in.path("aliases"), "an object with an alias a key");
    return;
  }
  for (const auto& [key, value] : node->members()) {
    const std::string path = in.path("aliases") + "/" + std::string(key.text());
    const std::optional<std::string> host = read_host(in.diagnostics(), key, path, true);
    if (!host) continue;
    const auto old = std::ranges::find(site.aliases, *host, &Alias::host);
    Alias alias = old == site.aliases.end() ? Alias{*host, {}} : *old;
    if (old != site.aliases.end()) site.aliases.erase(old);
    if (value.is(Node::Kind::kNull)) continue;
    ObjectReader fields(in.diagnostics(), value, path);
    read_target(fields, "redirect_to", alias.redirect_to);
    site.aliases.push_back(std::move(alias));
  }
  std::ranges::sort(site.aliases, {}, &Alias::host);
}

void read_former_uris(ObjectReader& in, Site& site) {
  const Node* node = in.find("former_uris");
  if (node == nullptr) return;
  if (!node->is(Node::Kind::kList)) {
    in.diagnostics().expected(*node, in.path("former_uris"), "a list of host names");
    return;
  }
  site.former_uris.clear();
  for (const Node& entry : node->list()) {
    if (std::optional<std::string> host = read_host(in.diagnostics(), entry, in.path("former_uris"), false)) {
      site.former_uris.push_back(std::move(*host));
    }
  }
  std::ranges::sort(site.former_uris);
  const auto [first, last] = std::ranges::unique(site.former_uris);
  site.former_uris.erase(first, last);
}

void read_http_auth(ObjectReader& in, Site& site, const KeyRing& key) {
  const Node* node = in.find("http_auth");
  if (node == nullptr) return;
  if (node->is(Node::Kind::kNull)) {
    site.http_auth.reset();
    return;
  }
  HttpAuth auth = site.http_auth.value_or(HttpAuth{});
  ObjectReader fields(in.diagnostics(), *node, in.path("http_auth"));
  fields.read("user", auth.user);
  read_secret(fields, "password", Secret::kHttpAuth, site.uri, key, auth.password);
  fields.read("realm", auth.realm);
  for (const std::string_view needed : {"user", "password"}) {
    if (!site.http_auth && !fields.has(needed)) fields.missing(needed);
  }
  site.http_auth = std::move(auth);
}

void read_cms(ObjectReader& in, Platform& platform) {
  const Node* value = in.find("cms");
  const std::string_view text = value != nullptr && value->is(Node::Kind::kText) ? value->text() : std::string_view();
  if (text.starts_with("drupal") && text != "drupal7" && text != "drupal8") {
    in.diagnostics().expected(*value, in.path("cms"), "drupal7 or drupal8", "drupal8 is Drupal 8 and every later one");
  } else {
    in.read_word("cms", kCmsWords, platform.cms);
  }
}

bool read_database(ObjectReader& in, Site& site, const KeyRing& key) {
  const Node* node = in.find("database");
  if (node == nullptr) return false;
  if (node->is(Node::Kind::kNull)) {
    site.database = {};
    return false;
  }
  ObjectReader fields(in.diagnostics(), *node, in.path("database"));
  fields.read("server", site.database.server);
  fields.read("name", site.database.name);
  fields.read("user", site.database.user);
  const bool named = read_secret(fields, "password", Secret::kDatabase, site.uri, key, site.database.password);
  return named || fields.has("password");
}

}  // namespace

Result<std::string> canonical_name(std::string_view typed, bool wildcard) {
  if (is_host(typed, wildcard)) return std::string(typed);  // most are; no need to ask libidn2
  return wildcard ? canonical_host_or_wildcard(typed) : canonical_host(typed);
}

std::optional<std::string> read_host(Diagnostics& diagnostics, const Node& at, const std::string& path, bool wildcard) {
  if (!at.is(Node::Kind::kText)) {
    diagnostics.expected(at, path, "a host name");
    return {};
  }
  Result<std::string> canonical = canonical_name(at.text(), wildcard);
  if (canonical) return std::move(*canonical);
  diagnostics.refuse(at, path, canonical.error().message, canonical.error().hint);
  return {};
}

void read_fields(ObjectReader& in, Settings& settings) {
  in.read_or_null("console_url", settings.console_url);
  if (const Node* node = in.find("alias_defaults"); node != nullptr) {
    ObjectReader defaults(in.diagnostics(), *node, in.path("alias_defaults"));
    defaults.read("patterns", settings.alias_defaults.patterns);
    defaults.read("redirect", settings.alias_defaults.redirect);
  }
  in.read("log_days", settings.log_days);
  in.read("require_disabled_before_delete", settings.require_disabled_before_delete);
}

void read_fields(ObjectReader& in, Server& server) {
  in.read("host", server.host);
  read_web(in, server);
  const Node* node = in.find("database");
  if (node == nullptr) return;
  if (node->is(Node::Kind::kNull)) {
    server.database.reset();
    return;
  }
  DatabaseService service = server.database.value_or(DatabaseService{});
  ObjectReader database(in.diagnostics(), *node, in.path("database"));
  database.read("type", service.type);
  database.read("host", service.host);
  database.read("port", service.port);
  server.database = std::move(service);
}

void read_fields(ObjectReader& in, Client& client) {
  in.read("title", client.title);
  in.read_or_null("email", client.email);
}

void read_fields(ObjectReader& in, Block& block) {
  in.read("server", block.server);
  in.read("php_version", block.php_version);
  in.read_or_null("client", block.client);
  in.read("first_uid", block.first_uid);
  in.read("slots", block.slots);
  in.read("max_children", block.max_children);
  in.read_word("isolation", kIsolationWords, block.isolation);
}

void read_fields(ObjectReader& in, Platform& platform) {
  in.read("id", platform.id);
  in.read("server", platform.server);
  in.read("docroot", platform.docroot);
  read_cms(in, platform);
  in.read_word("state", kPlatformStateWords, platform.state);
  in.read_or_null("block", platform.block);
  in.read("body_limit", platform.body_limit);
  in.read_or_null("drush", platform.drush);
  const Node* services = in.find("services");
  if (services == nullptr) return;
  if (!services->is(Node::Kind::kList)) {
    in.diagnostics().expected(*services, in.path("services"), "a list of web services");
    return;
  }
  platform.services = 0;
  for (const Node& entry : services->list()) {
    const std::size_t index = in.word_index(entry, in.path("services"), ObjectReader::names_of(kServiceWords));
    if (index < kServiceWords.size()) platform.services |= kServiceWords[index].second;
  }
}

SiteExtras read_fields(ObjectReader& in, Site& site, const KeyRing& key) {
  SiteExtras extras;
  in.read("platform", site.platform);
  in.read_or_null("client", site.client);
  in.read("profile", site.profile);
  in.read("language", site.language);
  in.read_word("https", kHttpsWords, site.https);
  in.read("cloaking", site.cloaking);
  read_target(in, "redirect_to", site.redirect_to);
  read_aliases(in, site);
  read_former_uris(in, site);
  read_http_auth(in, site, key);
  extras.named_cron_key = read_secret(in, "cron_key", Secret::kCronKey, site.uri, key, site.cron_key);
  extras.named_hash_salt = read_secret(in, "hash_salt", Secret::kHashSalt, site.uri, key, site.hash_salt);
  in.read("key_pages", site.key_pages);
  if (const Node* node = in.find("php"); node != nullptr) {
    ObjectReader php(in.diagnostics(), *node, in.path("php"));
    php.read("memory_limit", site.php.memory_limit);
    php.read("upload_max_filesize", site.php.upload_max_filesize);
    php.read("post_max_size", site.php.post_max_size);
    php.read("max_execution_time", site.php.max_execution_time);
  }
  if (const Node* node = in.find("body_limit"); node != nullptr && node->is(Node::Kind::kNull)) {
    site.body_limit = 0;
  } else if (in.read("body_limit", site.body_limit) && site.body_limit == 0) {
    in.diagnostics().refuse(*node, in.path("body_limit"), "is 0", "write MiB, or null for the platform's limit");
  }
  extras.named_password = read_database(in, site, key);
  if (const Node* node = in.find("slot"); node != nullptr && !node->is(Node::Kind::kNull)) {
    ObjectReader slot(in.diagnostics(), *node, in.path("slot"));
    extras.named_slot = true;
    slot.read("block", site.block);
    slot.read("number", site.slot);
    for (const std::string_view needed : {"block", "number"}) {
      if (!slot.has(needed)) slot.missing(needed);
    }
  }
  return extras;
}

}  // namespace aegir::registry
