#include "tests/root/sidecar/secrets.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "compiler/core/secret_box.hpp"
#include "compiler/registry/store.hpp"
#include "sidecar/api/routes.hpp"
#include "tests/root/sidecar/eavesdropper.hpp"

namespace aegir::sidecar {
namespace {

constexpr uid_t kNobody = 652000;  // neither a slot nor known to passwd
constexpr const char* kUri = "canary.example";
constexpr const char* kLocked = "locked.example";
constexpr const char* kPlanted = "kanariPlanted0815";
constexpr const char* kHttpPassword = "kanariHttpPassword";

/// A secret, and where alone it may be seen, by root.
struct Canary {
  std::string name;
  std::string text;
  std::vector<std::string> may = {};
};

/// What was seen during a verb.
struct Act {
  std::string verb;
  std::vector<Sight> others;  ///< by a uid that is nobody's
  std::vector<Sight> roots;
};

class Life {
 public:
  Life(Lab& lab, std::string password) : lab_(lab), password_(std::move(password)) {}

  void live() {
    during("start of aegird", [&] { lab_.start_aegird(); });
    run({"block", "add", "spare", "--slots", "2"});
    run({"client", "add", "acme", "--email", "acme@example.com"});
    options_ = {database_options_file(lab_.config(), "main"), database_options_file(lab_.config(), "second")};
    ASSERT_EQ(live::run({"cp", "-a", options_[0], options_[1]}).status, 0);
    run({"server", "add", "second", "--nginx", "8085", "--database", "127.0.0.1:" + lab_.database_port()});
    run({"server", "verify", "main"});
    run({"platform", "add", "p1", "--docroot", lab_.docroot(), "--server", "main"});
    run({"platform", "verify", "p1"});
    run({"site", "install", kUri, "--platform", "p1", "--profile", "minimal", "--client", "acme"});
    remember_site(kUri);
    during("site install with HTTP authentication", [&] { install_locked(); });
    remember_site(kLocked);
    run({"site", "verify", kUri});
    for (int n = 0; n < 2; ++n) {
      const std::string link = run({"site", "login", kUri});
      const std::size_t begin = link.find("/user/reset/1/");
      ASSERT_NE(begin, std::string::npos) << link;
      const std::size_t hash = link.find('/', begin + 14) + 1;
      canaries_.push_back({"one-time link", link.substr(hash, link.find_first_of("/\n", hash) - hash)});
    }
    during("platform lock", [&] { lab_.must_aegir({"platform", "lock", "p1"}); });
    during("platform unlock", [&] { lab_.must_aegir({"platform", "unlock", "p1"}); });
    run({"site", "disable", kUri, "--yes"});
    run({"site", "enable", kUri});
    run({"site", "disable", kUri, "--yes"});
    run({"site", "delete", kUri, "--yes"});
    during("answers of the API", [&] { ask_everything(); });
    during("a stop of aegird", [&] { lab_.stop_aegird(); });
    during("what is planted", [&] { plant(); });
  }

  void judge() {
    const std::string own = live::slurp(options_[0]);
    const std::size_t at = own.find("password=") + 9;
    canaries_.push_back({"aegird's password of the database", own.substr(at, own.find('\n', at) - at), options_});
    canaries_.push_back({"user 1's password", password_});
    canaries_.push_back({"password of HTTP authentication", kHttpPassword});
    for (const auto& [name, file] :
         {std::pair("map key", lab_.config().map_key), std::pair("registry key", lab_.config().registry_key)}) {
      const std::string text = live::slurp(file);
      const std::string hex = text.substr(text.find_last_of(' ') + 1, 64);
      ASSERT_EQ(hex.size(), 64U) << file;
      canaries_.push_back({name, hex, {file}});
      std::string raw;
      for (std::size_t n = 0; n < hex.size(); n += 2)
        raw += static_cast<char>(std::stoi(hex.substr(n, 2), nullptr, 16));
      canaries_.push_back({std::string(name) + ", its bytes", raw});
    }
    std::size_t looked = 0;
    for (const Act& act : acts_) {
      for (const Sight& sight : act.others) expect_innocent(act, sight, false);
      for (const Sight& sight : act.roots) expect_innocent(act, sight, true);
      looked += act.others.size() + act.roots.size();
    }
    for (const auto& [what, text] : answers_) {
      for (const Canary& canary : canaries_) {
        EXPECT_FALSE(text.contains(canary.text)) << canary.name << " stands in " << what;
      }
    }
    expect_eyes_open();
    std::cout << acts_.size() << " acts, " << looked << " sights, " << answers_.size() << " answers, "
              << canaries_.size() << " secrets\n";
  }

 private:
  template <class Body>
  void during(const std::string& verb, Body body) {
    Eavesdropper other(kNobody, lab_.places());
    Eavesdropper root(0, lab_.places());
    body();
    acts_.push_back({verb, other.end(), root.end()});
  }

  std::string run(const std::vector<std::string>& arguments) {
    std::string output;
    during(arguments[0] + ' ' + arguments[1], [&] { output = lab_.must_aegir(arguments); });
    if (arguments[1] != "login") answers_.emplace_back("what aegir prints of " + arguments[1], output);
    return output;
  }

  std::string curl(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv = {"curl", "-s", "-m", "60", "--unix-socket", api_socket(lab_.config())};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    std::string output = live::run(argv).output;
    answers_.emplace_back(arguments.back(), output);
    return output;
  }

