// What is emitted for two registries, compared with files below tests/golden/emit, byte for byte. After a change that
// is meant: AEGIR_UPDATE_GOLDEN=1 build/dev/tests/golden/emit/golden_emit, and read the difference before it is
// committed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "compiler/emit/emit.hpp"
#include "compiler/emit/static.hpp"
#include "compiler/machine/machine.hpp"

namespace aegir::emit {
namespace {

namespace fs = std::filesystem;

Config config_of(std::string_view text) {
  ConfigResult config = parse_config(text, "golden.conf");
  if (!config) throw std::runtime_error(describe(config.error().front()));
  return *config;
}

registry::Platform platform(std::uint32_t id, std::string name, registry::Services services) {
  registry::Platform platform;
  platform.id = id;
  platform.server = "local";
  platform.docroot = "/var/aegir/platforms/" + name + "/web";
  platform.name = std::move(name);
  platform.services = services;
  return platform;
}

// A server as it is set up by default, with platforms in every relation to Apache.
Model usual() {
  Model model;
  model.servers.push_back({"local", "localhost", {{registry::kApache}, {registry::kNginx, 8080, 8443}}, {}});
  model.servers.push_back({"db", "db.internal", {}, registry::DatabaseService{}});
  model.platforms.push_back(platform(1, "d10", registry::kApache | registry::kNginx));
  model.platforms.push_back(platform(2, "d7", registry::kNginx));
  model.platforms.back().cms = registry::Cms::kDrupal7;
  model.platforms.push_back(platform(3, "gone", registry::kApache));
  model.platforms.back().state = registry::PlatformState::kDeleted;
  model.platforms.push_back(platform(4, "locked", registry::kApache));
  model.platforms.back().state = registry::PlatformState::kLocked;
  model.platforms.push_back(platform(5, "backdrop", registry::kNginx));
  model.platforms.back().cms = registry::Cms::kBackdrop;
  model.platforms.push_back(platform(6, "php", registry::kNginx));
  model.platforms.back().cms = registry::Cms::kOther;
  registry::Block block;
  block.name = "b1";
  block.server = "local";
  block.slots = 2;
  model.blocks.push_back(block);
  return model;
}

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return std::move(content).str();
}

void compare(const std::string& name, const std::vector<File>& files) {
  const fs::path golden = fs::path(AEGIR_SOURCE_DIR) / "tests/golden/emit" / name;
  if (std::getenv("AEGIR_UPDATE_GOLDEN") != nullptr) {
    fs::remove_all(golden);
    for (const File& file : files) {
      const fs::path path = golden / file.path.substr(1);
      fs::create_directories(path.parent_path());
      std::ofstream(path, std::ios::binary) << file.content;
    }
  }
  std::set<std::string> emitted;
  for (const File& file : files) {
    EXPECT_TRUE(emitted.insert(file.path).second) << file.path << " twice";
    EXPECT_EQ(file.content, slurp(golden / file.path.substr(1))) << file.path;
  }
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(golden)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = '/' + fs::relative(entry.path(), golden).string();
    EXPECT_TRUE(emitted.contains(path)) << path << " is not emitted any more";
  }
}

void compare(const std::string& name, const Config& config, const Model& model) {
  const Result<std::vector<File>> files = emit_all(config, model);
  ASSERT_TRUE(files) << describe(files.error());
  EXPECT_EQ(*files, emit_all(config, model).value());
  for (const File& file : *files) {
    EXPECT_EQ(file.mode, 0640U);
    EXPECT_TRUE(file.content.substr(2).starts_with(machine::kEmittedMark)) << file.path << " would never be removed";
  }
  compare(name, *files);
}

TEST(Golden, DefaultServer) { compare("default", config_of(""), usual()); }

