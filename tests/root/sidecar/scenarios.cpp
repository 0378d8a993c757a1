#include "tests/root/sidecar/scenarios.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <future>
#include <iostream>
#include <thread>

namespace aegir::sidecar {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using Clock = std::chrono::steady_clock;

constexpr Lab::Server kBoth[] = {Lab::Server::kApache, Lab::Server::kNginx};
constexpr const char* kUri = "shop.example";
constexpr const char* kAlias = "www.shop.example";
constexpr const char* kRedirected = "old.shop.example";

class Story {
 public:
  explicit Story(Lab& lab) : lab_(lab) {}

  void verify_a_platform() {
    std::string project = lab_.docroot();
    if (fs::path(project).filename() == "web") project = fs::path(project).parent_path();
    int closed = 0;
    for (auto at = fs::recursive_directory_iterator(project); at != fs::recursive_directory_iterator(); ++at) {
      if (at->path().filename() == "sites") at.disable_recursion_pending();
      if (at->is_regular_file() && ++closed % 50 == 1) fs::permissions(at->path(), fs::perms{0600});
      if (at->is_directory() && closed % 97 == 3) fs::permissions(at->path(), fs::perms{0700});
    }
    lab_.must_aegir({"platform", "verify", "p1"});
    const live::Finished unreadable =
        live::run({"setpriv", "--reuid=33", "--regid=33", "--clear-groups", "find", project, "-path",
                   lab_.docroot() + "/sites", "-prune", "-o", "!", "-readable", "-print"});
    EXPECT_EQ(unreadable.output, "") << "the web server can't read the code";
    EXPECT_TRUE(fs::exists(lab_.docroot() + "/sites/sites.php"));
  }

  void install() {
    const live::Finished nowhere = lab_.aegir({"site", "install", kUri, "--platform", "nothing"});
    EXPECT_NE(nowhere.status, 0);
    EXPECT_THAT(nowhere.output, testing::AllOf(HasSubstr("nothing"), HasSubstr("aegir platform list")));
    lab_.must_aegir({"client", "add", "owner"});
    lab_.must_aegir({"site", "install", kUri, "--platform", "p1", "--client", "owner", "--alias", kAlias, "--alias",
                     std::string(kRedirected) + '=' + kUri});
    const json site = json::parse(lab_.must_aegir({"site", "show", kUri, "--output", "json"}));
    EXPECT_EQ(site.at("client"), "owner");
    const auto database = site.at("database").at("name").get<std::string>();
    EXPECT_EQ(lab_.sql("SHOW DATABASES LIKE 'shop%'"), database + "\n");
    EXPECT_EQ(lab_.sql("SELECT DISTINCT User FROM mysql.user WHERE User LIKE 'shop%'"),
              site.at("database").at("user").get<std::string>() + "\n");
    for (const Lab::Server server : kBoth) {
      const live::Response page = lab_.visit(server, kUri);
      EXPECT_EQ(page.status, 200) << page.raw;
      EXPECT_THAT(page.body, testing::AllOf(HasSubstr("<title>"), HasSubstr(kUri)));
    }
  }

