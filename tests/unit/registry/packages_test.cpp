// What platforms bring and sites have: kept, counted, out and in again, and what a fleet of them costs.
#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <iostream>

#include "compiler/registry/packages.hpp"
#include "tests/unit/registry/json_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Package module(const std::string& name, const std::string& path, PackagePlace place = PackagePlace::kCore) {
  Package package;
  package.name = name;
  package.title = "Title of " + name;
  package.version = "10.6.15";
  package.schema = 8000;
  package.path = path;
  package.place = place;
  return package;
}

Codebase code() {
  Codebase code;
  code.version = "10.6.15";
  code.profiles = {{"standard", "Standard", "With \"all\"", "10.6.15", "core/profiles/standard", false, {"en", "de"}},
                   {"testing", "Testing", "", "10.6.15", "core/profiles/testing", true, {"en"}}};
  code.packages = {module("block", "core/modules/block"),
                   module("cart", "profiles/shop/modules/cart", PackagePlace::kProfile),
                   module("node", "core/modules/node"), module("secret_test", "core/modules/node/tests/secret_test"),
                   module("token", "modules/token", PackagePlace::kPlatform)};
  code.packages[3].hidden = true;
  Package library;
  library.kind = PackageKind::kLibrary;
  library.name = "dropzone";
  library.path = "libraries/dropzone";
  library.place = PackagePlace::kPlatform;
  code.packages.push_back(library);
  return code;
}

/// As a site's own Drush tells them.
std::vector<Package> of_site() {
  std::vector<Package> all = code().packages;
  std::erase_if(all, [](const Package& each) { return each.name == "cart" || each.name == "secret_test"; });
  for (Package& each : all) {
    if (each.kind == PackageKind::kModule) each.schema.reset();
  }
  all[1].enabled = true;  // node
  all[1].schema = 8013;
  all.push_back(module("own", "sites/shop.example/modules/own", PackagePlace::kSite));
  std::ranges::sort(all, {}, [](const Package& each) { return std::tie(each.kind, each.name, each.path); });
  return all;
}

TEST(Packages, ASiteKeepsOnlyWhatIsItsOwn) {
  const std::vector<Package> own = own_packages(of_site(), code().packages, "standard");
  ASSERT_EQ(own.size(), 2U);
  EXPECT_EQ(own[0].name, "node");
  EXPECT_TRUE(own[0].enabled);
  EXPECT_EQ(own[0].schema, 8013U);
  EXPECT_TRUE(own[0].path.empty() && own[0].version.empty() && own[0].title.empty()) << "it is the platform's";
  EXPECT_EQ(own[1], of_site()[2]) << "what lies in its own directory is kept whole";
  EXPECT_EQ(packages_of(own, code().packages, "standard"), of_site());
}

TEST(Packages, WhatThePlatformBringsIsTakenFromWhereItIsNow) {
  const std::vector<Package> own = own_packages(of_site(), code().packages, "standard");
  std::vector<Package> newer = code().packages;
  std::erase_if(newer, [](const Package& each) { return each.name == "node"; });
  for (Package& each : newer) each.version = "10.7.0";
  const std::vector<Package> now = packages_of(own, newer, "standard");
  const auto named = [&](const std::string& name) { return *std::ranges::find(now, name, &Package::name); };
  EXPECT_EQ(named("block").version, "10.7.0");
  EXPECT_TRUE(named("node").enabled) << "its code is gone";
  EXPECT_EQ(named("node").path, "");
  EXPECT_EQ(named("own").version, "10.6.15");
}

TEST(Packages, OneOfANameIsTheOneThatDrupalTakes) {
  std::vector<Package> both = {module("token", "core/modules/token"),
                               module("token", "modules/token", PackagePlace::kPlatform),
                               module("token", "profiles/shop/modules/token", PackagePlace::kProfile)};
  EXPECT_EQ(packages_of({}, both, "shop").front().path, "modules/token");
  both.erase(both.begin() + 1);
  EXPECT_EQ(packages_of({}, both, "shop").front().path, "profiles/shop/modules/token");
  EXPECT_EQ(packages_of({}, both, "standard").front().path, "core/modules/token") << "another profile's is none of it";
  // A site that has another one than that keeps which.
  Package other = module("token", "core/modules/token");
  other.enabled = true;
  EXPECT_THAT(own_packages({other}, both, "shop"), ElementsAre(other));
  EXPECT_THAT(packages_of({other}, both, "shop"), ElementsAre(other));
}

