// Certificates in config/ssl.d, served by both servers over real TLS: put down, renewed, broken and taken away while
// the sites are visited.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/root/activate/activation_fixture.hpp"

namespace aegir::publish {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class TlsTest : public ActivationTest {
 protected:
  TlsTest() {
    installation_.content().sites.at(0).aliases = {{".wild.test", ""}, {"old.test", "a.test"}, {"www.a.test", ""}};
    installation_.publish();
    shell(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=authority -keyout "
        "ca.key -out ca.crt -days 9");
  }

  /// In a directory for what the authority keeps.
  void shell(const std::string& command) const {
    const std::string folder = installation_.root() + "/authority";
    fs::create_directories(folder);
    const live::Finished done = live::run({"/bin/sh", "-ec", "cd " + folder + "; " + command});
    ASSERT_EQ(done.status, 0) << done.output;
  }
  [[nodiscard]] std::string folder(const std::string& name) const { return config_.config_dir + "/ssl.d/" + name; }
  /// Puts a new certificate for these names into ssl.d/<name>.
  void put_certificate(const std::string& name, const std::string& names, const std::string& options = "-days 9") {
    fs::create_directories(folder(name));
    shell("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -keyout " + folder(name) +
          "/openssl.key -out x.csr -addext subjectAltName=" + names +
          "; openssl x509 -req -in x.csr -CA ca.crt -CAkey " + "ca.key " + options + " -copy_extensions copyall -out " +
          folder(name) + "/openssl.crt");
  }

