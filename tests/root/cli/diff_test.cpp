// aegirc diff on a machine: what it sees of the registry, of a document that is not imported, and of root's files.
#include <gmock/gmock.h>

#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Diff : public AegircAsRoot {
 protected:
  /// What diff prints; its exit code has to be `status`.
  std::string diff(const std::string& arguments, int status) const {
    const live::Finished done = aegirc("diff " + arguments);
    EXPECT_EQ(done.status, status) << done.output;
    return done.output;
  }
  std::string docroot() const { return config_.aegir_root + "/platforms/d10"; }
  std::string site(const std::string& name) const { return docroot() + "/sites/first.example/" + name; }
  std::string drush(const std::string& name) const { return config_.aegir_root + "/.drush/" + name; }
  std::string slot_drush(const std::string& name) const { return slot_home(config_, "b1", 0) + "/home/.drush/" + name; }
  std::string cli_file(const std::string& uri) const { return config_.config_dir + "/cli/" + uri + ".php"; }
  void change(const std::string& fields) {
    live::put(file("change.json"), R"({"sites": {"first.example": {)" + fields + "}}}");
    expect("import " + file("change.json"), 0, "Imported");
  }
  /// What a person does to a file that others can't write.
  static void edit(const std::string& path, const std::string& content) {
    fs::remove(path);
    live::put(path, content);
  }
  std::string apache() const { return config_.config_dir + "/server_web1/apache/"; }
  std::string nginx() const { return config_.config_dir + "/server_web1/nginx/"; }
};

TEST_F(Diff, OfWhatIsCompiledIsEmpty) { EXPECT_EQ(diff("", 0), "No difference.\n"); }

TEST_F(Diff, SeesWhatIsNotPublishedYet) {
  import_site("second.example");
  set_state("first.example", "maintenance");
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("~ site first.example\n    state  enabled -> maintenance\n"));
  EXPECT_THAT(shown, HasSubstr("+ site second.example\n"));
  EXPECT_THAT(shown, HasSubstr("Differs: sites 1 added, 1 changed; files "));
  expect("publish", 0, "Published");
  EXPECT_EQ(diff("", 0), "No difference.\n");
}

TEST_F(Diff, SeesADocumentAsAfterItsImportAndImportsNothing) {
  live::put(file("more.json"),
            R"({"sites": {"first.example": {"https": "required", "aliases": {"www.first.example": {}}}}})");
  const std::string shown = diff(file("more.json"), 1);
  EXPECT_THAT(shown, StartsWith("~ site first.example\n    https  allowed -> required\n"
                                "+ alias www.first.example\n    of  first.example\n--- "))
      << "passwords and slot are those of the registry";
  EXPECT_THAT(shown, HasSubstr("\n-  uri: \"http://first.example\"\n+  uri: \"https://first.example\"\n"));
  EXPECT_THAT(shown, HasSubstr("/nginx/tls.conf\tcompiled\n")) << "somebody has to listen";
  EXPECT_THAT(shown, EndsWith("Differs: sites 1 changed; aliases 1 added; files 2 added, 7 changed.\n"));
  EXPECT_EQ(diff("", 0), "No difference.\n");
  live::put(file("other.json"), R"({"settings": {"require_disabled_before_delete": false},
    "servers": {"web1": {"web": {"nginx": {}}}}, "blocks": {"b1": {"slots": 8}}})");
  EXPECT_THAT(diff("--replace --stat " + file("other.json"), 1), HasSubstr("sites      0 added  0 changed  1 gone\n"));
  live::put(file("bad.json"), R"({"sites": {"first.example": {"htps": "none"}}})");
  expect_refused("diff " + file("bad.json"), 65, file("bad.json") + ":1:30", "there is no key 'htps' here");
}

