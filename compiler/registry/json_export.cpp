#include <algorithm>

#include "compiler/registry/json.hpp"
#include "compiler/registry/json_writer.hpp"
#include "compiler/registry/package_fields.hpp"
#include "compiler/registry/sealed_text.hpp"
#include "compiler/registry/words.hpp"

namespace aegir::registry {
namespace {

class Exporter {
 public:
  Exporter(Store& store, const ExportOptions& options, const Sink& sink)
      : store_(store), plain_(options.plain_secrets), json_(sink) {}

  Result<void> run() {
    if (!plain_ && store_.key().empty()) {
      return fail(Code::kUsage, "the registry was opened without a key, so no secret can be sealed",
                  "name the registry's key file");
    }
    json_.open('{');
    json_.member("format", "aegir-registry");
    json_.member("version", 1);
    json_.member("registry_id", to_hex(store_.registry_id()));
    using Step = Result<void> (Exporter::*)();
    for (const Step step :
         {&Exporter::sequence, &Exporter::settings, &Exporter::servers, &Exporter::clients, &Exporter::blocks,
          &Exporter::platforms, &Exporter::slots, &Exporter::sites, &Exporter::deleted_sites, &Exporter::audit}) {
      Result<void> done = (this->*step)();
      if (done) done = json_.flush(false);
      if (!done) return done;
    }
    json_.close('}');
    json_.end();
    return json_.flush(true);
  }

 private:
  Result<void> sequence() {
    Result<std::uint64_t> sequence = store_.sequence();
    if (!sequence) return pass(sequence);
    json_.member("sequence", *sequence);
    return {};
  }

  Result<void> settings() {
    Result<Settings> settings = store_.settings();
    if (!settings) return pass(settings);
    json_.open("settings", '{');
    json_.optional("console_url", settings->console_url);
    json_.open("alias_defaults", '{', true);
    texts("patterns", settings->alias_defaults.patterns);
    json_.member("redirect", settings->alias_defaults.redirect);
    json_.close('}');
    json_.member("log_days", settings->log_days);
    json_.member("require_disabled_before_delete", settings->require_disabled_before_delete);
    json_.close('}');
    return {};
  }

  Result<void> servers() {
    Result<std::vector<Server>> servers = store_.servers();
    if (!servers) return pass(servers);
    json_.open("servers", '{');
    for (const Server& server : *servers) {
      json_.open(server.name, '{');
      json_.member("host", server.host);
      json_.open("web", '{');
      for (const WebService& service : server.web) {
        json_.open(word_of(kServiceWords, service.kind), '{', true);
        json_.member("http_port", service.http_port);
        json_.member("https_port", service.https_port);
        json_.member("probe_address", service.probe_address);
        json_.close('}');
      }
      json_.close('}');
      if (server.database) {
        json_.open("database", '{', true);
        json_.member("type", server.database->type);
        json_.member("host", server.database->host);
        json_.member("port", server.database->port);
        json_.close('}');
      } else {
        json_.null("database");
      }
      json_.close('}');
    }
    json_.close('}');
    return {};
  }

  Result<void> clients() {
    Result<std::vector<Client>> clients = store_.clients();
    if (!clients) return pass(clients);
    json_.open("clients", '{');
    for (const Client& client : *clients) {
      json_.open(client.name, '{', true);
      json_.member("title", client.title);
      json_.optional("email", client.email);
      json_.close('}');
    }
    json_.close('}');
    return {};
  }

  Result<void> blocks() {
    Result<std::vector<Block>> blocks = store_.blocks();
    if (!blocks) return pass(blocks);
    json_.open("blocks", '{');
    for (const Block& block : *blocks) {
      json_.open(block.name, '{', true);
      json_.member("server", block.server);
      json_.member("php_version", block.php_version);
      json_.optional("client", block.client);
      json_.member("first_uid", block.first_uid);
      json_.member("slots", block.slots);
      json_.member("max_children", block.max_children);
      json_.member("isolation", word_of(kIsolationWords, block.isolation));
      json_.close('}');
    }
    json_.close('}');
    return {};
  }

  Result<void> platforms() {
    Result<std::vector<Platform>> platforms = store_.platforms();
    if (!platforms) return pass(platforms);
    std::ranges::sort(*platforms, {}, &Platform::name);
    json_.open("platforms", '{');
    for (const Platform& platform : *platforms) {
      json_.open(platform.name, '{');
      json_.member("id", platform.id);
      json_.member("server", platform.server);
      json_.member("docroot", platform.docroot);
      json_.open("services", '[', true);
      for (const auto& [word, service] : kServiceWords) {
        if ((platform.services & service) != 0) json_.entry(word);
      }
      json_.close(']');
      json_.member("cms", word_of(kCmsWords, platform.cms));
      json_.member("state", word_of(kPlatformStateWords, platform.state));
      json_.optional("block", platform.block);
      json_.member("body_limit", platform.body_limit);
      json_.optional("drush", platform.drush);
      Result<Codebase> codebase = store_.codebase(platform.id);
      if (!codebase) return pass(codebase);
      write_codebase(json_, *codebase);
      json_.close('}');
      if (Result<void> done = json_.flush(false); !done) return done;
    }
    json_.close('}');
    return {};
  }

