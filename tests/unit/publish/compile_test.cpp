// How the model becomes records of the map.
#include "compiler/core/atomic_file.hpp"
#include "compiler/map/answer.hpp"
#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

TEST(EffectiveTarget, OwnThenTheSitesButNeverToItself) {
  EXPECT_EQ(effective_target("www.a.example", "", ""), "");
  EXPECT_EQ(effective_target("www.a.example", "", "a.example"), "a.example");
  EXPECT_EQ(effective_target("a.example", "", "a.example"), "");
  EXPECT_EQ(effective_target("www.a.example", "b.example", "a.example"), "b.example");
  EXPECT_EQ(effective_target("www.a.example", "www.a.example", "a.example"), "") << "asked to stay where it is";
  EXPECT_EQ(effective_target("a.example", "", "https://new.example:8443"), "https://new.example:8443");
  EXPECT_EQ(effective_target("new.example", "", "https://new.example:8443"), "") << "would redirect for ever";
}

class CompileTest : public PublishTest {
 protected:
  map::SiteRecord record(const registry::Site& site) { return record(site, keys); }
  map::SiteRecord record(const registry::Site& site, const KeyRing& ring) {
    return need(need(Compiler::load(*store, place.config, ring)).site(site)).value();
  }
};

TEST_F(CompileTest, ARecordHasWhatTheModulesNeed) {
  put(registry::Block{"b1", "web1", "8.2", "", 300000, 4, 2});
  registry::Site site = a_site("shop.example", {"*.shop.example", "alt.example", "www.shop.example"});
  site.aliases[1].redirect_to = "https://elsewhere.example";
  site.redirect_to = "www.shop.example";
  site.https = registry::Https::kRequired;
  site.state = registry::SiteState::kMaintenance;
  site.former_uris = {"old.example"};
  site.php.memory_limit = 512;
  put(site);
  site = need(store->find_site("shop.example")).value();
  const map::SiteRecord made = record(site);
  EXPECT_EQ(made.key, "shop.example");
  EXPECT_EQ(made.host, "shop.example");
  EXPECT_EQ(made.directory, "shop.example");
  EXPECT_EQ(made.target, "www.shop.example");
  EXPECT_EQ(made.https, map::Https::kRequired);
  EXPECT_EQ(made.state, map::SiteState::kMaintenance);
  EXPECT_EQ(made.former, std::vector<std::string>{"old.example"});
  EXPECT_EQ(made.memory_limit, 512U);
  EXPECT_EQ(made.socket, slot_socket(place.config, "b1", site.slot));
  const std::vector<map::AliasRecord> aliases = {
      {".shop.example", "www.shop.example"}, {"alt.example", "https://elsewhere.example"}, {"www.shop.example", ""}};
  EXPECT_EQ(made.aliases, aliases);
}

TEST_F(CompileTest, CredentialsAreSealedForTheSiteAndOnlyWhenCloaked) {
  registry::Site site = a_site("shop.example");
  const map::SiteRecord made = record(site);
  map::SiteView view;
  view.host = made.host;
  view.key_id = made.key_id;
  view.sealed = {reinterpret_cast<const char*>(made.sealed.data()), made.sealed.size()};
  std::string plain(made.sealed.size(), '\0');
  map::CredentialFields fields;
  ASSERT_TRUE(map::open_credentials(keys, view, plain, fields));
  EXPECT_EQ(fields, (map::CredentialFields{"mysql", "shop_example", "shop_example", "secret of shop.example",
                                           "localhost", "3306"}));
  view.host = "other.example";
  EXPECT_FALSE(map::open_credentials(keys, view, plain, fields));
  site.cloaking = false;
  EXPECT_TRUE(record(site).sealed.empty());
}

