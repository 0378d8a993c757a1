#include "tests/live/behaviour/world.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace aegir::live {

namespace {

namespace fs = std::filesystem;

constexpr uid_t kUidA = 310001;
constexpr uid_t kUidB = 310002;
constexpr std::uint32_t kPlatform = 1;

constexpr const char* kIndexPhp = R"(<?php
// Tells what PHP was given.
header('X-Script: ' . basename(__FILE__));
foreach ($_SERVER as $name => $value) if (is_string($value)) echo "$name=$value\n";
foreach (['memory_limit', 'upload_max_filesize', 'post_max_size', 'max_execution_time'] as $name) {
  echo "ini:$name=", ini_get($name), "\n";
}
echo 'uid=', posix_geteuid(), "\nbody=", file_get_contents('php://input'), "\n";
)";

constexpr const char* kSendPhp = R"(<?php
header('X-Accel-Redirect: ' . $_GET['file']);
)";

/// A link of `owner`.
void link(const std::string& target, const std::string& path, uid_t owner) {
  fs::create_symlink(target, path);
  if (lchown(path.c_str(), owner, owner) != 0) throw std::runtime_error(path + ": can't be given away");
}

void put_as(uid_t owner, const std::string& path, const std::string& content) {
  put(path, content);
  if (chown(path.c_str(), owner, owner) != 0) throw std::runtime_error(path + ": can't be given away");
}

map::SiteRecord site(const std::string& host) {
  map::SiteRecord record;
  record.key = record.host = record.directory = host;
  record.platform_id = kPlatform;
  return record;
}

map::AliasRecord alias(const std::string& name, const std::string& target = {}) { return {map::map_key(name), target}; }

map::Credentials credentials(const std::string& name) {
  return {"mysql", name + "_db", name + "_user", "secret-of-" + name, "127.0.0.1", "3306"};
}

const std::string kHere = AEGIR_SOURCE_DIR "/tests/live/behaviour/";

std::unique_ptr<World> world;

/// Starts everything once, and checks the logs in the end.
class Lifetime : public ::testing::Environment {
 public:
  void SetUp() override { world = std::make_unique<World>(); }
  void TearDown() override {
    if (world != nullptr) world->stop();
    world.reset();
  }
};

const auto* const kLifetime = ::testing::AddGlobalTestEnvironment(new Lifetime);

}  // namespace

std::string to_string(Kind kind) { return kind == Kind::kNginx ? "nginx" : "apache"; }

std::string figure(const Response& status, const std::string& name) {
  const std::size_t at = status.body.find("\n" + name + " ");
  if (at == std::string::npos) throw std::runtime_error("no " + name + " in the status:\n" + status.raw + status.body);
  const std::size_t begin = at + name.size() + 2;
  return status.body.substr(begin, status.body.find('\n', begin) - begin);
}

std::uint64_t Front::counter(const std::string& name) const {
  return std::stoull(figure(ask(status_port.endpoint(), get("status.localhost", "/aegir-status")), name));
}

World& World::get() {
  if (world == nullptr) throw std::runtime_error("the servers of the behaviour table did not start");
  return *world;
}

std::vector<Kind> World::kinds() {
  std::vector<Kind> built;
  if (*AEGIR_NGX_MODULE != '\0') built.push_back(Kind::kNginx);
  if (*AEGIR_APACHE_MODULE != '\0') built.push_back(Kind::kApache);
  return built;
}

namespace {

Front& find(const std::vector<std::unique_ptr<Front>>& fronts, Kind kind) {
  for (const auto& candidate : fronts) {
    if (candidate->kind == kind) return *candidate;
  }
  throw std::runtime_error(to_string(kind) + " does not run");
}

}  // namespace

Front& World::front(Kind kind) { return find(fronts_, kind); }

Front& World::static_front(Kind kind) { return find(static_fronts_, kind); }

World::World() : recorder_(root_.path("recorder.sock")) {
  make_platform();
  make_certificate();
  make_map();
  map_.publish(content_);
  fpm_.start({{.name = "a", .uid = kUidA, .gid = kUidA, .socket = root_.path("a.sock"), .children = 1},
              {.name = "b", .uid = kUidB, .gid = kUidB, .socket = root_.path("b.sock"), .children = 1}},
             "extension=posix\nvariables_order=GPCS\n");
  for (const Kind kind : kinds()) {
    start(kind);
    start_static(kind);
  }
}

