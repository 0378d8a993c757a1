#include "compiler/verify/site.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "compiler/verify/from_registry.hpp"
#include "compiler/verify/lint.hpp"

namespace aegir::verify {

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

Result<emit::SiteFacts> Sites::facts_of(const registry::Site& site) {
  emit::SiteFacts facts;
  facts.site = site;
  facts.platform = platforms_.at(site.platform);
  const auto database = databases_.find(site.database.server);
  if (database != databases_.end()) facts.database = database->second;
  Result<void> added = add_packages(*store_, facts, [&]() -> Result<const registry::Codebase*> {
    auto known = codebases_.find(site.platform);
    if (known == codebases_.end()) {
      Result<registry::Codebase> read = store_->codebase(facts.platform.id);
      if (!read) return pass(read);
      known = codebases_.emplace(site.platform, *std::move(read)).first;
    }
    return &known->second;
  });
  if (!added) return pass(added);
  return facts;
}

std::string Sites::slot_home_of(const registry::Site& site) const { return slot_home(*config_, site.block, site.slot); }

bool Sites::has_files(const registry::Site& site) const {
  return !site.block.empty() && platforms_.at(site.platform).cms != registry::Cms::kOther;
}

Result<SiteWork> Sites::work_of(const registry::Site& site) {
  const registry::Block& block = block_of(site);
  Result<emit::SiteFacts> facts = facts_of(site);
  if (!facts) return pass(facts);
  return SiteWork{*std::move(facts), place_of(site), slot_home_of(site), block.php_version,
                  block.isolation == registry::Isolation::kSite};
}

bool Sites::is_first_of_platform(const SiteWork& work) const { return !with_sites_php_.contains(work.place.docroot); }

/// Remembers what was found when files were written; returns what is told of the site itself.
std::vector<Error> Sites::take(SiteWork work, WrittenSite written) {
  std::ranges::move(written.of_platform, std::back_inserter(of_platforms_));
  with_sites_php_.insert(work.place.docroot);
  if (const std::optional<std::string> note = note_of_kept(written.kept)) {
    notes_.push_back("site " + work.place.uri + ": " + *note);
  }
  if (written.waits) waiting_.push_back(std::move(work));
  return std::move(written.errors);
}

std::vector<Error> Sites::lint(const registry::Site& site) const {
  if (!has_files(site)) return {};
  return lint_site(*config_, accounts_, place_of(site), block_of(site).php_version);
}

Result<std::vector<Error>> Sites::write(const registry::Site& site, machine::Done& done) {
  if (!has_files(site)) return std::vector<Error>();
  Result<SiteWork> work = work_of(site);
  if (!work) return pass(work);
  WrittenSite written;
  Result<void> result = write_site(*config_, accounts_, *work, is_first_of_platform(*work), written, done);
  if (written.cloaking) {
    work->facts.site.cloaking = *written.cloaking;
    changed_.push_back(std::move(work->facts.site));
    return std::move(written.errors);
  }
  std::vector<Error> errors = take(*std::move(work), std::move(written));
  if (!result) return pass(result);
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
    Result<SiteWork> work = work_of(site);
    if (!work) return pass(work);
    std::vector<Error> told;  // write() has told it already
    const Result<Present> present = read_present(*config_, accounts_, work->place, told);
    WrittenSite files;
    Result<void> written =
        present ? write_site_files(*config_, accounts_, *work, *present, is_first_of_platform(*work), files, done)
                : std::unexpected(present.error());
    std::ranges::move(take(*std::move(work), std::move(files)), std::back_inserter(errors));
    if (!written) errors.push_back(std::move(written.error()));
  }
  changed_.clear();
  return errors;
}

std::vector<Error> Sites::finish(machine::Done& done) {
  std::vector<Error> errors;
  for (const SiteWork& each : waiting_) {
    if (Result<void> written = finish_site(*config_, accounts_, each, done); !written) {
      errors.push_back(std::move(written.error()));
    }
  }
  waiting_.clear();
  return errors;
}

Result<std::vector<Error>> Sites::compare(const registry::Site& site, const OnFile& told) {
  if (!has_files(site)) return std::vector<Error>();
  const Result<SiteWork> work = work_of(site);
  if (!work) return std::unexpected<Error>(work.error());
  const bool with_drush_yml = work->alone || with_drush_yml_.insert(work->slot_home).second;
  return compare_site(*config_, accounts_, *work, with_drush_yml, told);
}

Result<void> Sites::compare_others(const OnFile& told) const {
  Result<std::vector<std::string>> uris = forgotten();
  if (!uris && uris.error().code == Code::kNotFound) return {};  // nothing was ever compiled here
  if (!uris) return pass(uris);
  for (const std::string& uri : *uris) {
    Result<std::vector<std::string>> paths = machine::written_for(*config_, accounts_, uri);
    if (!paths) return pass(paths);
    for (const std::string& path : *paths) {
      if (Result<void> done = told({publish::What::kGone, path, {}}); !done) return done;
    }
  }
  return {};
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

}  // namespace aegir::verify
