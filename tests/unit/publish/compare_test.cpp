// compare_map(): a change of each sort as it is told, nothing after a publish, no secret in what is told.
// compare_file(): what is masked.
#include "compiler/publish/compare.hpp"

#include <gmock/gmock.h>

#include "compiler/publish/compare_files.hpp"
#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// "changed site a.example: https allowed -> required; db_passwd secret".
std::string line_of(const EntryChange& change) {
  constexpr std::array<const char*, 3> kWords = {"added ", "changed ", "gone "};
  std::string text = kWords.at(static_cast<std::size_t>(change.what)) + change.kind + ' ' + change.name;
  if (change.what != What::kChanged) return text;
  const char* separator = ": ";
  for (const FieldChange& field : change.fields) {
    text += std::exchange(separator, "; ") + field.field + ' ';
    text += field.secret ? "secret" : field.before.value_or("none") + " -> " + field.after.value_or("none");
  }
  return text;
}

class Compare : public PublishTest {
 protected:
  std::vector<std::string> lines(const KeyRing* with, const Snapshot& map) {
    std::vector<std::string> told;
    const KeyRing any = key_of(1, 'f');
    const Compiler compiler = need(Compiler::load(*store, place.config, with != nullptr ? *with : any));
    need(compare_map(*store, compiler, with, map.get(), [&](const EntryChange& change) -> Result<void> {
      told.push_back(line_of(change));
      for (const FieldChange& field : change.fields) {
        for (const auto& value : {field.before, field.after}) {
          EXPECT_THAT(value.value_or(""), Not(HasSubstr("secret of"))) << field.field;
        }
      }
      return {};
    }));
    return told;
  }
  std::vector<std::string> lines() { return lines(&keys, open_map(place.config.map_dir)); }
};

TEST_F(Compare, NothingIsPublishedYet) {
  put(a_site("a.example", {"www.a.example"}));
  EXPECT_THAT(lines(&keys, nullptr),
              ElementsAre("added platform d10", "added site a.example", "added alias www.a.example"));
}

TEST_F(Compare, AfterAPublishNothingDiffers) {
  for (const char* uri : {"a.example", "b.example"}) put(a_site(uri, {std::string("*.") + uri}));
  publish();
  EXPECT_THAT(lines(), IsEmpty());
  EXPECT_THAT(lines(nullptr, open_map(place.config.map_dir)), IsEmpty()) << "without the key neither";
  put(a_site("c.example"));
  put(a_site("a.example", {"new.example"}));
  publish();  // a delta
  EXPECT_THAT(lines(), IsEmpty());
}

TEST_F(Compare, EachFieldOfASite) {
  registry::Site site = a_site("a.example", {"b.example", "c.example"});
  put(site);
  publish();
  site.https = registry::Https::kRequired;
  site.state = registry::SiteState::kMaintenance;
  site.redirect_to = "b.example";
  site.former_uris = {"x.example", "y.example"};
  site.php.memory_limit = 512;
  site.database.name = "other";
  site.database.password = "secret of mine";
  site.http_auth = registry::HttpAuth{"staff", "secret of ours", "Staff"};
  put(site);
  EXPECT_THAT(lines(), ElementsAre("changed site a.example: state enabled -> maintenance; https allowed -> required; "
                                   "memory_limit 256 -> 512; db_name a_example -> other; db_passwd secret; "
                                   "redirects_to none -> b.example; former_uris none -> x.example, y.example; "
                                   "http_auth secret; realm none -> Staff",
                                   "changed alias c.example: redirects_to none -> b.example"));
}

TEST_F(Compare, WithoutTheKeyPasswordsAreNotTold) {
  registry::Site site = a_site("a.example");
  put(site);
  publish();
  site.database.password = "SECRET of a.example";  // of the same size
  put(site);
  EXPECT_THAT(lines(), ElementsAre("changed site a.example: db_passwd secret"));
  EXPECT_THAT(lines(nullptr, open_map(place.config.map_dir)), IsEmpty());
  site.cloaking = false;
  put(site);
  EXPECT_THAT(lines(nullptr, open_map(place.config.map_dir)),
              ElementsAre("changed site a.example: key 7 -> none; credentials secret"));
}

TEST_F(Compare, AnotherKey) {
  put(a_site("a.example"));
  publish();
  const KeyRing rotated =
      KeyRing::parse("aegir-key 1 8 " + std::string(64, 'c') + "\naegir-key 1 7 " + std::string(64, 'a') + "\n",
                     "test.key")
          .value();
  EXPECT_THAT(lines(&rotated, open_map(place.config.map_dir)), ElementsAre("changed site a.example: key 7 -> 8"));
  const KeyRing other = key_of(9, 'd');
  EXPECT_THAT(lines(&other, open_map(place.config.map_dir)),
              ElementsAre("changed site a.example: key 7 -> 9; credentials secret"));
}

