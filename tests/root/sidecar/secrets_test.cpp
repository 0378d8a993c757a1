// On the fixture: no secret gets out while a verb is at work.
#include <gtest/gtest.h>

#include "tests/root/sidecar/secrets.hpp"

namespace aegir::sidecar {
namespace {

TEST(Secrets, NoneGetsOutWhileAVerbIsAtWork) {
  Lab lab(AEGIR_SOURCE_DIR "/tests/fixtures/platform");
  const std::string password = "kanariUserOne";
  const std::string commands = lab.docroot() + "/vendor/drush/drush/commands.php";
  std::string source = live::slurp(commands);
  const std::string made_up = "bin2hex(random_bytes(5))";
  ASSERT_TRUE(source.contains(made_up));
  // Backwards, so that the source itself is no find.
  source.replace(source.find(made_up), made_up.size(),
                 "strrev('" + std::string(password.rbegin(), password.rend()) + "')");
  live::put(commands, source);
  expect_no_secret_gets_out(lab, password);
}

}  // namespace
}  // namespace aegir::sidecar