TEST_F(Diff, SeesFilesThatWereChangedOrThatNothingAsksFor) {
  const std::string conf = apache() + "platform.d/d10.conf";
  const std::string before = live::slurp(conf);
  live::put(conf, "SetEnv db_passwd hunter2\n" + before);
  live::put(apache() + "platform.d/gone.conf", "# Written by aegirc from the registry.\n# password = hunter3\n");
  live::put(apache() + "platform.d/gone.local.conf", "# Written by aegirc from the registry.\n");
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("--- " + conf + "\tlive\n+++ " + conf +
                               "\tcompiled\n@@ -1,4 +1,3 @@\n-SetEnv db_passwd ********\n"));
  EXPECT_THAT(shown, HasSubstr("--- " + apache() + "platform.d/gone.conf\tlive\n+++ /dev/null\n"));
  EXPECT_THAT(shown, HasSubstr("Differs: files 1 changed, 1 gone.\n"));
  EXPECT_THAT(shown, Not(HasSubstr("hunter")));
  EXPECT_THAT(shown, Not(HasSubstr("gone.local.conf")));
  expect("compile", 0, "put right");
  EXPECT_EQ(diff("", 0), "No difference.\n");
}

TEST_F(Diff, SeesWhatVerifyWouldWriteForASite) {
  change(R"("cloaking": false, "database": {"server": "web1", "name": "shop", "user": "u", "password": "hunter2"})");
  std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("--- " + site("settings.php") + "\tlive\n+++ " + site("settings.php") + "\tcompiled\n"));
  EXPECT_THAT(shown, HasSubstr("\n+  'password' => '********'\n"));
  EXPECT_THAT(shown, HasSubstr("--- " + site("drushrc.php") + "\tlive\n"));
  EXPECT_THAT(shown, HasSubstr("--- " + cli_file("first.example") + "\tlive\n"));
  EXPECT_THAT(shown, Not(HasSubstr("hunter")));
  EXPECT_THAT(shown, Not(HasSubstr(drush("drush.yml"))));
  expect("verify --site first.example", 0, "put right");
  EXPECT_EQ(diff("", 0), "No difference.\n");
  // drushrc.php is read back: a person asks for cloaking again there.
  std::string drushrc = live::slurp(site("drushrc.php"));
  const std::string plain = "$options['provision_db_cloaking'] = false;";
  ASSERT_THAT(drushrc, HasSubstr(plain));
  edit(site("drushrc.php"),
       drushrc.replace(drushrc.find(plain), plain.size(), "$options['provision_db_cloaking'] = true;"));
  shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("\n-  'password' => '********'\n"));
  EXPECT_THAT(shown, Not(HasSubstr("hunter")));
  EXPECT_EQ(live::slurp(site("drushrc.php")), drushrc);
}

TEST_F(Diff, ShowsThatASecretDiffersAndNeverTheSecret) {
  const std::string settings = live::slurp(site("settings.php"));
  const std::size_t salt = settings.find("['hash_salt'] = '") + 17;
  ASSERT_LT(salt, settings.size());
  const std::string value = settings.substr(salt, settings.find('\'', salt) - salt);
  std::string other = settings;
  edit(site("settings.php"), other.replace(salt, value.size(), "hunter2"));
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown,
              HasSubstr("\n-$settings['hash_salt'] = '********'\n+$settings['hash_salt'] = '********' (changed)\n"));
  EXPECT_THAT(shown, Not(HasSubstr("hunter")));
  EXPECT_THAT(shown, Not(HasSubstr(value)));
  EXPECT_THAT(shown, HasSubstr("Differs: files 1 changed.\n"));
}

TEST_F(Diff, SeesFilesOfSitesThatAreMissingAndThatNothingAsksFor) {
  for (const std::string& path : {site("settings.php"), drush("sites/first_example.site.yml"),
                                  slot_drush("first.example.alias.drushrc.php"), docroot() + "/sites/sites.php"}) {
    fs::remove(path);
  }
  std::string shown = diff("", 1);
  for (const std::string& path : {site("settings.php"), drush("sites/first_example.site.yml"),
                                  slot_drush("first.example.alias.drushrc.php"), docroot() + "/sites/sites.php"}) {
    EXPECT_THAT(shown, HasSubstr("+ file " + path + "\n"));
  }
  EXPECT_THAT(shown, HasSubstr("Differs: files 4 added.\n"));
  expect("compile", 0, "put right");
  set_state("first.example", "disabled");
  set_state("first.example", "deleted");
  shown = diff("", 1);
  for (const std::string& path :
       {cli_file("first.example"), drush("sites/first_example.site.yml"), drush("first.example.alias.drushrc.php")}) {
    EXPECT_THAT(shown, HasSubstr("- file " + path + "\n"));
  }
  EXPECT_THAT(shown, Not(HasSubstr(site("settings.php")))) << "a site's directory stays";
  expect("compile", 0, "put right");
  EXPECT_EQ(diff("", 0), "No difference.\n");
}