class PackageRows : public RegistryTest {
 protected:
  PackageRows() {
    need(put(Block{"main", "web1", "8.2", "", 300000, 64, 5}));
    need(put(test_site("shop.example")));
  }
  Result<std::uint64_t> put_codebase(const Codebase& codebase, const std::string& platform = "d10") {
    return store->transact(kTester, [&](Writer& writer) { return writer.put_codebase(platform, codebase); });
  }
  Result<std::uint64_t> put_packages(const std::vector<Package>& own, const std::string& uri = "shop.example") {
    return store->transact(kTester, [&](Writer& writer) { return writer.put_packages(uri, own); });
  }
  std::uint32_t platform() { return need(store->platforms()).front().id; }
  std::vector<Package> own() { return own_packages(of_site(), code().packages, "standard"); }
};

TEST_F(PackageRows, AreKeptAndReplacedWhole) {
  EXPECT_EQ(need(store->codebase(platform())), Codebase{});
  const std::uint64_t before = need(store->sequence());
  need(put_codebase(code()));
  need(put_packages(own()));
  reopen();
  EXPECT_EQ(need(store->codebase(platform())), code());
  EXPECT_EQ(need(store->profiles(platform())), code().profiles);
  EXPECT_EQ(need(store->own_packages(site("shop.example").id)), own());
  EXPECT_EQ(need(store->sequence()), before) << "the site map has nothing of it";
  const std::size_t deeds = need(store->audit()).size();
  need(put_codebase(code()));
  need(put_packages(own()));
  EXPECT_EQ(need(store->audit()).size(), deeds) << "nothing has changed";
  Codebase other = code();
  other.packages.resize(1);
  other.profiles.pop_back();
  need(put_codebase(other));
  EXPECT_EQ(need(store->codebase(platform())), other);
  need(put_packages({}));
  EXPECT_THAT(need(store->own_packages(site("shop.example").id)), IsEmpty());
  need(put_codebase({}));
  EXPECT_EQ(need(store->codebase(platform())), Codebase{});
}

TEST_F(PackageRows, GoWithTheirSiteAndPlatform) {
  need(put_codebase(code()));
  need(put_packages(own()));
  const std::uint64_t id = site("shop.example").id;
  Site renamed = site("shop.example");
  renamed.uri = "new.example";
  need(store->transact(kTester, [&](Writer& writer) { return writer.rename_site("shop.example", renamed); }));
  EXPECT_EQ(need(store->own_packages(id)), own()) << "it is the same site";
  need(remove(renamed));
  EXPECT_THAT(need(store->own_packages(id)), IsEmpty());
  need(store->transact(kTester, [&](Writer& writer) { return writer.remove_platform("d10"); }));
  EXPECT_EQ(need(store->codebase(platform())), Codebase{});
  EXPECT_THAT(error_of(put_codebase(code())), HasSubstr("there is no platform 'd10'"));
  EXPECT_THAT(error_of(put_packages({})), HasSubstr("there is no site 'shop.example'"));
}

TEST_F(PackageRows, RefuseWhatCanBeNoPackage) {
  const auto with = [](const auto change) {
    Codebase wrong = code();
    change(wrong);
    return wrong;
  };
  EXPECT_THAT(error_of(put_codebase(with([](Codebase& c) { c.version.clear(); }))), HasSubstr("codebase/version"));
  EXPECT_THAT(error_of(put_codebase(with([](Codebase& c) { c.packages[1].path = "../x"; }))),
              HasSubstr("codebase/packages/1/path"));
  EXPECT_THAT(error_of(put_codebase(with([](Codebase& c) { c.packages[0].name = "a/b"; }))),
              HasSubstr("codebase/packages/0/name"));
  EXPECT_THAT(error_of(put_codebase(with([](Codebase& c) { c.packages[0].title = "a\x1b[2J"; }))),
              HasSubstr("control character"));
  EXPECT_THAT(error_of(put_codebase(with([](Codebase& c) { std::swap(c.packages[0], c.packages[2]); }))),
              HasSubstr("sorted"));
  EXPECT_THAT(error_of(put_codebase(with([](Codebase& c) { c.profiles[1] = c.profiles[0]; }))), HasSubstr("sorted"));
  EXPECT_THAT(error_of(put_packages({module("x", "/etc")})), HasSubstr("no path below the docroot"));
  EXPECT_EQ(need(store->codebase(platform())), Codebase{});
}

