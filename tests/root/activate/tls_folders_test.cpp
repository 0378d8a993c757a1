// What lies in config/ssl.d: whose names it may have, what is wrong with it, what stays in force instead.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/root/activate/tls_fixture.hpp"

namespace aegir::publish {
namespace {

using testing::HasSubstr;
using testing::Not;

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
