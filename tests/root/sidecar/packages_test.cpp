// What a platform offers and a site has, from its code into the registry, into drushrc.php and before people's eyes;
// and the welcome to a new site.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/root/sidecar/sidecar_lab.hpp"

namespace aegir::sidecar {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PackagesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    the_mails = std::make_unique<live::TempDir>();
    ::chmod(the_mails->path().c_str(), 0755);
    std::filesystem::create_directories(mails());
    EXPECT_EQ(::chown(mails().c_str(), Lab::kAegir, Lab::kAegir), 0);
    write_mail_program();
    the_lab =
        std::make_unique<Lab>(AEGIR_SOURCE_DIR "/tests/fixtures/platform", "", "sendmail = " + mail_program() + "\n");
    lab().start_aegird();
    lab().must_aegir({"platform", "add", "p1", "--docroot", lab().docroot(), "--server", "main"});
    lab().must_aegir({"client", "add", "acme", "--email", "web@acme.example"});
  }
  static void TearDownTestSuite() {
    the_lab.reset();
    the_mails.reset();
  }
  static Lab& lab() { return *the_lab; }

  static std::string mails() { return the_mails->path("out"); }
  static std::string mail_program() { return the_mails->path("mail-program"); }
  /// One that keeps what it is given: a file for each mail, named like its recipient.
  static void write_mail_program() {
    live::put(mail_program(), "#!/bin/sh\nprintf '%s\\n' \"$@\" > " + mails() + "/\"$3\".argv\nid -u > " + mails() +
                                  "/\"$3\".uid\ncat > " + mails() + "/\"$3\"\n");
    ::chmod(mail_program().c_str(), 0755);
  }
  static std::string mail(const std::string& recipient) { return live::slurp(mails() + "/" + recipient); }
  /// The line of a text that begins with that, without blanks before it; empty when there is none.
  static std::string line_with(const std::string& text, const std::string& begin) {
    const std::size_t at = text.find(begin);
    return at == std::string::npos ? "" : text.substr(at, text.find_first_of("\n ", at) - at);
  }

  static json ask(std::vector<std::string> words) {
    words.insert(words.end(), {"--output", "json"});
    return json::parse(lab().must_aegir(words));
  }
  static std::vector<std::string> platforms_with(const std::string& profile) {
    std::vector<std::string> names;
    const json list = ask({"platform", "list", "--profile", profile});
    for (const json& platform : list.at("platforms")) names.push_back(platform.at("name"));
    return names;
  }
  static json package(const json& packages, const std::string& kind, const std::string& name) {
    for (const json& each : packages) {
      if (each.at("kind") == kind && each.at("name") == name) return each;
    }
    return nullptr;
  }
  /// $options of a drushrc.php, as PHP reads it.
  static json options_of(const std::string& file) {
    const live::Finished done = live::run({"php", "-r", "include $argv[1]; echo json_encode($options);", file});
    EXPECT_EQ(done.status, 0) << done.output;
    return json::parse(done.output);
  }
  static std::string refused(const std::vector<std::string>& words) {
    const live::Finished done = lab().aegir(words);
    EXPECT_NE(done.status, 0) << done.output;
    return done.output;
  }

 private:
  inline static std::unique_ptr<live::TempDir> the_mails;
  inline static std::unique_ptr<Lab> the_lab;
};

