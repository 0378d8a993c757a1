// What a person does with a site, on each server.
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <regex>
#include <thread>

#include "tests/drupal/drupal_test.hpp"

namespace aegir::drupal {
namespace {

namespace fs = std::filesystem;
using live::Response;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A picture that no other test uploads.
std::string png(int red, int green) {
  const live::TempDir folder;
  const std::string file = folder.path("picture.png");
  constexpr const char* kDraw = R"($i = imagecreatetruecolor(400, 300);
imagefill($i, 0, 0, imagecolorallocate($i, (int) $argv[1], (int) $argv[2], 90));
imagepng($i, $argv[3]);)";
  const live::Finished made = live::run({"php8.2", "-r", kDraw, std::to_string(red), std::to_string(green), file});
  EXPECT_EQ(made.status, 0) << made.output;
  return live::slurp(file);
}

/// The links of a page that have `part` in them.
std::vector<std::string> with(const std::vector<std::string>& links, const std::string& part) {
  std::vector<std::string> found;
  std::ranges::copy_if(links, std::back_inserter(found), [&](const std::string& link) { return link.contains(part); });
  return found;
}

/// Titles of the errors that a status report names.
std::vector<std::string> status_errors(const std::string& html) {
  std::string part;
  static const std::regex row("<tr class=\"[^\"]*error[^\"]*\"[^]*?</tr>");
  for (std::sregex_iterator at(html.begin(), html.end(), row), end; at != end; ++at) part += at->str();
  // Drupal 8 and later: a heading, and below it one element an error.
  if (const std::size_t begin = html.find("<h3 id=\"error\""); begin != std::string::npos) {
    part += html.substr(begin, html.find("<h3 id=", begin + 1) - begin);
  }
  std::vector<std::string> titles;
  static const std::regex title("class=\"[^\"]*status-title[^\"]*\"[^>]*>\\s*([^<]*[^<\\s])");
  for (std::sregex_iterator at(part.begin(), part.end(), title), end; at != end; ++at) titles.push_back((*at)[1]);
  // A page whose form has changed must not look like one without errors.
  EXPECT_THAT(html, HasSubstr("status-"));
  EXPECT_EQ(part.empty(), titles.empty()) << part;
  return titles;
}

/// What Drupal tells a person on a page.
std::string messages(const std::string& html) {
  const std::size_t begin = html.find("class=\"messages");
  return begin == std::string::npos ? "the page has no message" : html.substr(begin, 1500);
}

std::string beginning(const Response& response) { return response.raw + response.body.substr(0, 1500); }

TEST_P(DrupalSite, FrontPage) {
  Browser browser = visitor();
  const Response page = browser.open("/");
  EXPECT_EQ(page.status, 200) << browser.path() << "\n" << beginning(page);
  EXPECT_THAT(title_of(page.body), HasSubstr("Site of " + site().codebase.name));
}

TEST_P(DrupalSite, AOneTimeLinkLogsInOnce) {
  const std::string link = login_link(server());
  // Drupal takes a link for used when somebody has logged in after it was made, and counts in whole seconds.
  for (const std::time_t made = std::time(nullptr); std::time(nullptr) == made;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  Browser first = visitor();
  const Response page = first.open(link);
  EXPECT_EQ(page.status, 200) << first.path() << beginning(page);
  EXPECT_EQ(first.open("/admin").status, 200);
  // The second time it leads to the form for forgotten passwords, and to nobody's account.
  Browser second = visitor();
  second.open(link);
  EXPECT_THAT(second.path(), HasSubstr("user/password"));
  EXPECT_EQ(second.open("/admin").status, 403);
}

TEST_P(DrupalSite, APictureIsUploadedAndServedWithItsDerivative) {
  const std::string content = png(server() == Lab::Server::kNginx ? 10 : 20, static_cast<int>(site().uid % 200));
  ASSERT_THAT(content, StartsWith("\x89PNG"));
  if (cms() == registry::Cms::kDrupal8) {  // with the picture of the test before, the form has no field for another
    const Ended none =
        lab().drush(site(), {"php:eval", "\\Drupal\\user\\Entity\\User::load(1)->set('user_picture', NULL)->save();"});
    EXPECT_EQ(none.status, 0) << none.out << none.err;
  }
  Browser browser = administrator();
  const Response edit = browser.open("/user/1/edit");
  ASSERT_EQ(edit.status, 200) << beginning(edit);
  const bool old = cms() != registry::Cms::kDrupal8;
  Form form = form_with(edit.body, old ? "files[picture_upload]" : "files[user_picture_0]");
  form.set("op", "Save");
  const Response saved = browser.submit(form, {{old ? "files[picture_upload]" : "files[user_picture_0]",
                                                name_of(server()) + ".png", "image/png", content}});
  ASSERT_EQ(saved.status, 200) << browser.path() << beginning(saved);

  // It lies below files/ as the site's own, and comes back byte for byte, by both of its paths.
  std::string place;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(site().directory + "/files")) {
    if (entry.is_regular_file() && live::slurp(entry.path()) == content) place = entry.path();
  }
  ASSERT_FALSE(place.empty()) << "what was uploaded lies nowhere below files/; " << messages(saved.body);
  const std::string below = place.substr(site().directory.size());
  for (const std::string& path : {"/sites/" + site().uri + below, below}) {
    const Response picture = visitor().get(path);
    EXPECT_EQ(picture.status, 200) << path << beginning(picture);
    EXPECT_EQ(picture.body, content) << path;
    EXPECT_EQ(picture.value("Content-Type"), "image/png") << path;
  }

  // Drupal makes a derivative at its first request; from then on the web server has it.
  const Response account = browser.open("/user/1");
  const std::vector<std::string> styled = with(all_of(account.body, "img", "src"), "/styles/");
  ASSERT_FALSE(styled.empty()) << account.body.substr(0, 6000);
  const std::string derivative = browser.local(styled.front());
  for (const char* time : {"first", "second"}) {
    const Response image = visitor().get(derivative);
    EXPECT_EQ(image.status, 200) << derivative << ", the " << time << " time: " << beginning(image);
    EXPECT_THAT(std::string(image.value("Content-Type")), StartsWith("image/")) << derivative;
  }
  EXPECT_TRUE(fs::exists(site().directory + derivative.substr(derivative.find("/files/"),
                                                              derivative.find('?') - derivative.find("/files/"))));
}

TEST_P(DrupalSite, AggregatesOfStylesAndScripts) {
  const Response page = visitor().open("/");
  std::vector<std::string> links = with(all_of(page.body, "link", "href"), "/files/css/");
  std::ranges::copy(with(all_of(page.body, "script", "src"), "/files/js/"), std::back_inserter(links));
  EXPECT_FALSE(with(links, "/css/").empty()) << page.body.substr(0, 4000);
  EXPECT_FALSE(with(links, "/js/").empty()) << page.body.substr(0, 4000);
  for (const std::string& link : links) {
    for (int time = 0; time < 2; ++time) {
      const Response file = visitor().get(visitor().local(link));
      EXPECT_EQ(file.status, 200) << link << beginning(file);
      EXPECT_THAT(std::string(file.value("Content-Type")),
                  testing::ContainsRegex(link.contains("/css/") ? "^text/css" : "javascript"));
      EXPECT_FALSE(file.body.empty()) << link;
    }
  }
}

TEST_P(DrupalSite, TheUpdateScriptIsOpenToTheAdministratorAlone) {
  const std::string base = cms() == registry::Cms::kBackdrop ? "/core/update.php" : "/update.php";
  Browser browser = administrator();
  const Response page = browser.open(base);
  EXPECT_EQ(page.status, 200) << beginning(page);
  EXPECT_THAT(title_of(page.body), HasSubstr("pdate")) << beginning(page);
  if (cms() == registry::Cms::kDrupal8) {
    const Response selection = browser.open(base + "/selection");
    EXPECT_EQ(selection.status, 200) << beginning(selection);
    EXPECT_THAT(selection.body, HasSubstr("No pending updates"));
  }
  EXPECT_EQ(visitor().open(base).status, 403);
}

TEST_P(DrupalSite, TheStatusReportNamesNoErrorThatAStockServerDoesNot) {
  const auto errors = [&](Lab::Server where) {
    const Response page = administrator(where).open("/admin/reports/status");
    EXPECT_EQ(page.status, 200) << name_of(where) << beginning(page);
    return status_errors(page.body);
  };
  EXPECT_THAT(errors(Lab::Server::kStock), testing::IsSupersetOf(errors(server())));
  // Drupal 7 asks itself by its own name, which no name server knows here.
  EXPECT_THAT(std::vector<std::string>{"HTTP request status"}, testing::IsSupersetOf(errors(server())));
}

TEST_P(DrupalSite, AnAliasAnswersAtItsFirstRequest) {
  const std::string alias = "alias-" + name_of(server()) + "-" + site().uri;
  EXPECT_EQ(visitor(alias).open("/").status, 404);
  lab().change(R"({"sites": {")" + site().uri + R"(": {"aliases": {")" + alias + R"(": {}, "*.)" + alias +
               R"(": {}}}}})");
  for (const std::string& host : {alias, "www." + alias, "any.thing." + alias}) {
    Browser browser = visitor(host);
    const Response page = browser.open("/user/login");
    EXPECT_EQ(page.status, 200) << host << browser.path() << beginning(page);
    EXPECT_THAT(title_of(page.body), HasSubstr("Site of " + site().codebase.name)) << host;
  }
  lab().change(R"({"sites": {")" + site().uri + R"(": {"aliases": {")" + alias + R"(": null, "*.)" + alias +
               R"(": null}}}})");
  EXPECT_EQ(visitor(alias).open("/").status, 404);
}

