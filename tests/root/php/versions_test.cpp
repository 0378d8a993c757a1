// Two versions of PHP side by side: blocks with a version each, platforms and sites in them, on Apache and nginx and on
// the command line. The second version is the first one's programs under another name, in which an ini setting tells
// who it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): signals are POSIX
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>

#include "compiler/core/config.hpp"
#include "compiler/emit/emit.hpp"
#include "tests/live/harness/http.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr uid_t kAegir = 615001;
constexpr uid_t kOld = 616000;  ///< first uid of the block "old"
constexpr uid_t kNew = 616100;  ///< of the block "new"

/// Tells which PHP answers, whom it runs as, its limits, and which PHP its own programs get.
constexpr const char* kIndex = R"(<?php
$program = proc_open(['php', '-r', 'echo ini_get("user_agent");'], [1 => ['pipe', 'w']], $pipes);
echo 'web=', ini_get('user_agent'), ' child=', stream_get_contents($pipes[1]), ' uid=', posix_geteuid(),
     ' memory=', ini_get('memory_limit'), ' body=', strlen(file_get_contents('php://input'));
)";

class Versions : public testing::Test {
 protected:
  Versions() {
    if (::geteuid() != 0) throw std::runtime_error("this test must run as root: it needs real uids");
    // The PHP of each version is a program that becomes Debian's and says so.
    for (const char* version : {"8.2", "8.9"}) {
      program(root_.path("bin/php") + version, "/usr/bin/php8.2", version);
      program(root_.path("bin/php-fpm") + version, "/usr/sbin/php-fpm8.2", version);
    }
    fs::permissions(root_.path("bin"), fs::perms(0755));
    live::put(root_.path("aegir.conf"),
              "prefix = " + root_.path() + "\naegir_user = " + std::to_string(kAegir) +
                  "\nuid_first = " + std::to_string(kOld) + "\nuid_last = " + std::to_string(kNew + 99) +
                  "\napache_module = " AEGIR_APACHE_MODULE "\nnginx_module = " AEGIR_NGX_MODULE
                  "\napache_listen = 127.0.0.1:" +
                  apache_port_.text() + "\nnginx_listen = 127.0.0.1:" + nginx_port_.text() + "\nphp_cli = " +
                  root_.path("bin/php{version}") + "\nphp_fpm = " + root_.path("bin/php-fpm{version}") + "\n");
    config_ = read_config(root_.path("aegir.conf")).value();
    for (const char* platform : {"p1", "p2"}) live::put(docroot(platform) + "/index.php", kIndex);
    for (const std::string& path : {config_.aegir_root + "/platforms", docroot("p1"), docroot("p2")}) {
      if (::chown(path.c_str(), kAegir, kAegir) != 0) throw std::runtime_error(path + ": can't be given away");
    }
    aegirc({"keygen", "map"});
    aegirc({"keygen", "registry"});
    import_document(R"({
"servers": {"web": {"web": {"apache": {"http_port": )" +
                    apache_port_.text() + R"(, "https_port": 8443}, "nginx": {"http_port": )" + nginx_port_.text() +
                    R"(, "https_port": 8444}}, "database": {}}},
"blocks": {"old": {"server": "web", "php_version": "8.2", "first_uid": )" +
                    std::to_string(kOld) + R"(, "slots": 2},
           "new": {"server": "web", "php_version": "8.9", "first_uid": )" +
                    std::to_string(kNew) + R"(, "slots": 2}},
"platforms": {"p1": {"server": "web", "cms": "other", "block": "old", "body_limit": 1, "docroot": ")" +
                    docroot("p1") + R"("},
              "p2": {"server": "web", "cms": "other", "block": "new", "body_limit": 3, "docroot": ")" +
                    docroot("p2") + R"("}},
"sites": {"a.test": {"platform": "p1", "php": {"memory_limit": 111}},
          "b.test": {"platform": "p2", "php": {"memory_limit": 222}},
          "c.test": {"platform": "p1", "slot": {"block": "new", "number": 1}}}})");
    aegirc({"compile"});
    for (const char* block : {"old", "new"}) start_master(block);
    const std::string folder = server_config_dir(config_, "web");
    apache_.start(
        apache_.frame({.main = "Include " + folder + "/apache/module.load\nInclude " + folder + "/apache/aegir.conf\n",
                       .module = false,
                       .modules = {"authz_host"}}),
        {apache_port_.endpoint()});
    nginx_.start(nginx_.frame({.http = "include " + folder + "/nginx/aegir.conf;",
                               .main = "include " + folder + "/nginx/module.load;",
                               .module = false}),
                 {nginx_port_.endpoint()});
  }

  static void program(const std::string& path, const std::string& real, const std::string& version) {
    live::put(path, "#!/bin/sh\nexec " + real + " -d user_agent=PHP-" + version + " \"$@\"\n");
    fs::permissions(path, fs::perms(0755));
  }
  [[nodiscard]] std::string docroot(const std::string& platform) const {
    return config_.aegir_root + "/platforms/" + platform;
  }
  std::string aegirc(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {AEGIRC, "--config", root_.path("aegir.conf")};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const live::Finished done = live::run(argv);
    if (done.status != 0) throw std::runtime_error("aegirc " + arguments.front() + ": " + done.output);
    return done.output;
  }
  void import_document(const std::string& document) const {
    live::put(root_.path("document.json"), document);
    aegirc({"import", root_.path("document.json")});
  }
  /// As a unit does it: by the program that aegirc has named for the block.
  void start_master(const std::string& block) {
    auto master = std::make_unique<live::FpmServer>(block_php_dir(config_, block) + "/php-fpm");
    master->start(live::slurp(server_config_dir(config_, "web") + "/php/" + block + ".conf"),
                  {live::Endpoint::unix_socket(slot_socket(config_, block, 0)),
                   live::Endpoint::unix_socket(slot_socket(config_, block, 1))},
                  0, "extension=posix\nvariables_order=GPCS\n");
    masters_[block] = std::move(master);
  }
  /// What both servers answer, when it is the same.
  [[nodiscard]] std::string page(const std::string& host) const {
    const std::string apache = live::ask(apache_port_.endpoint(), live::get(host, "/")).body;
    EXPECT_EQ(live::ask(nginx_port_.endpoint(), live::get(host, "/")).body, apache);
    return apache;
  }
  void expect_post(const std::string& host, std::size_t mebibytes, int status) const {
    const std::size_t size = mebibytes << 20U;
    for (const live::Port* port : {&apache_port_, &nginx_port_}) {
      EXPECT_EQ(live::ask(port->endpoint(), "POST /index.php HTTP/1.1\r\nHost: " + host +
                                                "\r\nConnection: close\r\nContent-Length: " + std::to_string(size) +
                                                "\r\n\r\n" + std::string(size, 'x'))
                    .status,
                status)
          << host << ", " << mebibytes << " MiB";
    }
  }
  /// The PHP of a command line of a block's slot, as aegir's own programs and a person with that PATH run it.
  [[nodiscard]] std::string command_line(const std::string& block, uid_t uid) const {
    const std::string id = std::to_string(uid);
    return live::run({"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--", "env", "-i",
                      "PATH=" + block_php_dir(config_, block) + ":/usr/bin:/bin", "php", "-r",
                      "echo ini_get('user_agent');"})
        .output;
  }

  live::TempDir root_;
  live::Port apache_port_;
  live::Port nginx_port_;
  Config config_;
  std::map<std::string, std::unique_ptr<live::FpmServer>> masters_;
  live::ApacheServer apache_;
  live::NginxServer nginx_;
};

TEST_F(Versions, EachPlatformAndSiteHasItsOwnForWebAndCommandLine) {
  EXPECT_THAT(page("a.test"), HasSubstr("web=PHP-8.2 child=PHP-8.2 uid=616000 memory=111M"));
  EXPECT_THAT(page("b.test"), HasSubstr("web=PHP-8.9 child=PHP-8.9 uid=616100 memory=222M"));
  EXPECT_THAT(page("c.test"), HasSubstr("web=PHP-8.9 child=PHP-8.9 uid=616101 memory=256M"));
  EXPECT_EQ(command_line("old", kOld), "PHP-8.2");
  EXPECT_EQ(command_line("new", kNew), "PHP-8.9");
}

TEST_F(Versions, LimitsOfBodiesAreThePlatforms) {
  nginx_.expect_log("client intended to send too large body");
  expect_post("a.test", 2, 413);
  expect_post("c.test", 2, 413);
  expect_post("b.test", 2, 200);
  expect_post("b.test", 4, 413);
}

TEST_F(Versions, ABlocksNewVersionHoldsFromTheNextStartOfItsMaster) {
  import_document(R"({"blocks": {"old": {"php_version": "8.9"}}})");
  EXPECT_THAT(aegirc({"compile"}), HasSubstr("block old has PHP 8.9 for what is started from now on; next: "));
  EXPECT_EQ(command_line("old", kOld), "PHP-8.9");
  EXPECT_THAT(page("a.test"), HasSubstr("web=PHP-8.2"));
  masters_.erase("old");
  start_master("old");
  EXPECT_THAT(page("a.test"), HasSubstr("web=PHP-8.9 child=PHP-8.9 uid=616000 memory=111M"));
  EXPECT_THAT(aegirc({"compile"}), testing::Not(HasSubstr("block old")));
}

TEST_F(Versions, OneThatIsNotThereIsTold) {
  import_document(R"({"blocks": {"old": {"php_version": "7.4"}}})");
  const std::string told = aegirc({"compile"});
  for (const char* program : {"php7.4", "php-fpm7.4"}) {
    EXPECT_THAT(told,
                HasSubstr("block old has PHP 7.4, and " + root_.path("bin/") + program + " is not there; next: "));
  }
}

}  // namespace
}  // namespace aegir