TEST_F(PackagesTest, APlatformOffersWhatItBrings) {
  const json platform = ask({"platform", "show", "p1"});
  const json& code = platform.at("codebase");
  EXPECT_EQ(code.at("version"), "10.6.15");
  std::vector<std::string> shown;
  for (const json& profile : code.at("profiles")) {
    if (!profile.at("hidden")) shown.push_back(profile.at("name"));
  }
  EXPECT_THAT(shown, ElementsAre("minimal", "standard"));
  EXPECT_EQ(package(code.at("packages"), "module", "node").at("version"), "10.6.15");
  EXPECT_EQ(package(code.at("packages"), "theme", "stark").at("place"), "core");
  const std::string table = lab().must_aegir({"platform", "show", "p1"});
  EXPECT_THAT(table, HasSubstr("codebase.version  10.6.15"));
  EXPECT_THAT(table, HasSubstr("core/modules/views"));
  EXPECT_THAT(table, Not(HasSubstr("Testing"))) << "it is hidden";

  EXPECT_THAT(platforms_with("standard"), ElementsAre("p1"));
  EXPECT_THAT(platforms_with("nothing"), IsEmpty());
  lab().must_aegir({"platform", "lock", "p1"});
  EXPECT_THAT(platforms_with("standard"), IsEmpty()) << "a locked one is not offered";
  lab().must_aegir({"platform", "unlock", "p1"});

  EXPECT_THAT(refused({"site", "install", "no.example", "--platform", "p1", "--profile", "standart"}),
              HasSubstr("it has: minimal, standard"));
  EXPECT_THAT(refused({"site", "install", "no.example", "--platform", "p1", "--language", "de"}),
              HasSubstr("choose one of: en;"));
  const json tasks = ask({"task", "list", "--site", "no.example"});
  EXPECT_THAT(tasks.at("tasks"), IsEmpty()) << "before any work";
}

TEST_F(PackagesTest, ALanguageIsOfferedOnceThePlatformBringsIt) {
  const std::string folder = lab().docroot() + "/sites/all/translations";
  live::put(folder + "/drupal-10.6.15.nl.po", "msgid \"\"\nmsgstr \"\"\n");
  lab().must_aegir({"platform", "verify", "p1"});
  lab().must_aegir({"site", "install", "nl.example", "--platform", "p1", "--language", "nl"});
  EXPECT_EQ(ask({"site", "show", "nl.example"}).at("language"), "nl");
  std::filesystem::remove_all(folder);
  lab().must_aegir({"platform", "verify", "p1"});
  EXPECT_THAT(refused({"site", "install", "nl2.example", "--platform", "p1", "--language", "nl"}),
              HasSubstr("does not bring the language 'nl'"));
}

TEST_F(PackagesTest, ASitesOwnArePartOfItsRecordAndOfDrushrc) {
  const std::string uri = "kept.example";
  lab().must_aegir({"site", "install", uri, "--platform", "p1"});
  json site = ask({"site", "show", uri});
  EXPECT_EQ(package(site.at("packages"), "module", "node").at("enabled"), true);
  EXPECT_EQ(package(site.at("packages"), "module", "system").at("schema"), 10600);
  EXPECT_EQ(package(site.at("packages"), "module", "views").at("enabled"), false);
  EXPECT_EQ(package(site.at("packages"), "module", "views").at("schema"), nullptr);
  EXPECT_THAT(lab().must_aegir({"site", "show", uri}), HasSubstr("core/modules/node"));

  const std::string file = lab().directory(uri) + "/drushrc.php";
  json options = options_of(file);
  EXPECT_EQ(options.at("packages").at("modules").at("node").at("status"), 1);
  EXPECT_EQ(options.at("packages").at("modules").at("node").at("version"), "10.6.15");
  EXPECT_EQ(options.at("packages").at("modules").at("system").at("schema_version"), 10600);
  EXPECT_EQ(options.at("packages").at("modules").at("views").at("status"), 0);

  // A person's settings, and a module in the site's own directory.
  live::put(file, live::slurp(file) + "$options['mine'] = 'kept';\n");
  const std::string module = lab().directory(uri) + "/modules/own";
  live::put(module + "/own.info.yml", "name: Own\ntype: module\nversion: 1.2\n");
  lab().must_aegir({"site", "verify", uri});
  EXPECT_THAT(lab().must_aegir({"site", "log", uri}), HasSubstr("people have set in it: mine"));
  options = options_of(file);
  EXPECT_EQ(options.at("mine"), "kept");
  EXPECT_EQ(options.at("packages").at("modules").at("own").at("platform"), -1) << "it is the site's own";
  site = ask({"site", "show", uri});
  EXPECT_EQ(package(site.at("packages"), "module", "own").at("version"), "1.2");
  EXPECT_EQ(package(site.at("packages"), "module", "own").at("place"), "site");

  // aegirc has the same from the registry, and changes nothing.
  const std::string platforms = lab().docroot() + "/sites/all/drush/drushrc.php";
  EXPECT_THAT(options_of(platforms).at("profiles"), ElementsAre("minimal", "standard"));
  EXPECT_TRUE(options_of(platforms).at("packages").at("base").at("modules").contains("node"));
  const std::string of_site = live::slurp(file);
  const std::string of_platform = live::slurp(platforms);
  lab().stop_aegird();
  lab().aegirc({"verify", "--site", uri});
  lab().aegirc({"verify", "--platform", "p1"});
  EXPECT_EQ(live::slurp(file), of_site);
  EXPECT_EQ(live::slurp(platforms), of_platform);
  const std::string document = lab().aegirc({"export"});
  lab().start_aegird();
  const json exported = json::parse(document);
  EXPECT_EQ(exported.at("platforms").at("p1").at("codebase").at("version"), "10.6.15");
  EXPECT_EQ(package(exported.at("sites").at(uri).at("packages"), "module", "views"), nullptr)
      << "what is as on the platform stands there alone";
}

