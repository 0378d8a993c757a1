// The acceptance scenarios and the watch over secrets on real Drupal 10.6 and 7. tests/root/sidecar/scenarios.hpp maps
// the scenarios' numbers.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "tests/drupal/codebase.hpp"
#include "tests/root/sidecar/scenarios.hpp"
#include "tests/root/sidecar/secrets.hpp"

namespace aegir::drupal {
namespace {

using sidecar::Lab;

/// Replaces what a codebase's Drush makes up as user 1's password.
void give_password(const std::string& drush, const std::string& password) {
  const std::filesystem::path folder = std::filesystem::path(drush).parent_path();
  // Drush 8, and those after it. Backwards, so that the source itself is no find.
  const std::string made = " return strrev('" + std::string(password.rbegin(), password.rend()) + "');";
  for (const auto& [file, function] : {std::pair("includes/drush.inc", "function drush_generate_password("),
                                       std::pair("src/Utils/StringUtils.php", "function generatePassword(")}) {
    const std::string path = folder / file;
    std::string source = live::slurp(path);
    const std::size_t begin = source.find(function);
    if (begin == std::string::npos) continue;
    source.insert(source.find('{', begin) + 1, made);
    live::put(path, source);
    return;
  }
  throw std::runtime_error(drush + ": where it makes passwords is not known");
}

class Scenarios : public testing::TestWithParam<std::string> {};

TEST_P(Scenarios, OfASiteAndItsSecrets) {
  if (GetParam() == "none") GTEST_SKIP() << describe_codebases();
  const auto& all = codebases();
  const Codebase codebase = *std::ranges::find_if(all, [](const Codebase& each) { return each.name == GetParam(); });
  const std::string docroot = codebase.docroot.substr(codebase.project.size());
  const live::TempDir tools;
  std::string drush;
  std::string config;
  if (codebase.cms == registry::Cms::kDrupal7) {
    // Drush 8 lies beside it: vendor/drush/drush/drush.php.
    const auto vendor = std::filesystem::path(codebase.drush).parent_path().parent_path().parent_path();
    ASSERT_EQ(live::run({"cp", "-a", vendor, tools.path("vendor")}).status, 0);
    ASSERT_EQ(live::run({"chmod", "-R", "u=rwX,go=rX", tools.path()}).status, 0);
    drush = tools.path("vendor") + codebase.drush.substr(vendor.string().size());
    config = "drush = " + drush + "\n";
  }
  Lab lab(codebase.project, docroot.empty() ? docroot : docroot.substr(1), config);
  if (drush.empty()) {
    drush =
        lab.docroot().substr(0, lab.docroot().size() - docroot.size()) + codebase.drush.substr(codebase.project.size());
  }
  const std::string password = "kanariUserOne";
  give_password(drush, password);
  sidecar::expect_no_secret_gets_out(lab, password);
  lab.start_aegird();
  sidecar::live_through_scenarios(lab);
}

std::vector<std::string> names() {
  std::vector<std::string> wanted;
  for (const Codebase& codebase : codebases()) {
    if (codebase.version.starts_with("10.6") || codebase.cms == registry::Cms::kDrupal7) {
      wanted.push_back(codebase.name);
    }
  }
  if (wanted.empty()) wanted.emplace_back("none");
  return wanted;
}

INSTANTIATE_TEST_SUITE_P(Codebases, Scenarios, testing::ValuesIn(names()), [](const auto& each) { return each.param; });

}  // namespace
}  // namespace aegir::drupal