TEST_F(Diff, LeavesAPersonsDrushYmlAloneAndTellsWhatItCantCompare) {
  edit(drush("drush.yml"), "drush:\n  paths:\n    alias-path: ['" + drush("sites") + "']\n");
  EXPECT_EQ(diff("", 0), "No difference.\n");
  edit(site("drushrc.php"), "<?php\n$options['x'] = getenv('X');\n");
  fs::remove(cli_file("first.example"));
  fs::create_symlink(file("aegir.conf"), cli_file("first.example"));
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("not compared: " + site("drushrc.php") + ":2:"));
  EXPECT_THAT(shown, HasSubstr("not compared: " + cli_file("first.example") + ": "));
  EXPECT_THAT(shown, HasSubstr("No difference. Not compared: 2 files.\n"));
}

TEST_F(Diff, SaysOnceWhatOnlyRootCanCompare) {
  fs::permissions(root_.path(), fs::perms(0755));
  live::put(file("own.conf"), "prefix = " + root_.path() + "/own\naegir_user = 620001\nweb_user = 620002\n");
  const std::string id = std::to_string(kStranger);
  const live::Finished done = live::run({"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--", AEGIRC,
                                         "--config", file("own.conf"), "diff", file("document.json")});
  EXPECT_EQ(done.status, 1) << done.output;
  const std::string note = "aegirc: note: only root can read the files of sites, platforms and Drush";
  const std::size_t first = done.output.find(note);
  ASSERT_NE(first, std::string::npos) << done.output;
  EXPECT_EQ(done.output.find(note, first + 1), std::string::npos);
  EXPECT_THAT(done.output, Not(HasSubstr("settings.php")));
}

TEST_F(Diff, SeesWhatPeopleHaveWrittenSince) {
  fs::create_directories(apache() + "pre.d");
  const std::string first = apache() + "pre.d/first.conf";
  const std::string second = config_.config_dir + "/server_web1/nginx/post.d/second.conf";
  const std::string local = config_.config_dir + "/server_web1/nginx/platform.d/d10.local.conf";
  live::put(first, "# password hunter2\n");
  live::put(second, "# of a person\n");
  live::put(local, "# of a person\n");
  std::string shown = diff("", 1);
  for (const std::string& path : {first, second, local}) {
    EXPECT_THAT(shown, HasSubstr("+ file " + path + ": yours, not in force yet\n"));
  }
  EXPECT_THAT(shown, EndsWith("Differs: files 3 added.\n"));
  expect("compile", 0, "Published");
  EXPECT_EQ(diff("", 0), "No difference.\n");
  live::put(first, "# password hunter3\n");
  fs::remove(second);
  shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("~ file " + first + ": yours, in force is what it was before\n"));
  EXPECT_THAT(shown, HasSubstr("- file " + second + ": yours, still in force\n"));
  EXPECT_THAT(shown, EndsWith("Differs: files 1 changed, 1 gone.\n"));
  EXPECT_THAT(shown, Not(HasSubstr("hunter")));
  expect("verify --server web1", 0, "put right");
  EXPECT_EQ(diff("", 0), "No difference.\n");
  // One for a platform that there is not is nobody's to read.
  live::put(config_.config_dir + "/server_web1/nginx/platform.d/gone.local.conf", "# of a person\n");
  EXPECT_EQ(diff("", 0), "No difference.\n");
}

TEST_F(Diff, TellsWhatWasRefusedForAsLongAsItIsThere) {
  const std::string local = nginx() + "vhost.d/first.example.local.conf";
  live::put(local, "nonsense;\n");
  expect("verify --server web1", 0, "put right");
  EXPECT_EQ(diff("", 0), "No difference.\n");
  refuse_for_nginx(local);
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown, StartsWith("+ file " + local + ": yours, not in force: refused by its server\n"));
  live::put(local, "# mended\n");
  EXPECT_THAT(diff("", 1), HasSubstr("+ file " + local + ": yours, not in force yet\n"));
  expect("verify --server web1", 0, "");
  EXPECT_EQ(diff("", 0), "No difference.\n");
}