TEST_F(PackagesTest, TheClientGetsALinkThatLogsIn) {
  const std::string uri = "welcome.example";
  const std::string output = lab().must_aegir({"site", "install", uri, "--platform", "p1", "--client", "acme"});
  const std::string text = mail("web@acme.example");
  EXPECT_THAT(text, HasSubstr("To: web@acme.example\nSubject: Your new site welcome.example has been created\n"));
  EXPECT_EQ(mail("web@acme.example.uid"), std::to_string(Lab::kAegir) + "\n");
  EXPECT_EQ(mail("web@acme.example.argv"), "-i\n--\nweb@acme.example\n");
  const std::size_t path = text.find("/user/reset/1/");
  ASSERT_NE(path, std::string::npos) << text;
  const std::string link = text.substr(path, text.find('\n', path) - path);
  EXPECT_EQ(lab().visit(Lab::Server::kNginx, uri, link).status, 200) << link;
  EXPECT_EQ(lab().visit(Lab::Server::kNginx, uri, link).status, 403) << "it works once";
  // It is the client's alone.
  const std::string log = lab().must_aegir({"site", "log", uri});
  EXPECT_THAT(log, HasSubstr("welcome mail to web@acme.example"));
  for (const std::string& told : {output, log, lab().log(), ask({"task", "list", "--site", uri}).dump()}) {
    EXPECT_THAT(told, Not(HasSubstr("user/reset/1")));
  }
}

TEST_F(PackagesTest, NoNameBecomesALineOfAHeader) {
  EXPECT_THAT(refused({"client", "add", "evil", "--email", "web@acme.example\nBcc: all@acme.example"}),
              HasSubstr("email"));
  EXPECT_THAT(refused({"client", "add", "evil", "--email", "web@acme.example, all@acme.example"}),
              HasSubstr("is not an e-mail address"));
  const std::string uri = "x.example\nBcc: all@acme.example";
  EXPECT_THAT(refused({"site", "install", uri, "--platform", "p1", "--client", "acme"}), HasSubstr("x.example"));
  EXPECT_EQ(ask({"task", "list"}).dump().find("Bcc"), std::string::npos);
}

