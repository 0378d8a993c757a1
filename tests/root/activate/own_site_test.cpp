// A site that differs from its platform: it becomes so and stops being so while both sites are visited all the time.
#include <filesystem>

#include "compiler/emit/people.hpp"
#include "tests/root/activate/activation_fixture.hpp"

namespace aegir::publish {
namespace {

using testing::HasSubstr;

constexpr std::size_t kMiB = 1U << 20U;

class OwnSiteTest : public ActivationTest {
 protected:
  OwnSiteTest() {
    installation_.content().sites.at(0).aliases = {{".wild.test", ""}, {"www.a.test", ""}};
    installation_.publish();
  }

  /// What both servers say, by their names.
  void each(const std::string& request, const std::function<void(const live::Response&)>& check) const {
    for (const auto& [name, server] :
         {std::pair{"apache", installation_.apache_endpoint()}, std::pair{"nginx", installation_.nginx_endpoint()}}) {
      SCOPED_TRACE(std::string(name) + ": " + request.substr(0, 60));
      check(live::ask(server, request));
    }
  }
  /// Both servers come to say so: workers of before may still take a connection or two.
  void expect_soon(const std::string& request, const std::function<bool(const live::Response&)>& is_right) const {
    for (const live::Endpoint& server : {installation_.apache_endpoint(), installation_.nginx_endpoint()}) {
      SCOPED_TRACE(request.substr(0, 60));
      EXPECT_TRUE(live::eventually([&] { return is_right(live::ask(server, request)); }));
    }
  }
  void expect_own(const std::string& host, bool own, const std::string& path = "/style.css") const {
    expect_soon(live::get(host, path), [&](const live::Response& answer) {
      return answer.status == 200 && answer.header("X-Own").has_value() == own;
    });
  }
  /// Activates, and waits until workers of before take no connections any more.
  void change(bool own) {
    expect_fine();
    for (const live::Endpoint& server : {installation_.apache_endpoint(), installation_.nginx_endpoint()}) {
      EXPECT_TRUE(live::eventually([&] {
        int right = 0;
        while (right < 300 && live::ask(server, live::get("a.test", "/style.css")).header("X-Own").has_value() == own) {
          ++right;
        }
        return right == 300;
      }));
    }
  }
  void expect_post(const std::string& host, std::size_t size, int status) const {
    expect_soon("POST /try.php?do=groups HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nContent-Length: " +
                    std::to_string(size) + "\r\n\r\n" + std::string(size, 'x'),
                [&](const live::Response& answer) { return answer.status == status; });
  }
  /// The same with a body whose size shows only when it is there.
  void expect_chunks(const std::string& host, std::size_t size, int status) const {
    expect_soon("POST /try.php?do=groups HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n" +
                    live::in_chunks({size}, 'x'),
                [&](const live::Response& answer) { return answer.status == status; });
  }
  void write_local() {
    live::put(in("apache", emit::own_site_local("a.test")), "Header always set X-Own yes\n");
    live::put(in("nginx", emit::own_site_local("a.test")), "add_header X-Own yes always;\n");
  }
};

TEST_F(OwnSiteTest, APersonsFileHoldsForItsSiteAlone) {
  for (int round = 0; round < 2; ++round) {
    write_local();
    model_.own_sites = {{"a.test", "p1"}};
    change(true);
    EXPECT_TRUE(activate().done.empty()) << "the second time nothing is new";
    for (const char* host : {"a.test", "www.a.test", "x.wild.test"}) expect_own(host, true);
    expect_own("b.test", false);
    each(live::get("www.a.test", "/node/1"), [](const live::Response& answer) {
      EXPECT_EQ(answer.value("X-Own"), "yes");
      for (const char* line : {"AEGIR_SITE=a.test\n", "AEGIR_HOST=www.a.test\n", "db_passwd=password-of-a.test\n",
                               "SCRIPT_NAME=/index.php\n", "uid=612000\n"}) {
        EXPECT_THAT(answer.body, HasSubstr(line));
      }
    });
    each(live::get("a.test", "/files/f.txt"),
         [](const live::Response& answer) { EXPECT_EQ(answer.body, "file of a.test"); });
    for (const auto& [path, status] :
         {std::pair{"/sites/b.test/files/f.txt", 404}, std::pair{"/sites/a.test/files/x.php", 403},
          std::pair{"/sites/a.test/private/secret.txt", 403}}) {
      each(live::get("a.test", path), [&](const live::Response& answer) { EXPECT_EQ(answer.status, status) << path; });
    }
    for (const char* service : {"apache", "nginx"})
      std::filesystem::remove(in(service, emit::own_site_local("a.test")));
    model_.own_sites.clear();
    change(false);
  }
  visitor_->stop();
}

TEST_F(OwnSiteTest, NamesAreRightAtOnceWhoeverHadThem) {
  write_local();
  // A virtual host takes what its names say, but the site decides.
  live::put(in("apache", emit::own_site_local("a.test")), "Header always set X-Own yes\nServerAlias b.test\n");
  model_.own_sites = {{"a.test", "p1"}};
  change(true);
  expect_own("b.test", false);
  std::vector<map::SiteRecord>& sites = installation_.content().sites;
  sites.at(0).aliases = {{".wild.test", ""}, {"new.test", ""}};
  sites.at(1).aliases = {{"www.a.test", ""}, {"x.wild.test", ""}};
  installation_.publish();
  for (const char* host : {"a.test", "new.test", "y.wild.test"}) expect_own(host, true);
  for (const char* host : {"b.test", "www.a.test", "x.wild.test"}) expect_own(host, false);
  each(live::get("x.wild.test", "/node/1"),
       [](const live::Response& answer) { EXPECT_THAT(answer.body, HasSubstr("db_passwd=password-of-b.test\n")); });
}

TEST_F(OwnSiteTest, TheBodyLimitIsTheSitesOwn) {
  installation_.nginx().expect_log("client intended to send too large (chunked )?body");
  installation_.apache().expect_log("AH02608: read request body failed");
  write_local();
  model_.platforms[0].body_limit = 1;
  model_.own_sites = {{"a.test", "p1", 3}};
  change(true);
  expect_post("a.test", 2 * kMiB, 200);
  expect_post("www.a.test", 2 * kMiB, 200);
  expect_post("a.test", 4 * kMiB, 413);
  expect_post("b.test", 2 * kMiB, 413);
  expect_chunks("a.test", 2 * kMiB, 200);
  expect_chunks("a.test", 4 * kMiB, 413);
  expect_chunks("b.test", 2 * kMiB, 413);
  for (const char* service : {"apache", "nginx"}) std::filesystem::remove(in(service, emit::own_site_local("a.test")));
  model_.own_sites.clear();
  change(false);
  expect_post("a.test", 2 * kMiB, 413);
  visitor_->stop();
}

TEST_F(OwnSiteTest, GatesAndRedirectsAreTheMaps) {
  visitor_ = nullptr;
  write_local();
  model_.own_sites = {{"a.test", "p1", 3}};
  change(true);
  map::SiteRecord& site = installation_.content().sites.at(0);
  site.aliases = {{"old.test", "a.test"}};
  installation_.publish();
  each(live::get("old.test", "/x?y"), [](const live::Response& answer) {
    EXPECT_EQ(answer.status, 301);
    EXPECT_THAT(answer.value("Location"), testing::EndsWith("a.test/x?y"));
    EXPECT_EQ(answer.value("X-Own"), "yes") << "such a header may be what makes a browser insist on https";
  });
  site.state = map::SiteState::kMaintenance;
  installation_.publish();
  each(live::get("a.test", "/style.css"), [](const live::Response& answer) {
    EXPECT_EQ(answer.status, 503);
    EXPECT_TRUE(answer.header("Retry-After"));
  });
  each(live::get("b.test", "/style.css"), [](const live::Response& answer) { EXPECT_EQ(answer.status, 200); });
}

TEST_F(OwnSiteTest, ABrokenFileOfOneSiteIsLeftOutAndTheSiteGoesOn) {
  live::put(in("nginx", emit::own_site_local("a.test")), "nonsense;\n");
  live::put(in("apache", emit::own_site_local("a.test")), "Nonsense\n");
  model_.own_sites = {{"a.test", "p1", 3}};
  const Activation done = activate();
  ASSERT_EQ(done.errors.size(), 2U) << describe_all(done);
  EXPECT_THAT(describe_all(done), HasSubstr(in("apache", emit::own_site_local("a.test")) + ":1: Apache goes on"));
  EXPECT_THAT(describe_all(done), HasSubstr(in("nginx", emit::own_site_local("a.test")) + ":1: nginx goes on"));
  expect_own("a.test", false);
  write_local();
  change(true);
}

TEST_F(OwnSiteTest, PeoplesOwnServersGoOnBesideIt) {
  write_local();
  model_.own_sites = {{"a.test", "p1"}};
  for (const char* name : {"mine.conf", "l.conf", "local.conf", "intranet.local.conf", "xlocal.conf"}) {
    const std::string host = std::string(name) + ".example";
    live::put(in("nginx", "vhost.d/" + std::string(name)),
              "server { listen 127.0.0.1:" + std::to_string(installation_.nginx_endpoint().port) + "; server_name " +
                  host + "; location / { return 200 '" + host + "'; } }\n");
    live::put(in("apache", "vhost.d/" + std::string(name)),
              "<VirtualHost 127.0.0.1:" + std::to_string(installation_.apache_endpoint().port) + ">\nServerName " +
                  host + "\nRedirect 301 / http://" + host + ".to/\n</VirtualHost>\n");
  }
  change(true);
  for (const char* name : {"mine.conf", "l.conf", "local.conf", "intranet.local.conf", "xlocal.conf"}) {
    const std::string host = std::string(name) + ".example";
    EXPECT_EQ(live::ask(installation_.nginx_endpoint(), live::get(host, "/")).body, host);
    EXPECT_EQ(live::ask(installation_.apache_endpoint(), live::get(host, "/")).value("Location"),
              "http://" + host + ".to/");
  }
  expect_own("a.test", true);
  expect_own("b.test", false);
}

}  // namespace
}  // namespace aegir::publish
