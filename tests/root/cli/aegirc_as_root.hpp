// aegirc as root on a machine in a directory, with one site. Accounts are numbers without passwd entries.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "compiler/core/config.hpp"
#include "compiler/map/reader.hpp"
#include "compiler/registry/store.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::cli {

namespace fs = std::filesystem;

inline constexpr uid_t kAegir = 620001;
inline constexpr uid_t kWeb = 620002;
inline constexpr uid_t kStranger = 620003;

class AegircAsRoot : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "these tests need root: run them through sudo";
    live::put(file("aegir.conf"), "prefix = " + root_.path() + "/machine\naegir_user = " + std::to_string(kAegir) +
                                      "\nweb_user = " + std::to_string(kWeb) +
                                      "\napache_module = " AEGIR_APACHE_MODULE "\nnginx_module = " AEGIR_NGX_MODULE
                                      "\n");
    config_ = read_config(file("aegir.conf")).value();
    fs::create_directories(config_.aegir_root + "/platforms/d10/sites");
    for (const char* part : {"/platforms", "/platforms/d10", "/platforms/d10/sites"}) {
      ASSERT_EQ(::chown((config_.aegir_root + part).c_str(), kAegir, kAegir), 0);
    }
    expect("keygen map", 0, "Made the map key");
    expect("keygen registry", 0, "Made the registry key");
    import_site("first.example");
    expect("compile", 0, "Published generation");
    ASSERT_EQ(look("first.example"), "first.example");
  }

  [[nodiscard]] std::string file(const std::string& name) const { return root_.path(name); }

  /// Runs aegirc; `uid` other than 0 runs it as that user.
  live::Finished aegirc(const std::string& arguments, uid_t uid = 0) const {
    std::vector<std::string> argv;
    if (uid != 0) {
      const std::string id = std::to_string(uid);
      argv = {"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"};
    }
    argv.insert(argv.end(), {AEGIRC, "--config", file("aegir.conf")});
    std::istringstream words(arguments);
    for (std::string word; words >> word;) argv.push_back(word);
    return live::run(argv);
  }
  void expect(const std::string& arguments, int status, const std::string& part, uid_t uid = 0) const {
    const live::Finished done = aegirc(arguments, uid);
    EXPECT_EQ(done.status, status) << arguments << ": " << done.output;
    EXPECT_NE(done.output.find(part), std::string::npos) << arguments << ": " << done.output;
  }
  /// An error that names `place` and tells a next step. Notes may come before it.
  void expect_refused(const std::string& arguments, int status, const std::string& place, const std::string& message,
                      uid_t uid = 0) const {
    live::Finished done = aegirc(arguments, uid);
    while (done.output.starts_with("aegirc: note: ")) done.output.erase(0, done.output.find('\n') + 1);
    EXPECT_EQ(done.status, status) << arguments << ": " << done.output;
    EXPECT_TRUE(done.output.starts_with(place)) << arguments << ": " << done.output << "instead of " << place;
    EXPECT_NE(done.output.find(message), std::string::npos) << arguments << ": " << done.output;
    EXPECT_NE(done.output.find("\n  next: "), std::string::npos) << arguments << ": " << done.output;
  }
  // No port that a parser under test in another program may open for a moment (nginx -t does), least of all 80.
  void import_site(const std::string& uri) {
    live::put(file("document.json"), R"({
  "servers": {"web1": {"web": {"apache": {"http_port": 8080, "https_port": 8443}, "nginx": {"http_port": 8081, "https_port": 8444}}, "database": {}}},
  "blocks": {"b1": {"server": "web1", "slots": 8}},
  "clients": {"acme": {}},
  "platforms": {"d10": {"server": "web1", "docroot": ")" +
                                         config_.aegir_root +
                                         R"(/platforms/d10"}},
  "sites": {")" + uri + R"(": {"platform": "d10", "client": "acme", "database": {"server": "web1"}}}
})");
    expect("import " + file("document.json"), 0, "Imported");
  }
  void set_state(const std::string& uri, const std::string& state) {
    live::put(file("state.json"), R"({"sites": {")" + uri + R"(": {"state": ")" + state + "\"}}}");
    expect("import " + file("state.json"), 0, "Imported");
  }
  /// Makes what is remembered of people's one file for nginx say that nginx has refused it as it is (publish/kept.hpp):
  /// no server runs here that could.
  void refuse_for_nginx(const std::string& path) const {
    const std::string kept = config_.config_dir + "/people.nginx";
    const std::string text = live::slurp(kept);
    const std::size_t end = text.find('\n');
    ASSERT_EQ(text.substr(0, end), "32 " + path);
    live::put(kept, "41 " + path + text.substr(end, 33) + " left out\n");
  }
  /// Lets only `uid` write the durable copy; everybody may read it while that is root.
  void hold_durable(uid_t uid) const {
    ASSERT_EQ(::chown(config_.map_durable.c_str(), uid, uid), 0);
    ASSERT_EQ(::chmod(config_.map_durable.c_str(), uid == 0 ? 0755 : 0700), 0);
    for (const auto& entry : fs::directory_iterator(config_.map_durable)) {
      ASSERT_EQ(::chmod(entry.path().c_str(), uid == 0 ? 0644 : 0600), 0);
    }
  }
  /// What a worker that is there since the beginning answers, a second later than the last time.
  std::string look(const std::string& host) {
    const auto state = worker_.snapshot(now_ += 2);
    map::SiteView site;
    if (!state || state->find_host(host, site) != map::Lookup::kFound) return "unknown";
    return std::string(site.host);
  }

  live::TempDir root_;
  Config config_;
  std::vector<std::string> refusals_;
  std::uint64_t now_ = 0;
  map::LiveMap worker_{root_.path() + "/machine/run/aegir/map",
                       [](void* context, const char* message) noexcept {
                         static_cast<std::vector<std::string>*>(context)->emplace_back(message);
                       },
                       &refusals_};
};

}  // namespace aegir::cli
