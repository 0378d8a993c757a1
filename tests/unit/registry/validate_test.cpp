// The rules for single objects: what passes, what is refused and in which field.
#include "compiler/registry/validate.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "tests/unit/registry/registry_fixture.hpp"

namespace aegir::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> fields_of(const Problems& problems) {
  std::vector<std::string> fields;
  for (const Problem& problem : problems) fields.push_back(problem.field);
  return fields;
}

template <class Object>
std::vector<std::string> refused(Object object, const std::function<void(Object&)>& change) {
  EXPECT_THAT(fields_of(validate(object)), IsEmpty());
  change(object);
  return fields_of(validate(object));
}

std::vector<std::string> site_refused(const std::function<void(Site&)>& change) {
  Site site = test_site("shop.example");
  site.aliases = {{"*.shop.example", ""}, {"a.example", ""}, {"b.example", ""}};
  return refused<Site>(site, change);
}

TEST(Validate, ObjectNames) {
  for (const char* good : {"a", "0", "web-1", "a_b", "0123456789abcdef0123456789abcdef"})
    EXPECT_TRUE(is_object_name(good)) << good;
  for (const char* bad : {"", "-a", "_a", "A", "a.b", "a b", "ä", "a/b", "0123456789abcdef0123456789abcdef0"}) {
    EXPECT_FALSE(is_object_name(bad)) << bad;
  }
}

TEST(Validate, HostsAndOrigins) {
  for (const char* good : {"a.example", "localhost", "xn--mnchen-3ya.example", "a_b.example", "10.0.0.1"}) {
    EXPECT_TRUE(is_host(good, false)) << good;
  }
  for (const char* bad :
       {"", "A.example", "a.example.", ".a", "a..b", "*.example", "a.example:80", "xn--a.example", "a/b"}) {
    EXPECT_FALSE(is_host(bad, false)) << bad;
  }
  EXPECT_FALSE(is_host(std::string(64, 'a') + ".example", false));
  EXPECT_TRUE(is_host("*.example", true));
  EXPECT_FALSE(is_host("*.*.example", true));
  EXPECT_FALSE(is_host("*", true));
  for (const char* good : {"http://a.example", "https://a.example", "https://a.example:8443"})
    EXPECT_TRUE(is_origin(good)) << good;
  for (const char* bad :
       {"a.example", "ftp://a.example", "https://", "https://a.example/", "https://a.example/x",
        "https://a.example:", "https://a.example:0", "https://a.example:080", "https://a.example:65536",
        "https://u@a.example", "HTTPS://a.example", "https://A.example", "//a.example"}) {
    EXPECT_FALSE(is_origin(bad)) << bad;
  }
}

TEST(Validate, NamesOfASite) {
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "Shop.example"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "*.example"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "default"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "all"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "local.sites.php"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "shop.example.local.conf"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "server_local"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "platform_d10"; }), ElementsAre(""));
  EXPECT_THAT(site_refused([](Site& s) { s.uri = "a.example"; }), ElementsAre("aliases/a.example"));
  EXPECT_THAT(site_refused([](Site& s) { s.aliases[1].host = "b.example"; }), ElementsAre("aliases/b.example"));
  EXPECT_THAT(site_refused([](Site& s) { s.aliases[1].host = "a example"; }), ElementsAre("aliases/a example"));
  EXPECT_THAT(site_refused([](Site& s) { s.former_uris = {"x.example", "x.example"}; }),
              ElementsAre("former_uris/x.example"));
  EXPECT_THAT(site_refused([](Site& s) { s.former_uris = {"shop.example"}; }), ElementsAre("former_uris/shop.example"));
  EXPECT_THAT(site_refused([](Site& s) { s.former_uris = {"*.example"}; }), ElementsAre("former_uris/*.example"));
}

