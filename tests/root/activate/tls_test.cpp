// Sites over https with certificates from config/ssl.d, on both servers, also while certificates come and go.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/root/activate/tls_fixture.hpp"

namespace aegir::publish {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(TlsTest, ASiteAnswersWithItsOwnCertificateAsByHttp) {
  installation_.apache().expect_log("Symbolic link not allowed or link target not accessible");
  installation_.nginx().expect_log("Too many levels of symbolic links");
  EXPECT_TRUE(copies().empty()) << "no certificate, no https";
  put_certificate("a.test", "DNS:a.test,DNS:www.a.test,DNS:*.wild.test,DNS:old.test");
  expect_fine();
  expect_soon("a.test", "/style.css", "a style");
  for (const char* host : {"a.test", "www.a.test", "x.wild.test"}) {
    each(host, "/node/1?x", [&](const std::string& answer) {
      for (const std::string& line : {std::string("AEGIR_SITE=a.test\n"), "AEGIR_HOST=" + std::string(host) + "\n",
                                      std::string("\nHTTPS=on\n"), std::string("db_passwd=password-of-a.test\n"),
                                      std::string("REQUEST_URI=/node/1?x\n"), std::string("uid=612000\n")}) {
        EXPECT_THAT(answer, HasSubstr(line));
      }
      EXPECT_EQ(answer.find("\nHTTPS="), answer.rfind("\nHTTPS="));
    });
  }
  for (const Server& server : servers()) {
    const std::string port = std::to_string(server.https_port);
    EXPECT_THAT(get(server, "a.test", "/node/1"), HasSubstr("\nSERVER_PORT=" + port + "\n")) << server.name;
    EXPECT_THAT(get(server, "a.test", "/node/1"), HasSubstr("\nHTTP_HOST=a.test:" + port + "\n")) << server.name;
    EXPECT_THAT(get(server, "old.test", "/x?y"), HasSubstr("ocation: https://a.test:" + port + "/x?y\r\n"));
    EXPECT_THAT(get(server, "a.test", "/style.css", {"--http2"}), HasSubstr("HTTP/2 200")) << server.name;
    EXPECT_THAT(get(server, "a.test", "/node/1", {"--http2"}), HasSubstr("db_passwd=password-of-a.test\n"));
    EXPECT_THAT(get(server, "a.test", "/style.css", {"--tls-max", "1.1"}), HasSubstr("curl: (35)")) << server.name;
  }
  each("a.test", "/files/f.txt", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("file of a.test")); });
  for (const auto& [path, status] :
       {std::pair{"/sites/b.test/files/f.txt", " 404"}, std::pair{"/sites/a.test/files/x.php", " 403"},
        std::pair{"/sites/a.test/private/secret.txt", " 403"}, std::pair{"/sites/a.test/files/stolen.txt", " 403"},
        std::pair{"/.well-known/acme-challenge/token", " 200"}}) {
    each("a.test", path, [&, wanted = status](const std::string& answer) { EXPECT_THAT(answer, HasSubstr(wanted)); });
  }
  EXPECT_TRUE(live::eventually([&] { return activate().done.empty(); })) << "nothing is new";
  visitor_->stop();
}

TEST_F(TlsTest, TheHttpsPolicyLeadsThere) {
  visitor_ = nullptr;
  put_certificate("a.test", "DNS:a.test,DNS:www.a.test");
  expect_fine();
  installation_.content().sites.at(0).https = map::Https::kRequired;
  installation_.publish();
  expect_soon("www.a.test", "/style.css", "a style");
  for (const Server& server : servers()) {
    SCOPED_TRACE(server.name);
    const live::Response plain = live::ask(server.http, live::get("www.a.test", "/x?y"));
    EXPECT_EQ(plain.status, 301);
    EXPECT_EQ(plain.value("Location"), "https://www.a.test:" + std::to_string(server.https_port) + "/x?y");
    EXPECT_EQ(live::ask(server.http, live::get("www.a.test", "/.well-known/acme-challenge/token")).status, 200);
    EXPECT_THAT(get(server, "www.a.test", "/x?y"), HasSubstr("\nHTTPS=on\n"));
  }
  installation_.content().sites.at(0).state = map::SiteState::kMaintenance;
  installation_.publish();
  each("a.test", "/", [](const std::string& answer) {
    EXPECT_THAT(answer, HasSubstr(" 503"));
    EXPECT_THAT(answer, HasSubstr("etry-"));
  });
}

TEST_F(TlsTest, NamesWithoutACertificateGetNobodyElses) {
  put_certificate("a.test", "DNS:a.test");
  expect_fine();
  expect_soon("a.test", "/style.css", "a style");
  for (const char* host : {"www.a.test", "b.test", "nobody.test"}) {
    each(host, "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("curl: (60)")); });
  }
  // Who does not look at the certificate, as a load balancer, gets the site.
  each("b.test", "/node/1", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("AEGIR_SITE=b.test\n")); },
       {"-k"});
  each("nobody.test", "/", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr(" 404")); }, {"-k"});
  // One for all other names is a certificate in the folder "default".
  put_certificate("default", "DNS:b.test,DNS:c.test");
  expect_fine();
  expect_soon("b.test", "/style.css", "a style");
  each("a.test", "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("a style")); });
}

