// The published schema against what the program writes and refuses, judged by a validator that is not ours
// (python3-jsonschema).
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/registry/json.hpp"
#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

const std::string kSource = AEGIR_SOURCE_DIR;

/// What schema_check.py says; empty when it is content.
std::string check(const std::string& expected, const std::vector<std::string>& documents) {
  std::vector<std::string> words = {"/usr/bin/python3", kSource + "/tests/unit/registry/schema_check.py",
                                    kSource + "/compiler/registry/schema/registry.schema.json", expected};
  words.insert(words.end(), documents.begin(), documents.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int out[2];
  if (::pipe(out) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(out[1], 1);
    ::dup2(out[1], 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(out[1]);
  std::string said;
  char bytes[4096];
  for (ssize_t size; (size = ::read(out[0], bytes, sizeof bytes)) > 0;)
    said.append(bytes, static_cast<std::size_t>(size));
  ::close(out[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? std::string() : "status " + std::to_string(WEXITSTATUS(status)) + ": " + said;
}

class Schema : public RegistryTest {};

TEST_F(Schema, TakesWhatIsExported) {
  need(put(Block{"main", "web1", "8.2", "", 300000, 9, 5}));
  Site rich = test_site("shop.example");
  rich.client = "acme";
  rich.redirect_to = "www.shop.example";
  rich.aliases = {{"*.shop.example", ""}, {"www.shop.example", ""}, {"x.example", "https://y.example:8443"}};
  rich.former_uris = {"old.example"};
  rich.http_auth = HttpAuth{"guest", "knock", "Restricted"};
  rich.key_pages = {"/", "/node/1?x=y"};
  need(put(rich));
  Site plain = test_site("plain.example");
  plain.database = {};
  plain.state = SiteState::kDisabled;
  need(put(plain));
  need(put(test_site("gone.example")));
  need(remove(test_site("gone.example")));
  need(store->transact(kTester, [](Writer& writer) -> Result<void> {
    Codebase code;
    code.version = "10.6.15";
    code.profiles = {{"standard", "Standard", "", "", "core/profiles/standard", false, {"en"}}};
    code.packages = {{PackageKind::kModule, "node", "Node", "", 8000, false, "core/modules/node", {}, false},
                     {PackageKind::kLibrary, "x", "", "", {}, false, "libraries/x", PackagePlace::kPlatform, false}};
    need(writer.put_codebase("d10", code));
    return writer.put_packages("shop.example", {{PackageKind::kModule, "node", "", "", 8000, true, "", {}, false}});
  }));
  std::vector<std::string> paths;
  for (const bool readable : {false, true}) {
    paths.push_back(directory.file(readable ? "plain.json" : "sealed.json"));
    std::ofstream(paths.back()) << need(export_json(*store, {.plain_secrets = readable}));
  }
  paths.push_back(kSource + "/tests/golden/registry/base.json");
  EXPECT_EQ(check("good", paths), "");
}

TEST_F(Schema, RefusesWhatTheImportRefuses) {
  std::vector<std::string> paths;
  for (const char* name : {"bad_docroots", "bad_history", "bad_object_names", "bad_texts", "misspelt_keys",
                           "misspelt_words", "numbers_out_of_range", "root_is_a_list", "wrong_format", "wrong_types"}) {
    paths.push_back(kSource + "/tests/golden/registry/bad/" + name + ".json");
  }
  EXPECT_EQ(check("bad", paths), "");
}

using Defaults = std::set<std::pair<std::string, nlohmann::json>>;

/// Every default that a schema names, by the field's key.
void collect_defaults(const nlohmann::json& node, const std::string& key, Defaults& found) {
  if (node.is_object() && node.contains("default")) found.emplace(key, node["default"]);
  if (!node.is_structured()) return;
  for (const auto& [name, child] : node.items()) collect_defaults(child, name, found);
}

/// The schema tells a person the defaults; they are those of the program.
TEST_F(Schema, NamesTheDefaults) {
  std::ifstream file(kSource + "/compiler/registry/schema/registry.schema.json");
  Defaults found;
  collect_defaults(nlohmann::json::parse(file), "", found);
  const Site site;
  const Block block;
  const Settings settings;
  const WebService web;
  const DatabaseService database;
  const Defaults expected = {
      {"memory_limit", site.php.memory_limit},
      {"upload_max_filesize", site.php.upload_max_filesize},
      {"post_max_size", site.php.post_max_size},
      {"max_execution_time", site.php.max_execution_time},
      {"profile", site.profile},
      {"language", site.language},
      {"https", "allowed"},
      {"cloaking", site.cloaking},
      {"realm", HttpAuth{}.realm},
      {"state", "enabled"},
      {"cms", "drupal8"},
      {"php_version", block.php_version},
      {"first_uid", block.first_uid},
      {"slots", block.slots},
      {"max_children", block.max_children},
      {"isolation", "site"},
      {"body_limit", Platform{}.body_limit},
      {"http_port", web.http_port},
      {"https_port", web.https_port},
      {"probe_address", web.probe_address},
      {"host", Server{}.host},
      {"host", database.host},
      {"type", database.type},
      {"port", database.port},
      {"redirect", settings.alias_defaults.redirect},
      {"log_days", settings.log_days},
      {"require_disabled_before_delete", settings.require_disabled_before_delete},
  };
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace aegir::registry
