// A thousand random changes, each published: whatever way a map came to be, it says what a full compile would.
// AEGIR_SEED repeats a run.
#include <cstdlib>
#include <iostream>
#include <random>

#include "compiler/core/atomic_file.hpp"
#include "tests/unit/publish/publish_fixture.hpp"

namespace aegir::publish {
namespace {

constexpr int kPublishes = 1000;

/// Changes a registry at random: sites that take and leave names from a small pool (so that names move between them),
/// platforms, settings, the database server, candidates.
class Changes {
 public:
  explicit Changes(unsigned seed) : random_(seed) {}

  Result<std::uint64_t> one(registry::Store& store) {
    const unsigned kind = below(100);
    if (kind < 5) return candidate(store);
    return store.transact({"tester", "at random"}, [&](registry::Writer& writer) -> Result<void> {
      if (kind < 60) return put_site(store, writer);
      if (kind < 75) return remove_site(store, writer);
      if (kind < 88) return rename_site(store, writer);
      if (kind < 94) return change_platform(writer);
      if (kind < 98) return change_settings(writer);
      return writer.put(a_server({"mysql", "db" + std::to_string(below(3)) + ".example", 3306}));
    });
  }

 private:
  unsigned below(unsigned end) { return std::uniform_int_distribution<unsigned>(0, end - 1)(random_); }
  std::string host() { return "n" + std::to_string(below(60)) + ".example"; }
  std::string name() { return below(8) == 0 ? "*.n" + std::to_string(below(20)) + ".example" : host(); }

  registry::Site random_site(const std::string& uri) {
    registry::Site site = a_site(uri);
    for (unsigned i = below(4); i > 0; --i) {
      const std::string alias = name();
      if (alias == uri || std::ranges::count(site.aliases, alias, &registry::Alias::host) != 0) continue;
      site.aliases.push_back({alias, below(5) == 0 ? "https://new.example" : ""});
    }
    std::ranges::sort(site.aliases, {}, &registry::Alias::host);
    if (below(2) == 0) site.redirect_to = uri;
    if (below(6) == 0) site.redirect_to = "https://elsewhere.example";
    site.https = static_cast<registry::Https>(below(3));
    site.state =
        std::array{registry::SiteState::kEnabled, registry::SiteState::kEnabled, registry::SiteState::kDisabled,
                   registry::SiteState::kMaintenance, registry::SiteState::kInstalling}[below(5)];
    site.cloaking = below(4) != 0;
    if (below(5) == 0) site.http_auth = registry::HttpAuth{"user", "word" + std::to_string(below(9)), "Staff"};
    site.php.memory_limit = 128 + below(4) * 64;
    if (below(3) == 0) site.platform = "d11";
    return site;
  }

  Result<void> put_site(registry::Store& store, registry::Writer& writer) {
    const std::string uri = host();
    Result<std::optional<registry::Site>> old = store.find_site(uri);
    if (!old) return pass(old);
    registry::Site site = random_site(uri);
    if (*old) site.former_uris = (*old)->former_uris;
    return writer.put(site);
  }

  Result<void> remove_site(registry::Store& store, registry::Writer& writer) {
    Result<std::optional<registry::Site>> site = store.find_site(host());
    if (!site) return pass(site);
    if (!*site) return {};
    (*site)->state = registry::SiteState::kDeleted;
    return writer.put(**site);
  }

  Result<void> rename_site(registry::Store& store, registry::Writer& writer) {
    Result<std::optional<registry::Site>> site = store.find_site(host());
    if (!site) return pass(site);
    if (!*site) return {};
    registry::Site next = below(2) == 0 ? **site : random_site((*site)->uri);
    const std::string old = (*site)->uri;
    next.uri = host();
    std::erase_if(next.aliases, [&](const registry::Alias& alias) { return alias.host == next.uri; });
    if (below(2) == 0 && std::ranges::count(next.aliases, old, &registry::Alias::host) == 0 && old != next.uri) {
      next.aliases.push_back({old, ""});
      std::ranges::sort(next.aliases, {}, &registry::Alias::host);
    }
    next.redirect_to.clear();
    return writer.rename_site(old, next);
  }

  Result<void> change_platform(registry::Writer& writer) {
    registry::Platform platform = a_platform(std::array{"d10", "d11", "spare"}[below(3)]);
    platform.docroot += std::to_string(below(3));
    platform.services = static_cast<registry::Services>(1 + below(3));
    if (platform.name == "spare" && below(3) == 0) return writer.remove_platform("spare");
    return writer.put(platform);
  }

  Result<void> change_settings(registry::Writer& writer) {
    registry::Settings settings;
    if (below(2) == 0) settings.console_url = "https://console" + std::to_string(below(3)) + ".example";
    return writer.put(settings);
  }

  Result<std::uint64_t> candidate(registry::Store& store) {
    const std::string token = map::probe_key("token" + std::to_string(below(4)));
    if (below(3) == 0) return store.drop_candidate(token);
    registry::Candidate candidate{token, host(), 4000000000, std::nullopt};
    if (below(2) == 0) candidate.site = a_site(candidate.host);
    return store.put_candidate(candidate);
  }

  std::mt19937 random_;
};

TEST_F(PublishTest, AfterAThousandRandomPublishesTheMapIsThatOfAFullCompile) {
  const char* const given = std::getenv("AEGIR_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  std::cout << "AEGIR_SEED=" << seed << '\n';
  put(a_platform("d11"));
  Changes changes(seed);
  const Limits limits{.compact_above = 6000, .largest_delta = 20000, .most_changes = 200};
  new_publisher(limits);
  int bases = 0;
  int deltas = 0;
  int merges = 0;
  for (int i = 0; i < kPublishes; ++i) {
    // What the rules of the registry refuse (a name that is taken) changes nothing and is tried again differently.
    for (int done = 0, wanted = 1 + i % 3; done < wanted;) {
      if (changes.one(*store)) ++done;
    }
    if (i % 97 == 96) new_publisher(limits);
    const Report report = publish();
    bases += report.wrote == Report::Wrote::kBase ? 1 : 0;
    deltas += report.wrote == Report::Wrote::kDelta ? 1 : 0;
    merges += report.merged != 0 ? 1 : 0;
    ASSERT_EQ(live()->generation(), need(store->sequence())) << "after publish " << i;
    if (i % 20 == 19) {
      ASSERT_EQ(difference(content(*live()), compiled()), "") << "after publish " << i;
    }
  }
  EXPECT_EQ(bases, 1) << "only the first; the others come from merges";
  EXPECT_GT(deltas, kPublishes / 2);
  EXPECT_GT(merges, 3);
  EXPECT_EQ(refusals, std::vector<std::string>{});

  need(publisher->compact());
  ASSERT_EQ(difference(content(*live()), compiled()), "");
  const std::string name = map::file_name(live()->base().header());
  EXPECT_TRUE(need(read_file(place.config.map_dir + "/" + name)) == need(read_file(place.root + "/compiled/" + name)))
      << "a merged base has the bytes of a compiled one";
}

}  // namespace
}  // namespace aegir::publish
