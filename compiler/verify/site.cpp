#include "compiler/verify/site.hpp"

#include <algorithm>
#include <utility>

namespace aegir::verify {
namespace {

using machine::SiteFile;

}  // namespace

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

std::string Sites::slot_home_of(const registry::Site& site) const { return slot_home(*config_, site.block, site.slot); }

bool Sites::has_files(const registry::Site& site) const {
  return !site.block.empty() && platforms_.at(site.platform).cms != registry::Cms::kOther;
}

Result<void> Sites::write_settings(const registry::Site& site, const Present& present, std::string content,
                                   machine::Done& done) {
  const machine::SitePlace place = place_of(site);
  // One that is plain, or not ours, works until the map has the credentials.
  if (site.cloaking && present.has_settings && present.cloaked != true) {
    waiting_.push_back({place, std::move(content)});
    return {};
  }
  return machine::install_site_file(*config_, accounts_, place, SiteFile::kSettings, content, done);
}

/// What is wrong with it is no site's own fault, and told once.
void Sites::write_sites_php(const emit::SiteFacts& facts, machine::Done& done) {
  const registry::Platform& platform = facts.platform;
  if (!with_sites_php_.insert(platform.docroot).second) return;
  const PhpVersions versions = {block_of(facts.site).php_version};
  Result<void> written = machine::install_platform_file(*config_, accounts_, platform.docroot,
                                                        sites_php_file(*config_, platform.docroot, versions), done);
  if (written) return;
  written.error().message = "platform " + platform.name + ": " + written.error().message;
  of_platforms_.push_back(std::move(written.error()));
}

std::vector<Error> Sites::lint(const registry::Site& site) const {
  if (!has_files(site)) return {};
  return lint_site(*config_, accounts_, place_of(site), block_of(site).php_version);
}

Result<void> Sites::write_files(const emit::SiteFacts& facts, const Present& present, std::vector<Error>& errors,
                                machine::Done& done) {
  const machine::SitePlace place = place_of(facts.site);
  const std::string home = slot_home_of(facts.site);
  Result<SiteTexts> texts = site_texts(*config_, facts, present, home, errors);
  if (!texts) return pass(texts);
  write_sites_php(facts, done);
  // Before settings.php, which asks for it.
  if (Result<void> ok = machine::install_cli_file(*config_, accounts_, place, texts->cli, done); !ok) return ok;
  if (Result<void> ok = write_settings(facts.site, present, std::move(texts->settings), done); !ok) return ok;
  const auto also = [&](Result<void> result) {
    if (!result) errors.push_back(std::move(result.error()));
  };
  const auto install = [&](SiteFile file, const std::optional<std::string>& content) {
    if (content) also(machine::install_site_file(*config_, accounts_, place, file, *content, done));
  };
  install(SiteFile::kDrushrc, texts->drushrc);
  install(SiteFile::kLocalSettings, texts->local_settings);
  also(machine::install_drush_files(*config_, accounts_, texts->drush, done));
  if (!texts->slot_drush.empty()) {
    also(machine::install_slot_drush_files(
        home, place.uid, block_of(facts.site).isolation == registry::Isolation::kSite, texts->slot_drush));
  }
  if (!facts.site.client.empty()) {
    also(machine::link_site_to_client(*config_, accounts_, place, facts.site.client, done));
    also(machine::unlink_site_from_others(*config_, accounts_, facts.site.uri, facts.site.client, done));
  }
  return {};
}

Result<std::vector<Error>> Sites::write(const registry::Site& site, machine::Done& done) {
  std::vector<Error> errors;
  if (!has_files(site)) return errors;
  Result<Present> present = read_present(*config_, accounts_, place_of(site), errors);
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
  std::vector<Error> errors = std::exchange(of_platforms_, {});
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
    Result<Present> present = read_present(*config_, accounts_, place_of(site), told);
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

Result<std::vector<std::string>> Sites::forgotten() const {
  std::vector<std::string> gone;
  Result<void> read = machine::each_written_site(*config_, [&](const std::string& uri) -> Result<void> {
    Result<std::optional<registry::Site>> site = store_->find_site(uri);
    if (!site) return pass(site);
    if (!site->has_value() || (*site)->uri != uri) gone.push_back(uri);
    return {};
  });
  if (!read) return pass(read);
  std::ranges::sort(gone);
  return gone;
}

Result<void> Sites::forget_others(machine::Done& done) {
  Result<std::vector<std::string>> uris = forgotten();
  if (!uris) return pass(uris);
  for (const std::string& uri : *uris) {
    if (Result<void> ok = forget(uri, done); !ok) return ok;
  }
  return {};
}

Result<std::vector<Error>> write_platform_files(const Config& config, const Accounts& accounts,
                                                const registry::Platform& platform,
                                                const std::vector<std::string>& uris,
                                                const std::vector<std::string>& profiles, const PhpVersions& versions,
                                                machine::Done& done) {
  std::vector<Error> errors;
  Result<PlatformTexts> texts = platform_texts(config, accounts, platform, uris, profiles, versions, errors);
  if (!texts) return pass(texts);
  for (const machine::PlatformFile& file : texts->files) {
    Result<void> ok = machine::install_platform_file(config, accounts, platform.docroot, file, done);
    if (!ok && ok.error().code == Code::kNotFound) return pass(ok);  // there is no docroot
    if (!ok) errors.push_back(std::move(ok.error()));
  }
  if (!texts->files.empty()) {
    std::vector<Error> broken = lint_platform(config, accounts, platform.docroot, versions);
    errors.insert(errors.end(), std::move_iterator(broken.begin()), std::move_iterator(broken.end()));
  }
  if (Result<void> ok = machine::install_drush_files(config, accounts, texts->drush, done); !ok) return pass(ok);
  return errors;
}

Result<void> write_server_files(const Config& config, const Accounts& accounts, const registry::Server& server,
                                machine::Done& done) {
  Result<std::vector<machine::DrushFile>> files = server_texts(config, server);
  if (!files) return pass(files);
  return machine::install_drush_files(config, accounts, *files, done);
}

}  // namespace aegir::verify