void World::make_platform() const {
  const auto at = [&](const std::string& path) { return docroot() + "/" + path; };
  for (const char* script : {"index.php", "install.php", "core/install.php", "update.php", "folder/index.php"}) {
    put(at(script), kIndexPhp);
  }
  put(at("send.php"), kSendPhp);
  put(at("style.css"), "a style");
  put(at("space here.txt"), "a space");
  put(at("pages/index.html"), "pages' index");
  put(at("a folder\xc3\xa4\"/file.txt"), "a file");
  put(at("error-document/there.txt"), "there");
  put(at("robots.txt"), "robots of the platform");
  put(at("sites/a.test/files/robots.txt"), "robots of a.test");
  put(at("sites/all/shared.css"), "shared by all");
  put(at("sites/default/default.css"), "default's");
  put(at(".well-known/acme-challenge/in-docroot"), "from the docroot");
  put(root_.path("acme/.well-known/acme-challenge/in-root"), "from the root");
  put(root_.path("acme/.well-known/acme-challenge/empty"), "");
  for (const auto& [name, owner] : {std::pair("a.test", kUidA), std::pair("b.test", kUidB)}) {
    const std::string own = at("sites/" + std::string(name) + "/");
    for (const char* script : {"x.php", "x.php.txt", "x.phtml", "sub/x.PHP"}) {
      put_as(owner, own + "files/" + script, kIndexPhp);
    }
    put_as(owner, own + "files/f.txt", std::string("file of ") + name);
    put_as(owner, own + "files/page.html", std::string("page of ") + name);
    put_as(owner, own + "files/pages/index.html", "no index here");
    put_as(owner, own + "private/secret.txt", std::string("secret of ") + name);
    put(own + "settings.txt", "not below files");
  }
  const std::string files = at("sites/a.test/files/");
  link("f.txt", files + "own-link.txt", kUidA);
  link(at("sites/b.test/private/secret.txt"), files + "stolen.txt", kUidA);
  link(at("sites/b.test/files"), files + "stolen-folder", kUidA);
  link("/etc/passwd", files + "passwd.txt", kUidA);
  link(at("sites/b.test/private/secret.txt"), at("sites/a.test/private/stolen.txt"), kUidA);
  put(at("sites/renamed.test/files/f.txt"), "file of renamed.test");
}

void World::make_certificate() const {
  const Finished made =
      run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
           "2", "-subj", "/CN=a.test", "-keyout", root_.path("tls.key"), "-out", root_.path("tls.pem")});
  if (made.status != 0) throw std::runtime_error("openssl: " + made.output);
}

