// Properties of export and import over random fleets (rapidcheck).
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "compiler/registry/json.hpp"
#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

using rc::gen::arbitrary;
using rc::gen::element;
using rc::gen::inRange;

/// Texts as people and programs write them: quotes, backslashes, what JSON escapes, more than ASCII.
std::string text(int most) {
  static const std::vector<std::string> kPieces = {"a", "Z",  "0", " ", "\"", "\\", "/", "ü",
                                                   "€", "😀", "{", "}", ":",  "&",  "<"};
  std::string result;
  const int length = *inRange(0, most);
  for (int i = 0; i < length; ++i) result += *rc::gen::elementOf(kPieces);
  return result;
}

std::string host(const std::string& label) {
  return label + std::to_string(*inRange(0, 8)) + "." +
         *element<std::string>("example", "xn--mnchen-3ya.example", "x_y-z.org");
}

std::string secret() { return "s" + text(20); }

Site random_site(const std::string& uri) {
  Site site;
  site.uri = uri;
  site.platform = *element<std::string>("p0", "p1");
  site.client = *element<std::string>("", "acme");
  site.state = *element(SiteState::kInstalling, SiteState::kEnabled, SiteState::kDisabled, SiteState::kMaintenance);
  site.profile = *element<std::string>("standard", "minimal");
  site.language = *element<std::string>("en", "pt-br");
  site.https = *element(Https::kNone, Https::kAllowed, Https::kRequired);
  site.cloaking = *arbitrary<bool>();
  std::set<std::string> aliases;
  for (int i = *inRange(0, 4); i > 0; --i)
    aliases.insert((*inRange(0, 4) == 0 ? "*." : "") + host(*element<std::string>("alias", "site")));
  for (const std::string& alias : aliases) {
    site.aliases.push_back({alias, *element<std::string>("", "https://elsewhere.example:8443", "other.example")});
  }
  if (*arbitrary<bool>()) site.redirect_to = *element(uri, std::string("https://new.example"));
  std::set<std::string> former;
  for (int i = *inRange(0, 3); i > 0; --i) former.insert(host("former"));
  site.former_uris.assign(former.begin(), former.end());
  if (*arbitrary<bool>()) site.http_auth = HttpAuth{"u" + std::to_string(*inRange(0, 9)), secret(), "realm"};
  site.cron_key = *element<std::string>("", "cron_key-1");
  site.hash_salt = *element<std::string>("", "salt'\"\\$ -1");
  site.body_limit = *element<std::uint32_t>(0, 1, 65536);
  for (int i = *inRange(0, 3); i > 0; --i) site.key_pages.push_back("/page/" + std::to_string(i));
  site.php = {*inRange<std::uint32_t>(16, 1000), *inRange<std::uint32_t>(1, 99), *inRange<std::uint32_t>(1, 99),
              *inRange<std::uint32_t>(1, 999)};
  if (*arbitrary<bool>()) {
    std::string name = uri;
    std::ranges::replace_if(name, [](char c) { return c == '.'; }, '_');
    site.database = {"web1", name, name, secret()};
  }
  return site;
}

/// Makes random changes, some of which are refused (names that are taken): those leave no trace.
void live(Store& store, bool with_slots = true) {
  need(store.transact({"tester", text(10)}, [&](Writer& writer) -> Result<void> {
    need(writer.put(test_server()));
    need(writer.put(Client{"acme", text(20), ""}));
    if (with_slots) need(writer.put(Block{"main", "web1", "8.2", "", 300000, 512, 5}));
    for (const char* name : {"p0", "p1"}) need(writer.put(test_platform(name)));
    return {};
  }));
  Settings settings;
  settings.log_days = *inRange<std::uint32_t>(1, 100);
  settings.alias_defaults.redirect = *arbitrary<bool>();
  need(store.transact(kTester, [&](Writer& writer) { return writer.put(settings); }));
  for (int i = *inRange(0, 60); i > 0; --i) {
    Site site = random_site(host("site"));
    const int action = *inRange(0, 6);
    if (action == 0) site.state = SiteState::kDeleted;
    (void)store.transact({"tester", text(10)}, [&](Writer& writer) {
      return action == 1 ? writer.rename_site(host("site"), site) : writer.put(site);
    });
  }
}