TEST_F(PackagesTest, ReconcileSeesThem) {
  const std::string uri = "same.example";
  lab().must_aegir({"site", "install", uri, "--platform", "p1"});
  EXPECT_EQ(lab().differences(), "");
  const std::string file = lab().directory(uri) + "/drushrc.php";
  const std::string whole = live::slurp(file);
  std::string text = whole;
  const std::size_t at = text.find("'views'");
  ASSERT_NE(at, std::string::npos) << text;
  live::put(file, text.replace(at, 7, "'veiws'"));
  EXPECT_THAT(lab().differences(), HasSubstr("sites/same.example/drushrc.php"));
  EXPECT_EQ(lab().aegir({"reconcile"}).status, 1);
  EXPECT_EQ(live::slurp(file), whole);

  // What the platform brings stands in its sites' files too.
  const std::string module = lab().docroot() + "/modules/fresh";
  live::put(module + "/fresh.info.yml", "name: Fresh\ntype: module\nversion: 3.4\n");
  lab().must_aegir({"platform", "verify", "p1"});
  EXPECT_EQ(options_of(file).at("packages").at("modules").at("fresh").at("version"), "3.4");
  EXPECT_EQ(lab().differences(), "");
  std::filesystem::remove_all(module);
  lab().must_aegir({"platform", "verify", "p1"});
  EXPECT_FALSE(options_of(file).at("packages").at("modules").contains("fresh"));
  EXPECT_EQ(lab().differences(), "");
}

TEST_F(PackagesTest, WithoutAMailTheLinkIsForWhoAsked) {
  const std::string nobody = lab().must_aegir({"site", "install", "nobody.example", "--platform", "p1"});
  EXPECT_THAT(nobody, HasSubstr("/user/reset/1/"));
  EXPECT_THAT(lab().must_aegir({"site", "log", "nobody.example"}), HasSubstr("no client with an e-mail address"));
  std::filesystem::remove(mail_program());
  const std::string unsent =
      lab().must_aegir({"site", "install", "unsent.example", "--platform", "p1", "--client", "acme"});
  write_mail_program();
  EXPECT_THAT(unsent, HasSubstr("done, with warnings"));
  EXPECT_THAT(unsent, HasSubstr("there is no mail program"));
  EXPECT_THAT(unsent, HasSubstr("aegir site login unsent.example"));
  EXPECT_THAT(unsent, HasSubstr("/user/reset/1/"));
  EXPECT_THAT(lab().must_aegir({"site", "log", "unsent.example"}), Not(HasSubstr("/user/reset/1/")));
}

TEST_F(PackagesTest, ADrushThatASiteCouldChangeIsNotTaken) {
  const std::string folder = std::filesystem::path(lab().docroot()).parent_path().string() + "/tools";
  live::put(folder + "/drush.php", "<?php\n");
  ASSERT_EQ(::chown((folder + "/drush.php").c_str(), Lab::kFirstSlot, Lab::kFirstSlot), 0);
  const auto add = [&] {
    return refused({"platform", "add", "p2", "--docroot", lab().docroot(), "--drush", folder + "/drush.php"});
  };
  EXPECT_THAT(add(), HasSubstr("is a site's own"));
  ASSERT_EQ(::chown((folder + "/drush.php").c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  EXPECT_THAT(add(), HasSubstr("everybody may write here"));
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  ASSERT_EQ(::chmod((folder + "/drush.php").c_str(), 0600), 0);
  EXPECT_THAT(add(), HasSubstr("sites can't read it here"));
}

TEST_F(PackagesTest, ADeletedSiteIsHiddenAndItsHistoryIsNot) {
  const std::string uri = "gone.example";
  lab().must_aegir({"site", "install", uri, "--platform", "p1"});
  lab().must_aegir({"site", "disable", uri, "--yes"});
  lab().must_aegir({"site", "delete", uri, "--yes"});
  EXPECT_THAT(lab().must_aegir({"site", "list"}), Not(HasSubstr(uri)));
  EXPECT_THAT(lab().must_aegir({"site", "list", "--deleted"}), HasSubstr(uri));
  EXPECT_EQ(ask({"site", "show", uri}).at("state"), "deleted");
  EXPECT_EQ(ask({"task", "list", "--site", uri}).at("tasks").size(), 3U);
  EXPECT_THAT(lab().must_aegir({"site", "log", uri}), Not(IsEmpty()));
}

}  // namespace
}  // namespace aegir::sidecar
