// What we emit, served: the same requests to Apache and nginx, with the same answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/live/emit/installation.hpp"

namespace aegir::live {
namespace {

using testing::HasSubstr;
using testing::Not;

class Served : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    installation = new Installation;
    installation->start_apache();
    installation->start_nginx();
  }
  static void TearDownTestSuite() {
    installation->apache().expect_log("AH00037: Symbolic link not allowed or link target not accessible");
    installation->nginx().expect_log("stolen.txt\" failed \\(40: Too many levels of symbolic links\\)");
    delete installation;
    installation = nullptr;
  }

  /// Each server's answer; `check` sees both.
  static void each(const std::string& request, const std::function<void(const Response&)>& check) {
    for (const auto& [name, endpoint] :
         {std::pair{"apache", installation->apache_endpoint()}, std::pair{"nginx", installation->nginx_endpoint()}}) {
      SCOPED_TRACE(std::string(name) + ": " + request.substr(0, request.find('\r')));
      check(ask(endpoint, request));
    }
  }
  static void each(const std::string& request, int status, const std::string& body = {}) {
    each(request, [&](const Response& response) {
      EXPECT_EQ(response.status, status) << response.raw << response.body;
      EXPECT_THAT(response.body, HasSubstr(body));
    });
  }

  static Installation* installation;
};

Installation* Served::installation = nullptr;

TEST_F(Served, TheFrontPageKnowsItsSite) {
  each(get("a.test", "/", {"Proxy: http://evil.example", "X-Aegir-Probe: token"}), [](const Response& response) {
    EXPECT_EQ(response.status, 200);
    for (const char* line : {"AEGIR_SITE=a.test\n", "AEGIR_SITE_DIR=a.test\n", "AEGIR_HOST=a.test\n", "db_name=db\n",
                             "db_passwd=password-of-a.test\n", "db_port=3306\n", "SCRIPT_NAME=/index.php\n",
                             "REQUEST_URI=/\n", "REQUEST_METHOD=GET\n", "SERVER_NAME=a.test\n", "uid=612000\n"}) {
      EXPECT_THAT(response.body, HasSubstr(line));
    }
    for (const char* word : {"REDIRECT_db", "HTTP_PROXY", "HTTP_X_AEGIR_PROBE", "AEGIR_PROBE", "password-of-b"}) {
      EXPECT_THAT(response.body, Not(HasSubstr(word)));
    }
  });
  each(get("b.test", "/"), 200, "db_passwd=password-of-b.test\n");
}

TEST_F(Served, PhpSeesThePortThatTheClientNamed) {
  each(get("a.test:8123", "/"), 200, "HTTP_HOST=a.test:8123\n");
  each(get("A.test", "/"), [](const Response& response) {
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("AEGIR_HOST=a.test\n"));
  });
}

TEST_F(Served, PhpIsToldTheSameByBothServers) {
  each(get("A.test.:8123", "http://A.test.:8123/node/1?x", {"Authorization: Basic YWRtaW46cHc="}),
       [](const Response& response) {
         EXPECT_EQ(response.status, 200);
         for (const char* line : {"\nHTTP_HOST=a.test:8123\n", "\nSERVER_NAME=a.test\n", "\nREQUEST_URI=/node/1?x\n",
                                  "\nHTTP_AUTHORIZATION=Basic YWRtaW46cHc=\n", "\nPHP_AUTH_USER=admin\n"}) {
           EXPECT_THAT(response.body, HasSubstr(line));
         }
         EXPECT_THAT(response.body, Not(HasSubstr("REMOTE_USER")));
       });
}

TEST_F(Served, PhpBelievesATrustedProxyAboutHttps) {
  each(get("a.test", "/", {"X-Forwarded-Proto: https"}), 200, "HTTPS=on\n");
  each(get("a.test", "/", {"X-Forwarded-Proto: http"}),
       [](const Response& response) { EXPECT_THAT(response.body, Not(HasSubstr("\nHTTPS="))); });
}

TEST_F(Served, CleanUrlsAndPathInfo) {
  each(get("a.test", "/node/1?a=b&c"), [](const Response& response) {
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("REQUEST_URI=/node/1?a=b&c\n"));
    EXPECT_THAT(response.body, HasSubstr("QUERY_STRING=a=b&c\n"));
    EXPECT_THAT(response.body, HasSubstr("SCRIPT_NAME=/index.php\n"));
  });
  each(get("a.test", "/index.php/node/1"), [](const Response& response) {
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("PATH_INFO=/node/1\n"));
    EXPECT_THAT(response.body, HasSubstr("SCRIPT_NAME=/index.php\n"));
  });
  each("POST /node/1/edit HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody", 200,
       "method-body=body\n");
  each(get("a.test", "/missing.php"), 404);
}

