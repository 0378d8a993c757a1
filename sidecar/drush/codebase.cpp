#include "sidecar/drush/codebase.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>
#include <tuple>

#include "compiler/core/atomic_file.hpp"
#include "compiler/core/utf8.hpp"
#include "sidecar/drush/info.hpp"
#include "sidecar/drush/schema_version.hpp"
#include "sidecar/drush/text.hpp"

namespace aegir::drush {
namespace {

namespace fs = std::filesystem;
using registry::Cms;

constexpr std::size_t kLargestInfo = std::size_t{256} << 10U;
constexpr std::size_t kLargestSource = std::size_t{4} << 20U;
constexpr int kDeepest = 10;  // folders below modules/, themes/ or profiles/
constexpr std::string_view kInfo8 = ".info.yml";
constexpr std::string_view kInfo7 = ".info";

std::string text_of(const Info& info, std::string_view key) {
  const auto found = info.find(key);
  return found == info.end() ? std::string() : harmless(found->second, {}, kLongestLine);
}

/// The word in quotes that follows `before` in a source file; empty when it is not there.
std::string quoted_after(const std::string& file, std::string_view before) {
  const Result<std::string> text = read_file(file, kLargestSource);
  if (!text) return {};
  std::size_t at = text->find(before);
  if (at == std::string::npos) return {};
  at = text->find('\'', at + before.size());
  if (at == std::string::npos) return {};
  return harmless(text->substr(at + 1, text->find('\'', at + 1) - at - 1), {}, 64);
}

/// Names in a folder, sorted; none when it can't be read.
std::vector<fs::directory_entry> entries_of(const std::string& folder) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) entries.push_back(*at);
  std::ranges::sort(entries, {}, [](const fs::directory_entry& entry) { return entry.path().native(); });
  return entries;
}

/// Whether Drupal looks for packages in a folder of that name; `parent` is the name of the folder around it.
bool is_looked_in(std::string_view name, std::string_view parent, Cms cms) {
  if (name.starts_with('.')) return false;
  if (cms != Cms::kDrupal8) return true;
  if (name == "config") return parent == "modules";
  constexpr std::array kSkipped = {
      "tests", "src",  "lib",       "vendor",   "assets",   "css",    "files",        "images",
      "js",    "misc", "templates", "includes", "fixtures", "Drupal", "node_modules", "bower_components"};
  return std::ranges::find(kSkipped, name) == kSkipped.end();
}

class Reader {
 public:
  Reader(const std::string& docroot, Core core) : docroot_(docroot) { codebase_.core = std::move(core); }

  Codebase read() && {
    const bool seven = cms() == Cms::kDrupal7;
    for (const char* const root : seven ? std::array{"", "", "sites/all/"} : std::array{"core/", "", "sites/all/"}) {
      for (const char* const folder : {"profiles", "modules", "themes"}) walk(std::string(root) + folder, folder, 0);
    }
    for (Package& library : libraries_of(docroot_)) codebase_.packages.push_back(std::move(library));
    const auto key = [](const Package& package) { return std::tie(package.kind, package.name, package.path); };
    std::ranges::sort(codebase_.packages, {}, key);
    const auto rest = std::ranges::unique(codebase_.packages);  // Drupal 7 has its core's folders in the docroot
    codebase_.packages.erase(rest.begin(), rest.end());
    std::ranges::stable_sort(codebase_.profiles, {}, &Profile::name);
    // The one that was found last lies nearest to the site, and is the one that Drupal takes.
    std::vector<Profile> profiles;
    for (Profile& profile : codebase_.profiles) {
      if (!profiles.empty() && profiles.back().name == profile.name) profiles.pop_back();
      profiles.push_back(std::move(profile));
    }
    codebase_.profiles = std::move(profiles);
    return std::move(codebase_);
  }

 private:
  [[nodiscard]] Cms cms() const { return codebase_.core.cms; }

