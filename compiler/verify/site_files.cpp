#include "compiler/verify/site_files.hpp"

#include <iterator>
#include <utility>

namespace aegir::verify {
namespace {

using machine::SiteFile;

/// What is wrong with it is no site's own fault.
void write_sites_php(const Config& config, const Accounts& accounts, const SiteWork& work, WrittenSite& site,
                     machine::Done& done) {
  const registry::Platform& platform = work.facts.platform;
  const PhpVersions versions = {work.php_version};
  Result<void> written = machine::install_platform_file(config, accounts, platform.docroot,
                                                        sites_php_file(config, platform.docroot, versions), done);
  if (written) return;
  written.error().message = "platform " + platform.name + ": " + written.error().message;
  site.of_platform.push_back(std::move(written.error()));
}

bool has_files(const SiteWork& work) { return work.facts.platform.cms != registry::Cms::kOther; }

}  // namespace

bool decide_cloaking(bool registry, std::optional<bool> present, std::optional<bool> asked, std::optional<bool> local) {
  if (local) return *local;
  // A file that can't be read says nothing; what is there stays.
  if (!asked) return present.value_or(registry);
  if (!present) return *asked && registry;
  return *asked == *present ? registry : *asked;
}

Result<void> write_site_files(const Config& config, const Accounts& accounts, const SiteWork& work,
                              const Present& present, bool with_sites_php, WrittenSite& written, machine::Done& done) {
  const machine::SitePlace& place = work.place;
  const registry::Site& site = work.facts.site;
  Result<SiteTexts> texts = site_texts(config, work.facts, present, work.slot_home, written.errors);
  if (!texts) return pass(texts);
  if (with_sites_php) write_sites_php(config, accounts, work, written, done);
  // Before settings.php, which asks for it.
  if (Result<void> ok = machine::install_cli_file(config, accounts, place, texts->cli, done); !ok) return ok;
  // A settings.php that is plain, or not ours, works until the map has the credentials.
  written.waits = site.cloaking && present.has_settings && present.cloaked != true;
  if (!written.waits) {
    Result<void> ok = machine::install_site_file(config, accounts, place, SiteFile::kSettings, texts->settings, done);
    if (!ok) return ok;
  }
  const auto also = [&](Result<void> result) {
    if (!result) written.errors.push_back(std::move(result.error()));
  };
  const auto install = [&](SiteFile file, const std::optional<std::string>& content) {
    if (content) also(machine::install_site_file(config, accounts, place, file, *content, done));
  };
  install(SiteFile::kDrushrc, texts->drushrc);
  written.kept = std::move(texts->kept);
  install(SiteFile::kLocalSettings, texts->local_settings);
  also(machine::install_drush_files(config, accounts, texts->drush, done));
  if (!texts->slot_drush.empty()) {
    also(machine::install_slot_drush_files(work.slot_home, place.uid, work.alone, texts->slot_drush));
  }
  if (!site.client.empty()) {
    also(machine::link_site_to_client(config, accounts, place, site.client, done));
    also(machine::unlink_site_from_others(config, accounts, site.uri, site.client, done));
  }
  return {};
}

Result<void> write_site(const Config& config, const Accounts& accounts, const SiteWork& work, bool with_sites_php,
                        WrittenSite& written, machine::Done& done) {
  if (!has_files(work)) return {};
  const Result<Present> present = read_present(config, accounts, work.place, written.errors);
  if (!present) return std::unexpected(present.error());
  const bool wanted = work.facts.site.cloaking;
  const bool cloaking = decide_cloaking(wanted, present->cloaked, present->asked, present->local);
  if (cloaking == wanted) return write_site_files(config, accounts, work, *present, with_sites_php, written, done);
  written.cloaking = cloaking;
  return {};
}

Result<void> finish_site(const Config& config, const Accounts& accounts, const SiteWork& work, machine::Done& done) {
  if (!has_files(work)) return {};
  const Result<std::string> settings = emit::settings_php(config, work.facts);
  if (!settings) return std::unexpected(settings.error());
  return machine::install_site_file(config, accounts, work.place, SiteFile::kSettings, *settings, done);
}

Result<Told> write_platform_files(const Config& config, const Accounts& accounts, const PlatformFacts& facts,
                                  machine::Done& done) {
  Told told;
  if (facts.platform.state == registry::PlatformState::kDeleted) {
    // What lies in its codebase is the codebase's, and stays with it.
    const std::string alias = emit::alias_file("platform_" + facts.platform.name);
    if (Result<void> gone = machine::forget_drush_file(config, accounts, alias, done); !gone) return pass(gone);
    return told;
  }
  const std::string& docroot = facts.platform.docroot;
  Result<PlatformTexts> texts = platform_texts(config, accounts, facts, told.errors);
  if (!texts) return pass(texts);
  for (const machine::PlatformFile& file : texts->files) {
    Result<void> ok = machine::install_platform_file(config, accounts, docroot, file, done);
    if (!ok && ok.error().code == Code::kNotFound) return pass(ok);  // there is no docroot
    if (!ok) told.errors.push_back(std::move(ok.error()));
  }
  if (!texts->files.empty()) {
    std::vector<Error> broken = lint_platform(config, accounts, docroot, facts.versions);
    told.errors.insert(told.errors.end(), std::move_iterator(broken.begin()), std::move_iterator(broken.end()));
  }
  if (Result<void> ok = machine::install_drush_files(config, accounts, texts->drush, done); !ok) return pass(ok);
  if (std::optional<std::string> note = note_of_kept(texts->kept)) told.notes.push_back(*std::move(note));
  return told;
}

Result<void> write_server_files(const Config& config, const Accounts& accounts, const registry::Server& server,
                                machine::Done& done) {
  Result<std::vector<machine::DrushFile>> files = server_texts(config, server);
  if (!files) return pass(files);
  return machine::install_drush_files(config, accounts, *files, done);
}

}  // namespace aegir::verify