TEST(Golden, PrivateInstallation) {
  compare("private",
          config_of("prefix = /var/tmp/quick\n"
                    "aegir_user = 610000\n"
                    "uid_first = 611000\n"
                    "uid_last = 611999\n"
                    "web_group = 33\n"
                    "apache_listen = 127.0.0.1:8001 [::1]:8001 8003\n"
                    "nginx_listen = 127.0.0.1:8002 [::1]:8002 8004\n"
                    "trusted_proxies = 10.0.0.1 10.1.0.0/16\n"
                    "probe_peers = 127.0.0.1\n"),
          [] {
            Model model = usual();
            model.blocks[0].first_uid = 611000;
            model.blocks[0].slots = 1;
            return model;
          }());
}

// Sites of each kind; static_form_test of tests/live/behaviour has them served.
TEST(Golden, StaticForm) {
  const Config config = config_of("trusted_proxies = 10.0.0.1\n");
  const Model model = usual();
  registry::Site shop;
  shop.uri = "shop.example";
  shop.https = registry::Https::kRequired;
  shop.former_uris = {"old.example"};
  shop.http_auth = {"ann", "open: sesame", "Staff only"};
  shop.body_limit = 20;
  registry::Site off;
  off.uri = "off.example";
  off.state = registry::SiteState::kDisabled;
  const std::string htaccess = "RewriteEngine on\n";
  const std::vector<StaticSite> sites = {
      {shop,
       model.platforms[0],
       {{"shop.example", ""}, {"*.shop.example", "https://new.example"}, {"www.shop.example", "shop.example"}},
       {"mysql", "shop", "shopuser", "the-password", "localhost", "3306"},
       "/run/aegir/fpm/b1/0.sock",
       "",
       &htaccess},
      {off, model.platforms[0], {{"off.example", ""}, {"www.off.example", "off.example"}}, {}, "", "", &htaccess}};
  std::vector<File> all;
  for (const auto emitter : {static_nginx, static_apache}) {
    const registry::Server& server = model.servers[0];
    const std::vector<Certificate> certificates = {{"default", "self-signed.pem", {}, "secret"},
                                                   {"shop.example", "11.pem", {"*.shop.example"}, "secret"}};
    const Result<std::vector<File>> files =
        emitter(config, server, server.web[emitter == static_nginx ? 1 : 0], sites, certificates);
    ASSERT_TRUE(files) << describe(files.error());
    for (const File& file : *files) {
      EXPECT_EQ(file.mode, file.path.ends_with("@php") ? 0600U : 0640U) << file.path;
      EXPECT_EQ(file.content.contains("the-password"), file.path.ends_with("shop.example@php")) << file.path;
      all.push_back(file);
    }
  }
  compare("static", all);
}

TEST(Emit, TheStaticFormRefusesWhatItCannotSay) {
  const Config config = config_of("");
  const Model model = usual();
  registry::Site site;
  site.uri = "a.example";
  const auto refused = [&](const std::string& password, auto emitter) {
    const std::vector<StaticSite> sites = {
        {site, model.platforms[0], {{site.uri, ""}}, {"mysql", "d", "u", password, "h", "1"}, "/run/a.sock", ""}};
    return !emitter(config, model.servers[0], model.servers[0].web[0], sites, {});
  };
  for (const char* password : {"a$b", "a\nb"}) {
    EXPECT_TRUE(refused(password, static_nginx)) << password;
    EXPECT_TRUE(refused(password, static_apache)) << password;
  }
  for (const char* password : {"%{x}", "a\\", "a\"b"}) EXPECT_TRUE(refused(password, static_apache)) << password;
  EXPECT_FALSE(refused("a b'c;d#e", static_nginx));
  EXPECT_FALSE(refused("a b'c;d#e", static_apache));
}

