// What aegird does with servers and platforms: real ones, and a worker that wants a line of its own in their
// configuration.
#include <filesystem>
#include <functional>
#include <future>
#include <map>

#include "compiler/core/secret_box.hpp"
#include "compiler/verify/platform.hpp"
#include "sidecar/monitor/processes.hpp"
#include "tests/live/emit/installation.hpp"
#include "tests/root/host/served.hpp"

namespace aegir::host {
namespace {

namespace fs = std::filesystem;

class ServersTest : public testing::Test {
 protected:
  ServersTest() {
    installation_.start_apache();
    installation_.start_nginx();
    config_ = installation_.with_servers();
    model_ = installation_.model();
    served_.emplace(config_, installation_.root() + "/aegird.log");
  }

  wire::Verified verify(const std::vector<std::string>& read = {}) {
    Result<wire::Verified> verified = (*served_)->verify_servers({model_, read});
    EXPECT_TRUE(verified) << describe(verified.error());
    if (!verified) return {};
    for (const Error& error : verified->errors) ADD_FAILURE() << describe(error);
    return *std::move(verified);
  }
  /// Path, mode and content of everything that root's programs read.
  [[nodiscard]] std::map<std::string, std::string> configuration() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(config_.config_dir)) {
      found[entry.path()] = entry.is_regular_file() ? live::slurp(entry.path()) : "";
    }
    return found;
  }
  [[nodiscard]] int apache_answers(const std::string& target) const {
    return live::ask(installation_.apache_endpoint(), live::get("a.test", target)).status;
  }
  [[nodiscard]] int nginx_answers(const std::string& target) const {
    return live::ask(installation_.nginx_endpoint(), live::get("a.test", target)).status;
  }

  live::Installation installation_;
  Config config_;
  emit::Model model_;
  std::optional<Served> served_;
};

TEST_F(ServersTest, AreBroughtToTheModelAsAegircDoesIt) {
  registry::Platform second = model_.platforms[0];
  second.id = 2;
  second.name = "p2";
  second.docroot = installation_.root() + "/platform2";
  live::put(second.docroot + "/index.php", "<?php\n");
  model_.platforms.push_back(second);
  registry::Block more = model_.blocks[0];
  more.name = "b2";
  more.first_uid = 612010;
  more.slots = 2;
  model_.blocks.push_back(more);
  EXPECT_FALSE(verify().done.empty());
  EXPECT_TRUE(fs::exists(server_config_dir(config_, "local") + "/apache/platform.d/p2.conf"));
  EXPECT_TRUE(fs::exists(server_config_dir(config_, "local") + "/nginx/platform.d/p2.conf"));
  EXPECT_TRUE(fs::exists(emit::fpm_block_path(config_, model_.blocks[1])));
  EXPECT_TRUE((*served_)->count_slot({"b2", 1, 612011}));
  EXPECT_EQ(apache_answers("/style.css"), 200);
  EXPECT_EQ(nginx_answers("/style.css"), 200);
  const machine::Done again = verify().done;
  EXPECT_TRUE(again.empty()) << "all is so already: " << again.front();
  machine::Done done;
  const Result<verify::Told> told = verify::verify_servers(config_, installation_.accounts(), model_, {}, done);
  ASSERT_TRUE(told) << describe(told.error());
  EXPECT_TRUE(done.empty()) << "aegirc finds nothing to do: " << done.front();
}

