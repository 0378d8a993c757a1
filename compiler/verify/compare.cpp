// What Verify would change: the same texts, beside what is there.
#include "compiler/verify/compare.hpp"

#include <optional>

#include "compiler/machine/machine.hpp"
#include "compiler/machine/privilege.hpp"
#include "compiler/publish/activate.hpp"
#include "compiler/publish/people_in_force.hpp"

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

Result<std::vector<Error>> compare_site(const Config& config, const Accounts& accounts, const SiteWork& work,
                                        bool with_drush_yml, const OnFile& told) {
  std::vector<Error> errors;
  const registry::Site& site = work.facts.site;
  if (work.facts.platform.cms == registry::Cms::kOther) return errors;
  const machine::SitePlace& place = work.place;
  Result<Present> present = read_present(config, accounts, place, errors);
  const bool is_new = !present && present.error().code == Code::kNotFound;
  if (is_new) {
    present = Present();
    present->drushrc.emplace();
  }
  if (!present) return pass(present);
  emit::SiteFacts facts = work.facts;
  facts.site.cloaking = decide_cloaking(site.cloaking, present->cloaked, present->asked, present->local);
  const std::string& home = work.slot_home;
  Result<SiteTexts> texts = site_texts(config, facts, *present, home, errors);
  if (!texts) return pass(texts);

  Comparison comparison(told, errors);
  comparison.file(config.config_dir + "/cli/" + site.uri + ".php", machine::read_cli_file(config, accounts, site.uri),
                  texts->cli);
  const auto in_site = [&](const char* name, SiteFile file, const Content& wanted) {
    if (!wanted) return;
    const Result<Content> there =
        is_new ? Result<Content>(std::nullopt) : machine::read_site_file(config, accounts, place, file);
    comparison.file(place.docroot + "/sites/" + site.uri + '/' + name, there, *wanted);
  };
  in_site("settings.php", SiteFile::kSettings, texts->settings);
  in_site("drushrc.php", SiteFile::kDrushrc, texts->drushrc);
  in_site("local.settings.php", SiteFile::kLocalSettings, texts->local_settings);
  // The last is drush.yml, which sites of one folder share: aegir's stands with the servers' files.
  if (!texts->drush.empty()) texts->drush.pop_back();
  compare_own_drush(comparison, config, accounts, texts->drush);
  if (!with_drush_yml && !texts->slot_drush.empty()) texts->slot_drush.pop_back();
  const std::string slot_drush = home + "/home/.drush";
  compare_drush(comparison, slot_drush, texts->slot_drush,
                [&](const std::string& path) { return machine::read_slot_drush_file(home, place.uid, path); });
  if (work.alone && !texts->slot_drush.empty()) {
    Result<std::vector<std::string>> others = machine::other_slot_drush_files(home, place.uid, texts->slot_drush);
    if (!others) {
      errors.push_back(std::move(others.error()));
    } else {
      for (const std::string& path : *others) comparison.gone(path);
    }
  }
  return comparison.end();
}

Result<std::vector<Error>> compare_platform_files(const Config& config, const Accounts& accounts,
                                                  const PlatformFacts& facts, const OnFile& told) {
  const std::string& docroot = facts.platform.docroot;
  std::vector<Error> errors;
  Result<PlatformTexts> texts = platform_texts(config, accounts, facts, errors);
  if (!texts) return pass(texts);
  Comparison comparison(told, errors);
  for (const machine::PlatformFile& file : texts->files) {
    comparison.file(docroot + '/' + file.folder + '/' + file.name,
                    machine::read_platform_file(config, accounts, docroot, file.folder, file.name), file.content);
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

Result<std::vector<Error>> compare_fragments(const Config& config, emit::Model model, bool has_root, const OnFile& told,
                                             const OnFile& peoples) {
  std::vector<Error> errors;
  Result<void> done;
  if (has_root) {
    Result<emit::Surroundings> around = publish::read_surroundings(config, model);
    if (!around) return pass(around);
    model.surroundings = *std::move(around);
    Result<std::vector<Error>> uncompared = publish::compare_people(config, model, [&](const FileChange& change) {
      if (done) done = peoples(change);
    });
    if (!uncompared) return uncompared;
    errors = *std::move(uncompared);
  }
  if (!done) return pass(done);
  std::optional<machine::AsRoot> root;
  if (has_root) {
    Result<machine::AsRoot> begun = machine::AsRoot::begin();
    if (!begun) return pass(begun);
    root.emplace(*std::move(begun));
  }
  const auto look = [&](const std::string& path, const std::optional<std::string_view>& wanted) -> Result<void> {
    Result<std::optional<FileChange>> change = publish::compare_file(path, wanted);
    if (!change) {
      if (change.error().code == Code::kPermission) change.error().hint = "run it as root";
      return pass(change);
    }
    return *change ? told(**change) : Result<void>();
  };
  std::vector<std::string> emitted;
  done = emit::emit_each(config, model, [&](const emit::File& file) {
    emitted.push_back(file.path);
    return look(file.path, file.content);
  });
  if (!done) return pass(done);
  if (!has_root) return errors;
  for (const registry::Platform& platform : model.platforms) {
    if (platform.state == registry::PlatformState::kDeleted) continue;
    emitted.push_back(emit::accepted_htaccess_path(config, platform));
  }
  Result<std::vector<std::string>> stale = machine::stale_config(config, emitted);
  if (!stale) return pass(stale);
  for (const std::string& path : *stale) {
    if (done = look(path, std::nullopt); !done) return pass(done);
  }
  return errors;
}

}  // namespace aegir::verify
