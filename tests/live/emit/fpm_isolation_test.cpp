// What our PHP-FPM configuration gives a site and what it keeps from it, line by line: limits, temporary places, logs,
// descriptors, the OPcache. Whether a site's PHP gets at another's secrets by any means is the hunt's
// (tests/root/hunt).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/live/emit/installation.hpp"

namespace aegir::live {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class FpmIsolation : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    installation = new Installation;
    installation->start_nginx();
  }
  static void TearDownTestSuite() {
    delete installation;
    installation = nullptr;
  }

  /// What try.php of `site` says.
  static std::string attempt(const std::string& site, const std::string& what, const std::string& path = {},
                             const std::string& more = {}) {
    const Response response =
        ask(installation->nginx_endpoint(), get(site, "/try.php?do=" + what + "&path=" + path + more));
    EXPECT_EQ(response.status, 200) << response.raw << response.body;
    return response.body;
  }
  static std::string ours(const std::string& name) { return installation->site("a.test") + name; }
  static std::string theirs(const std::string& name) { return installation->site("b.test") + name; }

  /// The block's configuration without these lines.
  static std::string without(const std::vector<std::string>& lines) {
    std::string config = installation->block_config();
    for (const std::string& line : lines) {
      EXPECT_THAT(config, HasSubstr(line));
      for (std::size_t at = config.find(line); at != std::string::npos; at = config.find(line)) {
        config.erase(at, line.size());
      }
    }
    return config;
  }

  static Installation* installation;
};

Installation* FpmIsolation::installation = nullptr;

TEST_F(FpmIsolation, EachSiteIsItsOwnUidAndNothingMore) {
  EXPECT_EQ(attempt("a.test", "groups"), "612000 612000 612000");
  EXPECT_EQ(attempt("b.test", "groups"), "612001 612001 612001");
}

TEST_F(FpmIsolation, ASiteReachesItsOwnAndNoCode) {
  EXPECT_EQ(attempt("a.test", "read", ours("/files/f.txt")), "got:file of a.test");
  EXPECT_EQ(attempt("a.test", "include", ours("/settings.php")), "got:salt of a.test");
  EXPECT_EQ(attempt("a.test", "write", ours("/files/new")), "done");
  EXPECT_EQ(attempt("a.test", "write", ours("/settings.php")), "refused");
  EXPECT_EQ(attempt("a.test", "write", ours("/modules/new.php")), "refused");
}

TEST_F(FpmIsolation, EnvironmentAndTemporaryPlaces) {
  const std::string home = installation->home(0);
  const std::string php = block_php_dir(installation->config(), "b1");
  EXPECT_EQ(attempt("a.test", "environment"), "HOME=" + home + "/home\nPATH=" + php +
                                                  ":/usr/local/bin:/usr/bin:/bin\nTEMP=" + home + "/tmp\nTMP=" + home +
                                                  "/tmp\nTMPDIR=" + home + "/tmp");
  EXPECT_THAT(attempt("a.test", "temporary"), StartsWith(home + "/tmp " + home + "/tmp/x"));
  EXPECT_EQ(attempt("a.test", "ini", "upload_tmp_dir"), home + "/tmp");
  EXPECT_THAT(attempt("a.test", "session"), StartsWith(home + "/sessions "));
  EXPECT_FALSE(std::filesystem::is_empty(home + "/sessions"));
}

TEST_F(FpmIsolation, LimitsAreTheSitesAndCantBeRaised) {
  for (int i = 0; i < 3; ++i) {  // whichever child answers, and whomever it answered before
    EXPECT_EQ(attempt("a.test", "ini", "memory_limit"), "111M");
    EXPECT_EQ(attempt("b.test", "ini", "memory_limit"), "222M");
  }
  EXPECT_EQ(attempt("a.test", "ini_set", "memory_limit", "&value=900M"), "refused");
  EXPECT_EQ(attempt("a.test", "ini_set", "opcache.validate_permission", "&value=0"), "refused");
  EXPECT_EQ(attempt("a.test", "ini_set", "error_log", "&value=/tmp/x"), "refused");
}

TEST_F(FpmIsolation, ErrorsGoToTheSlotsOwnLog) {
  EXPECT_EQ(attempt("a.test", "warn"), "done");
  const std::string log = installation->home(0) + "/log/php.log";
  EXPECT_THAT(slurp(log), HasSubstr("a warning of a.test"));
  EXPECT_EQ(attempt("b.test", "read", log), "refused");
}

// A child closes the master's log, but keeps what was the master's standard error, and so does every program that PHP
// starts. Hence a master has none.
TEST_F(FpmIsolation, TheMastersLogIsNotInherited) {
  const std::string log = installation->config().log_dir + "/php-b1.log";
  std::string of_master;
  for (const auto& fd :
       std::filesystem::directory_iterator("/proc/" + std::to_string(installation->fpm().pid()) + "/fd")) {
    of_master += std::filesystem::read_symlink(fd).string() + "\n";
  }
  ASSERT_THAT(of_master, HasSubstr(log + "\n"));
  const std::string inherited = attempt("a.test", "inherited");
  EXPECT_THAT(inherited, HasSubstr("socket:["));
  EXPECT_THAT(inherited, Not(HasSubstr(log)));
  EXPECT_THAT(inherited, Not(HasSubstr(installation->fpm().path(""))));
  EXPECT_EQ(attempt("a.test", "write", log), "refused");
}

// The cache is one for the whole block, and by itself it hands compiled code to whoever asks.
TEST_F(FpmIsolation, TheOpcacheAsksForPermission) {
  // What was written less than two seconds ago is not cached.
  std::filesystem::last_write_time(theirs("/settings.php"),
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  const auto a_includes_what_b_has_cached = [] {
    for (int i = 0; i < 3; ++i) EXPECT_EQ(attempt("b.test", "include", theirs("/settings.php")), "got:salt of b.test");
    return attempt("a.test", "include", theirs("/settings.php"));
  };
  EXPECT_EQ(a_includes_what_b_has_cached(), "refused");

  // Two locks: either of them is enough, and without both this test would show nothing.
  const std::string permission = "php_admin_flag[opcache.validate_permission] = on\n";
  const std::string freshness = "php_admin_value[opcache.revalidate_freq] = 0\n";
  installation->restart_fpm(without({freshness}));
  EXPECT_EQ(a_includes_what_b_has_cached(), "refused");
  installation->restart_fpm(without({permission}));
  EXPECT_EQ(a_includes_what_b_has_cached(), "refused");
  installation->restart_fpm(without({permission, freshness}));
  EXPECT_EQ(a_includes_what_b_has_cached(), "got:salt of b.test");
  installation->restart_fpm(installation->block_config());
}

TEST_F(FpmIsolation, TheMasterHasNothingToComplainAbout) {
  EXPECT_THAT(installation->fpm_log(), Not(testing::ContainsRegex("ERROR|ALERT")));
}

}  // namespace
}  // namespace aegir::live