  void walk(const std::string& folder, std::string_view name, int depth) {
    for (const fs::directory_entry& entry : entries_of(docroot_ + '/' + folder)) {
      const std::string file = entry.path().filename();
      std::error_code error;
      if (entry.is_directory(error)) {
        if (depth < kDeepest && is_looked_in(file, name, cms())) walk(folder + '/' + file, file, depth + 1);
      } else if (const std::string_view end = cms() == Cms::kDrupal8 ? kInfo8 : kInfo7;
                 file.ends_with(end) && file.size() > end.size() && entry.is_regular_file(error)) {
        add(folder, file, file.substr(0, file.size() - end.size()));
      }
    }
  }

  void complain(const Error& error) { codebase_.complaints.push_back(harmless(describe(error), {}, kLongestLine)); }

  /// What kind of package an info file is of; nothing for what is none (layouts, engines of themes, parts of a theme).
  std::optional<PackageKind> kind_of(const Info& info, const std::string& folder, const std::string& name) const {
    std::string type = text_of(info, "type");
    if (cms() == Cms::kDrupal7) {
      const std::string base = docroot_ + '/' + folder + '/' + name;
      std::error_code error;
      type = fs::exists(base + ".module", error)         ? "module"
             : fs::exists(base + ".profile", error)      ? "profile"
             : ('/' + folder + '/').contains("/themes/") ? "theme"
                                                         : "";
    }
    if (type == "module") return PackageKind::kModule;
    if (type == "theme") return PackageKind::kTheme;
    if (type == "profile") return PackageKind::kProfile;
    return std::nullopt;
  }

  void add(const std::string& folder, const std::string& file, const std::string& name) {
    const std::string path = docroot_ + '/' + folder + '/' + file;
    if (find_control_or_bad_utf8(path) != std::string::npos) {
      return complain({Code::kInvalid, "its path is no plain text, so it is left out", {path, 0, 0}, {}});
    }
    const Result<std::string> text = read_file(path, kLargestInfo);
    if (!text) return complain(text.error());
    const Result<Info> info = cms() == Cms::kDrupal8 ? parse_info_yml(*text, path) : Result<Info>(parse_info(*text));
    if (!info) return complain(info.error());
    const std::optional<PackageKind> kind = kind_of(*info, folder, name);
    if (!kind) return;
    Package package;
    package.kind = *kind;
    package.name = name;
    package.title = text_of(*info, "name");
    package.version = text_of(*info, "version");
    // What a package of core has there; drupal.org writes the real one into others.
    if (package.version == "VERSION" || package.version == "BACKDROP_VERSION") package.version = codebase_.core.version;
    package.path = folder;
    package.place = place_of(folder, cms());
    package.hidden = says_yes(*info, "hidden");
    if (*kind != PackageKind::kTheme) package.schema = schema_in(docroot_ + '/' + folder, name, cms());
    if (*kind == PackageKind::kProfile) add_profile(package, text_of(*info, "description"));
    codebase_.packages.push_back(std::move(package));
  }

  void add_profile(const Package& package, std::string description) {
    Profile profile{
        package.name, package.title, std::move(description), package.version, package.path, package.hidden, {}};
    profile.languages = languages_of(profile);
    codebase_.profiles.push_back(std::move(profile));
  }

  [[nodiscard]] std::vector<std::string> languages_of(const Profile& profile) const;

  const std::string& docroot_;
  Codebase codebase_;
};

/// The language of a file with translations that the installer of that CMS finds; empty for others.
std::string language_of(std::string_view file, Cms cms) {
  if (!file.ends_with(".po")) return {};
  file.remove_suffix(3);
  const std::size_t dot = file.rfind('.');
  const std::string_view language = file.substr(dot == std::string_view::npos ? 0 : dot + 1);
  const std::string_view project = dot == std::string_view::npos ? std::string_view() : file.substr(0, dot);
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
  if (language.empty() || language.size() > 12 || language.find_first_not_of(kLetters) != std::string_view::npos) {
    return {};
  }
  switch (cms) {
    case Cms::kDrupal7:
      break;
    case Cms::kBackdrop:
      if (!project.starts_with("backdrop") && !project.starts_with("drupal") && !project.starts_with("install"))
        return {};
      break;
    default:  // drupal-10.6.15
      if (!project.starts_with("drupal-") || std::ranges::count(project, '.') != 2) return {};
      break;
  }
  return std::string(language);
}

