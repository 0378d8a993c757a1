// aegird's worker is killed before and after each write of the journal of every verb; aegird and all runs end with it.
// After the next start, without a human, the site answers from exactly the old state or the new one, and nothing of the
// other is left: no database, directory, file, name or process.
#include <gmock/gmock.h>

#include <filesystem>
#include <iostream>
#include <set>

#include "sidecar/monitor/processes.hpp"
#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {
namespace {

using nlohmann::json;

constexpr Lab::Server kBoth[] = {Lab::Server::kApache, Lab::Server::kNginx};

/// A verb, the state that it needs, and the one that it makes.
struct Case {
  std::string verb;
  std::string before;
  std::string after;
};

/// What of a site there is on the whole machine, in one line a thing.
class CrashTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { the_lab = Lab::on_fixture(); }
  static void TearDownTestSuite() { the_lab.reset(); }
  static Lab& lab() { return *the_lab; }

  static std::string state_of(const std::string& uri) {
    const json sites = json::parse(lab().must_aegir({"site", "list", "--output", "json"}));
    for (const json& site : sites.at("sites")) {
      if (site.at("uri") == uri) return site.at("state");
    }
    return "none";
  }
  static bool is_idle() {
    const json queue = json::parse(lab().must_aegir({"queue", "show", "--output", "json"}));
    return queue.at("tasks").at("queued") == 0 && queue.at("tasks").at("processing") == 0;
  }

  /// Brings the site to a state, by verbs that nobody disturbs.
  static void bring_to(const std::string& uri, const std::string& state) {
    for (std::string now = state_of(uri); now != state; now = state_of(uri)) {
      if (now == "none") {
        lab().must_aegir({"site", "install", uri, "--platform", "p1"});
      } else if (state == "none" && now == "disabled") {
        lab().must_aegir({"site", "delete", uri, "--yes"});
      } else {
        lab().must_aegir({"site", now == "disabled" ? "enable" : "disable", uri, "--yes"});
      }
    }
  }

  static std::vector<std::string> words_of(const std::string& verb, const std::string& uri) {
    std::vector<std::string> words = {"site", verb, uri, "--no-wait"};
    if (verb == "install") words.insert(words.end(), {"--platform", "p1"});
    if (verb == "disable" || verb == "delete") words.emplace_back("--yes");
    return words;
  }

  static void expect_whole(const std::string& uri, const std::string& state) {
    const int status = state == "enabled" ? 200 : state == "disabled" ? 503 : 404;
    for (const Lab::Server server : kBoth) EXPECT_EQ(lab().visit(server, uri).status, status) << state;
    const bool there = state != "none";
    EXPECT_EQ(std::filesystem::exists(lab().directory(uri)), there);
    EXPECT_EQ(lab().sql("SHOW DATABASES LIKE 'crash%'").empty(), !there);
    EXPECT_EQ(lab().sql("SELECT User FROM mysql.user WHERE User LIKE 'crash%'").empty(), !there);
    EXPECT_EQ(std::filesystem::exists(lab().config().config_dir + "/cli/" + uri + ".php"), there);
    EXPECT_EQ(std::filesystem::exists(lab().config().aegir_root + "/.drush/" + uri + ".alias.drushrc.php"), there);
    // Staged trees, and those on their way out.
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(lab().docroot() + "/sites")) {
      const std::string name = entry.path().filename();
      if (name.starts_with(".aegir")) names.insert(name);
    }
    EXPECT_THAT(names, testing::IsEmpty());
    EXPECT_EQ(lab().candidates(), 0) << "what a probe sees is nobody's after it";
  }

 private:
  inline static std::unique_ptr<Lab> the_lab;
};

TEST_F(CrashTest, TheSiteIsTheOldOneOrTheNewOne) {
  const std::string uri = "crash.example";
  std::string table = "verb       points  survived\n";
  for (const Case& each : {Case{"install", "none", "enabled"}, Case{"verify", "enabled", "enabled"},
                           Case{"login", "enabled", "enabled"}, Case{"disable", "enabled", "disabled"},
                           Case{"enable", "disabled", "enabled"}, Case{"delete", "disabled", "none"}}) {
    int survived = 0;
    int point = 0;
    for (bool killed = true; killed;) {
      ++point;
      SCOPED_TRACE(each.verb + ", killed at point " + std::to_string(point));
      bring_to(uri, each.before);
      lab().stop_aegird();
      lab().start_killed_aegird(point);
      (void)lab().aegir(words_of(each.verb, uri));
      killed = lab().ends_by_itself([] { return is_idle(); });
      if (!killed) lab().stop_aegird();
      lab().start_aegird();
      ASSERT_TRUE(live::eventually([] { return is_idle(); })) << lab().log();
      const std::string state = state_of(uri);
      EXPECT_THAT(state, testing::AnyOf(each.before, each.after));
      expect_whole(uri, state);
      if (killed && !HasFailure()) ++survived;
    }
    EXPECT_GE(point, 5) << each.verb;
    table += each.verb + std::string(11 - each.verb.size(), ' ') + std::to_string(point - 1) + "      " +
             std::to_string(survived) + '\n';
    ASSERT_FALSE(HasFailure()) << table;
  }
  std::cout << table;
}

}  // namespace
}  // namespace aegir::sidecar