TEST_F(TlsTest, EachNameHasTheNearestCertificate) {
  put_certificate("a.test", "DNS:a.test,DNS:b.test,DNS:www.b.test,DNS:*.test");
  put_certificate("b.test", "DNS:b.test");
  expect_fine();
  expect_soon("b.test", "/style.css", "a style");
  for (const Server& server : servers()) {
    for (const auto& [host, other] : {std::pair{"b.test", "a.test"}, std::pair{"a.test", "b.test"}}) {
      const std::string shown =
          live::run({"/bin/sh", "-c",
                     "openssl s_client -connect 127.0.0.1:" + std::to_string(server.https_port) + " -servername " +
                         host + " </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName"})
              .output;
      EXPECT_EQ(shown.contains("DNS:a.test"), std::string(host) == "a.test") << server.name << ' ' << host << shown;
    }
  }
  installation_.apache().expect_log("AH02032: Hostname a.test provided via SNI and hostname b.test provided via HTTP");
  const std::string longest = std::string(60, 'l') + '.' + std::string(60, 'l') + ".example.test";
  put_certificate("c.test", "DNS:" + longest);
  expect_fine();
  expect_soon(longest, "/", " 404");
  // Sent over the other's connection: the map decides, and Apache may ask for another connection.
  for (const Server& server : servers()) {
    const std::string answer = get(server, "a.test", "/node/1", {"-H", "Host: b.test"});
    EXPECT_TRUE(answer.contains("AEGIR_SITE=b.test\n") || answer.contains(" 421")) << server.name << answer;
    EXPECT_THAT(answer, Not(HasSubstr("password-of-a")));
  }
}

TEST_F(TlsTest, ASiteWithAServerOfItsOwnHasItByHttpsToo) {
  model_.platforms[0].body_limit = 1;
  model_.own_sites = {{"a.test", "p1", 3}};
  live::put(in("apache", "vhost.d/a.test.local.conf"), "Header always set X-Own yes\n");
  live::put(in("nginx", "vhost.d/a.test.local.conf"), "add_header X-Own yes always;\n");
  put_certificate("a.test", "DNS:a.test,DNS:www.a.test");
  expect_fine();
  expect_soon("a.test", "/style.css", "-own: yes");
  each("www.a.test", "/node/1", [](const std::string& answer) {
    EXPECT_THAT(answer, HasSubstr("\nHTTPS=on\n"));
    EXPECT_THAT(answer, HasSubstr("AEGIR_SITE=a.test\n"));
  });
}

TEST_F(TlsTest, CertificatesComeAndGoWithoutAFailedRequest) {
  // http is asked all the time by the visitor; https by this.
  put_certificate("b.test", "DNS:b.test");
  expect_fine();
  expect_soon("b.test", "/style.css", "a style");
  std::string urls;
  for (const Server& server : servers()) {
    for (int i = 0; i < 20; ++i) {
      urls += "url = https://b.test:" + std::to_string(server.https_port) +
              "/style.css\nresolve = b.test:" + std::to_string(server.https_port) + ":127.0.0.1\noutput = /dev/null\n";
    }
  }
  const std::string root = installation_.root();
  live::put(root + "/urls", urls);
  live::put(root + "/visit.sh",
            "while [ ! -e " + root +
                "/stop ]; do curl -sS --fail --http1.1 --noproxy '*' -H 'Connection: close' --cacert " + root +
                "/authority/ca.crt -K " + root + "/urls >>" + root + "/failed 2>&1 && echo >>" + root +
                "/good; done\n");
  live::Process visits(
      {.argv = {"/bin/sh", root + "/visit.sh"}, .environment = {}, .output = root + "/out", .directory = {}});
  EXPECT_TRUE(live::eventually([&] { return fs::exists(root + "/good"); }));
  for (int round = 0; round < 2; ++round) {
    put_certificate("a.test", "DNS:a.test");
    expect_fine();
    expect_soon("a.test", "/style.css", "a style");
    put_certificate("a.test", "DNS:a.test,DNS:www.a.test");
    expect_fine();
    expect_soon("www.a.test", "/style.css", "a style");
    fs::remove_all(folder("a.test"));
    expect_fine();
    expect_soon("a.test", "/style.css", "curl: (60)");
    EXPECT_EQ(copies().size(), 2U) << "of b.test and for all other names";
  }
  live::put(root + "/stop", "");
  EXPECT_EQ(visits.wait(), 0);
  EXPECT_EQ(live::slurp(root + "/failed"), "");
  visitor_->stop();
  // Without the last one https goes on for who does not look, until somebody takes the copies away.
  fs::remove_all(folder("b.test"));
  expect_fine();
  expect_soon("b.test", "/style.css", "curl: (60)");
  each("b.test", "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("a style")); }, {"-k"});
  EXPECT_EQ(copies().size(), 1U);
  EXPECT_TRUE(live::eventually([&] { return activate().done.empty(); })) << "it stays so";
  fs::remove_all(server_config_dir(config_, "local") + "/ssl.d");
  expect_fine();
  expect_soon("b.test", "/style.css", "curl: (7)");
  EXPECT_TRUE(copies().empty());
}

}  // namespace
}  // namespace aegir::publish
