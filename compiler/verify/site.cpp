#include "compiler/verify/site.hpp"

#include <algorithm>

namespace aegir::verify {
namespace {

using machine::SiteFile;

constexpr std::string_view kCloakingKey = "provision_db_cloaking";

const char* const kCanBeRead =
    "; only assignments of literals, comments and includes can be read here: put what else "
    "there is into local.drushrc.php, then run `aegirc verify --site ";

std::string path_of(const machine::SitePlace& place, std::string_view name) {
  return place.docroot + "/sites/" + place.uri + '/' + std::string(name);
}

std::string slot_home_of(const Config& config, const registry::Site& site) {
  return slot_home(config, site.block, site.slot);
}

}  // namespace

/// What is there of a site's files.
struct Sites::Present {
  bool has_settings = false;
  std::optional<bool> cloaked;                         ///< by settings.php
  std::optional<std::vector<php::Statement>> drushrc;  ///< empty when there is none; nothing when it can't be read
  bool has_drushrc = false;
  std::optional<bool> asked;  ///< by drushrc.php
  std::optional<bool> local;  ///< by local.drushrc.php
};

bool decide_cloaking(bool registry, std::optional<bool> present, std::optional<bool> asked, std::optional<bool> local) {
  if (local) return *local;
  // A file that can't be read says nothing; what is there stays.
  if (!asked) return present.value_or(registry);
  if (!present) return *asked && registry;
  return *asked == *present ? registry : *asked;
}

Result<Sites> Sites::load(const Config& config, const Accounts& accounts, registry::Store& store) {
  Sites sites(config, accounts, store);
  Result<std::vector<registry::Platform>> platforms = store.platforms();
  if (!platforms) return pass(platforms);
  for (registry::Platform& platform : *platforms) sites.platforms_.emplace(platform.name, std::move(platform));
  Result<std::vector<registry::Block>> blocks = store.blocks();
  if (!blocks) return pass(blocks);
  for (registry::Block& block : *blocks) sites.blocks_.emplace(block.name, std::move(block));
  Result<std::vector<registry::Server>> servers = store.servers();
  if (!servers) return pass(servers);
  for (const registry::Server& server : *servers) {
    if (server.database) sites.databases_[server.name] = *server.database;
  }
  return sites;
}

machine::SitePlace Sites::place_of(const registry::Site& site) const {
  return {platforms_.at(site.platform).docroot, site.uri, blocks_.at(site.block).first_uid + site.slot};
}

emit::SiteFacts Sites::facts_of(const registry::Site& site) const {
  emit::SiteFacts facts{site, platforms_.at(site.platform), std::nullopt};
  const auto database = databases_.find(site.database.server);
  if (database != databases_.end()) facts.database = database->second;
  return facts;
}

Result<Sites::Present> Sites::read(const machine::SitePlace& place, std::vector<Error>& errors) const {
  Present present;
  const auto content_of = [&](SiteFile file) { return machine::read_site_file(*config_, accounts_, place, file); };
  Result<std::optional<std::string>> settings = content_of(SiteFile::kSettings);
  if (!settings) return pass(settings);
  present.has_settings = settings->has_value();
  if (present.has_settings) present.cloaked = emit::is_cloaked(**settings);

  Result<std::optional<std::string>> drushrc = content_of(SiteFile::kDrushrc);
  if (!drushrc) return pass(drushrc);
  Result<std::vector<php::Statement>> parsed = php::parse(drushrc->value_or(""), path_of(place, "drushrc.php"));
  if (parsed) {
    // Without a file nobody asks for plain credentials any more; for a new site nobody has been asked.
    if (drushrc->has_value() || present.cloaked) present.asked = emit::asks_for_cloaking(*parsed).value_or(true);
    present.drushrc = *std::move(parsed);
  } else {
    Error& error = parsed.error();
    error.hint = "put this line right" + (kCanBeRead + place.uri) + "`. Until then the file stays as it is";
    errors.push_back(std::move(error));
  }

  // Any PHP may stand in it; only what it says of cloaking counts here.
  Result<std::optional<std::string>> local = content_of(SiteFile::kLocalDrushrc);
  if (!local || !local->has_value() || (*local)->find(kCloakingKey) == std::string::npos) return present;
  parsed = php::parse(**local, path_of(place, "local.drushrc.php"));
  if (parsed) {
    present.local = emit::asks_for_cloaking(*parsed);
  } else {
    parsed.error().message += "; so what it says of " + std::string(kCloakingKey) + " is not heard";
    parsed.error().hint = "say it in drushrc.php";
    errors.push_back(std::move(parsed.error()));
  }
  return present;
}

Result<void> Sites::write_settings(const emit::SiteFacts& facts, const Present& present, machine::Done& done) {
  Result<std::string> content = emit::settings_php(*config_, facts);
  if (!content) return pass(content);
  const machine::SitePlace place = place_of(facts.site);
  // One that is plain, or not ours, works until the map has the credentials.
  if (facts.site.cloaking && present.has_settings && present.cloaked != true) {
    waiting_.push_back({place, *std::move(content)});
    return {};
  }
  return machine::install_site_file(*config_, accounts_, place, SiteFile::kSettings, *content, done);
}

void Sites::write_aliases(const emit::SiteFacts& facts, const machine::SitePlace& place, std::vector<Error>& errors,
                          machine::Done& done) const {
  const std::string home = slot_home_of(*config_, facts.site);
  const bool alone = block_of(facts.site).isolation == registry::Isolation::kSite;
  const auto files_of = [&](const std::string& folder) -> Result<std::vector<machine::DrushFile>> {
    Result<std::string> yml = emit::site_yml(facts);
    if (!yml) return pass(yml);
    Result<std::string> where = emit::drush_yml(folder + "/sites");
    if (!where) return pass(where);
    return std::vector<machine::DrushFile>{
        {emit::alias_file(facts.site.uri), emit::site_alias(facts)},
        {"sites/" + emit::site_yml_file(facts.site.uri), *std::move(yml)},
        {"drush.yml", *std::move(where)},
    };
  };
  const auto install = [&](const std::string& folder, const auto& how) {
    Result<std::vector<machine::DrushFile>> files = files_of(folder);
    Result<void> installed;
    if (!files) {
      installed = pass(files);
    } else {
      installed = how(*files);
    }
    if (!installed) errors.push_back(std::move(installed.error()));
  };
  install(config_->aegir_root + "/.drush",
          [&](const auto& files) { return machine::install_drush_files(*config_, accounts_, files, done); });
  install(home + "/home/.drush",
          [&](const auto& files) { return machine::install_slot_drush_files(home, place.uid, alone, files); });
}

Result<void> Sites::write_sites_php(const registry::Platform& platform, machine::Done& done) {
  if (!with_sites_php_.insert(platform.docroot).second) return {};
  return machine::install_platform_file(
      *config_, accounts_, platform.docroot,
      {.folder = "sites", .name = "sites.php", .content = emit::sites_php(), .keep_as = "local.sites.php"}, done);
}

Result<void> Sites::write_files(const emit::SiteFacts& facts, const Present& present, std::vector<Error>& errors,
                                machine::Done& done) {
  const machine::SitePlace place = place_of(facts.site);
  if (Result<void> ok = write_sites_php(facts.platform, done); !ok) return ok;
  // Before settings.php, which asks for it.
  if (Result<void> ok = machine::install_cli_file(*config_, accounts_, place, emit::cli_php(facts), done); !ok) {
    return ok;
  }
  if (Result<void> ok = write_settings(facts, present, done); !ok) return ok;
  const auto also = [&](Result<void> result) {
    if (!result) errors.push_back(std::move(result.error()));
  };
  if (present.drushrc) {
    also(machine::install_site_file(*config_, accounts_, place, SiteFile::kDrushrc,
                                    emit::site_drushrc(facts, *present.drushrc), done));
  }
  Result<std::optional<std::string>> local =
      machine::read_site_file(*config_, accounts_, place, SiteFile::kLocalSettings);
  if (!local) {
    also(pass(local));
  } else if (!local->has_value()) {
    also(machine::install_site_file(*config_, accounts_, place, SiteFile::kLocalSettings,
                                    "<?php\n# Yours: settings.php includes it last, and Aegir never writes it again.\n",
                                    done));
  }
  write_aliases(facts, place, errors, done);
  if (!facts.site.client.empty()) {
    also(machine::link_site_to_client(*config_, accounts_, place, facts.site.client, done));
    also(machine::unlink_site_from_others(*config_, accounts_, facts.site.uri, facts.site.client, done));
  }
  return {};
}

Result<std::vector<Error>> Sites::write(const registry::Site& site, machine::Done& done) {
  std::vector<Error> errors;
  if (site.block.empty() || platforms_.at(site.platform).cms == registry::Cms::kOther) return errors;
  Result<Present> present = read(place_of(site), errors);
  if (!present) return pass(present);
  emit::SiteFacts facts = facts_of(site);
  const bool cloaking = decide_cloaking(site.cloaking, present->cloaked, present->asked, present->local);
  if (cloaking != site.cloaking) {
    // The registry first: were the files written and this process killed, nothing would tell that a person changed it.
    facts.site.cloaking = cloaking;
    changed_.push_back(std::move(facts.site));
    return errors;
  }
  if (Result<void> written = write_files(facts, *present, errors, done); !written) return pass(written);
  return errors;
}

Result<std::vector<Error>> Sites::record(const registry::Actor& actor, machine::Done& done) {
  std::vector<Error> errors;
  if (changed_.empty()) return errors;
  Result<std::uint64_t> recorded = store_->transact(actor, [&](registry::Writer& writer) -> Result<void> {
    for (const registry::Site& site : changed_) {
      if (Result<void> put = writer.put(site); !put) return put;
    }
    return {};
  });
  if (!recorded) return pass(recorded);
  for (const registry::Site& site : changed_) {
    std::vector<Error> told;  // write() has told it already
    Result<Present> present = read(place_of(site), told);
    Result<void> written;
    if (!present) {
      written = pass(present);
    } else {
      written = write_files(facts_of(site), *present, errors, done);
    }
    if (!written) errors.push_back(std::move(written.error()));
  }
  changed_.clear();
  return errors;
}

std::vector<Error> Sites::finish(machine::Done& done) {
  std::vector<Error> errors;
  for (const Waiting& each : waiting_) {
    Result<void> written =
        machine::install_site_file(*config_, accounts_, each.place, SiteFile::kSettings, each.content, done);
    if (!written) errors.push_back(std::move(written.error()));
  }
  waiting_.clear();
  return errors;
}

Result<void> Sites::forget(const std::string& uri, machine::Done& done) {
  return machine::forget_site(*config_, accounts_, uri, done);
}

Result<void> Sites::forget_others(const std::vector<std::string>& uris, machine::Done& done) {
  Result<std::vector<std::string>> written = machine::written_sites(*config_);
  if (!written) return pass(written);
  for (const std::string& uri : *written) {
    if (std::ranges::binary_search(uris, uri)) continue;
    if (Result<void> ok = forget(uri, done); !ok) return ok;
  }
  return {};
}

Result<std::vector<Error>> write_platform_files(const Config& config, const Accounts& accounts,
                                                const registry::Platform& platform,
                                                const std::vector<std::string>& uris,
                                                const std::vector<std::string>& profiles, machine::Done& done) {
  std::vector<Error> errors;
  if (platform.cms == registry::Cms::kOther) return errors;
  Result<void> ok = machine::install_platform_file(
      config, accounts, platform.docroot,
      {.folder = "sites", .name = "sites.php", .content = emit::sites_php(), .keep_as = "local.sites.php"}, done);
  if (!ok) return pass(ok);
  ok = machine::install_drush_files(
      config, accounts, {{emit::alias_file("platform_" + platform.name), emit::platform_alias(platform)}}, done);
  if (!ok) return pass(ok);
  constexpr const char* kFolder = "sites/all/drush";
  Result<std::optional<std::string>> present =
      machine::read_platform_file(config, accounts, platform.docroot, kFolder, "drushrc.php");
  if (!present) return pass(present);
  const std::string path = platform.docroot + '/' + kFolder + "/drushrc.php";
  Result<std::vector<php::Statement>> parsed = php::parse(present->value_or(""), path);
  if (!parsed) {
    parsed.error().hint = "put this line right; until then the file stays as it is";
    errors.push_back(std::move(parsed.error()));
    return errors;
  }
  ok = machine::install_platform_file(config, accounts, platform.docroot,
                                      {kFolder, "drushrc.php", emit::platform_drushrc(profiles, *parsed)}, done);
  if (!ok) return pass(ok);
  ok = machine::install_platform_file(
      config, accounts, platform.docroot,
      {kFolder, std::string(emit::kSitesDrushrc), emit::sites_drushrc(uris), /*open=*/false}, done);
  if (!ok) return pass(ok);
  return errors;
}

Result<void> write_server_files(const Config& config, const Accounts& accounts, const registry::Server& server,
                                machine::Done& done) {
  Result<std::string> where = emit::drush_yml(config.aegir_root + "/.drush/sites");
  if (!where) return pass(where);
  return machine::install_drush_files(config, accounts,
                                      {{emit::alias_file("server_" + server.name), emit::server_alias(config, server)},
                                       {"drush.yml", *std::move(where)}},
                                      done);
}

}  // namespace aegir::verify
