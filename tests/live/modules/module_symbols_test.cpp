// A module exports what its server looks for, and needs libc and libsodium only: nothing of its C++ runtime meets
// that of another module.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

#include "tests/live/harness/process.hpp"

namespace aegir::live {
namespace {

using ::testing::IsSubsetOf;

struct Module {
  std::string path;
  std::set<std::string> exports;
};

/// The last words of the lines of a command's output that have `mark` in them.
std::set<std::string> last_words(const std::vector<std::string>& command, const std::string& mark) {
  const Finished finished = run(command);
  EXPECT_EQ(finished.status, 0) << finished.output;
  std::set<std::string> words;
  std::istringstream lines(finished.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.contains(mark)) words.insert(line.substr(line.find_last_of(' ') + 1));
  }
  return words;
}

class ModuleSymbols : public ::testing::TestWithParam<Module> {};

TEST_P(ModuleSymbols, ExportsWhatTheServerLooksFor) {
  EXPECT_EQ(last_words({"nm", "-D", "--defined-only", GetParam().path}, " "), GetParam().exports);
}

TEST_P(ModuleSymbols, NeedsLibcAndLibsodium) {
  std::set<std::string> allowed = {"[libc.so.6]", "[libsodium.so.23]", "[ld-linux-x86-64.so.2]"};
#ifdef AEGIR_SANITIZED
  allowed.insert({"[libasan.so.8]", "[libubsan.so.1]", "[libm.so.6]"});
#endif
  const std::set<std::string> needed = last_words({"readelf", "-dW", GetParam().path}, "(NEEDED)");
  EXPECT_TRUE(needed.contains("[libsodium.so.23]"));
  EXPECT_THAT(needed, IsSubsetOf(allowed));
}

INSTANTIATE_TEST_SUITE_P(
    Modules, ModuleSymbols,
    ::testing::Values(Module{AEGIR_NGX_MODULE, {"ngx_modules", "ngx_module_names", "ngx_module_order"}},
                      Module{AEGIR_APACHE_MODULE, {"aegir_module"}}),
    [](const ::testing::TestParamInfo<Module>& test) { return test.index == 0 ? "nginx" : "apache"; });

}  // namespace
}  // namespace aegir::live
