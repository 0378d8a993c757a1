// What Verify would change: the same texts, beside what is there.
#include "compiler/verify/site.hpp"

namespace aegir::verify {
namespace {

using machine::SiteFile;
using publish::FileChange;
using publish::What;
using Content = std::optional<std::string>;

/// One file after the other; the first error that stops all stays.
class Comparison {
 public:
  Comparison(const OnFile& told, std::vector<Error>& errors) : told_(told), errors_(errors) {}

  /// `present` is what is there, or why it can't be read.
  void file(const std::string& path, const Result<Content>& present, std::string_view wanted) {
    if (!done_) return;
    if (!present) {
      errors_.push_back(present.error());
      return;
    }
    if (!*present) {
      done_ = told_({What::kAdded, path, {}});
      return;
    }
    const std::optional<FileChange> change = publish::compare_texts(path, *present, wanted);
    if (change) done_ = told_(*change);
  }
  void gone(const std::string& path) {
    if (done_) done_ = told_({What::kGone, path, {}});
  }
  /// Ends a function that compares.
  [[nodiscard]] Result<std::vector<Error>> end() {
    if (!done_) return pass(done_);
    return std::move(errors_);
  }

 private:
  const OnFile& told_;
  std::vector<Error>& errors_;
  Result<void> done_;
};

/// Files below a folder `.drush`, which `read` reads.
template <class Read>
void compare_drush(Comparison& comparison, const std::string& folder, const std::vector<machine::DrushFile>& files,
                   const Read& read) {
  for (const auto& [path, content] : files) {
    const Result<Content> present = read(path);
    if (present && *present && machine::keeps_drush_file(path, **present)) continue;
    comparison.file(folder + '/' + path, present, content);
  }
}

void compare_own_drush(Comparison& comparison, const Config& config, const Accounts& accounts,
                       const std::vector<machine::DrushFile>& files) {
  compare_drush(comparison, config.aegir_root + "/.drush", files,
                [&](const std::string& path) { return machine::read_drush_file(config, accounts, path); });
}

}  // namespace

Result<std::vector<Error>> Sites::compare(const registry::Site& site, const OnFile& told) {
  std::vector<Error> errors;
  if (!has_files(site)) return errors;
  const machine::SitePlace place = place_of(site);
  Result<Present> present = read_present(*config_, accounts_, place, errors);
  const bool is_new = !present && present.error().code == Code::kNotFound;
  if (is_new) {
    present = Present();
    present->drushrc.emplace();
  }
  if (!present) return pass(present);
  emit::SiteFacts facts = facts_of(site);
  facts.site.cloaking = decide_cloaking(site.cloaking, present->cloaked, present->asked, present->local);
  const std::string home = slot_home_of(site);
  Result<SiteTexts> texts = site_texts(*config_, facts, *present, home, errors);
  if (!texts) return pass(texts);

  Comparison comparison(told, errors);
  comparison.file(config_->config_dir + "/cli/" + site.uri + ".php",
                  machine::read_cli_file(*config_, accounts_, site.uri), texts->cli);
  const auto in_site = [&](const char* name, SiteFile file, const Content& wanted) {
    if (!wanted) return;
    const Result<Content> there =
        is_new ? Result<Content>(std::nullopt) : machine::read_site_file(*config_, accounts_, place, file);
    comparison.file(place.docroot + "/sites/" + site.uri + '/' + name, there, *wanted);
  };
  in_site("settings.php", SiteFile::kSettings, texts->settings);
  in_site("drushrc.php", SiteFile::kDrushrc, texts->drushrc);
  in_site("local.settings.php", SiteFile::kLocalSettings, texts->local_settings);
  // The last is drush.yml, which sites of one folder share: aegir's stands with the servers' files.
  if (!texts->drush.empty()) texts->drush.pop_back();
  compare_own_drush(comparison, *config_, accounts_, texts->drush);
  const bool alone = block_of(site).isolation == registry::Isolation::kSite;
  if (!alone && !texts->slot_drush.empty() && !with_drush_yml_.insert(home).second) texts->slot_drush.pop_back();
  const std::string slot_drush = home + "/home/.drush";
  compare_drush(comparison, slot_drush, texts->slot_drush,
                [&](const std::string& path) { return machine::read_slot_drush_file(home, place.uid, path); });
  if (alone && !texts->slot_drush.empty()) {
    Result<std::vector<std::string>> others = machine::other_slot_drush_files(home, place.uid, texts->slot_drush);
    if (!others) {
      errors.push_back(std::move(others.error()));
    } else {
      for (const std::string& path : *others) comparison.gone(path);
    }
  }
  return comparison.end();
}

Result<void> Sites::compare_others(const OnFile& told) const {
  Result<std::vector<std::string>> uris = forgotten();
  if (!uris && uris.error().code == Code::kNotFound) return {};  // nothing was ever compiled here
  if (!uris) return pass(uris);
  for (const std::string& uri : *uris) {
    Result<std::vector<std::string>> paths = machine::written_for(*config_, accounts_, uri);
    if (!paths) return pass(paths);
    for (const std::string& path : *paths) {
      if (Result<void> done = told({What::kGone, path, {}}); !done) return done;
    }
  }
  return {};
}

Result<std::vector<Error>> compare_platform_files(const Config& config, const Accounts& accounts,
                                                  const registry::Platform& platform,
                                                  const std::vector<std::string>& uris,
                                                  const std::vector<std::string>& profiles, const OnFile& told) {
  std::vector<Error> errors;
  Result<PlatformTexts> texts = platform_texts(config, accounts, platform, uris, profiles, {}, errors);
  if (!texts) return pass(texts);
  Comparison comparison(told, errors);
  for (const machine::PlatformFile& file : texts->files) {
    comparison.file(platform.docroot + '/' + file.folder + '/' + file.name,
                    machine::read_platform_file(config, accounts, platform.docroot, file.folder, file.name),
                    file.content);
  }
  compare_own_drush(comparison, config, accounts, texts->drush);
  return comparison.end();
}

Result<std::vector<Error>> compare_server_files(const Config& config, const Accounts& accounts,
                                                const registry::Server& server, const OnFile& told) {
  std::vector<Error> errors;
  Result<std::vector<machine::DrushFile>> files = server_texts(config, server);
  if (!files) return pass(files);
  Comparison comparison(told, errors);
  compare_own_drush(comparison, config, accounts, *files);
  return comparison.end();
}

}  // namespace aegir::verify