TEST_P(DrupalSite, AnAliasThatRedirectsNeedsNothingInSites) {
  const std::string alias = "away-" + name_of(server()) + "-" + site().uri;
  lab().change(R"({"sites": {")" + site().uri + R"(": {"aliases": {")" + alias + R"(": {"redirect_to": ")" +
               site().uri + R"("}}}}})");
  const Response moved = visitor(alias).get("/user/login?x=y");
  EXPECT_EQ(moved.status, 301) << beginning(moved);
  EXPECT_EQ(moved.value("Location"), "http://" + lab().authority(server(), site().uri) + "/user/login?x=y");
  for (const fs::directory_entry& entry : fs::directory_iterator(site().codebase.docroot + "/sites")) {
    EXPECT_FALSE(entry.is_symlink()) << entry.path();
    EXPECT_NE(entry.path().filename(), alias);
  }
  lab().change(R"({"sites": {")" + site().uri + R"(": {"aliases": {")" + alias + R"(": null}}}})");
}

// The stock server hands on what our modules answer 404: a name that they have not accepted.
TEST_P(DrupalSite, TheCmsTakesNoHostThatTheServerHasNotAccepted) {
  const Response page = visitor(stranger_of(site()), Lab::Server::kStock).get("/");
  EXPECT_EQ(page.status, cms() == registry::Cms::kBackdrop ? 500 : 400) << beginning(page);
  EXPECT_THAT(page.body, testing::AnyOf(HasSubstr("host name"), HasSubstr("HTTP Host")));
  EXPECT_EQ(visitor({}, Lab::Server::kStock).get("/").status, 200);
}