void World::make_map() {
  map::SiteRecord a = site("a.test");
  a.socket = root_.path("a.sock");
  a.memory_limit = 191;
  a.upload_max_filesize = 17;
  a.post_max_size = 18;
  a.max_execution_time = 19;
  a.aliases = {alias("*.a.test"),
               alias("away.a.test", "https://new.example"),
               alias("in-place.a.test"),
               alias("other.a.test", "other.example"),
               alias("www.a.test", "a.test"),
               alias("xn--mnchen-3ya.test"),
               alias("*.deep.a.test", "a.test")};
  std::ranges::sort(a.aliases, {}, &map::AliasRecord::key);
  seal(a, "a");

  map::SiteRecord b = site("b.test");
  b.socket = root_.path("b.sock");
  seal(b, "b");

  // Shares A's pool: PHP-FPM keeps the limits that a child was told last.
  map::SiteRecord neighbour = site("neighbour.test");
  neighbour.socket = root_.path("a.sock");
  neighbour.memory_limit = 93;
  seal(neighbour, "neighbour");

  map::SiteRecord plain = site("plain.test");  // not cloaked
  plain.socket = root_.path("b.sock");

  map::SiteRecord recorded = site("recorded.test");
  recorded.socket = root_.path("recorder.sock");
  seal(recorded, "recorded");

  map::SiteRecord damaged = site("damaged.test");
  damaged.socket = root_.path("b.sock");
  seal(damaged, "damaged");
  damaged.sealed.back() ^= 1;

  map::SiteRecord secure = site("secure.test");
  secure.https = map::Https::kRequired;
  secure.socket = root_.path("b.sock");
  secure.aliases = {alias("www.secure.test", "secure.test")};

  map::SiteRecord locked = site("locked.test");
  locked.socket = root_.path("b.sock");
  seal(locked, "locked");
  Digest digest{};
  const std::array<std::string_view, 2> user_and_password = {kUser, kPassword};
  if (!map_.keys().digest(locked.key_id, user_and_password, digest)) throw std::runtime_error("no key for a digest");
  locked.auth = std::string(reinterpret_cast<const char*>(digest.data()), digest.size()) + "Staging";

  map::SiteRecord away = site("away.test");
  away.target = "www.away.test";
  away.aliases = {alias("www.away.test")};

  map::SiteRecord off = site("off.test");
  off.state = map::SiteState::kDisabled;
  off.aliases = {alias("www.off.test", "off.test")};
  seal(off, "off");

  map::SiteRecord maintained = site("maintained.test");
  maintained.state = map::SiteState::kMaintenance;
  maintained.socket = root_.path("b.sock");
  seal(maintained, "maintained");

  map::SiteRecord renamed = site("renamed.test");
  renamed.former = {"was.test", "was-before.test"};

  map::SiteRecord of_apache = site("of-apache.test");
  of_apache.services = map::kServiceApache;
  map::SiteRecord of_nginx = site("of-nginx.test");
  of_nginx.services = map::kServiceNginx;

  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  map::SiteRecord candidate = site("b.test");
  candidate.key = map::probe_key(kCandidateToken);
  candidate.directory = "a.test";  // told from the live record by its directory
  candidate.socket = root_.path("b.sock");
  candidate.expiry = now + 3600;
  seal(candidate, "candidate");
  map::SiteRecord expired = candidate;
  expired.key = map::probe_key(kExpiredToken);
  expired.expiry = now - 1;

  content_.sites = {a,      b,   neighbour,  plain,   recorded,  damaged,  secure,    away,
                    locked, off, maintained, renamed, of_apache, of_nginx, candidate, expired};
  content_.passes = {{map::probe_key(kPassToken), "maintained.test", now + 3600}};
  content_.platforms = {{kPlatform, map::kServiceApache | map::kServiceNginx, map::Cms::kDrupal8, "p1", docroot()}};
}

void World::seal(map::SiteRecord& record, const std::string& name) {
  const map::Credentials plain = credentials(name);
  map_.seal(record, plain);
  if (record.key == record.host) credentials_[record.host] = plain;
}

void World::stop() {
  for (const auto& front : fronts_) front->server->stop();
  for (const auto& front : static_fronts_) front->server->stop();
  fpm_.stop();
}

std::string World::filled(std::string text, const Front& front) const {
  const std::map<std::string, std::string> words = {{"map", map_.directory()},
                                                    {"key", map_.key_file()},
                                                    {"docroot", docroot()},
                                                    {"acme", root_.path("acme")},
                                                    {"certificate", root_.path("tls.pem")},
                                                    {"certificate_key", root_.path("tls.key")},
                                                    {"probe_peer", kProbePeer},
                                                    {"trusted_proxy", kTrustedProxy},
                                                    {"https_port", std::to_string(kHttpsPort)},
                                                    {"port", front.port.text()},
                                                    {"tls_port", front.tls_port.text()},
                                                    {"h2_port", front.h2_port.text()},
                                                    {"status_port", front.status_port.text()}};
  for (const auto& [word, value] : words) {
    const std::string place = "@" + word + "@";
    for (std::size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += value.size()) {
      text.replace(at, place.size(), value);
    }
  }
  return text;
}

void World::start(Kind kind) {
  auto front = std::make_unique<Front>();
  front->kind = kind;
  if (kind == Kind::kNginx) {
    auto nginx = std::make_unique<NginxServer>();
    nginx->start(nginx->frame({.http = filled(slurp(kHere + "nginx.conf"), *front)}),
                 {front->port.endpoint(), front->tls_port.endpoint(), front->h2_port.endpoint()});
    front->server = std::move(nginx);
  } else {
    auto apache = std::make_unique<ApacheServer>();
    apache->start(apache->frame({.main = filled(slurp(kHere + "httpd.conf"), *front), .modules = {"ssl"}}),
                  {front->port.endpoint(), front->tls_port.endpoint(), front->status_port.endpoint()});
    front->server = std::move(apache);
  }
  fronts_.push_back(std::move(front));
}

}  // namespace aegir::live