TEST(Validate, RedirectsOfASite) {
  const auto good = [](const std::function<void(Site&)>& change) { return site_refused(change); };
  EXPECT_THAT(good([](Site& s) { s.redirect_to = "a.example"; }), IsEmpty());
  EXPECT_THAT(good([](Site& s) { s.redirect_to = "shop.example"; }), IsEmpty());
  EXPECT_THAT(good([](Site& s) { s.redirect_to = "https://elsewhere.example"; }), IsEmpty());
  EXPECT_THAT(good([](Site& s) { s.aliases[1].redirect_to = "b.example"; }), IsEmpty());
  EXPECT_THAT(good([](Site& s) { s.aliases[1].redirect_to = "elsewhere.example"; }), IsEmpty());
  EXPECT_THAT(site_refused([](Site& s) { s.redirect_to = "elsewhere.example"; }), ElementsAre("redirect_to"));
  EXPECT_THAT(site_refused([](Site& s) { s.redirect_to = "*.shop.example"; }), ElementsAre("redirect_to"));
  EXPECT_THAT(site_refused([](Site& s) { s.redirect_to = "https://elsewhere.example/path"; }),
              ElementsAre("redirect_to"));
  EXPECT_THAT(site_refused([](Site& s) { s.redirect_to = "https://a.example"; }), ElementsAre("redirect_to"))
      << "its own name as an origin would redirect to itself";
  EXPECT_THAT(site_refused([](Site& s) { s.aliases[1].redirect_to = "a.example"; }),
              ElementsAre("aliases/a.example/redirect_to"));
  EXPECT_THAT(site_refused([](Site& s) {
                s.redirect_to = "a.example";
                s.aliases[1].redirect_to = "shop.example";
              }),
              ElementsAre("redirect_to", "aliases/a.example/redirect_to"))
      << "shop -> a -> shop";
  EXPECT_THAT(site_refused([](Site& s) {
                s.redirect_to = "shop.example";
                s.aliases[1].redirect_to = "b.example";
              }),
              ElementsAre("aliases/a.example/redirect_to"))
      << "b redirects on to shop";
}

TEST(Validate, OtherFieldsOfASite) {
  EXPECT_THAT(site_refused([](Site& s) { s.platform = ""; }), ElementsAre("platform"));
  EXPECT_THAT(site_refused([](Site& s) { s.client = "A"; }), ElementsAre("client"));
  EXPECT_THAT(site_refused([](Site& s) { s.profile = "my-profile"; }), ElementsAre("profile"));
  EXPECT_THAT(site_refused([](Site& s) { s.language = ""; }), ElementsAre("language"));
  EXPECT_THAT(site_refused([](Site& s) { s.http_auth = HttpAuth{"a:b", "x", "r"}; }), ElementsAre("http_auth/user"));
  EXPECT_THAT(site_refused([](Site& s) { s.http_auth = HttpAuth{"a", "", "a\"b"}; }),
              ElementsAre("http_auth/password", "http_auth/realm"));
  EXPECT_THAT(site_refused([](Site& s) { s.cron_key = "a/b"; }), ElementsAre("cron_key"));
  EXPECT_THAT(site_refused([](Site& s) { s.cron_key = std::string("a\0b", 3); }), ElementsAre("cron_key"));
  EXPECT_THAT(site_refused([](Site& s) { s.hash_salt = "a\nb"; }), ElementsAre("hash_salt"));
  EXPECT_THAT(site_refused([](Site& s) { s.body_limit = 65537; }), ElementsAre("body_limit"));
  EXPECT_THAT(site_refused([](Site& s) { s.key_pages = {"/", "node/1"}; }), ElementsAre("key_pages/1"));
  EXPECT_THAT(site_refused([](Site& s) { s.key_pages = {"/a\nb"}; }), ElementsAre("key_pages/0"));
  EXPECT_THAT(
      site_refused([](Site& s) { s.php = {0, 0, 0, 0}; }),
      ElementsAre("php/memory_limit", "php/upload_max_filesize", "php/post_max_size", "php/max_execution_time"));
  EXPECT_THAT(site_refused([](Site& s) { s.database.name = "a.b"; }), ElementsAre("database/name"));
  EXPECT_THAT(site_refused([](Site& s) { s.database.user = ""; }), ElementsAre("database/user"));
  EXPECT_THAT(site_refused([](Site& s) { s.database.password = ""; }), ElementsAre("database/password"));
  EXPECT_THAT(site_refused([](Site& s) { s.database.password = "a\nb"; }), ElementsAre("database/password"));
  EXPECT_THAT(site_refused([](Site& s) { s.database.password = "a\xff"; }), ElementsAre("database/password"));
  EXPECT_THAT(site_refused([](Site& s) { s.database.server = ""; }), ElementsAre("database/server"));
}

