// What the tests of export and import share: a registry in memory, and an import that must succeed.
#pragma once

#include <stdexcept>

#include "compiler/registry/json.hpp"
#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {

inline std::unique_ptr<Store> memory_store(const KeyRing& key = test_key()) {
  return need(Store::open(":memory:", Store::Mode::kCreate, key));
}

inline std::string errors_of(const std::expected<ImportReport, std::vector<Error>>& result) {
  std::string text;
  if (result) return text;
  for (const Error& error : result.error()) text += describe(error) + "\n";
  return text;
}

inline ImportReport import(Store& store, std::string_view text, bool replace = false) {
  auto report = import_json(store, text, "test.json", {.replace = replace}, kTester);
  if (!report) throw std::runtime_error(errors_of(report));
  return *report;
}

}  // namespace aegir::registry