TEST_F(Diff, ReadsOfATenantsAliasesNoMoreThanTheirHeads) {
  const std::string large = slot_drush("sites/large.site.yml");
  const uid_t slot = config_.uid_first;
  live::put(large, "# Written by aegirc from the registry.\n");
  fs::resize_file(large, std::uintmax_t{1} << 40U);
  ASSERT_EQ(::chown(large.c_str(), slot, slot), 0);
  EXPECT_THAT(diff("", 1), HasSubstr("- file " + large + "\n")) << "one of more than 16 MiB could not be read whole";
  fs::remove(large);
  for (int i = 0; i < 1001; ++i) {
    const std::string path = slot_drush("sites/many" + std::to_string(i) + ".site.yml");
    live::put(path, "# Written by aegirc from the registry.\n");
    ASSERT_EQ(::chown(path.c_str(), slot, slot), 0);
  }
  const std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("not compared: " + slot_drush("sites") + ": holds more than 1,000 Drush aliases"));
  EXPECT_THAT(shown, Not(HasSubstr("many")));
}

TEST_F(Diff, AChangeThatOnlyACompileBringsIntoForceIsNamedByImportAndPublish) {
  const auto limit = [&](const std::string& mib) {
    live::put(file("change.json"), R"({"sites": {"first.example": {"body_limit": )" + mib + "}}}");
    return "import " + file("change.json");
  };
  const std::string waits = "note: body_limit of first.example is in force after `aegirc verify --server web1`";
  for (const char* mib : {"100", "200", "null"}) {
    expect(limit(mib), 0,
           "(or `aegirc verify --server NAME`) for what servers read from files: body_limit of first.example.");
    expect("publish", 0, waits);
    expect("verify --server web1", 0, "put right");
    change(R"("language": "de")");
    EXPECT_THAT(aegirc("publish").output, Not(HasSubstr("body_limit")));
    change(R"("language": "en")");
    EXPECT_THAT(aegirc("publish").output, Not(HasSubstr("body_limit")));
  }
  live::put(file("change.json"), R"({"servers": {"web1": {"web": {"nginx": {"https_port": 8445}}}},
                                     "blocks": {"b1": {"max_children": 6}}, "clients": {"acme": {"title": "A"}}})");
  expect("import " + file("change.json"), 0, "read from files: server web1, block b1.\n");
}

TEST_F(Diff, SeesAnHtaccessThatIsNotInForce) {
  const std::string htaccess = docroot() + "/.htaccess";
  const std::string accepted = apache() + "platform.d/d10.htaccess";
  live::put(htaccess, "Redirect 410 /a\n");
  std::string shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("+ file " + accepted +
                               ": the .htaccess of platform d10, once Apache has accepted it\n"
                               "--- /dev/null\n+++ " +
                               htaccess + "\n@@ -0,0 +1 @@\n+Redirect 410 /a\n"));
  live::put(accepted, "Redirect 410 /a\n");
  EXPECT_THAT(diff("", 1), EndsWith("Differs: files 1 changed.\n")) << "only the platform's, which includes it";
  live::put(htaccess, "Redirect 410 /b\n");
  shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("~ file " + accepted + ": "));
  EXPECT_THAT(shown, HasSubstr("-Redirect 410 /a\n+Redirect 410 /b\n"));
  fs::remove(htaccess);
  EXPECT_THAT(diff("--stat", 1), HasSubstr("files      0 added  1 changed  1 gone"));
  fs::create_symlink("/etc/shadow", htaccess);
  shown = diff("", 1);
  EXPECT_THAT(shown, HasSubstr("note: not compared: " + htaccess));
  EXPECT_THAT(shown, Not(HasSubstr("root:")));
}

TEST_F(Diff, NeedsWhoMayReadWhatItCompares) {
  expect("diff", 77,
         "can't be opened: Permission denied\n  next: check the owner and mode of the path, or run the command as root",
         kStranger);
}

}  // namespace
}  // namespace aegir::cli