TEST_F(ServersTest, ThePhpOfABlockIsStartedReloadedAndEnded) {
  Host& host = **served_;
  const wire::PhpOrder php{"local", "b2"};
  EXPECT_EQ(host.start_php(php).error().code, Code::kNotFound) << "nobody has made it";
  registry::Block more = model_.blocks[0];
  more.name = "b2";
  more.first_uid = 612010;
  more.slots = 2;
  model_.blocks.push_back(more);
  (void)verify();
  const auto processes = [] { return monitor::processes_of(612010, 612011).value().size(); };
  Result<void> done = host.start_php(php);
  ASSERT_TRUE(done) << describe(done.error());
  const std::string pid = live::slurp(emit::fpm_block_pid(config_, more));
  ASSERT_TRUE(host.start_php(php)) << "it runs already";
  EXPECT_EQ(live::slurp(emit::fpm_block_pid(config_, more)), pid);
  done = host.reload_php(php);
  EXPECT_TRUE(done) << describe(done.error());
  EXPECT_TRUE(live::eventually([&] { return host.start_php(php).has_value(); }));
  for (const wire::PhpOrder& evil : std::vector<wire::PhpOrder>{
           {"../local", "b2"}, {"local", "../b2"}, {"local", "b2\n"}, {"", ""}, {"local", "b9"}, {"nobody", "b2"}}) {
    EXPECT_FALSE(host.start_php(evil));
    EXPECT_FALSE(host.stop_php(evil));
    EXPECT_FALSE(host.reload_php(evil));
  }
  done = host.stop_php(php);
  ASSERT_TRUE(done) << describe(done.error());
  EXPECT_EQ(processes(), 0U);
  EXPECT_TRUE(host.stop_php(php)) << "may be done again";
  EXPECT_EQ(apache_answers("/style.css"), 200);
}

TEST_F(ServersTest, APlatformsRulesAreReadWhenItIsVerified) {
  (void)verify();
  live::put(installation_.docroot() + "/.htaccess", "Redirect 302 /old /style.css\n");
  (void)verify();
  EXPECT_NE(apache_answers("/old"), 302);
  const wire::PlatformFilesOrder files{model_.platforms[0], {"a.test", "b.test"}, {}, {"8.2"}};
  const Result<wire::Verified> verified = (*served_)->verify_platform({model_, files});
  ASSERT_TRUE(verified) << describe(verified.error());
  for (const Error& error : verified->errors) ADD_FAILURE() << describe(error);
  EXPECT_EQ(apache_answers("/old"), 302);
  live::put(installation_.docroot() + "/.htaccess", "</Directory>\nLoadModule x y\n");
  EXPECT_FALSE((*served_)->verify_platform({model_, files})->errors.empty());
  EXPECT_EQ(apache_answers("/old"), 302) << "the last good ones";
}

TEST_F(ServersTest, APlatformsFilesAlone) {
  wire::PlatformFilesOrder files{model_.platforms[0], {"a.test"}, {}, {"8.2"}};
  files.codebase = {"10.6", {{"minimal", "", "", "", "core/profiles/minimal", false, {"en"}}}, {}};
  files.platform.cms = registry::Cms::kDrupal8;
  const Result<wire::Verified> written = (*served_)->write_platform(files);
  ASSERT_TRUE(written) << describe(written.error());
  for (const Error& error : written->errors) ADD_FAILURE() << describe(error);
  const std::string folder = installation_.docroot() + "/sites/all/drush/";
  EXPECT_TRUE(live::slurp(folder + "drushrc.php").contains("minimal"));
  EXPECT_TRUE(live::slurp(folder + "sites.drushrc.php").contains("a.test"));
  for (const auto change : {+[](wire::PlatformFilesOrder& order) { order.uris = {"a.test\n"}; },
                            +[](wire::PlatformFilesOrder& order) {
                              order.codebase = {"10", {{"x/'; run();", "", "", "", "profiles/x", false, {}}}, {}};
                            },
                            +[](wire::PlatformFilesOrder& order) { order.versions = {"../../tmp/php"}; },
                            +[](wire::PlatformFilesOrder& order) { order.platform.docroot = "/etc"; },
                            +[](wire::PlatformFilesOrder& order) { order.platform.name = "../x"; }}) {
    wire::PlatformFilesOrder evil = files;
    change(evil);
    EXPECT_FALSE((*served_)->write_platform(evil));
    EXPECT_FALSE((*served_)->verify_platform({model_, evil}));
  }
}

