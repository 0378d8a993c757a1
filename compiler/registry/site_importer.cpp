// The sites of an import.
#include <algorithm>

#include "compiler/core/utf8.hpp"
#include "compiler/registry/importer.hpp"
#include "compiler/registry/package_fields.hpp"
#include "compiler/registry/random.hpp"
#include "compiler/registry/validate.hpp"

namespace aegir::registry {
namespace {

constexpr std::string_view kNoId = "a restore takes over ids; import what has none afterwards, without --replace";
constexpr std::size_t kPasswordLetters = 24;  // 142 bits
constexpr std::size_t kHashSaltLetters = 74;  // as many as Drupal's own
constexpr std::size_t kCronKeyLetters = 43;   // as many bits as Drupal's own (55 letters of base64 hold 256 and more)

/// A database name for a site: what can be read of its uri, and a digest of all of it, so that no two sites share one.
/// At most 32 bytes, which every SQL server takes for a user too.
std::string database_name(const std::string& uri) {
  std::string name = uri.substr(0, 23);
  std::ranges::replace_if(name, [](char c) { return (c < 'a' || c > 'z') && (c < '0' || c > '9'); }, '_');
  const Digest digest = blake2b(uri);
  return name + "_" + to_hex(std::span(digest).first(4));
}

const Node* member(const Node& object, std::string_view key) {
  return object.is(Node::Kind::kObject) ? object.find(key) : nullptr;
}

bool says_deleted(const Node& site) {
  const Node* state = member(site, "state");
  return state != nullptr && state->is(Node::Kind::kText) &&
         state->text() == word_of(kSiteStateWords, SiteState::kDeleted);
}

/// The hosts of `site` that it loses by what `node` says about it.
std::vector<std::string> lost_aliases(const Site& site, const Node& node, bool replace) {
  const Node* aliases = member(node, "aliases");
  std::vector<std::string> lost;
  if (aliases == nullptr && !replace) return lost;
  std::vector<std::string> kept;
  for (const Node::Member& each :
       aliases != nullptr && aliases->is(Node::Kind::kObject) ? aliases->members() : std::span<const Node::Member>()) {
    const Result<std::string> host = canonical_name(each.key.text(), true);
    if (host) (each.value.is(Node::Kind::kNull) ? lost : kept).push_back(*host);
  }
  if (!replace) return lost;
  lost.clear();
  for (const Alias& alias : site.aliases) {
    if (std::ranges::find(kept, alias.host) == kept.end()) lost.push_back(alias.host);
  }
  return lost;
}

}  // namespace

Result<void> Importer::sites(ObjectReader& in) {
  const Node* section = in.find("sites");
  if (section != nullptr && !section->is(Node::Kind::kObject)) {
    diagnostics_.expected(*section, "sites", "an object with a host name a key");
    return {};
  }
  std::vector<std::pair<const Member*, std::string>> members;
  for (const Member& each : section == nullptr ? std::span<const Member>() : section->members()) {
    const std::string path = "sites/" + std::string(each.key.text());
    std::optional<std::string> uri = read_host(diagnostics_, each.key, path, false);
    if (!uri) continue;
    const auto [first, is_first] = named_.emplace(*uri, &each.key);
    if (!is_first) {
      if (first->second->text() == each.key.text()) continue;  // told as a duplicate key
      diagnostics_.refuse(each.key, path, "site " + printable(*uri) + " is in this document already",
                          "keep one of the two");
      continue;
    }
    members.emplace_back(&each, std::move(*uri));
  }
  // A name can move from one site to another in one document: first every name that is given up, then the new ones.
  if (replace_ && has_sites_) {
    if (Result<void> done = delete_unnamed_sites(section == nullptr ? root_ : *section); !done) return done;
  }
  for (const auto& [each, uri] : members) {
    Result<void> done = says_deleted(each->value) ? delete_site(*each, uri)
                        : has_sites_              ? release_names(*each, uri)
                                                  : Result<void>();
    if (!done) return done;
  }
  for (const auto& [each, uri] : members) {
    if (says_deleted(each->value)) continue;
    if (Result<void> done = import_site(*each, uri); !done) return done;
  }
  return {};
}

void Importer::require_disabled(const Site& site, const Node& at) {
  if (!settings_.require_disabled_before_delete) return;
  if (site.state != SiteState::kEnabled && site.state != SiteState::kMaintenance) return;
  diagnostics_.refuse(at, "sites/" + site.uri,
                      std::string("the site is ") + (site.state == SiteState::kEnabled ? "enabled" : "in maintenance") +
                          " and would be deleted, which the setting require_disabled_before_delete forbids",
                      "disable it first (\"state\": \"disabled\") and delete it with the next import; or set "
                      "\"require_disabled_before_delete\": false in \"settings\"",
                      Code::kConflict);
}

Result<void> Importer::delete_unnamed_sites(const Node& at) {
  std::vector<std::string> gone;
  Result<void> done = store_.each_site([&](const Site& site) -> Result<void> {
    if (named_.contains(site.uri)) return {};
    require_disabled(site, at);
    gone.push_back(site.uri);
    return {};
  });
  for (std::size_t i = 0; done && i < gone.size(); ++i) {
    Site site;
    site.uri = gone[i];
    site.state = SiteState::kDeleted;
    done = writer_->put(site);
    ++report_.deleted;
  }
  return done;
}

Result<void> Importer::delete_site(const Member& each, const std::string& uri) {
  const std::string path = "sites/" + std::string(each.key.text());
  {
    ObjectReader fields(diagnostics_, each.value, path);
    Site ignored;
    ignored.uri = uri;
    fields.find("state");
    fields.find("packages");
    read_fields(fields, ignored, store_.key());
    read_id(fields, ignored, nullptr);
  }
  const Result<std::optional<Site>> old = find_by_uri(uri);
  if (!old) return std::unexpected<Error>(old.error());
  if (old->has_value()) {
    require_disabled(**old, each.key);
    Site site;
    site.uri = uri;
    site.state = SiteState::kDeleted;
    ++report_.deleted;
    return writer_->put(site);
  }
  const Result<std::optional<Site>> deleted = store_.find_deleted(uri);
  if (!deleted) return std::unexpected<Error>(deleted.error());
  if (deleted->has_value()) {
    ++report_.unchanged;
  } else {
    diagnostics_.refuse(each.key, path, "there is no site " + printable(uri) + " to delete", "check its name",
                        Code::kNotFound);
  }
  return {};
}

Result<void> Importer::release_names(const Member& each, const std::string& uri) {
  const Node& node = each.value;
  if (!replace_ && member(node, "aliases") == nullptr) return {};
  Result<std::optional<Site>> old = find_by_uri(uri);
  if (!old) return pass(old);
  if (!old->has_value()) return {};
  Site site = std::move(**old);
  const std::vector<std::string> lost = lost_aliases(site, node, replace_);
  if (lost.empty()) return {};
  std::erase_if(site.aliases, [&](const Alias& alias) { return std::ranges::find(lost, alias.host) != lost.end(); });
  if (std::ranges::find(lost, site.redirect_to) != lost.end()) {
    if (!replace_ && member(node, "redirect_to") == nullptr) {
      const std::string field = "aliases/" + site.redirect_to;
      diagnostics_.refuse(locate(each.key, node, field), "sites/" + std::string(each.key.text()) + "/" + field,
                          "the site redirects to this name, which is to go",
                          "say in the same document where it redirects to: \"redirect_to\": null, or another name",
                          Code::kConflict);
    }
    site.redirect_to.clear();
  }
  const std::uint64_t before = writer_->sequence();
  const Result<void> done = writer_->put(site);
  if (writer_->sequence() != before) released_.insert(uri);
  return done;
}

Result<void> Importer::import_site(const Member& each, const std::string& uri) {
  const std::string path = "sites/" + std::string(each.key.text());
  const std::size_t first_error = diagnostics_.size();
  const Result<std::optional<Site>> found = find_by_uri(uri);
  if (!found) return std::unexpected<Error>(found.error());
  const Site* old = found->has_value() ? &**found : nullptr;
  Site next;
  if (old != nullptr) {
    next = *old;
    if (replace_) {
      next = Site{};
      next.cron_key = old->cron_key;
      next.hash_salt = old->hash_salt;
      next.database = old->database;
      next.http_auth.reset();
    }
  }
  next.uri = uri;
  next.block.clear();
  next.slot = 0;
  const Node* packages = nullptr;
  {
    ObjectReader fields(diagnostics_, each.value, path, kDeleteHint);
    packages = fields.find("packages");
    fields.read_word("state", kSiteStateWords, next.state);
    const SiteExtras extras = read_fields(fields, next, store_.key());
    read_id(fields, next, old);
    fill_in(fields, next, old, extras);
    if (const Node* slot = member(each.value, "slot");
        slot != nullptr && slot->is(Node::Kind::kNull) && old != nullptr && !old->block.empty()) {
      diagnostics_.refuse(*slot, fields.path("slot"),
                          "a site keeps the slot that it was given, as its files are of that uid", "leave \"slot\" out",
                          Code::kConflict);
    }
  }
  const std::uint64_t before = writer_->sequence();
  const Result<void> done = writer_->put(next);
  if (!done) return note(done.error(), writer_->check(next), each.key, each.value, path, first_error);
  const bool is_same = writer_->sequence() == before && !released_.contains(uri);
  ++(old == nullptr ? report_.created : is_same ? report_.unchanged : report_.changed);
  if (next.body_limit != (old == nullptr ? 0 : old->body_limit)) report_.in_files.push_back("body_limit of " + uri);
  if (packages == nullptr || diagnostics_.size() != first_error) return {};
  const std::vector<Package> own = read_packages(diagnostics_, *packages, path + "/packages");
  if (diagnostics_.size() != first_error) return {};
  const Result<void> kept = writer_->put_packages(uri, own);
  return kept ? Result<void>() : note(kept.error(), validate(own), each.key, each.value, path, first_error);
}

void Importer::read_id(ObjectReader& in, Site& site, const Site* old) {
  in.read("id", site.id);
  if (old != nullptr) site.id = old->id;
  if (!report_.restored) return;
  if (const Node* id = member(in.node(), "id"); id == nullptr) {
    in.missing("id", std::string(kNoId));
  } else if (site.id == 0 || !ids_.insert(site.id).second) {
    diagnostics_.refuse(*id, in.path("id"), "the id " + std::to_string(site.id) + " is 0 or another site's");
  }
}

void Importer::fill_in(ObjectReader& in, Site& site, const Site* old, const SiteExtras& extras) {
  if (site.platform.empty() && !in.has("platform")) {
    in.missing("platform", platforms_.empty() ? "add a platform first" : "name one of the platforms");
  }
  if (old == nullptr && !extras.named_cron_key) {
    site.cron_key = random_word(kCronKeyLetters);
    ++report_.generated_secrets;
  }
  if (old == nullptr && !extras.named_hash_salt) {
    site.hash_salt = random_word(kHashSaltLetters);
    ++report_.generated_secrets;
  }
  const Node* database = member(in.node(), "database");
  if (database == nullptr || !database->is(Node::Kind::kObject)) return;
  if (site.database.server.empty() && database->find("server") == nullptr) {
    site.database.server = default_database_server(site);
    if (site.database.server.empty()) {
      diagnostics_.refuse(*database, in.path("database/server"), "is missing",
                          "name a server that has a database service");
    }
  }
  if (site.database.name.empty() && database->find("name") == nullptr) site.database.name = database_name(site.uri);
  if (site.database.user.empty() && database->find("user") == nullptr) site.database.user = site.database.name;
  if (site.database.password.empty() && !extras.named_password) {
    site.database.password = random_word(kPasswordLetters);
    ++report_.generated_secrets;
  }
}

std::string Importer::default_database_server(const Site& site) const {
  if (const auto platform = platforms_.find(site.platform); platform != platforms_.end()) {
    const auto server = servers_.find(platform->second.server);
    if (server != servers_.end() && server->second.database) return server->first;
  }
  const auto has_database = [](const auto& each) { return each.second.database.has_value(); };
  const auto first = std::ranges::find_if(servers_, has_database);
  return std::ranges::count_if(servers_, has_database) == 1 ? first->first : std::string();
}

Result<void> Importer::deleted_sites(ObjectReader& in) {
  const Node* section = in.find("deleted_sites");
  if (section == nullptr) return {};
  if (!section->is(Node::Kind::kList)) {
    diagnostics_.expected(*section, "deleted_sites", "a list");
    return {};
  }
  for (const Node& node : section->list()) {
    const std::size_t first_error = diagnostics_.size();
    const std::string path = "deleted_sites";
    Site site;
    {
      ObjectReader fields(diagnostics_, node, path);
      if (const Node* uri = fields.find("uri"); uri == nullptr) {
        fields.missing("uri");
      } else if (std::optional<std::string> host = read_host(diagnostics_, *uri, path + "/uri", false)) {
        site.uri = std::move(*host);
      }
      fields.read_word("state", kSiteStateWords, site.state);
      read_fields(fields, site, store_.key());
      read_id(fields, site, nullptr);
    }
    site.state = SiteState::kDeleted;
    if (!report_.restored || diagnostics_.size() != first_error) continue;
    const Result<void> done = writer_->put(site);
    if (done) continue;
    if (Result<void> noted = note(done.error(), writer_->check(site), node, node, path, first_error); !noted)
      return noted;
  }
  return {};
}

Result<std::optional<Site>> Importer::find_by_uri(const std::string& uri) {
  if (!has_sites_) return std::optional<Site>();
  Result<std::optional<Site>> found = store_.find_site(uri);
  if (found && found->has_value() && (*found)->uri != uri) found->reset();  // it is another site's alias
  return found;
}

}  // namespace aegir::registry