TEST_F(CompileTest, AuthenticationIsADigestAndTheRealm) {
  registry::Site site = a_site("shop.example");
  site.http_auth = registry::HttpAuth{"anna", "open sesame", "Staff"};
  const map::SiteRecord made = record(site);
  const std::array<std::string_view, 2> parts = {"anna", "open sesame"};
  Digest digest;
  ASSERT_TRUE(keys.digest(7, parts, digest));
  EXPECT_EQ(made.auth, std::string(reinterpret_cast<const char*>(digest.data()), digest.size()) + "Staff");
}

TEST_F(CompileTest, SitesThatAreNotThereForVisitorsAreNotInTheMap) {
  const Compiler compiler = need(Compiler::load(*store, place.config, keys));
  for (const auto state : {registry::SiteState::kInstalling, registry::SiteState::kDeleted}) {
    registry::Site site = a_site("shop.example");
    site.state = state;
    EXPECT_FALSE(need(compiler.site(site)).has_value());
  }
}

TEST_F(CompileTest, WithoutAKeyOnlySitesThatNeedNone) {
  registry::Site site = a_site("shop.example");
  site.cloaking = false;
  EXPECT_EQ(record(site, KeyRing()).key_id, 0U);
  site.cloaking = true;
  const Compiler compiler = need(Compiler::load(*store, place.config, KeyRing()));
  EXPECT_EQ(error_of(compiler.site(site)),
            place.config.map_key +
                ": there is no map key, and shop.example has credentials to seal\n  next: put it back "
                "from its backup; only when there is none `aegirc keygen map`, and then reload the web servers");
}

TEST_F(CompileTest, ACandidateStandsUnderItsTokenAlone) {
  const Compiler compiler = need(Compiler::load(*store, place.config, keys));
  registry::Candidate candidate{map::probe_key("token"), "shop.example", 1700000000, std::nullopt};
  EXPECT_EQ(std::get<map::PassRecord>(need(compiler.candidate(candidate))),
            (map::PassRecord{map::probe_key("token"), "shop.example", 1700000000}));
  candidate.site = a_site("shop.example", {"www.shop.example"});
  candidate.site->state = registry::SiteState::kInstalling;
  const auto made = std::get<map::SiteRecord>(need(compiler.candidate(candidate)));
  EXPECT_EQ(made.key, map::probe_key("token"));
  EXPECT_EQ(made.host, "shop.example");
  EXPECT_EQ(made.expiry, 1700000000U);
  EXPECT_EQ(made.state, map::SiteState::kEnabled) << "a probe passes whatever state the site is in";
  EXPECT_TRUE(made.aliases.empty());
}

TEST_F(CompileTest, OneRegistryGivesTheSameBytesTwice) {
  for (int i = 0; i < 2000; ++i) {
    const std::string uri = "s" + std::to_string(i) + ".example";
    put(a_site(uri, {"www." + uri}));
  }
  std::vector<std::string> files;
  for (const char* name : {"/one", "/two"}) {
    std::filesystem::create_directory(place.root + name);
    const map::Written written = need(full_compile(*store, place.config, keys, {place.root + name}));
    EXPECT_EQ(written.header.site_count, 2000U);
    EXPECT_EQ(written.header.name_count, 4000U);
    EXPECT_EQ(written.header.generation, need(store->sequence()));
    files.push_back(need(read_file(place.root + name + "/" + written.name)));
  }
  EXPECT_TRUE(files[0] == files[1]);
}

TEST_F(CompileTest, AFailureInTheMiddleEndsBothThreadsAndLeavesNoFile) {
  for (int i = 0; i < 9000; ++i) {
    registry::Site site = a_site("s" + std::to_string(i) + ".example");
    site.cloaking = false;
    if (i == 20) site.http_auth = registry::HttpAuth{"u", "p", "r"};
    put(site);
  }
  const auto written = full_compile(*store, place.config, KeyRing(), {place.config.map_dir});
  EXPECT_NE(error_of(written).find("s20.example has HTTP authentication to seal"), std::string::npos);
  EXPECT_EQ(names_in(place.config.map_dir), std::set<std::string>{});
}

}  // namespace
}  // namespace aegir::publish
