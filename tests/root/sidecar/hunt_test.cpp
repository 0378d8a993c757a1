// The hunt of tests/root/hunt, while aegird works for the other site: PHP of one site, in its own process and in a
// child, looks for the other's password in aegird's socket, logs, processes and runs too. It finds nothing; root, with
// the same means, finds it.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "compiler/core/secret_box.hpp"
#include "compiler/registry/store.hpp"
#include "tests/root/hunt/report.hpp"
#include "tests/root/sidecar/shared_lab.hpp"

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kHunter = "hunter.example";
constexpr const char* kPrey = "prey.example";
/// The means that have to do with aegird; the others are hunted with in tests/root/hunt.
constexpr const char* kMeans =
    "/^(files: (every|a look|keys|links)|files the moment|processes|sockets|descriptors|aegird)/";
constexpr const char* kMeansOfRoot = "/^(files: every|processes: command|aegird)/";

/// Tasks of the prey, one after the other, until it ends.
class Tasks {
 public:
  explicit Tasks(const Lab& lab)
      : worker_([this, &lab](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            for (const char* verb : {"login", "verify"}) {
              if (lab.aegir({"site", verb, kPrey}).status == 0) ++done_;
            }
          }
        }) {}
  [[nodiscard]] int done() const { return done_; }

 private:
  std::atomic<int> done_ = 0;
  std::jthread worker_;
};

class SidecarHunt : public SharedLab {
 protected:
  void SetUp() override {
    for (const char* uri : {kHunter, kPrey}) install(uri);
    const KeyRing key = KeyRing::read(lab().config().registry_key).value();
    const auto store = registry::Store::open(lab().config().registry, registry::Store::Mode::kRead, key).value();
    hunter_ = store->find_site(kHunter).value().value();
    prey_ = store->find_site(kPrey).value().value();
    // As careless as a Drupal can be.
    secret_ = lab().directory(kPrey) + "/private/secret";
    live::put(secret_, prey_.database.password + "\n");
    ASSERT_EQ(::chown(secret_.c_str(), Lab::kFirstSlot + prey_.slot, Lab::kFirstSlot + prey_.slot), 0);
    ASSERT_EQ(::chmod(secret_.c_str(), 0666), 0);
    const std::string modules = lab().directory(kHunter) + "/modules/hunt";
    fs::create_directories(modules);
    fs::copy(AEGIR_SOURCE_DIR "/tests/fixtures/hunt", modules,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    live::put(lab().directory(kHunter) + "/local.settings.php",
              "<?php\nif (isset($_GET['hunt'])) {\n  require __DIR__ . '/modules/hunt/hunt.php';\n  exit;\n}\n");
  }

  static std::string slot(const registry::Site& site) { return slot_home(lab().config(), site.block, site.slot); }

  /// All that an insider could tell, but for the secret.
  [[nodiscard]] Json knowledge(double seconds, const char* means) const {
    const Config& config = lab().config();
    std::vector<std::string> known;
    for (const std::string& place : lab().places()) {
      for (const auto& entry : fs::recursive_directory_iterator(place)) known.push_back(entry.path());
    }
    std::vector<std::string> closed = {
        config.map_key,    config.registry,          config.registry_key,
        config.state_dir,  config.map_dir,           config.log_dir,
        config.config_dir, config.registry + "-wal", config.slot_dir + "/php/" + std::to_string(prey_.slot) + "/home"};
    const std::string needle(prey_.database.password.rbegin(), prey_.database.password.rend());
    return {{"needle", needle},
            {"only", means},
            {"seconds", seconds},
            {"root", lab().places().front()},
            {"docroot", lab().docroot()},
            {"uri", kHunter},
            {"other", kPrey},
            {"files", lab().directory(kHunter) + "/files"},
            {"private", lab().directory(kHunter) + "/private"},
            {"own", {lab().directory(kHunter) + "/files", lab().directory(kHunter) + "/private", slot(hunter_)}},
            {"temporary", {"/tmp", "/var/tmp", "/dev/shm"}},
            {"known", known},
            {"secrets",
             {lab().directory(kPrey) + "/settings.php", lab().directory(kPrey) + "/drushrc.php", secret_,
              config.config_dir + "/cli/" + kPrey + ".php"}},
            {"closed", closed},
            {"fpm", {slot_socket(config, prey_.block, prey_.slot)}},
            {"web", {{"nginx", std::stoi(lab().port(Lab::Server::kNginx))}}},
            {"database",
             {{"socket", lab().database_socket()},
              {"port", std::stoi(lab().database_port())},
              {"name", prey_.database.name},
              {"user", prey_.database.user}}},
            {"mine", {{"user", hunter_.database.user}, {"password", hunter_.database.password}}},
            {"pids", lab().processes()},
            {"aegird", lab().processes()},
            {"api", api_socket(config)}};
  }

  registry::Site hunter_;
  registry::Site prey_;
  std::string secret_;
};

TEST_F(SidecarHunt, FindsNothingOfASiteThatAegirdWorksFor) {
  const std::string report = lab().directory(kHunter) + "/files/report.json";
  fs::remove(report);
  const std::string told = knowledge(2, kMeans).dump();
  const Tasks tasks(lab());
  const live::Response begun =
      live::ask(live::Endpoint::tcp(static_cast<std::uint16_t>(std::stoi(lab().port(Lab::Server::kNginx)))),
                std::string("POST /?hunt=all HTTP/1.1\r\nHost: ") + kHunter +
                    "\r\nConnection: close\r\nContent-Length: " + std::to_string(told.size()) + "\r\n\r\n" + told);
  ASSERT_EQ(begun.body, "hunting\n") << begun.raw;
  ASSERT_TRUE(live::eventually([&] { return fs::exists(report); }, live::Milliseconds(240000)));
  const Json found = Json::parse(live::slurp(report), nullptr, false);
  ASSERT_GE(found.size(), 30U) << found.dump(2);
  hunt::tell("a site hunts another one, for which aegird works", found);
  for (const auto& [means, result] : found.items()) EXPECT_EQ(result["found"], Json::array()) << means;
  EXPECT_GT(tasks.done(), 3) << "there was nothing to be seen";
}

TEST_F(SidecarHunt, FindsItAsRoot) {
  Json knows = knowledge(20, kMeansOfRoot);
  const live::TempDir own;
  const std::string told = own.path("told.json");
  live::put(told, knows.dump());
  const Tasks tasks(lab());
  const std::string output = live::run({"php8.2", "-d", "ffi.enable=true", "-d", "memory_limit=-1",
                                        lab().directory(kHunter) + "/modules/hunt/hunt.php", told},
                                       {}, live::Milliseconds(240000))
                                 .output;
  const Json report = Json::parse(output, nullptr, false);
  ASSERT_TRUE(report.is_object()) << output;
  hunt::tell("root hunts it", report);
  for (const auto& [means, result] : report.items()) EXPECT_NE(result["found"], Json::array()) << means;
}

}  // namespace
}  // namespace aegir::sidecar