TEST_F(Served, FilesAndFolders) {
  each(get("a.test", "/style.css"), 200, "a style");
  each(get("a.test", "/sites/a.test/files/f.txt"), 200, "file of a.test");
  each(get("a.test", "/files/f.txt"), 200, "file of a.test");
  each(get("a.test", "/folder/there.txt"), 200, "there");
  each(get("a.test", "/folder?x"), [](const Response& response) {
    EXPECT_EQ(response.status, 301);
    EXPECT_EQ(response.value("Location"), "/folder/?x");
  });
  each(get("a.test", "/sites/"), 404);
  each(get("a.test", "/sites/a.test"), 404);
  each(get("a.test", "/index.php%2fa"), 200, "PATH_INFO=/a\n");
  each(get("a.test", "/folder/?x=y"), 200, "QUERY_STRING=x=y\n");
  each(get("a.test", "/sites/a.test/files/"), 403);
  each(get("a.test", "/sites/a.test/files/sub/"), 403);
  each(get("a.test", "/sites/a.test/files/missing/"), 200, "SCRIPT_NAME=/index.php\n");
}

TEST_F(Served, DrupalMakesWhatIsMissingBelowFiles) {
  each(get("a.test", "/sites/a.test/files/styles/large/x.png?itok=1"), [](const Response& response) {
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("SCRIPT_NAME=/index.php\n"));
    EXPECT_THAT(response.body, HasSubstr("REQUEST_URI=/sites/a.test/files/styles/large/x.png?itok=1\n"));
    EXPECT_THAT(response.body, HasSubstr("QUERY_STRING=itok=1\n"));
  });
}

TEST_F(Served, WhatIsClosedIsClosed) {
  each(get("a.test", "/sites/a.test/files/x.php?do=pid"), 403);
  each(get("a.test", "/sites/a.test/private/secret.txt"), 403);
  each(get("a.test", "/sites/b.test/files/f.txt"), 404);
  each(get("a.test", "/sites/a.test/files/stolen.txt"), 403);
  each(get("unknown.test", "/"), 404);
  each("TRACE / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", 405);
}

TEST_F(Served, AcmeAndStatus) {
  each(get("a.test", "/.well-known/acme-challenge/token"), 200, "an answer");
  each(get(std::string(emit::kStatusHost), "/aegir-status"), 200, "aegir_map_generation");
  each(get("127.0.0.1", "/aegir-status"), 200, "aegir_map_generation");
  for (const char* path :
       {"/", "/index.html", "/aegir-status/", "/aegir-status/x", "/aegir-statusx", "/server-status"}) {
    each(get(std::string(emit::kStatusHost), path), 404);
  }
  each(get("a.test", "/aegir-status"), 200, "SCRIPT_NAME=/index.php\n");
}

TEST_F(Served, TheAccessLogNamesTheSite) {
  each(get("a.test", "/style.css?logged"), 200);
  for (const char* name : {"/apache-access.log", "/nginx-access.log"}) {
    const std::string log = installation->config().log_dir + name;
    EXPECT_TRUE(eventually([&] {
      const std::string text = slurp(log);
      const std::size_t at = text.find("?logged");
      return at != std::string::npos && text.substr(at, text.find('\n', at) - at).ends_with(" a.test");
    })) << slurp(log);
  }
}

TEST_F(Served, ApacheSendsTheFilesThatASitesPhpNames) {
  const auto send = [](const std::string& path, const std::vector<std::string>& headers = {}) {
    return ask(installation->apache_endpoint(), get("a.test", "/try.php?do=send&path=" + path, headers));
  };
  const std::string own = installation->site("a.test");
  const Response whole = send(own + "/private/secret.txt");
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "secret of a.test");
  EXPECT_EQ(whole.value("Content-Type"), "text/x-sent;charset=UTF-8") << "PHP's headers stay";
  EXPECT_EQ(whole.count("X-Sendfile"), 0U);
  EXPECT_EQ(whole.value("Content-Length"), "16");
  EXPECT_EQ(send(own + "/files/f.txt").body, "file of a.test");
  EXPECT_EQ(send(own + "/private/secret.txt", {"Range: bytes=0-5"}).body, "secret");
  EXPECT_EQ(send(own + "/private/secret.txt", {"If-None-Match: " + std::string(whole.value("ETag"))}).status, 304);
  installation->apache().expect_log("which does not lie below files/ or private/ of this site");
  for (const std::string& path :
       {installation->site("b.test") + "/private/secret.txt", std::string("/etc/passwd"), own + "/settings.php",
        own + "/private/../settings.php", own + "/private/../../b.test/private/secret.txt",
        std::string("private/secret.txt"), own + "/files/x.php"}) {
    const Response refused = send(path);
    EXPECT_EQ(refused.status, 404) << path;
    EXPECT_EQ(refused.count("X-Sendfile"), 0U) << path;
    EXPECT_THAT(refused.body, Not(HasSubstr("secret of"))) << path;
  }
  EXPECT_EQ(send(own + "/files/stolen.txt").status, 403) << "a link to what is B's";
  installation->apache().expect_log("a link to what its owner does not own");
}

}  // namespace
}  // namespace aegir::live