TEST_P(DrupalSite, CredentialsAreTakenAwayAfterUse) {
  const std::string file = site().directory + "/local.settings.php";
  const std::string content = live::slurp(file);
  const std::string seen = site().directory + "/private/seen.txt";
  lab().put_as_aegir(
      file,
      "<?php\nif (isset($_GET['what-is-there'])) {\n"
      "  file_put_contents(__DIR__ . '/private/seen.txt', var_export(array($_SERVER, $_ENV), TRUE));\n}\n",
      site().uid);
  EXPECT_TRUE(live::eventually([&] {
    EXPECT_EQ(visitor().get("/?what-is-there").status, 200);
    return fs::exists(seen);
  }));
  const std::string there = live::slurp(seen);
  EXPECT_THAT(there, HasSubstr("AEGIR_SITE_DIR"));
  EXPECT_THAT(there, Not(HasSubstr(site().password)));
  EXPECT_THAT(there, Not(HasSubstr("'db_")));
  EXPECT_THAT(there, Not(HasSubstr("REDIRECT_db_")));
  fs::remove(seen);
  lab().put_as_aegir(file, content, site().uid);
}

TEST_P(DrupalSite, WithoutCredentialsThereIsNoInstaller) {
  const std::string file = site().directory + "/local.settings.php";
  const std::string content = live::slurp(file);
  lab().put_as_aegir(file, "<?php $databases = array();\n", site().uid);
  EXPECT_TRUE(live::eventually([&] { return visitor().get("/").status != 200; }));
  Browser browser = visitor();
  const Response page = browser.open("/");
  EXPECT_GE(page.status, 400) << browser.path() << beginning(page);
  EXPECT_THAT(page.body, Not(HasSubstr("Choose language")));
  EXPECT_THAT(page.body, Not(HasSubstr("Set up database")));
  lab().put_as_aegir(file, content, site().uid);
  EXPECT_TRUE(live::eventually([&] { return visitor().get("/").status == 200; }));
}

INSTANTIATE_TEST_SUITE_P(Codebases, DrupalSite, testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace aegir::drupal
