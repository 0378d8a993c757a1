// The hunt: PHP of one site looks for another site's secrets, in its own process and in a child, while the other site
// is visited and the administrator publishes. Between isolated sites it finds nothing; in a shared pool it finds them,
// which shows that it can. The means are tests/fixtures/hunt/means_*.php.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/live/harness/http.hpp"
#include "tests/root/hunt/report.hpp"
#include "tests/root/hunt/world.hpp"

namespace aegir::hunt {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// How long the means that wait for something wait for it, where there should be nothing and where there is something.
constexpr double kSeconds = 2;
constexpr double kPatientSeconds = 20;

/// Visits a site on both servers and publishes, until it ends.
class Traffic {
 public:
  Traffic(const World& world, std::string site) : world_(world), site_(std::move(site)) {
    visitor_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        for (const live::Port* port : {&world_.apache_port(), &world_.nginx_port()}) visit(*port);
      }
    });
    administrator_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) world_.aegirc({"publish", "--rebuild"});
    });
  }
  [[nodiscard]] int good() const noexcept { return good_; }
  [[nodiscard]] int bad() const noexcept { return bad_; }

 private:
  void visit(const live::Port& port) {
    try {
      const live::Response response = live::ask(port.endpoint(), live::get(site_, "/"));
      ++(response.status == 200 && response.body == "the page of " + site_ + "\n" ? good_ : bad_);
    } catch (const std::runtime_error&) {
      ++bad_;
    }
  }

  const World& world_;
  const std::string site_;
  std::atomic<int> good_ = 0;
  std::atomic<int> bad_ = 0;
  std::jthread visitor_;
  std::jthread administrator_;
};

class Hunt : public testing::Test {
 protected:
  static void SetUpTestSuite() { world = new World; }
  static void TearDownTestSuite() {
    if (world == nullptr) return;
    // What the servers say about being used as a door, and about requests that were taken from the shared listener.
    world->apache().expect_log("X-Sendfile names .*, which does not lie below files/ or private/ of this site");
    world->apache().expect_log("not sent to the client");
    for (live::ApacheServer* server : {&world->apache(), &world->static_apache()}) {
      server->expect_log("Symbolic link not allowed or link target not accessible");
      server->expect_log("AH01630: client denied by server configuration: .*/settings\\.php(~|\\.bak)?$");
      server->tolerate_log("Failed to read FastCGI header|Error dispatching request|Failed writing Environment");
    }
    for (live::NginxServer* server : {&world->nginx(), &world->static_nginx()}) {
      server->expect_log("failed \\((13: Permission denied|40: Too many levels of symbolic links)\\)");
      server->expect_log("unsafe URI .* was detected while reading response header from upstream");
      server->expect_log("internal redirection cycle while redirect to named location");
      server->tolerate_log("upstream prematurely closed connection|Connection reset by peer|Broken pipe");
    }
    // Without the module, paths that it refuses come as far as the file system or PHP.
    world->static_apache().expect_log("AH10244: invalid URI path|AH01071: Got error 'Primary script unknown'");
    world->static_nginx().expect_log(R"(open\(\) ".*\\.*" failed \(2: No such file or directory\))");
    delete world;
    world = nullptr;
  }

