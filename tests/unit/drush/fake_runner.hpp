// A site for tests, and a runner that answers with what a test has written.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <utility>

#include "sidecar/drush/calls.hpp"

namespace aegir::drush {

inline constexpr const char* kPassword = "CanaryOfThePassword9";

/// shop.example on Drupal 10 with Drush 13.
[[nodiscard]] inline Site test_site(registry::Cms cms = registry::Cms::kDrupal8) {
  Site site;
  site.uri = "shop.example";
  site.docroot = "/var/aegir/platforms/d10/web";
  site.cms = cms;
  site.tool = {"/var/aegir/platforms/d10/vendor/drush/drush/drush.php", "13.3.0", 13};
  if (cms == registry::Cms::kBackdrop) site.tool = {"/opt/bee/bee.php", "1.x-1.2.x-dev", 0};
  site.origin = "https://shop.example:8443";
  site.php_dir = "/var/aegir/config/php/php";
  site.home = "/var/lib/aegir-slots/php/7/home";
  site.tmp = "/var/lib/aegir-slots/php/7/tmp";
  site.service = {"mysql", "127.0.0.1", 3307};
  site.database = {"local", "shop", "shopuser", kPassword};
  return site;
}

/// Answers one run after the other, and keeps what was run.
class FakeRunner : public process::Runner {
 public:
  FakeRunner& says(std::string out, std::string err = {}, int status = 0) {
    process::Output output;
    output.out = std::move(out);
    output.err = std::move(err);
    output.status = status;
    answers_.emplace_back(std::move(output));
    return *this;
  }
  FakeRunner& answers(Result<process::Output> output) {
    answers_.push_back(std::move(output));
    return *this;
  }
  Result<process::Output> run(const process::Program& program) override {
    programs.push_back(program);
    if (answers_.empty()) {
      ADD_FAILURE() << "a run that the test does not expect: " << testing::PrintToString(program.argv);
      return fail(Code::kInternal, "no answer");
    }
    Result<process::Output> answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

  std::vector<process::Program> programs;

 private:
  std::deque<Result<process::Output>> answers_;
};

/// What core-status prints of an installed site (Drush 12 and 13).
inline constexpr const char* kInstalled = R"({
    "site": "sites/shop.example",
    "db-name": "shop",
    "db-status": "Connected",
    "bootstrap": "Successful",
    "drupal-version": "10.6.15",
    "install-profile": "standard"
})";

/// And of one that is not.
inline constexpr const char* kEmpty = R"({
    "site": "sites/shop.example",
    "db-name": "shop",
    "drupal-version": "10.6.15"
})";

/// What facts_source() prints.
inline constexpr const char* kFacts =
    R"({"version":"10.6.15","site":"sites\/shop.example","database":"shop","profile":"standard","language":"en",)"
    R"("maintenance":false,"cron":1795661395})";

/// `text` with the first `from` in it exchanged.
[[nodiscard]] inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// An error must name its place and a next step, and may have neither control bytes nor the canary in it.
inline void expect_decent(const Error& error) {
  const std::string text = error.message + '\n' + error.hint;
  EXPECT_THAT(error.message, testing::HasSubstr("shop.example"));
  EXPECT_FALSE(error.hint.empty()) << error.message;
  EXPECT_THAT(text, testing::Not(testing::HasSubstr(kPassword)));
  EXPECT_LT(error.message.size(), 700U) << error.message;
  for (const char c : error.message) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << error.message;
}

}  // namespace aegir::drush
