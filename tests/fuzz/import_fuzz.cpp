// libFuzzer target: any bytes as a registry's JSON document. An import into a registry in memory must neither crash nor
// write what it refuses; what it takes is exported, and that is imported again as the same.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "compiler/registry/json.hpp"

namespace aegir::registry {
namespace {

const Actor kFuzzer{"fuzzer", "a test"};

std::unique_ptr<Store> empty_registry() {
  static const KeyRing key = KeyRing::parse("aegir-key 1 7 " + std::string(64, 'a') + "\n", "fuzz.key").value();
  return Store::open(":memory:", Store::Mode::kCreate, key).value();
}

[[noreturn]] void broken(const char* what, const std::string& more) {
  (void)std::fprintf(stderr, "%s\n%s\n", what, more.c_str());
  std::abort();
}

/// Most inputs are refused, so an empty registry is made once and must stay empty: a dry run writes nothing either.
void use(std::string_view text) {
  static const auto untouched = empty_registry();
  static const std::string empty = export_json(*untouched).value();
  const auto tried = import_json(*untouched, text, "fuzz.json", {.replace = true, .dry_run = true}, kFuzzer);
  if (!tried && tried.error().empty()) broken("a refusal without a reason", {});
  if (const auto now = export_json(*untouched); !now || *now != empty)
    broken("a dry run has written", now.value_or(""));
  if (!tried) return;
  const auto first = empty_registry();
  const auto imported = import_json(*first, text, "fuzz.json", {.replace = true}, kFuzzer);
  if (!imported) broken("a document is refused that a dry run took", describe(imported.error().front()));
  const auto document = export_json(*first);
  if (!document) broken("what was imported can't be exported", describe(document.error()));
  const auto second = empty_registry();
  const auto again = import_json(*second, *document, "export.json", {.replace = true}, kFuzzer);
  if (!again) broken("an export is refused", describe(again.error().front()) + "\n" + *document);
  if (const auto round = export_json(*second); !round || *round != *document) {
    broken("an export came back as another", *document);
  }
}

}  // namespace
}  // namespace aegir::registry

/// The first argument that is no option is the corpus; an empty one gets the documents of the golden tests.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  for (int i = 1; i < *count; ++i) {
    const std::string argument = (*arguments)[i];
    if (argument.starts_with('-') || std::filesystem::is_regular_file(argument)) continue;
    std::filesystem::create_directories(argument);
    if (!std::filesystem::is_empty(argument)) break;
    for (const auto& file : std::filesystem::recursive_directory_iterator(AEGIR_FUZZ_SEEDS)) {
      if (file.path().extension() != ".json") continue;
      std::filesystem::copy(file.path(), argument + "/" + file.path().filename().string(),
                            std::filesystem::copy_options::overwrite_existing);
    }
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  aegir::registry::use({reinterpret_cast<const char*>(data), size});
  return 0;
}