  void install_locked() {
    const live::TempDir own;
    const std::string body = own.path("body");
    live::put(body, "");
    ASSERT_EQ(::chmod(own.path().c_str(), 0700), 0);
    live::put(body, nlohmann::json{{"kind", "site"},
                                   {"verb", "install"},
                                   {"object", kLocked},
                                   {"request",
                                    {{"platform", "p1"},
                                     {"profile", "minimal"},
                                     {"http_auth", {{"user", "editor"}, {"password", kHttpPassword}}}}}}
                        .dump());
    curl({"-H", "Content-Type: application/json", "-d", "@" + body, "http://localhost/v1/tasks"});
    ASSERT_TRUE(live::eventually(
        [&] {
          const nlohmann::json queue = nlohmann::json::parse(lab_.must_aegir({"queue", "show", "--output", "json"}));
          return queue.at("tasks").at("queued") == 0 && queue.at("tasks").at("processing") == 0;
        },
        live::Milliseconds(120000)));
    EXPECT_EQ(lab_.visit(Lab::Server::kNginx, kLocked).status, 401) << lab_.must_aegir({"site", "log", kLocked});
  }

  void remember_site(const std::string& uri) {
    const KeyRing key = KeyRing::read(lab_.config().registry_key).value();
    const auto store = registry::Store::open(lab_.config().registry, registry::Store::Mode::kRead, key).value();
    const registry::Site site = store->find_site(uri).value().value();
    // For Drush on the command line, as Aegir 3 wrote them; 0440, of aegir and the site's own group.
    const std::string directory = lab_.directory(uri);
    const std::string slot = slot_home(lab_.config(), site.block, site.slot);
    const std::string alias = "/.drush/" + uri + ".alias.drushrc.php";
    canaries_.push_back({"password of the database",
                         site.database.password,
                         {lab_.config().config_dir + "/cli/" + uri + ".php", directory + "/drushrc.php",
                          "environment of uid " + std::to_string(Lab::kFirstSlot + site.slot)}});
    canaries_.push_back({"hash salt", site.hash_salt, {directory + "/settings.php"}});
    canaries_.push_back({"cron key", site.cron_key, {lab_.config().aegir_root + alias, slot + "/home" + alias}});
  }

  /// Every GET that there is, of everything that there is.
  void ask_everything() {
    const auto tasks = nlohmann::json::parse(curl({"http://localhost/v1/tasks?limit=500"})).at("tasks");
    for (const api::Route& route : api::routes()) {
      if (route.method != "GET") continue;
      const std::string path(route.path);
      const std::size_t brace = path.find('{');
      if (brace == std::string::npos) {
        curl({"http://localhost" + path});
        continue;
      }
      std::vector<std::string> objects;
      if (path.starts_with("/v1/tasks")) {
        for (const auto& task : tasks) objects.push_back(std::to_string(task.at("id").get<std::uint64_t>()));
      } else if (path.starts_with("/v1/sites")) {
        objects = {kUri, kLocked};
      } else {
        objects = {path.starts_with("/v1/servers") ? "main" : path.starts_with("/v1/clients") ? "acme" : "p1"};
      }
      for (const std::string& object : objects) {
        const std::string answer =
            curl({"http://localhost" + path.substr(0, brace) + object + path.substr(path.find('}') + 1)});
        EXPECT_FALSE(answer.empty()) << path;
      }
    }
    // A link is handed out once, to who asked.
    for (const auto& task : tasks) {
      if (task.at("verb") != "login") continue;
      curl({"-X", "POST",
            "http://localhost/v1/tasks/" + std::to_string(task.at("id").get<std::uint64_t>()) + "/handout"});
    }
  }

  /// What both must see, or they would see nothing of the others either.
  static void plant() {
    const std::string file = std::string("/tmp/") + kPlanted;
    (void)live::run({"sh", "-c", "umask 022; echo " + std::string(kPlanted) + " >" + file + "; sleep 0.3; rm " + file},
                    {"PLANTED=" + std::string(kPlanted)});
  }

  void expect_eyes_open() const {
    const auto saw = [](const std::vector<Sight>& sights, std::string_view where) {
      return std::ranges::any_of(
          sights, [&](const Sight& sight) { return sight.where.starts_with(where) && sight.bytes.contains(kPlanted); });
    };
    const Act& planted = acts_.back();
    EXPECT_TRUE(saw(planted.others, "argv of uid 0"));
    EXPECT_TRUE(saw(planted.others, "/tmp/"));
    EXPECT_FALSE(saw(planted.others, "environment")) << "of another uid";
    EXPECT_TRUE(saw(planted.roots, "environment of uid 0"));
    // Drush has its site's password, and root saw it: so all other environments were seen as well.
    const bool drush = std::ranges::any_of(acts_, [&](const Act& act) {
      return std::ranges::any_of(act.roots, [&](const Sight& sight) {
        return sight.where == canaries_.front().may.back() && sight.bytes.contains(canaries_.front().text);
      });
    });
    EXPECT_TRUE(drush) << "nobody has seen Drush at work";
  }

  void expect_innocent(const Act& act, const Sight& sight, bool by_root) const {
    for (const Canary& canary : canaries_) {
      if (!sight.bytes.contains(canary.text)) continue;
      if (by_root && std::ranges::find(canary.may, sight.where) != canary.may.end()) continue;
      ADD_FAILURE() << canary.name << " was seen " << (by_root ? "by root" : "by another uid") << " in " << sight.where
                    << " during " << act.verb;
    }
  }

  Lab& lab_;
  std::string password_;
  std::vector<Act> acts_;
  std::vector<std::pair<std::string, std::string>> answers_;
  std::vector<Canary> canaries_;
  std::vector<std::string> options_;  ///< files with aegird's password of a database server
};

}  // namespace

void expect_no_secret_gets_out(Lab& lab, const std::string& password) {
  Life life(lab, password);
  life.live();
  if (!testing::Test::HasFatalFailure()) life.judge();
}

}  // namespace aegir::sidecar