TEST(Validate, Servers) {
  const auto server_refused = [](const std::function<void(Server&)>& change) {
    return refused<Server>(test_server(), change);
  };
  EXPECT_THAT(server_refused([](Server& s) { s.host = "::1"; }), IsEmpty());
  EXPECT_THAT(server_refused([](Server& s) { s.host = "a b"; }), ElementsAre("host"));
  EXPECT_THAT(server_refused([](Server& s) { s.web[0].kind = kNginx; }), ElementsAre("web/nginx"));
  EXPECT_THAT(server_refused([](Server& s) { s.web[1].http_port = 8080; }), ElementsAre("web/nginx/http_port"));
  EXPECT_THAT(server_refused([](Server& s) { s.web[0].https_port = 0; }), ElementsAre("web/apache/https_port"));
  EXPECT_THAT(server_refused([](Server& s) { s.web[0].probe_address = "localhost"; }),
              ElementsAre("web/apache/probe_address"));
  EXPECT_THAT(server_refused([](Server& s) { s.database = DatabaseService{"MySQL", "", 0}; }),
              ElementsAre("database/type", "database/host", "database/port"));
}

TEST(Validate, PlatformsBlocksClientsAndSettings) {
  const auto platform = [](const std::string& docroot) {
    return refused<Platform>(test_platform(), [&](Platform& p) { p.docroot = docroot; });
  };
  for (const char* good : {"/a", "/a/..b", "/a/ü"}) EXPECT_THAT(platform(good), IsEmpty()) << good;
  for (const char* bad : {"", "/", "a", "/a/", "/a/../b", "/a/..", "/a//b", "/a/./b", "/a\tb"}) {
    EXPECT_THAT(platform(bad), ElementsAre("docroot")) << bad;
  }
  EXPECT_THAT(refused<Platform>(test_platform(), [](Platform& p) { p.services = 0; }), ElementsAre("services"));

  const auto block = [](const std::function<void(Block&)>& change) {
    return refused<Block>(Block{"main", "web1", "8.2", "", 300000, 64, 5}, change);
  };
  EXPECT_THAT(block([](Block& b) { b.php_version = "8"; }), ElementsAre("php_version"));
  EXPECT_THAT(block([](Block& b) { b.php_version = "8.2.1"; }), ElementsAre("php_version"));
  EXPECT_THAT(block([](Block& b) { b.first_uid = 33; }), ElementsAre("first_uid"));
  EXPECT_THAT(block([](Block& b) { b.first_uid = 65500; }), ElementsAre("first_uid"));
  EXPECT_THAT(block([](Block& b) { b.slots = 0; }), ElementsAre("slots"));
  EXPECT_THAT(block([](Block& b) { b.max_children = 0; }), ElementsAre("max_children"));
  EXPECT_THAT(block([](Block& b) { b.isolation = Isolation::kShared; }), ElementsAre("slots"));

  const auto client = [](const std::string& email) {
    return refused<Client>(Client{"acme", "Acme", ""}, [&](Client& c) { c.email = email; });
  };
  EXPECT_THAT(client("a@b.example"), IsEmpty());
  for (const char* bad : {"a", "@b", "a@", "a b@c", "a@b\nc"}) EXPECT_THAT(client(bad), ElementsAre("email")) << bad;

  Settings settings;
  settings.console_url = "https://console.example/";
  settings.alias_defaults.patterns = {"www.{uri}", "{uri}", "www.example"};
  settings.log_days = 0;
  EXPECT_THAT(fields_of(validate(settings)),
              ElementsAre("console_url", "alias_defaults/patterns/1", "alias_defaults/patterns/2", "log_days"));
}

}  // namespace
}  // namespace aegir::registry