/// The folders with translations for a profile, relative to the docroot.
std::vector<std::string> translation_folders(const Profile& profile, Cms cms) {
  std::vector<std::string> folders = {profile.path + "/translations"};
  if (cms != Cms::kDrupal7) folders.emplace_back("sites/all/translations");
  return folders;
}

std::vector<std::string> Reader::languages_of(const Profile& profile) const {
  std::set<std::string> found;
  for (const std::string& folder : translation_folders(profile, cms())) {
    for (const fs::directory_entry& entry : entries_of(docroot_ + '/' + folder)) {
      if (std::string language = language_of(entry.path().filename().native(), cms()); !language.empty()) {
        found.insert(std::move(language));
      }
    }
  }
  found.erase("en");
  std::vector<std::string> languages = {"en"};
  languages.insert(languages.end(), found.begin(), found.end());
  return languages;
}

/// The "version" of a JSON file, as far as it can be read.
std::string version_in(const std::string& file) {
  const Result<std::string> text = read_file(file, std::size_t{1} << 20U);
  if (!text) return {};
  const Result<registry::Document> document = registry::Document::parse(*text, file);
  if (!document || !document->root().is(registry::Node::Kind::kObject)) return {};
  const registry::Node* const version = document->root().find("version");
  return version != nullptr && version->is(registry::Node::Kind::kText) ? harmless(version->text(), {}, 64) : "";
}

}  // namespace

Result<Core> core_of(const std::string& docroot) {
  struct Sign {
    Cms cms;
    const char* file;
    const char* before;
  };
  for (const Sign& sign : {Sign{Cms::kDrupal8, "/core/lib/Drupal.php", "const VERSION ="},
                           Sign{Cms::kBackdrop, "/core/includes/bootstrap.inc", "define('BACKDROP_VERSION',"},
                           Sign{Cms::kDrupal7, "/includes/bootstrap.inc", "define('VERSION',"}}) {
    std::string version = quoted_after(docroot + sign.file, sign.before);
    if (!version.empty()) return Core{sign.cms, std::move(version)};
  }
  return fail_at(docroot, Code::kNotFound, "here is neither Drupal 7 or later nor Backdrop",
                 "name the folder that has index.php and core/ (Drupal 7: includes/) in it, such as web/");
}

Result<Codebase> read_codebase(const std::string& docroot) {
  Result<Core> core = core_of(docroot);
  if (!core) return pass(core);
  return Reader(docroot, std::move(*core)).read();
}

std::vector<std::string> translations_of(const std::string& docroot, const Profile& profile,
                                         const std::string& language) {
  std::vector<std::string> files;
  const Result<Core> core = core_of(docroot);
  if (!core || language == "en") return files;
  for (const std::string& folder : translation_folders(profile, core->cms)) {
    for (const fs::directory_entry& entry : entries_of(docroot + '/' + folder)) {
      if (language_of(entry.path().filename().native(), core->cms) == language) files.push_back(entry.path());
    }
  }
  return files;
}

std::vector<Package> libraries_of(const std::string& docroot, const std::vector<std::string>& more) {
  std::vector<std::string> folders = {"libraries", "sites/all/libraries"};
  for (const std::string& folder : more) folders.push_back(folder + "/libraries");
  std::vector<Package> libraries;
  for (const std::string& folder : folders) {
    for (const fs::directory_entry& entry : entries_of(docroot + '/' + folder)) {
      std::error_code error;
      const std::string name = entry.path().filename();
      if (entry.is_symlink(error) || !entry.is_directory(error) || name.starts_with('.')) continue;
      Package library;
      library.kind = PackageKind::kLibrary;
      library.name = harmless(name, {});
      library.path = harmless(folder + '/' + name, {});
      library.place = place_of(library.path, Cms::kDrupal8);
      for (const char* const file : {"package.json", "composer.json", "bower.json"}) {
        if (library.version = version_in(entry.path().native() + '/' + file); !library.version.empty()) break;
      }
      libraries.push_back(std::move(library));
    }
  }
  return libraries;
}

}  // namespace aegir::drush