  Result<void> slots() {
    Result<std::vector<Slot>> slots = store_.slots();
    if (!slots) return pass(slots);
    json_.open("slots", '{');
    const std::string* block = nullptr;
    for (const Slot& slot : *slots) {
      if (block == nullptr || *block != slot.block) {
        if (block != nullptr) json_.close('}');
        json_.open(slot.block, '{');
        block = &slot.block;
      }
      json_.open(std::to_string(slot.number), '{', true);
      json_.member("state", word_of(kSlotStateWords, slot.state));
      json_.member("site", slot.site);
      json_.close('}');
    }
    if (block != nullptr) json_.close('}');
    json_.close('}');
    return {};
  }

  Result<void> sites() {
    json_.open("sites", '{');
    Result<void> done = store_.each_site([&](const Site& site) -> Result<void> {
      json_.open(site.uri, '{');
      fields_of(site);
      Result<std::vector<Package>> packages = store_.own_packages(site.id);
      if (!packages) return pass(packages);
      write_packages(json_, *packages);
      json_.close('}');
      return json_.flush(false);
    });
    json_.close('}');
    return done;
  }

  Result<void> deleted_sites() {
    json_.open("deleted_sites", '[');
    Result<void> done = store_.each_site_with_deleted([&](const Site& site) -> Result<void> {
      if (site.state != SiteState::kDeleted) return {};
      json_.open('{');
      json_.member("uri", site.uri);
      fields_of(site);
      json_.close('}');
      return json_.flush(false);
    });
    json_.close(']');
    return done;
  }

  void fields_of(const Site& site) {
    json_.member("id", site.id);
    json_.member("platform", site.platform);
    json_.optional("client", site.client);
    json_.member("state", word_of(kSiteStateWords, site.state));
    json_.member("profile", site.profile);
    json_.member("language", site.language);
    json_.member("https", word_of(kHttpsWords, site.https));
    json_.member("cloaking", site.cloaking);
    json_.optional("redirect_to", site.redirect_to);
    json_.open("aliases", '{');
    for (const Alias& alias : site.aliases) {
      json_.open(alias.host, '{', true);
      json_.optional("redirect_to", alias.redirect_to);
      json_.close('}');
    }
    json_.close('}');
    texts("former_uris", site.former_uris);
    if (site.http_auth) {
      json_.open("http_auth", '{', true);
      json_.member("user", site.http_auth->user);
      secret("password", Secret::kHttpAuth, site, site.http_auth->password);
      json_.member("realm", site.http_auth->realm);
      json_.close('}');
    } else {
      json_.null("http_auth");
    }
    secret("cron_key", Secret::kCronKey, site, site.cron_key);
    secret("hash_salt", Secret::kHashSalt, site, site.hash_salt);
    texts("key_pages", site.key_pages);
    json_.open("php", '{', true);
    json_.member("memory_limit", site.php.memory_limit);
    json_.member("upload_max_filesize", site.php.upload_max_filesize);
    json_.member("post_max_size", site.php.post_max_size);
    json_.member("max_execution_time", site.php.max_execution_time);
    json_.close('}');
    if (site.body_limit == 0) {
      json_.null("body_limit");
    } else {
      json_.member("body_limit", site.body_limit);
    }
    if (site.database == Database{}) {
      json_.null("database");
    } else {
      json_.open("database", '{', true);
      json_.member("server", site.database.server);
      json_.member("name", site.database.name);
      json_.member("user", site.database.user);
      secret("password", Secret::kDatabase, site, site.database.password);
      json_.close('}');
    }
    if (site.block.empty()) {
      json_.null("slot");
    } else {
      json_.open("slot", '{', true);
      json_.member("block", site.block);
      json_.member("number", site.slot);
      json_.close('}');
    }
  }

  Result<void> audit() {
    Result<std::vector<AuditEntry>> entries = store_.audit();
    if (!entries) return pass(entries);
    json_.open("audit", '[');
    for (const AuditEntry& entry : *entries) {
      json_.open('{', true);
      json_.member("sequence", entry.sequence);
      json_.member("time", entry.time);
      json_.member("actor", entry.actor);
      json_.member("what", entry.what);
      json_.member("why", entry.why);
      json_.close('}');
    }
    json_.close(']');
    return {};
  }

  void texts(std::string_view key, const std::vector<std::string>& entries) {
    json_.open(key, '[', true);
    for (const std::string& entry : entries) json_.entry(entry);
    json_.close(']');
  }

  void secret(std::string_view key, Secret kind, const Site& site, std::string_view plain) {
    if (plain_ || plain.empty()) return json_.member(key, plain);
    json_.open(key, '{', true);
    json_.member("sealed", seal_text(store_.key(), kind, site.uri, plain));
    json_.member("key", store_.key().current_id());
    json_.close('}');
  }

  Store& store_;
  bool plain_;
  JsonWriter json_;
};

}  // namespace

Result<void> export_json(Store& store, const ExportOptions& options, const Sink& sink) {
  return store.snapshot([&] { return Exporter(store, options, sink).run(); });
}

Result<std::string> export_json(Store& store, const ExportOptions& options) {
  std::string text;
  Result<void> done = export_json(store, options, [&](std::string_view piece) -> Result<void> {
    text += piece;
    return {};
  });
  if (!done) return pass(done);
  return text;
}

}  // namespace aegir::registry