// A machine on which everything has happened: an accepted .htaccess, people's files, some of them refused, sites that
// differ from their platform.
TEST(Golden, LivingMachine) {
  Model model = usual();
  model.platforms[0].cms = registry::Cms::kDrupal7;
  model.platforms[0].body_limit = 20;
  Surroundings& around = model.surroundings;
  around.accepted = {"d10"};
  around.apache = "0123456789abcdef";
  around.nginx = "fedcba9876543210";
  const std::string folder = "/var/aegir/config/server_local/";
  around.people = {{folder + "apache/platform.d/d10.local.conf", true},
                   {folder + "apache/pre.d/mine.conf", false},
                   {folder + "apache/vhost.d/bad.conf", true},
                   {folder + "apache/vhost.d/good.conf", false},
                   {folder + "nginx/platform.d/d10.local.conf", true},
                   {folder + "nginx/post.d/bad.conf", true},
                   {folder + "nginx/vhost.d/good.conf", false},
                   {folder + "nginx/vhost.d/host.local.conf", false},
                   {folder + "nginx/vhost.d/shop.example.local.conf", true}};
  around.certificates = {{"default", "self-signed.pem", {}, "secret"},
                         {"empty.example", "22.pem", {}, "secret"},
                         {"shop.example", "11.pem", {"*.shop.example", "shop.example", "www.shop.example"}, "secret"},
                         {"wild.example", "33.pem", {"*.a.wild.example", "*.wild.example"}, "secret"}};
  model.own_sites = {{"big.example", "d10", 200}, {"shop.example", "d7"}};
  compare("living", config_of(""), model);
}

TEST(Emit, RefusesWhatNoFileCanSay) {
  const auto error_of = [](const Config& config, const Model& model) {
    const Result<std::vector<File>> files = emit_all(config, model);
    return files ? std::string("emitted") : files.error().message;
  };
  const Config config = config_of("");
  Model model = usual();
  model.platforms[0].docroot = "/srv/$host";
  EXPECT_EQ(error_of(config, model), "platform d10: docroot contains '$' and can't be written to a configuration file");
  model.platforms[0].services = registry::kApache;
  EXPECT_EQ(error_of(config, model), "emitted") << "Apache takes a dollar as it is";
  model.platforms[0].docroot = "/srv/${HOME}";
  EXPECT_EQ(error_of(config, model),
            "platform d10: docroot contains '${' and can't be written to a configuration file");
  model.platforms[0].docroot = "/srv/a\nb";
  EXPECT_EQ(error_of(config, model),
            "platform d10: docroot contains a control character and can't be written to a configuration file");
  for (const char* docroot : {"srv", "/srv/*", "/srv/[a]", "/srv/a\\", "/srv/../etc", "/srv//x", "/", "/srv/"}) {
    model.platforms[0].docroot = docroot;
    EXPECT_TRUE(error_of(config, model).starts_with("platform d10: docroot must be an absolute path")) << docroot;
  }

  model = usual();
  model.platforms[0].name = "../d10";
  EXPECT_EQ(error_of(config, model), "a platform's name must be 1 to 32 of a-z, 0-9, '_' and '-'");
  model = usual();
  model.servers[0].name = "a/b";
  EXPECT_EQ(error_of(config, model), "a server's name must be 1 to 32 of a-z, 0-9, '_' and '-'");
  model = usual();
  model.blocks[0].name = "b1]\nuser = root";
  EXPECT_EQ(error_of(config, model), "a block's name must be 1 to 32 of a-z, 0-9, '_' and '-'");
  model = usual();
  model.blocks[0].server = "..";
  EXPECT_EQ(error_of(config, model), "a block's server must be 1 to 32 of a-z, 0-9, '_' and '-'");

  Config strange = config_of("log_dir = \"/var/$x\"\n");
  EXPECT_EQ(error_of(strange, usual()), "log_dir contains '$' and can't be written to a configuration file");
}

TEST(Emit, ABlockStaysInItsRangeOfUids) {
  const Config config = config_of("uid_first = 5000\nuid_last = 5009\n");
  registry::Block block;
  block.name = "b";
  block.server = "s";
  block.first_uid = 5000;
  block.slots = 10;
  EXPECT_TRUE(fpm_block(config, block));
  block.slots = 11;
  EXPECT_FALSE(fpm_block(config, block));
  block.slots = 0;
  EXPECT_FALSE(fpm_block(config, block));
  block.first_uid = 4999;
  block.slots = 1;
  EXPECT_FALSE(fpm_block(config, block));
  block.first_uid = 4294967295U;
  EXPECT_FALSE(fpm_block(config, block));
}

}  // namespace
}  // namespace aegir::emit