TEST_F(Compare, NamesThatComeGoAndMove) {
  put(a_site("a.example", {"gone.example", "later.example", "moves.example"}));
  put(a_site("b.example"));
  put(a_site("c.example"));
  publish();
  put(a_site("a.example", {}));
  put(a_site("b.example", {"*.b.example", "moves.example"}));
  remove(a_site("c.example"));
  put(a_site("later.example"));
  EXPECT_THAT(
      lines(),
      ElementsAre("gone alias gone.example", "added alias *.b.example",
                  "changed alias moves.example: of a.example -> b.example", "gone site c.example",
                  testing::StartsWith("changed site later.example: kind alias -> site; of a.example -> none;")));
}

TEST_F(Compare, ASiteThatBecomesAnAlias) {
  put(a_site("a.example"));
  put(a_site("b.example"));
  publish();
  remove(a_site("a.example"));
  put(a_site("b.example", {"a.example"}));
  EXPECT_THAT(lines(), ElementsAre(testing::StartsWith("changed alias a.example: kind site -> alias;")));
}

TEST_F(Compare, PlatformsAndSettings) {
  put(a_site("a.example"));
  publish();
  registry::Platform platform = a_platform("d10");
  platform.docroot = "/srv/new";
  put(platform);
  put(a_platform("d11"));
  change([](registry::Writer& writer) -> Result<void> {
    registry::Settings settings;
    settings.console_url = "https://console.example";
    return writer.put(settings);
  });
  EXPECT_THAT(lines(), ElementsAre("changed setting console_url: value none -> https://console.example",
                                   "changed platform d10: docroot /srv/d10/web -> /srv/new", "added platform d11"));
}

TEST_F(Compare, Probes) {
  put(a_site("a.example"));
  publish();
  const std::string key = map::probe_key("token");
  need(store->put_candidate({key, "a.example", 4000000000, a_site("a.example")}));
  EXPECT_THAT(lines(), ElementsAre("added probe " + key));
  publish();
  EXPECT_THAT(lines(), IsEmpty());
  need(store->drop_candidate(key));
  EXPECT_THAT(lines(), ElementsAre("gone probe " + key));
}

TEST_F(Compare, EndsWithTheFirstErrorOfTheListener) {
  const Compiler compiler = need(Compiler::load(*store, place.config, keys));
  const Result<void> done = compare_map(*store, compiler, &keys, nullptr,
                                        [](const EntryChange&) -> Result<void> { return fail(Code::kIo, "full"); });
  EXPECT_EQ(error_of(done), "full");
}

TEST(Masked, LinesOfEachLanguage) {
  for (const auto& [line, shown] : std::vector<std::pair<std::string, std::string>>{
           {"$databases['default']['default']['password'] = 'x y';",
            "$databases['default']['default']['password'] = '********'"},
           {"  'password' => 'x',", "  'password' => '********'"},
           {"$settings['hash_salt'] = \"x\";", "$settings['hash_salt'] = \"********\""},
           {"fastcgi_param db_passwd \"x\";", "fastcgi_param db_passwd \"********\""},
           {"SetEnv db_passwd x", "SetEnv db_passwd ********"},
           {"fastcgi_param db_passwd $aegir_db_passwd if_not_empty;",
            "fastcgi_param db_passwd $aegir_db_passwd if_not_empty;"},
           {"$db_url = 'mysqli://u:x@localhost/d';", "$db_url = '********'"},
           {"# mysql://u:x@localhost/d", "# mysql://u:********@localhost/d"},
           {"# its own password the module keeps to itself.", "# its own password the module keeps to itself."},
           {"# password = x", "# password = ********"},
           {"DB_PASSWORD: x", "DB_PASSWORD: ********"},
           {"listen 8080;", "listen 8080;"}}) {
    EXPECT_EQ(masked(line), shown);
  }
}

TEST(CompareFile, AgainstWhatIsThere) {
  const Place place;
  const std::string path = place.root + "/x.conf";
  EXPECT_FALSE(need(compare_file(path, std::nullopt)).has_value());
  EXPECT_EQ(need(compare_file(path, "one\n")).value().diff,
            "--- /dev/null\n+++ " + path + "\tcompiled\n@@ -0,0 +1 @@\n+one\n");
  need(write_file(path, "one\n"));
  EXPECT_FALSE(need(compare_file(path, "one\n")).has_value());
  EXPECT_EQ(need(compare_file(path, "two\n")).value().diff,
            "--- " + path + "\tlive\n+++ " + path + "\tcompiled\n@@ -1 +1 @@\n-one\n+two\n");
  EXPECT_EQ(need(compare_file(path, std::nullopt)).value().what, What::kGone);
  EXPECT_THAT(error_of(compare_file(place.root, "x")), HasSubstr(place.root));
}

}  // namespace
}  // namespace aegir::publish