  void log_in() {
    for (const Lab::Server server : kBoth) {
      std::string link = lab_.must_aegir({"site", "login", kUri});
      link = link.substr(link.find("http://"));
      link = link.substr(0, link.find('\n'));
      const std::string apache = "http://" + std::string(kUri) + ':' + lab_.port(Lab::Server::kApache) + '/';
      EXPECT_THAT(link, testing::StartsWith(apache)) << "the port that visitors use";
      const std::string at = "http://" + std::string(kUri) + ':' + lab_.port(server) + '/';
      link = at + link.substr(apache.size());
      // Drupal counts in whole seconds.
      for (const std::time_t made = std::time(nullptr); std::time(nullptr) == made;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      const live::TempDir first;
      EXPECT_EQ(browse(server, first, link), "200");
      EXPECT_EQ(browse(server, first, at + "admin"), "200") << "it logs in";
      const live::TempDir second;
      (void)browse(server, second, link);
      EXPECT_EQ(browse(server, second, at + "admin"), "403") << "once";
    }
  }

  void plant_php() {
    const std::string code = "<?php echo 'ran-', 'here'; // the-source\n";
    for (const std::string name : {"evil.php", "evil.phtml", "evil.phar", "evil.php5", "sub/evil.php"}) {
      const std::string path = lab_.directory(kUri) + "/files/" + name;
      live::put(path, code);
      ASSERT_EQ(::chown(path.c_str(), uid(), uid()), 0);
      for (const Lab::Server server : kBoth) {
        for (const std::string& target : {"/sites/" + std::string(kUri) + "/files/" + name, "/files/" + name}) {
          const live::Response answer = lab_.visit(server, kUri, target);
          EXPECT_THAT(answer.body, Not(testing::AnyOf(HasSubstr("ran-here"), HasSubstr("the-source")))) << target;
          EXPECT_GE(answer.status, 400) << target;
        }
      }
    }
  }

  void ask_by_other_names() {
    for (const Lab::Server server : kBoth) {
      EXPECT_EQ(lab_.visit(server, kAlias).status, 200);
      const live::Response moved = lab_.visit(server, kRedirected, "/a%20b?x=1");
      EXPECT_EQ(moved.status, 301);
      EXPECT_EQ(moved.value("Location"), "http://" + std::string(kUri) + ':' + lab_.port(server) + "/a%20b?x=1");
      EXPECT_EQ(lab_.visit(server, "stranger.example").status, 404);
      for (const char* host : {kUri, kAlias, "stranger.example"}) {
        for (const char* target : {"/install.php", "/core/install.php", "/core/install.php?rewrite=ok"}) {
          const live::Response answer = lab_.visit(server, host, target);
          EXPECT_GE(answer.status, 400) << host << target;
          EXPECT_THAT(answer.body, Not(HasSubstr("Choose language"))) << host << target;
        }
      }
    }
  }

  void edit_settings() {
    for (const char* edit : {"first", "second"}) {
      settings("header('X-Edit: " + std::string(edit) + "');");
      lab_.must_aegir({"site", "verify", kUri});
      for (const Lab::Server server : kBoth) {
        EXPECT_EQ(lab_.visit(server, kUri).value("X-Edit"), edit) << "at the end of the task";
      }
    }
  }

  void install_beside_a_long_request() {
    settings("if (isset($_GET['long'])) sleep(5);");
    lab_.must_aegir({"site", "verify", kUri});
    const std::string file = lab_.directory(kUri) + "/files/static.txt";
    live::put(file, "static\n");
    ASSERT_EQ(::chown(file.c_str(), uid(), uid()), 0);
    std::future<std::pair<int, int>> long_request = std::async(std::launch::async, [this] {
      return std::pair(lab_.visit(Lab::Server::kApache, kUri, "/?long").status,
                       lab_.visit(Lab::Server::kNginx, kUri, "/?long").status);
    });
    for (int n = 1; n <= 5; ++n) {
      lab_.must_aegir({"site", "install", "beside" + std::to_string(n) + ".example", "--platform", "p1", "--profile",
                       "minimal", "--no-wait"});
    }
    Clock::duration longest{};
    int asked = 0;
    for (bool idle = false; !idle || long_request.wait_for(std::chrono::seconds(0)) != std::future_status::ready;) {
      for (int n = 0; n < 10; ++n, ++asked) {
        const Lab::Server server = kBoth[n % 2];
        const auto begun = Clock::now();
        EXPECT_EQ(lab_.visit(server, kUri, "/files/static.txt").body, "static\n");
        longest = std::max(longest, Clock::now() - begun);
        EXPECT_EQ(lab_.visit(server, kUri).status, 200) << "no 502";
        std::this_thread::sleep_for(std::chrono::milliseconds(10));  // a look now and then, no load of its own
      }
      const json queue = json::parse(lab_.must_aegir({"queue", "show", "--output", "json"}));
      idle = queue.at("tasks").at("queued") == 0 && queue.at("tasks").at("processing") == 0;
    }
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(longest).count();
    std::cout << "five installs beside a long request: " << asked << " requests of each kind, the longest " << waited
              << " ms\n";
    EXPECT_LT(waited, 1000);
    for (int n = 1; n <= 5; ++n) {
      const std::string uri = "beside" + std::to_string(n) + ".example";
      EXPECT_EQ(lab_.visit(kBoth[n % 2], uri).status, 200) << lab_.must_aegir({"site", "log", uri});
    }
    EXPECT_EQ(long_request.get(), std::pair(200, 200));
  }

  void disable_and_enable() {
    lab_.must_aegir({"site", "disable", kUri, "--yes"});
    for (const Lab::Server server : kBoth) {
      for (const char* host : {kUri, kAlias}) {
        for (const char* target : {"/", "/files/static.txt", "/user/login"}) {
          EXPECT_EQ(lab_.visit(server, host, target).status, 503) << host << target;
        }
      }
    }
    for (const char* verb : {"login", "verify"}) {
      const live::Finished refused = lab_.aegir({"site", verb, kUri});
      EXPECT_NE(refused.status, 0) << verb;
      EXPECT_THAT(refused.output, HasSubstr("aegir site enable")) << verb;
    }
    lab_.must_aegir({"site", "enable", kUri});
    for (const Lab::Server server : kBoth) EXPECT_EQ(lab_.visit(server, kUri).status, 200);
  }

  void remove() {
    const std::string files = lab_.directory(kUri) + "/files";
    live::put(files + "/closed/file", "x");
    live::put(files + "/web", "x");
    ASSERT_EQ(::chown((files + "/closed").c_str(), uid(), uid()), 0);
    ASSERT_EQ(::chmod((files + "/closed").c_str(), 0555), 0);
    ASSERT_EQ(::chown((files + "/web").c_str(), 33, 33), 0);
    const std::string alias = lab_.config().aegir_root + "/.drush/" + kUri + ".alias.drushrc.php";
    EXPECT_TRUE(fs::exists(alias));
    settings("exit(1);");  // nobody needs Drupal to get rid of it
    lab_.must_aegir({"site", "disable", kUri, "--yes"});
    lab_.must_aegir({"site", "delete", kUri, "--yes"});
    EXPECT_FALSE(fs::exists(alias));
    for (const Lab::Server server : kBoth) {
      for (const char* host : {kUri, kAlias, kRedirected}) EXPECT_EQ(lab_.visit(server, host).status, 404) << host;
    }
    EXPECT_EQ(lab_.sql("SHOW DATABASES LIKE 'shop%'"), "");
    EXPECT_EQ(lab_.sql("SELECT User FROM mysql.user WHERE User LIKE 'shop%'"), "");
    EXPECT_FALSE(fs::exists(lab_.directory(kUri)));
    const std::string deleted = lab_.must_aegir({"site", "list", "--deleted"});
    EXPECT_THAT(deleted, HasSubstr(kUri));
    const live::Finished again = lab_.aegir({"site", "delete", kUri, "--yes"});
    EXPECT_NE(again.status, 0);
    EXPECT_THAT(again.output, HasSubstr("was deleted"));
    EXPECT_EQ(lab_.must_aegir({"site", "list", "--deleted"}), deleted) << "nothing more was done";
  }

 private:
  /// The site's own uid.
  [[nodiscard]] uid_t uid() const {
    const json site = json::parse(lab_.must_aegir({"site", "show", kUri, "--output", "json"}));
    return Lab::kFirstSlot + site.at("slot").at("number").get<uid_t>();
  }
  /// As a person edits local.settings.php: owner and mode stay.
  void settings(const std::string& code) const {
    live::put(lab_.directory(kUri) + "/local.settings.php", "<?php\n" + code + "\n");
  }
  /// GET and what it redirects to, with the cookies of `jar`; the last status.
  [[nodiscard]] std::string browse(Lab::Server server, const live::TempDir& jar, const std::string& url) const {
    const std::string cookies = jar.path("cookies");
    return live::run({"curl", "-s", "-L", "-o", "/dev/null", "-w", "%{http_code}", "-b", cookies, "-c", cookies,
                      "--resolve", std::string(kUri) + ':' + lab_.port(server) + ":127.0.0.1", url})
        .output;
  }

  Lab& lab_;
};

}  // namespace

void live_through_scenarios(Lab& lab) {
  Story story(lab);
  const auto scenario = [](const char* numbers, const auto& body) {
    SCOPED_TRACE(std::string("scenario ") + numbers);
    const auto begun = Clock::now();
    body();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count();
    std::cout << "scenario " << numbers << ": " << took << " ms\n";
  };
  scenario("1", [&] { story.verify_a_platform(); });
  scenario("2, 3", [&] { story.install(); });
  scenario("4", [&] { story.log_in(); });
  scenario("6", [&] { story.plant_php(); });
  scenario("19, 22", [&] { story.ask_by_other_names(); });
  scenario("26", [&] { story.edit_settings(); });
  scenario("23", [&] { story.install_beside_a_long_request(); });
  scenario("20", [&] { story.disable_and_enable(); });
  scenario("21", [&] { story.remove(); });
}

}  // namespace aegir::sidecar