TEST_F(ServersTest, ModelsOfATakenOverWorkerAreRefused) {
  (void)verify();
  const std::map<std::string, std::string> before = configuration();
  const std::string line = "x\nLoadModule evil /tmp/evil.so\n";
  const std::vector<std::function<void(emit::Model&)>> changes = {
      [&](emit::Model& model) { model.servers[0].name = line; },
      [&](emit::Model& model) { model.servers[0].name = "../x"; },
      [&](emit::Model& model) { model.servers[0].host = line; },
      [&](emit::Model& model) { model.servers[0].web[0].kind = registry::Service{}; },
      [&](emit::Model& model) { model.servers[0].web[0].probe_address = line; },
      [&](emit::Model& model) { model.servers[0].web[0].http_port = 0; },
      [&](emit::Model& model) { model.platforms[0].name = line; },
      [&](emit::Model& model) { model.platforms[0].name = "a|b"; },
      [&](emit::Model& model) { model.platforms[0].server = ".."; },
      [&](emit::Model& model) { model.platforms[0].docroot = "/"; },
      [&](emit::Model& model) { model.platforms[0].docroot = "/etc"; },
      [&](emit::Model& model) { model.platforms[0].docroot += "/../../../etc"; },
      [&](emit::Model& model) { model.platforms[0].docroot += "\">\n" + line; },
      [&](emit::Model& model) { model.platforms[0].docroot += '\0'; },
      [&](emit::Model& model) { model.platforms[0].services = 64; },
      [&](emit::Model& model) { model.platforms[0].body_limit = 0; },
      [&](emit::Model& model) { model.blocks[0].name = "b1]\n[www"; },
      [&](emit::Model& model) { model.blocks[0].server = "../.."; },
      [&](emit::Model& model) { model.blocks[0].php_version = "8.2\nuser=root"; },
      [&](emit::Model& model) { model.blocks[0].php_version = "8.2/../x"; },
      [&](emit::Model& model) { model.blocks[0].first_uid = 0; },
      [&](emit::Model& model) { model.blocks[0].first_uid = 33; },
      [&](emit::Model& model) { model.blocks[0].first_uid = live::Installation::kAegir; },
      [&](emit::Model& model) { model.blocks[0].first_uid = 612098; },
      [&](emit::Model& model) { model.blocks[0].first_uid = live::Installation::kUidA + 1; },
      [&](emit::Model& model) { model.blocks[0].name = "b7"; },
      [&](emit::Model& model) { model.blocks[0].slots = 0xFFFFFFFF; },
      [&](emit::Model& model) { model.blocks[0].max_children = 0; },
      [&](emit::Model& model) { model.own_sites = {{line, "p1", 1}}; },
      [&](emit::Model& model) { model.own_sites = {{"../../x", "p1", 1}}; },
      [&](emit::Model& model) { model.own_sites = {{"a.test", line, 1}}; },
      [&](emit::Model& model) { model.certified_sites = {{"a.test", {line}}}; },
      [&](emit::Model& model) { model.certified_sites = {{line, {}}}; },
      [&](emit::Model& model) { model.https_sites = {{line, "p1"}}; },
      [&](emit::Model& model) { model.https_sites = {{"a.test", line}}; },
  };
  for (std::size_t n = 0; n < changes.size(); ++n) {
    emit::Model evil = model_;
    changes[n](evil);
    const Result<wire::Verified> verified = (*served_)->verify_servers({evil, {"p1"}});
    ASSERT_FALSE(verified) << "change " << n;
    EXPECT_TRUE(verified.error().code == Code::kInvalid || verified.error().code == Code::kPermission ||
                verified.error().code == Code::kConflict)
        << "change " << n << ": " << describe(verified.error());
  }
  EXPECT_EQ(configuration(), before);
  EXPECT_EQ(apache_answers("/style.css"), 200);
  EXPECT_EQ(nginx_answers("/style.css"), 200);
}

