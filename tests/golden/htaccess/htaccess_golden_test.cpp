// What nginx does not obey of the .htaccess files below files/: <cms>_<what>.htaccess, compared with the list beside
// it. After a change that is meant: AEGIR_UPDATE_GOLDEN=1 build/dev/tests/golden/htaccess/golden_htaccess.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/emit/htaccess.hpp"
#include "compiler/emit/pattern_samples.hpp"

namespace aegir::emit {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

registry::Cms cms_of(const std::string& name) {
  if (name.starts_with("drupal7")) return registry::Cms::kDrupal7;
  if (name.starts_with("drupal8")) return registry::Cms::kDrupal8;
  if (name.starts_with("backdrop")) return registry::Cms::kBackdrop;
  return registry::Cms::kOther;
}

std::string list_of(const std::string& text, registry::Cms cms) {
  std::string list;
  for (const Unobeyed& each : unobeyed_by_nginx(text, cms)) {
    list += std::to_string(each.line) + ": " + each.directive + "\n";
    if (!each.instead.empty()) list += "  nginx: " + each.instead + "\n";
  }
  return list.empty() ? "nothing\n" : list;
}

TEST(Htaccess, ListsWhatIsThere) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(AEGIR_SOURCE_DIR "/tests/golden/htaccess/files")) {
    if (entry.path().extension() != ".htaccess") continue;
    ++files;
    const std::string list = list_of(slurp(entry.path()), cms_of(entry.path().stem()));
    const fs::path expected = fs::path(entry.path()).replace_extension(".expected");
    if (std::getenv("AEGIR_UPDATE_GOLDEN") != nullptr) std::ofstream(expected, std::ios::binary) << list;
    EXPECT_EQ(list, slurp(expected)) << entry.path();
  }
  EXPECT_EQ(files, 5U);
}

TEST(Htaccess, ABrokenFileIsReadToItsEnd) {
  for (const char* text :
       {"", "<", "<>", ">", "</FilesMatch>", "\\", "\\\n", "RewriteCond", "RewriteRule x", "\"", "<FilesMatch \"",
        "Header", "<FilesMatch \"(((\">\nRequire all denied", "RewriteRule (( - [F]", "php_value"}) {
    (void)unobeyed_by_nginx(text, registry::Cms::kDrupal8);
  }
  EXPECT_EQ(list_of("RewriteCond a b", registry::Cms::kOther),
            "1: RewriteCond a b\n  nginx: a location with \"return\" or \"rewrite\"\n");
}

TEST(PatternSamples, GoesEveryWay) {
  const auto samples = [](std::string_view pattern) {
    std::vector<std::string> texts = samples_of(pattern).value_or(std::vector<std::string>{"none"});
    std::ranges::sort(texts);
    std::string text;
    for (const std::string& each : texts) text += each + " ";
    return text;
  };
  EXPECT_EQ(samples("a"), "/xa ");
  EXPECT_EQ(samples("^a$"), "/a ");
  EXPECT_EQ(samples(R"((^|/)\.b)"), "/.b /x/.b ");
  EXPECT_EQ(samples("a(b|c)?d"), "/xabd /xacd /xad ");
  EXPECT_EQ(samples("a[op]+"), "/xao /xap ");
  EXPECT_EQ(samples("^.*sql"), "/sql /xsql ");
  EXPECT_EQ(samples("[^/]x"), "/xxx ");
  EXPECT_EQ(samples(R"(^\.(?!well-known).*)"), "/. /.x ");
  for (const char* unknown : {"a{2}", "(?i)a", "a*?", R"(\d)", "(a", "a)", "+", "[a"})
    EXPECT_EQ(samples(unknown), "none ") << unknown;
}

}  // namespace
}  // namespace aegir::emit