TEST_F(PackageRows, SurviveTheRoundTripByteForByte) {
  need(put_codebase(code()));
  need(put_packages(own()));
  need(put(test_site("unread.example")));
  const std::string text = need(export_json(*store));
  auto copy = memory_store();
  import(*copy, text, true);
  EXPECT_EQ(need(export_json(*copy)), text);
  EXPECT_EQ(need(copy->codebase(1)), code());
  // A merge leaves alone what it does not name, and forgets what is null.
  import(*store, R"({"platforms": {"d10": {"body_limit": 7}}, "sites": {"shop.example": {"profile": "minimal"}}})");
  EXPECT_EQ(need(store->codebase(platform())), code());
  EXPECT_EQ(need(store->own_packages(site("shop.example").id)), own());
  import(*store, R"({"platforms": {"d10": {"codebase": null}}, "sites": {"shop.example": {"packages": null}}})");
  EXPECT_EQ(need(store->codebase(platform())), Codebase{});
  EXPECT_THAT(need(store->own_packages(site("shop.example").id)), IsEmpty());
}

TEST_F(PackageRows, AreRefusedAtTheirPlaceInADocument) {
  const auto errors = [&](const std::string& platform) {
    return errors_of(import_json(*store, R"({"platforms": {"d10": )" + platform + "}}", "f.json", {}, kTester));
  };
  EXPECT_THAT(errors(R"({"codebase": {"version": "1", "packages": [{"kind": "modul", "name": "x"}]}})"),
              HasSubstr("did you mean 'module'?"));
  EXPECT_THAT(errors(R"({"codebase": {"version": "1", "packages": [{"kind": "module", "name": "x"}]}})"),
              HasSubstr("f.json:1:"));
  EXPECT_THAT(errors(R"({"codebase": {"packages": []}})"), HasSubstr("codebase/version: is missing"));
  EXPECT_THAT(errors(R"({"codebase": {"version": "1", "profiles": {"p": {"paths": "x"}}}})"),
              HasSubstr("there is no key 'paths' here"));
  EXPECT_EQ(need(store->codebase(platform())), Codebase{});
}

/// A fleet's sites have their platform's code in common; what stands in the registry for each has to stay small.
TEST_F(PackageRows, OfAFleetAreSmall) {
  constexpr std::size_t kModules = 400;
  constexpr std::size_t kEnabled = 100;
  constexpr std::size_t kSites = 200;
  Codebase large = code();
  large.packages.clear();
  std::vector<Package> all;
  for (std::size_t n = 0; n < kModules; ++n) {
    const std::string name = "contributed_module_" + std::to_string(1000 + n);
    large.packages.push_back(module(name, "modules/contrib/" + name, PackagePlace::kPlatform));
    all.push_back(large.packages.back());
    all.back().enabled = n < kEnabled;
    if (n >= kEnabled) all.back().schema.reset();
  }
  need(put(Block{"fleet", "web1", "8.2", "", 400000, kSites, 5}));
  Platform platform = test_platform();
  platform.block = "fleet";
  need(put(platform));
  need(put_codebase(large));
  std::vector<std::string> uris;
  for (std::size_t n = 0; n < kSites; ++n) {
    uris.push_back("s" + std::to_string(n) + ".example");
    need(put(test_site(uris.back())));
  }
  const auto bytes = [&] {
    reopen();  // writes the journal into the file
    return std::filesystem::file_size(path);
  };
  const std::uintmax_t before = bytes();
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& uri : uris) {
    need(put_packages(own_packages(all, large.packages, "standard"), uri));
  }
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  const std::uintmax_t each = (bytes() - before) / kSites;
  const std::vector<Package> kept = need(store->own_packages(site(uris.back()).id));
  EXPECT_EQ(kept.size(), kEnabled);
  EXPECT_EQ(packages_of(kept, large.packages, "standard"), all);
  std::cout << "packages of a site with " << kEnabled << " of " << kModules << " modules enabled: " << each
            << " bytes, written in " << time.count() / static_cast<long>(kSites) << " µs\n";
  EXPECT_LT(each, 8192U);
}

}  // namespace
}  // namespace aegir::registry
