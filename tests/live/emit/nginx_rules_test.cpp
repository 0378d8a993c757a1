// The rules that nginx has for each CMS, served: what is closed, what runs, what Drupal answers. (Apache has the
// platform's own .htaccess; tests/drupal puts real codebases to both.)
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "compiler/emit/emit.hpp"
#include "tests/live/harness/http.hpp"
#include "tests/live/harness/map_fixture.hpp"
#include "tests/live/harness/servers.hpp"

namespace aegir::live {
namespace {

constexpr uid_t kUid = 612050;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(describe(result.error()));
  return *std::move(result);
}

/// Tells the script that ran.
constexpr const char* kPhp = R"(<?php
header('X-Content-Type-Options: nosniff');
if (isset($_GET['send'])) { header('X-Accel-Redirect: ' . $_GET['send']); exit; }
echo 'ran ', $_SERVER['SCRIPT_NAME'], ' ', $_SERVER['PATH_INFO'] ?? '-', ' ', $_SERVER['REQUEST_URI'], "\n";
)";

struct Cms {
  std::string name;
  registry::Cms cms;
};
const std::vector<Cms> kAll = {{"drupal7", registry::Cms::kDrupal7},
                               {"drupal8", registry::Cms::kDrupal8},
                               {"backdrop", registry::Cms::kBackdrop},
                               {"other", registry::Cms::kOther}};

/// One nginx with a platform for each CMS, and a site <cms>.test on each.
class NginxRules : public testing::TestWithParam<Cms> {
 protected:
  static void SetUpTestSuite() { world = new World; }
  static void TearDownTestSuite() {
    world->nginx.expect_log("directory index of .* is forbidden");
    world->nginx.expect_log("robots.txt.*failed \\(40: Too many levels of symbolic links\\)");
    world->nginx.stop();
    world->fpm.stop();
    delete world;
    world = nullptr;
  }

