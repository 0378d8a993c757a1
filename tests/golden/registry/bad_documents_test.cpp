// Every bad document in bad/ is imported into the registry of base.json and must be refused with exactly the
// diagnostics of its .expected file, and nothing may be written. After a change that is meant:
// AEGIR_UPDATE_GOLDEN=1 build/dev/tests/golden/registry/golden_registry, and read the difference before it is
// committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "compiler/core/atomic_file.hpp"
#include "compiler/registry/json.hpp"

namespace aegir::registry {
namespace {

const std::string kDirectory = std::string(AEGIR_SOURCE_DIR) + "/tests/golden/registry";
const Actor kTester{"tester", ""};

std::vector<std::string> bad_documents() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory + "/bad")) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string read(const std::string& path) {
  const Result<std::string> text = read_file(path);
  EXPECT_TRUE(text.has_value()) << describe(text.error());
  return text.value_or("");
}

std::unique_ptr<Store> base_registry() {
  KeyRing key = KeyRing::parse("aegir-key 1 7 " + std::string(64, 'a') + "\n", "test.key").value();
  auto store = Store::open(":memory:", Store::Mode::kCreate, key);
  EXPECT_TRUE(store.has_value());
  const auto report = import_json(**store, read(kDirectory + "/base.json"), "base.json", {}, kTester);
  EXPECT_TRUE(report.has_value()) << describe(report.error().front());
  return std::move(*store);
}

class BadDocument : public ::testing::TestWithParam<std::string> {};

TEST_P(BadDocument, IsRefusedWithEveryErrorAtItsPlace) {
  const auto store = base_registry();
  const std::string before = export_json(*store).value();
  const std::string text = read(kDirectory + "/bad/" + GetParam() + ".json");
  const auto refused = import_json(*store, text, GetParam() + ".json", {}, kTester);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(export_json(*store).value(), before);
  std::string found;
  for (const Error& error : refused.error()) {
    EXPECT_NE(error.place.line, 0U) << describe(error);
    found += describe(error) + "\n";
  }
  const std::string expected = kDirectory + "/bad/" + GetParam() + ".expected";
  if (std::getenv("AEGIR_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(expected, found, {.mode = 0644, .durable = false}).has_value());
  }
  EXPECT_EQ(found, read(expected));
}

INSTANTIATE_TEST_SUITE_P(All, BadDocument, ::testing::ValuesIn(bad_documents()),
                         [](const auto& each) { return each.param; });

TEST(BadDocuments, AreManyAndEachHasItsDiagnostics) {
  std::size_t expected = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kDirectory + "/bad")) {
    expected += entry.path().extension() == ".expected" ? 1 : 0;
  }
  EXPECT_GE(bad_documents().size(), 40U);
  EXPECT_EQ(expected, bad_documents().size());
}

}  // namespace
}  // namespace aegir::registry
