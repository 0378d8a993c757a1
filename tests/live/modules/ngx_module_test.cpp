// ngx_aegir's configuration: what is taken, what is refused and with which words, and how the key is kept.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/live/harness/http.hpp"
#include "tests/live/harness/map_fixture.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {
namespace {

void replace(std::string& text, const std::string& what, const std::string& with) {
  std::size_t at = text.find(what);
  ASSERT_NE(at, std::string::npos) << what;
  for (; at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
}

class NgxModule : public ::testing::Test {
 protected:
  NgxModule() {
    map::SiteRecord site;
    site.key = site.host = site.directory = "a.test";
    site.platform_id = 1;
    put(docroot() + "/index.html", "a's page");
    content_.sites = {site};
    content_.platforms = {{1, map::kServiceNginx, map::Cms::kDrupal8, "p1", docroot()}};
    map_.publish(content_);
  }

  [[nodiscard]] std::string docroot() const { return root_.path("docroot"); }
  /// The directives that every configuration needs.
  [[nodiscard]] std::string basics() const {
    return "aegir_map " + map_.directory() + "; aegir_key " + map_.key_file() + "; ";
  }
  [[nodiscard]] std::string catch_all(const std::string& more = {}) const {
    return "server { listen 127.0.0.1:" + port_.text() + " default_server; aegir on; root $aegir_docroot; " + more +
           " location = /aegir-status { aegir_status; } } ";
  }
  /// What `nginx -t` says about this http {}.
  [[nodiscard]] Finished test(const std::string& http, const std::string& log_level = "notice") const {
    return nginx_.test(nginx_.frame({.http = http, .log_level = log_level}));
  }
  void expect_refused(const std::string& http, const std::string& with) const {
    const Finished finished = test(http);
    EXPECT_EQ(finished.status, 1) << http;
    EXPECT_TRUE(finished.output.contains(with)) << finished.output;
  }
  void start(const std::string& http) { nginx_.start(nginx_.frame({.http = http}), {port_.endpoint()}); }
  [[nodiscard]] int page() const { return ask(port_.endpoint(), get("a.test", "/index.html")).status; }

  TempDir root_;
  MapFixture map_;
  MapContent content_;
  Port port_;
  NginxServer nginx_;
};

TEST_F(NgxModule, ExampleIsTakenAndServes) {
  std::string example = slurp(AEGIR_SOURCE_DIR "/ngx_aegir/example/nginx.conf");
  replace(example, "modules/ngx_http_aegir_module.so", AEGIR_NGX_MODULE);
  replace(example, "/run/aegir/map", map_.directory());
  replace(example, "/etc/aegir/map.key", map_.key_file());
  replace(example, "/var/aegir/acme", root_.path("acme"));
  replace(example, "/var/log/nginx/access.log", nginx_.path("access.log"));
  replace(example, "/var/log/nginx/error.log", nginx_.path("error.log"));
  replace(example, "/run/nginx.pid", nginx_.path("nginx.pid"));
  replace(example, "listen 80", "listen 127.0.0.1:" + port_.text());
  replace(example, "worker_processes auto", "worker_processes 1; daemon off");
  const Finished finished = nginx_.test(example);
  ASSERT_EQ(finished.status, 0) << finished.output;
  nginx_.start(example, {port_.endpoint()}, 1);
  EXPECT_EQ(ask(port_.endpoint(), get("a.test", "/")).body, "a's page");
  EXPECT_EQ(ask(port_.endpoint(), get("unknown.test", "/")).status, 404);
  EXPECT_TRUE(ask(port_.endpoint(), get("localhost", "/aegir-status")).body.contains("aegir_map_generation 1\n"));
}

TEST_F(NgxModule, WithoutSitesNothingIsNeeded) {
  EXPECT_EQ(test("server { listen 127.0.0.1:" + port_.text() + "; }").status, 0);
}

TEST_F(NgxModule, RefusesWhatMakesNoSense) {
  expect_refused(catch_all(), "aegir_map is missing");
  expect_refused("aegir_map " + map_.directory() + "; " + catch_all(), "aegir_key is missing");
  expect_refused("server { location / { aegir_status; } }", "aegir_map is missing");
  expect_refused(basics() + basics(), "\"aegir_map\" directive is duplicate");
  expect_refused("aegir_map '';", "needs a path");
  expect_refused("aegir_map map;", "\"aegir_map\" directive needs an absolute path");
  expect_refused("aegir_acme_root acme;", "\"aegir_acme_root\" directive needs an absolute path");
  expect_refused(basics() + catch_all("aegir_https_port 0;"), "needs a port from 1 to 65535");
  expect_refused(basics() + catch_all("aegir_https_port 65536;"), "needs a port from 1 to 65535");
  expect_refused(basics() + catch_all("aegir_probe_peer here;"), "\"here\" is no address and no network");
  expect_refused(basics() + catch_all("location /x { aegir on; }"), "\"aegir\" directive is not allowed here");
  expect_refused(basics() + catch_all("set $aegir_site x;"), "the duplicate \"aegir_site\" variable");
}

TEST_F(NgxModule, RefusesADebugLogSinceItWouldHoldPasswords) {
  const std::string words = "would write the databases' passwords to it";
  expect_refused(basics() + catch_all("error_log " + root_.path("log") + " debug;"), words);
  expect_refused(basics() + catch_all("error_log " + root_.path("log") + " debug_http;"), words);
  expect_refused(basics() + catch_all("location /x { error_log " + root_.path("log") + " debug; }"), words);
  EXPECT_EQ(test(basics() + catch_all(), "debug").status, 1);
  EXPECT_EQ(test(basics() + catch_all() + "server { error_log " + root_.path("log") + " debug; }").status, 0);
}

TEST_F(NgxModule, KeyThatCannotBeReadIsNamed) {
  const auto refused_key = [&](const std::string& key, const std::string& with) {
    expect_refused("aegir_map " + map_.directory() + "; aegir_key " + key + "; " + catch_all(), with);
  };
  refused_key(root_.path("no.key"), root_.path("no.key") + ": ");
  put(root_.path("bad.key"), "not a key\n");
  ASSERT_EQ(chmod(root_.path("bad.key").c_str(), 0600), 0);
  refused_key(root_.path("bad.key"), root_.path("bad.key") + ": ");
  ASSERT_EQ(chmod(map_.key_file().c_str(), 0644), 0);
  refused_key(map_.key_file(), map_.key_file() + ": ");
}

TEST_F(NgxModule, AReloadThatCannotReadTheKeyKeepsTheOldConfiguration) {
  start(basics() + catch_all());
  const std::vector<pid_t> workers = nginx_.workers();
  const std::string aside = map_.key_file() + ".aside";
  std::filesystem::rename(map_.key_file(), aside);
  nginx_.expect_log("aegir_key");
  nginx_.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return nginx_.log().contains("aegir_key"); }));
  EXPECT_EQ(nginx_.workers(), workers);
  EXPECT_EQ(page(), 200);
  std::filesystem::rename(aside, map_.key_file());
  nginx_.reload();
  EXPECT_EQ(page(), 200);
}