TEST_F(ServersTest, ValuesThatWantToBeDirectivesStayValues) {
  // All of these can be the name of a folder below platform_roots.
  for (const char* name : {"$(touch /tmp/x)", "%{ENV:PATH}", "${HOME}", "a b", "a;b", "a{b", "a#b", "a|b", "`id`",
                           "a*b", "a\"b", "a\\", "a'b", "<x>", "a?b[c]"}) {
    emit::Model odd = model_;
    registry::Platform second = odd.platforms[0];
    second.id = 2;
    second.name = "p2";
    second.docroot = installation_.root() + '/' + name;
    fs::create_directories(second.docroot);
    odd.platforms.push_back(second);
    // Said in each language as what it is, or refused.
    const Result<wire::Verified> verified = (*served_)->verify_servers({odd, {}});
    if (verified) {
      for (const Error& error : verified->errors) ADD_FAILURE() << name << ": " << describe(error);
    } else {
      EXPECT_EQ(verified.error().code, Code::kInvalid) << name << ": " << describe(verified.error());
    }
    EXPECT_EQ(apache_answers("/style.css"), 200) << name;
    EXPECT_EQ(nginx_answers("/style.css"), 200) << name;
  }
}

TEST_F(ServersTest, SizesAndTurns) {
  for (int n = 0; n < 30'000; ++n) {
    model_.https_sites.push_back({"site-" + std::to_string(n) + ".with-a-long-name.example", "p1"});
  }
  // Two at once take turns.
  std::future<wire::Verified> other = std::async(std::launch::async, [&] { return verify(); });
  (void)verify();
  (void)other.get();
  // An order that needs no room gets none.
  EXPECT_EQ((*served_)->forget_site(std::string(2U << 20U, 'a')).error().code, Code::kInvalid);
  model_.https_sites.assign(200'000, {std::string(100, 'a') + ".example", "p1"});
  EXPECT_EQ((*served_)->verify_servers({model_, {}}).error().code, Code::kInvalid);
  EXPECT_TRUE((*served_)->peoples_sites({"local"}));
}

TEST_F(ServersTest, TheMapsKeyAndWhatPeopleHavePutDown) {
  EXPECT_EQ((*served_)->map_key().value(), live::slurp(config_.map_key));
  ASSERT_EQ(::chmod(config_.map_key.c_str(), 0644), 0);
  EXPECT_FALSE((*served_)->map_key()) << "somebody else could have read it";
  live::put(server_config_dir(config_, "local") + "/nginx/vhost.d/a.test.local.conf", "# mine\n");
  fs::create_directories(config_.config_dir + "/ssl.d/b.test");
  live::put(config_.config_dir + "/ssl.d/b.test/openssl.crt", "none\n");
  live::put(config_.config_dir + "/ssl.d/b.test/openssl.key", "none\n");
  const Result<wire::PeoplesSites> sites = (*served_)->peoples_sites({"local"});
  ASSERT_TRUE(sites) << describe(sites.error());
  EXPECT_EQ(sites->with_local, std::vector<std::string>{"a.test"});
  EXPECT_EQ(sites->certified, std::vector<std::string>{"b.test"});
  EXPECT_FALSE((*served_)->peoples_sites({"../../../etc"}));
  Result<std::vector<wire::CertificateFacts>> certificates = (*served_)->certificates();
  ASSERT_TRUE(certificates) << describe(certificates.error());
  ASSERT_EQ(certificates->size(), 1U);
  EXPECT_EQ(certificates->front().folder, "b.test");
  EXPECT_TRUE(certificates->front().error);
  const live::Finished made =
      live::run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=b.test",
                 "-addext", "subjectAltName=DNS:b.test", "-keyout", config_.config_dir + "/ssl.d/b.test/openssl.key",
                 "-out", config_.config_dir + "/ssl.d/b.test/openssl.crt"});
  ASSERT_EQ(made.status, 0) << made.output;
  certificates = (*served_)->certificates();
  ASSERT_TRUE(certificates && certificates->size() == 1U);
  EXPECT_FALSE(certificates->front().error) << describe(*certificates->front().error);
  EXPECT_EQ(certificates->front().hosts, std::vector<std::string>{"b.test"});
  EXPECT_NEAR(static_cast<double>(certificates->front().until - std::time(nullptr)), 30 * 86400, 3600);
}

}  // namespace
}  // namespace aegir::host