  struct Server {
    const char* name;
    std::uint16_t https_port;
    live::Endpoint http;
  };
  [[nodiscard]] std::vector<Server> servers() const {
    return {{"apache", installation_.apache_https_port(), installation_.apache_endpoint()},
            {"nginx", installation_.nginx_https_port(), installation_.nginx_endpoint()}};
  }
  /// Head and body; curl's own words when the handshake failed.
  [[nodiscard]] std::string get(const Server& server, const std::string& host, const std::string& path,
                                const std::vector<std::string>& options = {}) const {
    const std::string at = host + ':' + std::to_string(server.https_port);
    std::vector<std::string> command = {"curl",
                                        "-sSi",
                                        "--noproxy",
                                        "*",
                                        "--cacert",
                                        installation_.root() + "/authority/ca.crt",
                                        "--resolve",
                                        at + ":127.0.0.1",
                                        "https://" + at + path};
    command.insert(command.end(), options.begin(), options.end());
    return live::run(command).output;
  }
  void each(const std::string& host, const std::string& path, const std::function<void(const std::string&)>& check,
            const std::vector<std::string>& options = {}) const {
    for (const Server& server : servers()) {
      SCOPED_TRACE(std::string(server.name) + ": https://" + host + path);
      check(get(server, host, path, options));
    }
  }
  /// Workers of before may still take a connection or two.
  void expect_soon(const std::string& host, const std::string& path, const std::string& expected,
                   const std::vector<std::string>& options = {}) const {
    for (const Server& server : servers()) {
      std::string last;
      EXPECT_TRUE(live::eventually([&] {
        last = get(server, host, path, options);
        return last.contains(expected);
      })) << server.name
          << ": https://" << host << path << ": " << last;
    }
  }
  /// Neither certificate nor key of what was refused is anywhere below the servers' folders.
  [[nodiscard]] std::vector<std::string> copies() const {
    std::vector<std::string> paths;
    const std::string top = server_config_dir(config_, "local") + "/ssl.d";
    if (!fs::exists(top)) return paths;
    for (const auto& entry : fs::recursive_directory_iterator(top)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
    return paths;
  }
};

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

TEST_F(TlsTest, WhereHttpsIsRequiredSomebodyListens) {
  model_.https_sites = {{"a.test", "p1"}};
  expect_fine();
  expect_soon("a.test", "/style.css", "curl: (60)");
  each("a.test", "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("a style")); }, {"-k"});
}

TEST_F(TlsTest, ACertificateOfAnotherSiteStaysOutOfASitesFolder) {
  model_.certified_sites = {{"a.test", {"a.test", "*.wild.test", "x.deep.test"}}, {"b.test", {"b.test"}}};
  put_certificate("a.test", "DNS:a.test");
  put_certificate("wild.test", "DNS:other.test");
  expect_fine();
  expect_soon("a.test", "/style.css", "a style");
  put_certificate("a.test", "DNS:other.example,DNS:*.example");
  put_certificate("b.test", "DNS:a.test");
  for (int i = 0; i < 2; ++i) {
    const Activation done = activate();
    ASSERT_EQ(done.errors.size(), 2U) << describe_all(done);
    EXPECT_EQ(done.errors[0].place.file, folder("a.test") + "/openssl.crt");
    EXPECT_THAT(done.errors[0].message,
                HasSubstr("is for *.example, other.example and not for any name of site a.test; the certificate of "
                          "before stays in force"));
    EXPECT_THAT(done.errors[0].hint, HasSubstr("put the one of a.test there"));
    EXPECT_THAT(done.errors[1].message, HasSubstr("any name of site b.test; https goes on without it"));
    each("a.test", "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("a style")); });
  }
  // One of the names is enough, by a wildcard of either.
  put_certificate("b.test", "DNS:b.test");
  for (const char* names : {"DNS:deep.wild.test", "DNS:*.deep.test", "DNS:other.example,DNS:a.test"}) {
    put_certificate("a.test", names);
    expect_fine();
  }
  expect_soon("a.test", "/style.css", "a style");
}

TEST_F(TlsTest, ANameThatTwoClaimIsItsSites) {
  model_.certified_sites = {{"a.test", {"a.test"}}, {"b.test", {"b.test", "www.shop.test", "*.wild.test"}}};
  put_certificate("a.test", "DNS:a.test,DNS:www.shop.test,DNS:x.wild.test");
  put_certificate("b.test", "DNS:b.test,DNS:www.shop.test,DNS:x.wild.test");
  const Activation done = activate();
  EXPECT_EQ(describe_all(done), "");
  EXPECT_THAT(done.notes, testing::Contains("certificates of two folders in config/ssl.d, b.test and a.test, are for "
                                            "www.shop.test, x.wild.test: that of b.test is shown"));
  expect_soon("a.test", "/style.css", "a style");
  for (const Server& server : servers()) {
    for (const char* host : {"www.shop.test", "x.wild.test"}) {
      const std::string shown =
          live::run({"/bin/sh", "-c",
                     "openssl s_client -connect 127.0.0.1:" + std::to_string(server.https_port) + " -servername " +
                         host + " </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName"})
              .output;
      EXPECT_THAT(shown, HasSubstr("DNS:b.test")) << server.name << ' ' << host;
    }
  }
}

TEST_F(TlsTest, WhatLiesBesideTheFoldersIsTold) {
  live::put(config_.config_dir + "/ssl.d/x.pem", "x");
  const Activation done = activate();
  EXPECT_EQ(describe_all(done), "");
  EXPECT_THAT(done.notes, testing::Contains(HasSubstr("/ssl.d/x.pem: nobody reads what is not in a folder; next: ")));
}

TEST_F(TlsTest, WhatIsWrongWithOneIsToldAndStopsNoOther) {
  put_certificate("b.test", "DNS:b.test");
  const struct {
    const char* what;
    std::string break_it;
    const char* place;
    const char* message;
  } rows[] = {
      {"a key of another certificate",
       "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out openssl.key", "openssl.key",
       "the key does not fit the certificate in "},
      {"garbage", "echo garbage >openssl.crt", "openssl.crt", "holds no certificate (PEM)"},
      {"half of a certificate", "head -c 300 openssl.crt >x; mv x openssl.crt", "openssl.crt",
       "certificate that is broken"},
      {"an empty key", ": >openssl.key", "openssl.key", "holds no private key (PEM)"},
      {"no key", "rm openssl.key", "", "there is no openssl.key"},
      {"no certificate", "rm openssl.crt", "", "there is no openssl.crt"},
      {"a passphrase", "openssl pkey -in openssl.key -aes256 -passout pass:secret -out x; mv x openssl.key",
       "openssl.key", "the key has a passphrase"},
      {"a broken chain", "echo chain >openssl_chain.crt", "openssl_chain.crt", "holds no certificate (PEM)"},
      {"a weak key", "openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=a.test -keyout openssl.key -out openssl.crt",
       "openssl.crt", "ee key too small"},
      {"no name",
       "openssl req -x509 -newkey rsa:2048 -nodes -subj '/CN=John Smith' -keyout openssl.key -out openssl.crt",
       "openssl.crt", "names no host"},
      {"a folder in a file's place", "rm openssl.key; mkdir openssl.key", "openssl.key", "found something else"},
      {"a link of another's", "ln -sf /etc/passwd openssl.key; chown -h 610001 openssl.key", "openssl.key",
       "a symbolic link of uid 610001"},
      {"a link to another's file", "ln -sf " + installation_.docroot() + "/sites/a.test/files/f.txt openssl.key", "",
       "who could exchange it"},
      {"a link to what is no key", "ln -sf /etc/passwd openssl.key", "openssl.key", "holds no private key (PEM)"},
      {"a key of another's", "chown 610001 openssl.key", "openssl.key", "a file of uid 0 or root"},
      {"a folder of another's", "chown 610001 .", "", "belongs to uid 610001"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    fs::remove_all(folder("a.test"));
    put_certificate("a.test", "DNS:a.test");
    shell("cd " + folder("a.test") + "; " + row.break_it);
    const Activation done = activate();
    ASSERT_GE(done.errors.size(), 1U);
    for (const Error& error : done.errors) EXPECT_FALSE(error.hint.empty()) << describe(error);
    EXPECT_THAT(describe_all(done), HasSubstr(row.message));
    EXPECT_THAT(describe_all(done), HasSubstr(row.place));
    EXPECT_THAT(describe_all(done), HasSubstr("https goes on without it"));
    EXPECT_FALSE(done.kept);
    EXPECT_THAT(describe_all(done), Not(HasSubstr("root:x:0:0")));
    expect_soon("b.test", "/style.css", "a style");
    each("a.test", "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("curl: (60)")); });
    EXPECT_EQ(copies().size(), 2U);
  }
  fs::remove_all(folder("a.test"));
  put_certificate("a.test", "DNS:a.test", "-days -1");
  EXPECT_THAT(describe_all(activate()), HasSubstr("the certificate has expired on "));
  put_certificate("a.test", "DNS:a.test");
  expect_fine();
  expect_soon("a.test", "/style.css", "a style");
}

TEST_F(TlsTest, WhatAServerAloneRefusesIsLeftOutThere) {
  put_certificate("a.test", "DNS:a.test");
  const std::string path = installation_.nginx().path("nginx.conf");
  std::string conf = live::slurp(path);
  const std::size_t http = conf.find("http {");
  ASSERT_NE(http, std::string::npos);
  // A size that is there already can't be said again, which takes a certificate with a long name.
  live::put(path, conf.insert(http + 6, " server_names_hash_bucket_size 64; "));
  put_certificate("b.test", "DNS:" + std::string(60, 'l') + ".test");
  const Activation done = activate();
  ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
  EXPECT_THAT(describe_all(done), HasSubstr("nginx goes on without https: \"server_names_hash_bucket_size\""));
  EXPECT_TRUE(live::eventually([&] { return get(servers()[0], "a.test", "/style.css").contains("a style"); }));
  visitor_->stop();
}

TEST_F(TlsTest, TheOneOfBeforeStaysWhenItsRenewalIsWrong) {
  put_certificate("a.test", "DNS:a.test");
  expect_fine();
  expect_soon("a.test", "/style.css", "a style");
  put_certificate("a.test", "DNS:a.test", "-days -1");
  for (int i = 0; i < 2; ++i) {
    const Activation done = activate();
    ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
    EXPECT_THAT(describe_all(done), HasSubstr("the certificate of before stays in force"));
    each("a.test", "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("a style")); });
  }
  // Also when all else changes.
  put_certificate("b.test", "DNS:b.test");
  live::put(in("apache", "pre.d/mine.conf"), "# new\n");
  EXPECT_EQ(activate().errors.size(), 1U);
  expect_soon("b.test", "/style.css", "a style");
  each("a.test", "/style.css", [](const std::string& answer) { EXPECT_THAT(answer, HasSubstr("a style")); });
  EXPECT_EQ(copies().size(), 3U);
}

TEST_F(TlsTest, KeysAreRootsAlone) {
  put_certificate("a.test", "DNS:a.test");
  shell("chmod 0777 " + folder("a.test") + "; chmod 0666 " + folder("a.test") + "/*");
  expect_fine();
  for (const std::string& path : {config_.config_dir + "/ssl.d", server_config_dir(config_, "local") + "/ssl.d"}) {
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      struct stat status{};
      ASSERT_EQ(::lstat(entry.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_uid, 0U) << entry.path();
      EXPECT_EQ(status.st_mode & 077, 0U) << entry.path();
    }
  }
  // A worker of before may answer that it has another configuration.
  EXPECT_TRUE(live::eventually([&] { return activate().done.empty(); }));
  // Neither do the texts have them that are kept beside, which group aegir can read.
  for (const char* service : {"apache", "nginx"}) {
    EXPECT_THAT(live::slurp(config_.config_dir + "/last-good." + service), Not(HasSubstr("PRIVATE")));
  }
}

TEST_F(TlsTest, CertbotsFoldersAreFollowed) {
  put_certificate("a.test", "DNS:a.test");
  const std::string live = installation_.root() + "/live";
  fs::create_directories(live + "/a.test");
  shell("mkdir archive; mv " + folder("a.test") + "/openssl.crt archive/fullchain1.pem; mv " + folder("a.test") +
        "/openssl.key archive/privkey1.pem; cd " + live + "/a.test; ln -s ../../authority/archive/fullchain1.pem " +
        "fullchain.pem; ln -s ../../authority/archive/privkey1.pem privkey.pem; rmdir " + folder("a.test") +
        "; ln -s " + live + "/a.test " + folder("a.test"));
  expect_fine();
  expect_soon("a.test", "/style.css", "a style");
}

TEST_F(TlsTest, AnApacheWithoutTlsIsTold) {
  visitor_ = nullptr;
  const std::string path = installation_.apache().path("httpd.conf");
  std::string conf = live::slurp(path);
  const std::size_t at = conf.find("LoadModule ssl_module");
  ASSERT_NE(at, std::string::npos);
  live::put(path, conf.erase(at, conf.find('\n', at) - at));
  put_certificate("a.test", "DNS:a.test");
  put_certificate("b.test", "DNS:b.test");
  const Activation done = activate();
  ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
  EXPECT_THAT(describe_all(done), HasSubstr("Apache goes on without https: Invalid command 'SSLEngine'"));
  EXPECT_THAT(done.errors[0].hint, HasSubstr("a2enmod ssl"));
  EXPECT_EQ(apache_answers("/style.css"), 200);
  EXPECT_TRUE(live::eventually([&] { return get(servers()[1], "b.test", "/style.css").contains("a style"); }));
}

}  // namespace
}  // namespace aegir::publish