TEST_F(NgxModule, WithoutAMapEverybodyWaits) {
  std::filesystem::rename(map_.directory() + "/CURRENT", map_.directory() + "/aside");
  nginx_.expect_log("site map refused");
  start(basics() + catch_all());
  EXPECT_EQ(page(), 503);
  std::filesystem::rename(map_.directory() + "/aside", map_.directory() + "/CURRENT");
  map_.publish(content_);
  EXPECT_EQ(page(), 200);
}

TEST_F(NgxModule, BrokenRecordIsAFaultOfItsSiteAlone) {
  map::SiteRecord other = content_.sites[0];
  other.key = other.host = other.directory = "b.test";
  content_.sites.push_back(other);
  map_.publish(content_);
  for (const auto& entry : std::filesystem::directory_iterator(map_.directory())) {
    if (entry.path().extension() != ".map") continue;
    std::string bytes = slurp(entry.path());
    const std::size_t at = bytes.find("b.test");
    if (at == std::string::npos) continue;  // of the first publish
    bytes[at - 70] ^= 1;                    // in the record's head
    put(entry.path(), bytes);
  }
  start(basics() + catch_all());
  nginx_.expect_log("the site map's record of b\\.test is broken; next: aegirc publish --rebuild");
  EXPECT_EQ(ask(port_.endpoint(), get("b.test", "/index.html")).status, 500);
  EXPECT_EQ(page(), 200);
  nginx_.stop();
  EXPECT_TRUE(slurp(nginx_.path("error.log")).contains("record of b.test is broken"));
}

