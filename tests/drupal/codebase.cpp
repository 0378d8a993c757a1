#include "tests/drupal/codebase.hpp"

#include <sys/statvfs.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "tests/live/harness/temp_dir.hpp"

namespace aegir::drupal {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCache = "/var/cache/aegir-drupal";

std::string variable(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

/// The first group of a regex in a file; empty when it is not there.
std::string find_in(const std::string& file, const char* regex) {
  const std::string text = live::slurp(file);
  std::smatch match;
  return std::regex_search(text, match, std::regex(regex)) ? match[1].str() : "";
}

/// Which CMS lies there and in which version, as its own source says.
void recognise(Codebase& codebase) {
  const std::string& root = codebase.docroot;
  struct Sign {
    registry::Cms cms;
    const char* file;
    const char* regex;
  };
  for (const Sign& sign :
       {Sign{registry::Cms::kDrupal8, "/core/lib/Drupal.php", "const VERSION = '([^']+)'"},
        Sign{registry::Cms::kBackdrop, "/core/includes/bootstrap.inc", R"(define\('BACKDROP_VERSION', '([^']+)'\))"},
        Sign{registry::Cms::kDrupal7, "/includes/bootstrap.inc", R"(define\('VERSION', '([^']+)'\))"}}) {
    codebase.version = find_in(root + sign.file, sign.regex);
    codebase.cms = sign.cms;
    if (!codebase.version.empty()) return;
  }
  codebase.cms = registry::Cms::kOther;
}

std::optional<Codebase> look_at(const fs::path& docroot) {
  Codebase codebase;
  codebase.docroot = codebase.project = docroot;
  recognise(codebase);
  if (codebase.cms == registry::Cms::kOther) return std::nullopt;
  const fs::path around = docroot.parent_path();
  if (fs::exists(around / "vendor/autoload.php")) codebase.project = around;
  codebase.name = fs::path(codebase.project).filename();
  const std::string own = codebase.project + "/vendor/drush/drush/drush.php";
  if (codebase.cms == registry::Cms::kDrupal7) {
    const std::string drush8 = variable("AEGIR_DRUSH8", std::string(kCache) + "/drush8/vendor/bin/drush");
    codebase.drush = fs::path(drush8).parent_path().parent_path() / "drush/drush/drush.php";
  } else if (codebase.cms == registry::Cms::kDrupal8) {
    codebase.drush = own;
  }
  if (!fs::exists(codebase.drush)) codebase.drush.clear();
  const std::string bee = variable("AEGIR_BEE", std::string(kCache) + "/bee/bee.php");
  if (codebase.cms == registry::Cms::kBackdrop && fs::exists(bee)) codebase.bee = bee;
  return codebase;
}

std::vector<Codebase> find() {
  std::vector<Codebase> found;
  if (const char* const named = std::getenv("AEGIR_DRUPAL"); named != nullptr) {
    std::istringstream list(named);
    for (std::string docroot; std::getline(list, docroot, ':');) {
      if (docroot.empty()) continue;
      std::optional<Codebase> codebase = look_at(fs::weakly_canonical(docroot));
      if (!codebase) throw std::runtime_error("AEGIR_DRUPAL: " + docroot + " is no docroot of Drupal or Backdrop");
      found.push_back(*codebase);
    }
    return found;
  }
  for (const char* docroot : {"d106/web", "d104/web", "d7", "backdrop"}) {
    if (std::optional<Codebase> codebase = look_at(fs::path(kCache) / docroot)) found.push_back(*codebase);
  }
  return found;
}

}  // namespace

std::string Codebase::title() const { return (cms == registry::Cms::kBackdrop ? "Backdrop " : "Drupal ") + version; }

const std::vector<Codebase>& codebases() {
  static const std::vector<Codebase> found = find();
  return found;
}

std::string roomy_folder() {
  constexpr std::uint64_t kBytes = std::uint64_t{2} << 30U;
  constexpr std::uint64_t kFiles = 400000;
  struct statvfs memory{};
  const bool roomy =
      ::statvfs("/dev/shm", &memory) == 0 && memory.f_bavail * memory.f_frsize >= kBytes && memory.f_favail >= kFiles;
  return roomy ? "/dev/shm" : "/var/tmp";
}

std::string describe_codebases() {
  if (codebases().empty()) {
    return std::string("drupal: no codebase in ") + (std::getenv("AEGIR_DRUPAL") != nullptr ? "AEGIR_DRUPAL" : kCache) +
           ", so these tests are skipped";
  }
  std::string text = "drupal: ran with ";
  for (const Codebase& codebase : codebases()) {
    if (&codebase != &codebases().front()) text += ", ";
    text += codebase.title() + " (" + codebase.docroot + ")";
  }
  return text;
}

}  // namespace aegir::drupal
