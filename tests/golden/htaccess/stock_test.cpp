// The .htaccess files that come with Drupal and Backdrop: nginx does all that stands in them. They are read where the
// codebases lie: the docroots of AEGIR_DRUPAL, or /var/cache/aegir-drupal.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/emit/htaccess.hpp"

namespace aegir::emit {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> codebases() {
  std::vector<fs::path> found;
  const char* const named = std::getenv("AEGIR_DRUPAL");
  std::istringstream list(named != nullptr ? named
                                           : "/var/cache/aegir-drupal/d106/web:/var/cache/aegir-drupal/d104/web:"
                                             "/var/cache/aegir-drupal/d7:/var/cache/aegir-drupal/backdrop");
  for (std::string docroot; std::getline(list, docroot, ':');) {
    if (fs::exists(docroot + "/.htaccess")) found.emplace_back(docroot);
  }
  return found;
}

registry::Cms cms_of(const fs::path& docroot) {
  if (fs::exists(docroot / "core/lib/Drupal.php")) return registry::Cms::kDrupal8;
  if (fs::exists(docroot / "core/includes/bootstrap.inc")) return registry::Cms::kBackdrop;
  return registry::Cms::kDrupal7;
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

TEST(StockHtaccess, NginxObeysAllOfIt) {
  const std::vector<fs::path> docroots = codebases();
  if (docroots.empty()) GTEST_SKIP() << "there is no codebase: name docroots in AEGIR_DRUPAL";
  for (const fs::path& docroot : docroots) {
    std::cout << "with " << docroot.string() << '\n';
    for (const Unobeyed& each : unobeyed_by_nginx(slurp(docroot / ".htaccess"), cms_of(docroot))) {
      ADD_FAILURE() << docroot.string() << "/.htaccess:" << each.line << ": " << each.directive;
    }
  }
}

TEST(StockHtaccess, WhatIsAddedToItIsListedAlone) {
  for (const fs::path& docroot : codebases()) {
    const std::string text = slurp(docroot / ".htaccess");
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const std::vector<Unobeyed> found =
        unobeyed_by_nginx(text + "Redirect 410 /old\nphp_value memory_limit 1G\n", cms_of(docroot));
    ASSERT_EQ(found.size(), 2U) << docroot;
    EXPECT_EQ(found[0].line, lines + 1);
    EXPECT_EQ(found[0].directive, "Redirect 410 /old");
    EXPECT_EQ(found[1].line, lines + 2);
  }
}

}  // namespace
}  // namespace aegir::emit
