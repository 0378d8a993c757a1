// How a site gets its Drupal: by the codebase's own Drush or by Backdrop's installer (as the sidecar calls it), as the
// uid of the site's slot. No password stands in an argument list.
#include <regex>
#include <stdexcept>

#include "sidecar/drush/php.hpp"
#include "tests/drupal/lab.hpp"

namespace aegir::drupal {
namespace {

void must(const Ended& ended, const std::string& what) {
  if (ended.status != 0) {
    throw std::runtime_error(what + " ended with " + std::to_string(ended.status) + ":\n" + ended.out + ended.err);
  }
}

}  // namespace

void Lab::install(Site& site) {
  const std::string title = "Site of " + site.codebase.name;
  if (site.codebase.cms == registry::Cms::kBackdrop) {
    const std::string script = root_.path("install_backdrop.php");  // where the site's uid can read it
    live::put(script, "<?php\n" + drush::backdrop_install_source());
    must(php(site, {script, site.uri, "standard", "en", title, "admin@example.com", "admin", "admin@example.com"}),
         "the installation of " + site.uri);
  } else if (site.codebase.drush.empty()) {
    throw std::runtime_error(site.codebase.title() + " has no Drush; set AEGIR_DRUSH8, or require drush/drush in it");
  } else {
    const char* command = site.codebase.cms == registry::Cms::kDrupal7 ? "site-install" : "site:install";
    must(drush(site, {"-y", command, "standard", "--sites-subdir=" + site.uri, "--site-name=" + title,
                      "--account-name=admin"}),
         "the installation of " + site.uri);
  }
  configure(site);
  site.installed = true;
}

void Lab::configure(const Site& site) const {
  const auto tell = [&](const std::vector<std::string>& arguments) { must(drush(site, arguments), arguments.front()); };
  switch (site.codebase.cms) {
    case registry::Cms::kDrupal7:
      tell({"variable-set", "preprocess_css", "1"});
      tell({"variable-set", "preprocess_js", "1"});
      break;
    case registry::Cms::kBackdrop:
      tell({"config-set", "system.core", "user_pictures", "1"});
      tell({"cron"});
      break;
    default:
      break;
  }
}

}  // namespace aegir::drupal