  [[nodiscard]] static std::string host() { return GetParam().name + ".test"; }
  [[nodiscard]] static bool is_drupal() { return GetParam().cms != registry::Cms::kOther; }
  [[nodiscard]] static Response ask_for(const std::string& path) {
    return ask(world->port.endpoint(), get(host(), path));
  }
  static void expect_closed(const std::string& path) {
    const Response answer = ask_for(path);
    EXPECT_EQ(answer.status, 403) << path << ": " << answer.body;
    EXPECT_FALSE(answer.body.contains("ran ") || answer.body.contains("content of ")) << path << ": " << answer.body;
  }
  static void expect_file(const std::string& path, const std::string& text) {
    const Response answer = ask_for(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, "content of " + text) << path;
    EXPECT_EQ(answer.value("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(answer.header("Expires").has_value(), is_drupal() && !path.ends_with("robots.txt")) << path;
  }
  static void expect_ran(const std::string& path, const std::string& script, const std::string& info = "-") {
    const Response answer = ask_for(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_TRUE(answer.body.starts_with("ran " + script + " " + info + " " + path + "\n"))
        << path << ": " << answer.body;
    EXPECT_EQ(answer.count("X-Content-Type-Options"), 1U) << path;
    EXPECT_FALSE(answer.header("Expires")) << path;
  }

  struct World {
    World();
    void make_docroot(const Cms& cms) const;
    TempDir root;
    MapFixture map;
    Port port;
    FpmServer fpm;
    NginxServer nginx;
  };
  static World* world;
};

NginxRules::World* NginxRules::world = nullptr;

void NginxRules::World::make_docroot(const Cms& cms) const {
  const auto at = [&](const std::string& path) { return root.path(cms.name) + path; };
  for (const char* script : {"/index.php",
                             "/update.php",
                             "/cron.php",
                             "/xmlrpc.php",
                             "/authorize.php",
                             "/install.php",
                             "/rebuild.php",
                             "/other.php",
                             "/autoload.php",
                             "/core/authorize.php",
                             "/core/install.php",
                             "/core/rebuild.php",
                             "/core/update.php",
                             "/core/cron.php",
                             "/core/other.php",
                             "/core/modules/statistics/statistics.php",
                             "/modules/statistics/statistics.php",
                             "/sites/all/modules/x/x.php",
                             "/core/x.phtml",
                             "/core/x.PHP"}) {
    put(at(script), kPhp);
  }
  for (const char* file : {"/.htaccess",
                           "/.git/config",
                           "/.env",
                           "/core/.hidden",
                           "/composer.json",
                           "/composer.lock",
                           "/web.config",
                           "/core/package.json",
                           "/core/x.inc",
                           "/core/x.module",
                           "/core/x.yml",
                           "/core/x.sql",
                           "/core/x.mysql",
                           "/core/x.tpl.php",
                           "/core/x.twig",
                           "/core/x.inc~",
                           "/core/x.module.bak",
                           "/index.php.orig",
                           "/index.php~",
                           "/vendor/autoload.txt",
                           "/core/assets/vendor/jquery.js",
                           "/core/misc/drupal.js",
                           "/core/README.md",
                           "/core/CVS/Root",
                           "/core/Entries.Log",
                           "/favicon.ico",
                           "/robots.txt",
                           "/core/x.info",
                           "/core/x.test",
                           "/core/image.svgz",
                           "/core/#x#"}) {
    put(at(file), std::string("content of ") + file);
  }
  std::filesystem::create_directories(at("/core/empty"));
  const std::string own = at("/sites/" + cms.name + ".test");
  for (const char* file : {"/files/f.txt", "/files/x.yml", "/files/config_abc/active/x.json", "/files/php/twig/x",
                           "/files/private/x.txt", "/files/backup_migrate/x.gz", "/files/css/css_a.css",
                           "/files/css/css_a.css.gz", "/private/files/report.sql", "/files/.htaccess"}) {
    put(own + file, std::string("content of ") + file);
  }
}

NginxRules::World::World() {
  const std::string socket = root.path("php.sock");
  MapContent content;
  Config config =
      *parse_config("prefix = " + root.path() + "\nmap_dir = " + map.directory() + "\nmap_key = " + map.key_file() +
                        "\nnginx_listen = 127.0.0.1:" + port.text() + "\n",
                    "rules");
  std::vector<registry::Platform> platforms;
  for (const Cms& cms : kAll) {
    make_docroot(cms);
    registry::Platform platform;
    platform.id = static_cast<std::uint32_t>(platforms.size() + 1);
    platform.name = cms.name;
    platform.server = "local";
    platform.docroot = root.path(cms.name);
    platform.cms = cms.cms;
    platform.body_limit = platform.id;
    platforms.push_back(platform);
    content.platforms.push_back({platform.id, map::kServiceNginx, map::Cms::kDrupal8, platform.name, platform.docroot});
    map::SiteRecord site;
    site.key = site.host = site.directory = cms.name + ".test";
    site.platform_id = platform.id;
    site.socket = socket;
    site.aliases = {{"www." + site.host, ""}};
    content.sites.push_back(site);
  }
  map.publish(content);
  const std::string folder = server_config_dir(config, "local") + "/nginx/";
  const registry::Server server{"local", "localhost", {{registry::kNginx}}, {}};
  put(folder + "aegir.conf", must(emit::nginx_server(config, server, server.web[0], platforms, {})));
  put(folder + "php.conf", must(emit::nginx_php()));
  for (const registry::Platform& platform : platforms) {
    put(folder + "platform.d/" + platform.name + ".conf", must(emit::nginx_platform(config, platform, {})));
    put(folder + "platform.d/" + platform.name + ".local.conf",
        "location = /local { return 200 'local of " + platform.name + "'; }\n" + "location = /mine.php { include " +
            folder + "php.conf; }\n");
    put(platform.docroot + "/mine.php", kPhp);
  }
  std::filesystem::create_directories(config.log_dir);
  fpm.start({{.name = "x", .uid = kUid, .gid = kUid, .socket = socket, .children = 2}});
  nginx.start(nginx.frame({.http = "include " + folder + "aegir.conf;"}), {port.endpoint()});
}

TEST_P(NginxRules, SourcesAndDotFilesAreClosed) {
  for (const char* path :
       {"/.htaccess", "/.git/config", "/.git/", "/.env", "/core/.hidden", "/composer.json", "/composer.lock",
        "/web.config", "/.no-such-file", "/sub/.git/HEAD", "/.well-known/.hidden"}) {
    expect_closed(path);
  }
  if (!is_drupal()) return;
  for (const char* path :
       {"/core/package.json", "/core/x.inc", "/core/x.module", "/core/x.yml", "/core/x.sql", "/core/x.mysql",
        "/core/x.tpl.php", "/core/x.twig", "/core/x.inc~", "/core/x.module.bak", "/index.php.orig", "/index.php~",
        "/vendor/autoload.txt", "/core/CVS/Root", "/core/Entries.Log", "/core/%23x%23", "/core/%78.inc", "/core//x.inc",
        "/core/no-such.inc"}) {
    expect_closed(path);
  }
  const bool has_info_files = GetParam().cms != registry::Cms::kDrupal8;
  for (const char* path : {"/core/x.info", "/core/x.test"}) {
    if (has_info_files) expect_closed(path);
    if (!has_info_files) expect_file(path, path);
  }
}

TEST_P(NginxRules, FilesAreServed) {
  for (const char* path : {"/core/misc/drupal.js", "/core/assets/vendor/jquery.js", "/core/README.md"})
    expect_file(path, path);
  if (is_drupal()) {
    EXPECT_EQ(ask_for("/core/image.svgz").value("Content-Encoding"), "gzip");
    EXPECT_EQ(ask_for("/core/image.svgz").value("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(ask_for("/core/empty/").status, 403);
  }
  EXPECT_EQ(ask_for("/favicon.ico").body, "content of /favicon.ico");
  EXPECT_EQ(ask_for("/core/empty").value("Location"), "/core/empty/");
}

TEST_P(NginxRules, ScriptsThatAreEntriesRun) {
  expect_ran("/index.php", "/index.php");
  expect_ran("/index.php/node/1.inc", "/index.php", "/node/1.inc");
  expect_ran("/mine.php", "/mine.php");
  switch (GetParam().cms) {
    case registry::Cms::kDrupal7:
      for (const char* path :
           {"/update.php", "/cron.php", "/xmlrpc.php", "/authorize.php", "/modules/statistics/statistics.php"})
        expect_ran(path, path);
      expect_ran("/update.php/selection", "/update.php", "/selection");
      break;
    case registry::Cms::kDrupal8:
      for (const char* path : {"/update.php", "/core/authorize.php", "/core/modules/statistics/statistics.php"})
        expect_ran(path, path);
      expect_ran("/update.php/selection?op=x", "/update.php", "/selection");
      break;
    case registry::Cms::kBackdrop:
      for (const char* path : {"/core/update.php", "/core/cron.php", "/core/authorize.php"}) expect_ran(path, path);
      EXPECT_EQ(ask_for("/update.php?op=x").value("Location"), "/core/update.php?op=x");
      EXPECT_EQ(ask_for("/cron.php").status, 301);
      break;
    case registry::Cms::kOther:
      for (const char* path : {"/other.php", "/core/other.php", "/sites/all/modules/x/x.php"}) expect_ran(path, path);
      EXPECT_EQ(ask_for("/no-such.php").status, 404);
      break;
  }
}

TEST_P(NginxRules, EveryOtherScriptIsClosed) {
  for (const char* path : {"/install.php", "/core/install.php", "/install.php/x"}) expect_closed(path);
  if (!is_drupal()) return;
  for (const char* path :
       {"/rebuild.php", "/core/rebuild.php", "/core/rebuild.php/x", "/other.php", "/core/other.php", "/autoload.php",
        "/sites/all/modules/x/x.php", "/core/x.phtml", "/core/x.PHP", "/core/%6fther.php"}) {
    expect_closed(path);
  }
  expect_ran("/no-such.php", "/index.php");
  expect_ran("/old/page.php?id=1", "/index.php");
  expect_ran("/core/other.php/info", "/index.php");
}

TEST_P(NginxRules, DrupalAnswersWhatIsNoFile) {
  expect_ran("/", "/index.php");
  expect_ran("/node/1?x=y", "/index.php");
  expect_ran("/Root/of/all", "/index.php");
  expect_ran("/sites/" + host() + "/files/styles/large/public/a.png?itok=1", "/index.php");
  expect_ran("/sites/" + host() + "/files/css/css_missing.css", "/index.php");
  if (!is_drupal()) return;
  for (const char* path : {"/system/files/report.sql", "/de/system/files/x.inc", "/system/temporary/x.php",
                           "/system/files/styles/a/b.yml"}) {
    expect_ran(path, "/index.php");
  }
}

TEST_P(NginxRules, PlacesBelowFilesThatHtaccessFilesClose) {
  const std::string files = "/sites/" + host() + "/files";
  expect_file(files + "/f.txt", "/files/f.txt");
  expect_file("/files/f.txt", "/files/f.txt");
  expect_closed(files + "/.htaccess");
  if (!is_drupal()) return;
  for (const char* path :
       {"/config_abc/active/x.json", "/php/twig/x", "/private/x.txt", "/backup_migrate/x.gz", "/x.yml"}) {
    expect_closed(files + path);
  }
}

TEST_P(NginxRules, PackedStyleSheetsGoToWhoTakesThem) {
  const std::string path = "/sites/" + host() + "/files/css/css_a.css";
  EXPECT_EQ(ask_for(path).body, "content of /files/css/css_a.css");
  const Response packed = ask(world->port.endpoint(), get(host(), path, {"Accept-Encoding: gzip"}));
  EXPECT_EQ(packed.value("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.value("Vary"), "Accept-Encoding");
  EXPECT_EQ(packed.body, "content of /files/css/css_a.css.gz");
}

TEST_P(NginxRules, PrivateFilesGoOutWhenThePhpOfTheSiteSendsThem) {
  const std::string file = "/sites/" + host() + "/private/files/report.sql";
  EXPECT_EQ(ask_for(file).status, 403);
  const Response sent = ask_for("/index.php?send=" + file);
  EXPECT_EQ(sent.status, 200);
  EXPECT_EQ(sent.body, "content of /private/files/report.sql");
  EXPECT_EQ(ask_for("/index.php?send=/sites/" + host() + "/private/missing").status, 404);
  for (const Cms& other : kAll) {
    if (other.name == GetParam().name) continue;
    EXPECT_EQ(ask_for("/index.php?send=/sites/" + other.name + ".test/private/files/report.sql").status, 404);
  }
}

TEST_P(NginxRules, RobotsOfTheSite) {
  const std::string folder = world->root.path(GetParam().name) + "/sites/" + host() + "/files/";
  expect_file("/robots.txt", "/robots.txt");
  put(folder + "robots.txt", "content of the site's");
  expect_file("/robots.txt", "the site's");
  put(folder + "www." + host() + ".robots.txt", "content of www");
  expect_file("/robots.txt", "the site's");
  EXPECT_EQ(ask(world->port.endpoint(), get("www." + host(), "/robots.txt")).body, "content of www");
  // A link of the site's own PHP to what is not its.
  std::filesystem::remove(folder + "robots.txt");
  std::filesystem::create_symlink("/etc/hostname", folder + "robots.txt");
  ASSERT_EQ(lchown((folder + "robots.txt").c_str(), kUid, kUid), 0);
  expect_file("/robots.txt", "/robots.txt");
}

TEST_P(NginxRules, WhatAPersonAddsIsLookedAtFirst) { EXPECT_EQ(ask_for("/local").body, "local of " + GetParam().name); }

TEST_P(NginxRules, TheBodyLimitIsThePlatforms) {
  const auto post = [&](std::size_t size) {
    return ask(world->port.endpoint(), "POST /index.php HTTP/1.1\r\nHost: " + host() +
                                           "\r\nConnection: close\r\nContent-Length: " + std::to_string(size) +
                                           "\r\n\r\n")
        .status;
  };
  const auto limit =
      static_cast<std::size_t>(std::distance(kAll.begin(), std::ranges::find(kAll, GetParam().name, &Cms::name)) + 1)
      << 20U;
  world->nginx.expect_log("client intended to send too large body: " + std::to_string(limit + 1));
  EXPECT_EQ(post(limit + 1), 413);
}

INSTANTIATE_TEST_SUITE_P(Cms, NginxRules, testing::ValuesIn(kAll),
                         [](const testing::TestParamInfo<Cms>& test) { return test.param.name; });

}  // namespace
}  // namespace aegir::live