std::unique_ptr<Store> memory_store() { return need(Store::open(":memory:", Store::Mode::kCreate, test_key())); }

RC_GTEST_PROP(JsonProperty, ARestoredExportIsTheSameRegistry, ()) {
  auto store = memory_store();
  live(*store);
  const bool plain = *arbitrary<bool>();
  const std::string exported = need(export_json(*store, {.plain_secrets = plain}));
  auto copy = memory_store();
  const auto report = import_json(*copy, exported, "export.json", {.replace = true}, kTester);
  RC_ASSERT(report.has_value());
  RC_ASSERT(report->restored);
  RC_ASSERT(need(export_json(*copy, {.plain_secrets = plain})) == exported);
  RC_ASSERT(need(copy->sequence()) == need(store->sequence()));
}

RC_GTEST_PROP(JsonProperty, AnExportChangesNothingWhereItComesFrom, ()) {
  auto store = memory_store();
  live(*store);
  const std::string exported = need(export_json(*store));
  const auto report = import_json(*store, exported, "export.json", {.replace = *arbitrary<bool>()}, kTester);
  RC_ASSERT(report.has_value());
  RC_ASSERT(report->created + report->changed + report->deleted == 0U);
  RC_ASSERT(need(export_json(*store)) == exported);
}

RC_GTEST_PROP(JsonProperty, ReplaceTurnsAnyRegistryIntoTheOther, ()) {
  auto wanted = memory_store();
  auto other = memory_store();
  // Without slots: those are never given twice, so a document may ask for one that is used up here.
  live(*wanted, false);
  live(*other, false);
  need(wanted->transact(kTester, [](Writer& writer) {
    return writer.put(Settings{.console_url = {}, .alias_defaults = {}, .require_disabled_before_delete = false});
  }));
  const std::string document = need(export_json(*wanted, {.plain_secrets = true}));
  const auto report = import_json(*other, document, "export.json", {.replace = true}, kTester);
  if (!report) RC_FAIL(describe(report.error().front()));
  std::vector<Site> sites[2];
  for (const auto& [from, all] : {std::pair{wanted.get(), &sites[0]}, {other.get(), &sites[1]}}) {
    need(from->each_site([target = all](const Site& site) -> Result<void> {
      target->push_back(site);
      target->back().id = 0;
      return {};
    }));
  }
  RC_ASSERT(sites[0] == sites[1]);
}

RC_GTEST_PROP(JsonProperty, ADocumentThatIsCutOrChangedNeverPasses, ()) {
  static const std::string exported = [] {
    auto store = memory_store();
    need(store->transact(kTester, [](Writer& writer) -> Result<void> {
      need(writer.put(test_server()));
      need(writer.put(test_platform()));
      return writer.put(test_site("a.example"));
    }));
    return need(export_json(*store));
  }();
  auto store = memory_store();
  std::string cut = exported;
  cut.resize(*inRange<std::size_t>(0, exported.size() - 2));
  const auto refused = import_json(*store, cut, "cut.json", {.replace = true}, kTester);
  RC_ASSERT(!refused.has_value());
  RC_ASSERT(need(store->sequence()) == 0U);
  // A changed byte is either refused or gives a registry that can be exported and imported again.
  std::string changed = exported;
  changed[*inRange<std::size_t>(0, exported.size())] = static_cast<char>(*arbitrary<std::uint8_t>());
  if (import_json(*store, changed, "changed.json", {.replace = true}, kTester)) {
    const std::string again = need(export_json(*store));
    auto copy = memory_store();
    RC_ASSERT(import_json(*copy, again, "again.json", {.replace = true}, kTester).has_value());
    RC_ASSERT(need(export_json(*copy)) == again);
  }
}

}  // namespace
}  // namespace aegir::registry
