// Accepted .htaccess files are asked about again when Apache is not the one that has accepted them.
#include "tests/root/activate/activation_fixture.hpp"

namespace aegir::publish {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class JudgeTest : public ActivationTest {
 protected:
  /// As a2enmod does it; the last one comes first.
  void load(const std::vector<std::string>& modules) {
    std::string text = live::slurp(installation_.apache().path("httpd.conf"));
    for (const std::string& module : modules) {
      text.insert(0, "LoadModule " + module + "_module /usr/lib/apache2/modules/mod_" + module + ".so\n");
    }
    live::put(installation_.apache().path("httpd.conf"), text);
  }
  [[nodiscard]] std::string judge() const { return live::slurp(config_.config_dir + "/judge.apache"); }
};

TEST_F(JudgeTest, WhatAModuleMoreMakesOfAHiddenLineIsRefusedThen) {
  const struct {
    const char* what;
    std::vector<std::string> modules;
    std::string content;
    std::string message;
  } rows[] = {
      // Apache takes it where it is included, and would let everybody write as the web server.
      {"what no .htaccess may say",
       {"dav_fs", "dav"},
       "<IfModule mod_dav.c>\nDav On\n</IfModule>\n",
       "DAV not allowed here"},
      // Apache would not start again.
      {"what nobody knows",
       {"speling"},
       "<IfModule mod_speling.c>\nNonsense\n</IfModule>\n",
       "Invalid command 'Nonsense'"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    put_htaccess(row.content + "Redirect 410 /gone\n");
    put_htaccess("Redirect 410 /other\n", "p2");
    expect_fine();
    ASSERT_EQ(apache_answers("/gone"), 410);
    load(row.modules);
    const Activation done = activate({});
    ASSERT_EQ(done.errors.size(), 1U) << describe_all(done);
    EXPECT_EQ(done.errors[0].place.file, installation_.docroot() + "/.htaccess");
    EXPECT_EQ(done.errors[0].place.line, 2U);
    EXPECT_THAT(done.errors[0].message, StartsWith("platform p1 goes on without its .htaccess: "));
    EXPECT_THAT(done.errors[0].message, HasSubstr(row.message));
    EXPECT_THAT(done.errors[0].hint, HasSubstr("`aegirc verify --platform p1`"));
    EXPECT_EQ(accepted(), "");
    EXPECT_EQ(apache_answers("/gone"), 200) << "the front page answers for everything";
    EXPECT_EQ(accepted("p2"), "Redirect 410 /other\n") << "the others are still good";
    EXPECT_EQ(activate({}).done, machine::Done());
    // Until it is mended it is refused as any other.
    EXPECT_THAT(describe_all(activate({"p1"})), HasSubstr("/.htaccess:2: platform p1 goes on with its old rules"));
  }
}

TEST_F(JudgeTest, AnotherApacheThatTakesThemChangesNothing) {
  put_htaccess("Redirect 410 /gone\n");
  expect_fine();
  const std::string before = judge();
  EXPECT_THAT(before, HasSubstr("Server version: Apache/2.4"));
  EXPECT_THAT(before, HasSubstr("alias_module"));
  EXPECT_EQ(activate({}).done, machine::Done());
  EXPECT_EQ(judge(), before);
  const std::vector<pid_t> workers = installation_.apache().workers();
  load({"speling"});
  const Activation done = activate({});
  EXPECT_EQ(describe_all(done), "");
  EXPECT_EQ(done.done, machine::Done());
  EXPECT_NE(judge(), before);
  EXPECT_EQ(installation_.apache().workers(), workers) << "nothing was reloaded";
  EXPECT_EQ(apache_answers("/gone"), 410);
}

}  // namespace
}  // namespace aegir::publish