  static std::vector<std::string> everything() {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(world->root())) paths.push_back(entry.path());
    return paths;
  }

  static std::vector<std::string> secrets_of(const std::string& site) {
    const Config& config = world->config();
    return {world->site(site) + "/settings.php",
            world->site(site) + "/private/secret",
            world->site(site) + "/private/files/document.txt",
            config.config_dir + "/cli/" + site + ".php",
            config.aegir_root + "/backups/" + site + ".tar",
            config.config_dir + "/ssl.d/" + site + "/openssl.key",
            world->static_dir() + "/server_web/apache/vhost.d/" + site + "@php",
            world->static_dir() + "/server_web/nginx/vhost.d/" + site + "@php",
            world->slot(site) + "/home/secret"};
  }

  /// What is closed to every site, and not a site's own.
  static std::vector<std::string> closed() {
    const Config& config = world->config();
    std::vector<std::string> paths = {config.map_key,
                                      config.registry,
                                      config.registry_key,
                                      config.map_dir,
                                      config.map_durable,
                                      config.config_dir,
                                      config.log_dir,
                                      config.state_dir,
                                      world->root() + "/fleet.json",
                                      config.config_dir + "/ssl.d",
                                      world->static_dir()};
    for (const std::string& top :
         {config.map_dir, config.log_dir, server_config_dir(config, "web"), world->static_dir()}) {
      for (const auto& entry : fs::recursive_directory_iterator(top)) paths.push_back(entry.path());
    }
    return paths;
  }

  /// What the hunter knows: all that an insider could tell him, but for the secrets.
  static Json knowledge(const std::string& hunter, const std::string& prey) {
    const std::string needle = needle_of(prey);
    const std::string place = "/sites/" + prey;
    return {{"needle", std::string(needle.rbegin(), needle.rend())},
            {"seconds", prey == "b.test" ? kSeconds : kPatientSeconds},
            {"root", world->root()},
            {"docroot", world->docroot()},
            {"uri", hunter},
            {"other", prey},
            {"files", world->site(hunter) + "/files"},
            {"private", world->site(hunter) + "/private"},
            {"own", {world->site(hunter) + "/files", world->site(hunter) + "/private", world->slot(hunter)}},
            {"temporary", {"/tmp", "/var/tmp", "/dev/shm"}},
            {"known", everything()},
            {"secrets", secrets_of(prey)},
            {"closed", closed()},
            {"places", {place + "/settings.php", place + "/private/secret", place + "/private/files/document.txt"}},
            {"fpm", {world->socket(prey), world->socket("a.test"), world->socket("b.test"), world->socket("c.test")}},
            {"web",
             {{"apache", world->apache_port().number()},
              {"nginx", world->nginx_port().number()},
              {"static apache", world->static_apache_port().number()},
              {"static nginx", world->static_nginx_port().number()}}},
            {"database",
             {{"socket", world->database().socket()},
              {"port", world->database().port().number()},
              {"name", prey.substr(0, 1)},
              {"user", prey.substr(0, 1)}}},
            {"mine", {{"user", hunter.substr(0, 1)}, {"password", world->password(hunter)}}},
            {"pids", world->processes()}};
  }

  /// The secrets are there.
  static void hide(const std::string& prey) {
    for (const std::string& secret : secrets_of(prey)) {
      EXPECT_TRUE(live::slurp(secret).contains(needle_of(prey))) << secret << ": what is hunted is not there";
      // What was written less than two seconds ago is not in the OPcache.
      fs::last_write_time(secret, fs::file_time_type::clock::now() - std::chrono::hours(1));
    }
  }

  static Json hunt(const std::string& hunter, const std::string& prey) {
    hide(prey);
    const std::string body = knowledge(hunter, prey).dump();
    const std::string report = world->site(hunter) + "/files/report.json";
    Traffic traffic(*world, prey);
    const live::Response begun =
        live::ask(world->nginx_port().endpoint(),
                  "POST /?hunt=all HTTP/1.1\r\nHost: " + hunter +
                      "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_EQ(begun.body, "hunting\n") << begun.raw;
    EXPECT_TRUE(live::eventually([&] { return fs::exists(report); }, live::Milliseconds(240000)));
    visits = {traffic.good(), traffic.bad()};
    return Json::parse(live::slurp(report), nullptr, false);
  }

  static World* world;
  static std::pair<int, int> visits;
};

World* Hunt::world = nullptr;
std::pair<int, int> Hunt::visits;

TEST_F(Hunt, FindsNothingOfAnotherSite) {
  const Json report = hunt("a.test", "b.test");
  ASSERT_GE(report.size(), 40U) << report.dump(2);
  tell("a.test hunts b.test, which is isolated", report);
  for (const auto& [means, result] : report.items()) EXPECT_EQ(result["found"], Json::array()) << means;
  EXPECT_GT(visits.first, 50);
  EXPECT_EQ(visits.second, 0) << "requests to the other site failed";
}

// The same means, where sites trust each other: this shows that they can find.
TEST_F(Hunt, FindsANeighboursSecretsInASharedPool) {
  const Json report = hunt("c.test", "d.test");
  tell("c.test hunts d.test, which shares its pool", report);
  for (const char* means : {
           "files: every path of the installation",
           "files: a look round",
           "files: links to them, in one's own folder",
           "writes into what is not one's own",
           "processes: command lines and environments that pass",
           "web: links in one's own files/",
           "web: headers that send a file",
           "php: include of the other's files, through the OPcache",
           "php: sessions of others",
           "files the moment they are made, by a child",
           "requests of others, from the listener that was inherited, by a child",
       }) {
    ASSERT_TRUE(report.contains(means)) << means;
    EXPECT_NE(report[means]["found"], Json::array()) << means;
  }
}

// For whom nothing is closed: what was refused above was there, at these paths and in these processes.
TEST_F(Hunt, FindsEverythingAsRoot) {
  hide("b.test");
  Json knows = knowledge("a.test", "b.test");
  knows["only"] = "/^(files: (every|keys|links)|processes|sockets|files the moment)/";
  knows["seconds"] = kPatientSeconds;
  knows["processes"] = world->processes();  // nobody else's, as root
  const std::string told = world->root() + "/told.json";
  live::put(told, knows.dump());
  std::string output;
  {
    const Traffic traffic(*world, "b.test");
    output = live::run({"php8.2", "-d", "ffi.enable=true", "-d", "memory_limit=-1",
                        world->site("a.test") + "/modules/hunt/hunt.php", told},
                       {}, live::Milliseconds(240000))
                 .output;
  }
  const Json report = Json::parse(output, nullptr, false);
  ASSERT_TRUE(report.is_object()) << output;
  tell("root hunts b.test", report);
  for (const char* means :
       {"files: every path of the installation", "files: keys, map, registry, configuration, logs",
        "files: links to them, in one's own folder", "processes: memory", "processes: roots of others as a way round",
        "processes: command lines and environments that pass", "sockets: PHP of the other site",
        "sockets: the database server", "files the moment they are made", "processes as a debugger"}) {
    const std::string name = std::string(means) + ", by a child";
    ASSERT_TRUE(report.contains(name)) << name;
    EXPECT_NE(report[name]["found"], Json::array()) << name;
  }
}

}  // namespace
}  // namespace aegir::hunt