TEST_F(NgxModule, OtherProcessesOfTheUserCannotReadAWorkersMemory) {
  start(basics() + catch_all());
  const passwd* const user = getpwnam(kWebUser);
  ASSERT_NE(user, nullptr);
  for (const pid_t worker : nginx_.workers()) {
    const std::string memory = "/proc/" + std::to_string(worker) + "/mem";
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) _exit(2);
      _exit(open(memory.c_str(), O_RDONLY | O_CLOEXEC) >= 0 ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "1: it was opened, 2: no change of uid";
  }
}

TEST_F(NgxModule, NoCredentialsWhileAConnectionIsDebugged) {
  map::SiteRecord& site = content_.sites.at(0);
  site.socket = root_.path("none.sock");
  map_.seal(site, {"mysql", "db", "user", "the-password", "localhost", "3306"});
  map_.publish(content_);
  const std::string http = basics() + catch_all(
                                          "location ~ \\.php$ { fastcgi_pass aegir_fpm; fastcgi_param "
                                          "db_passwd $aegir_db_passwd; }");
  std::string config = nginx_.frame({.http = http});
  replace(config, "events {", "events { debug_connection 127.0.0.1;");
  nginx_.expect_log("no credentials for PHP while the error log is at level debug");
  nginx_.start(config, {port_.endpoint()});
  EXPECT_EQ(ask(port_.endpoint(), get("a.test", "/index.php")).status, 500);
  EXPECT_FALSE(nginx_.log().contains("the-password"));
}

TEST_F(NgxModule, AForwardedAddressIsNoProbePeer) {
  map::SiteRecord candidate = content_.sites.at(0);
  candidate.key = map::probe_key("token");
  candidate.expiry = ~0ULL;
  content_.sites.push_back(candidate);
  map_.publish(content_);
  start(basics() + "set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; " +
        catch_all("aegir_probe_peer 127.0.0.3; add_header X-Address $remote_addr;"));
  const auto probe = [&](const std::string& from) {
    Endpoint endpoint = port_.endpoint();
    endpoint.from = from;
    return ask(endpoint, get("a.test", "/index.html", {"X-Aegir-Probe: token", "X-Real-IP: 127.0.0.3"}));
  };
  const Response forwarded = probe("127.0.0.1");
  EXPECT_EQ(forwarded.value("X-Address"), "127.0.0.3");
  EXPECT_FALSE(forwarded.header("X-Aegir-Site"));
  EXPECT_TRUE(probe("127.0.0.3").header("X-Aegir-Site"));
}

TEST_F(NgxModule, DoubleSlashesPassNoRule) {
  put(docroot() + "/sites/b.test/files/f.txt", "b's file");
  start(basics() + catch_all("merge_slashes off;"));
  EXPECT_EQ(page(), 200);
  for (const char* path : {"//sites/b.test/files/f.txt", "/sites//b.test/files/f.txt"}) {
    EXPECT_EQ(ask(port_.endpoint(), get("a.test", path)).status, 404) << path;
  }
}

TEST_F(NgxModule, AnotherAbiIsRefusedWithOneSentence) {
  const auto refused = [&](const std::string& module) {
    std::string config = nginx_.frame({.http = basics() + catch_all()});
    replace(config, AEGIR_NGX_MODULE, module);
    const Finished finished = nginx_.test(config);
    EXPECT_EQ(finished.status, 1);
    return finished.output;
  };
  const std::string moved = refused(AEGIR_NGX_OTHER_ABI);
  EXPECT_TRUE(moved.contains("was built for another nginx and this nginx keeps \"http_host\" in another place"))
      << moved;

  // nginx's own check: the signature stands in the module as text.
  std::string bytes = slurp(AEGIR_NGX_MODULE);
  const std::size_t signature = bytes.find("8,4,8,");
  ASSERT_NE(signature, std::string::npos);
  bytes[signature + 6] ^= 1;
  const std::string copy = root_.path("other.so");
  put(copy, bytes);
  EXPECT_TRUE(refused(copy).contains("is not binary compatible"));
}

}  // namespace
}  // namespace aegir::live
