// aegirc explain on a machine: the change that made a record, and the lines of the web servers' files.
#include <gmock/gmock.h>

#include "tests/root/cli/aegirc_as_root.hpp"

namespace aegir::cli {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class Explain : public AegircAsRoot {
 protected:
  std::string explain(const std::string& url) const {
    const live::Finished done = aegirc("explain " + url);
    EXPECT_EQ(done.status, 0) << done.output;
    return done.output;
  }
  /// "file:line: text" of the first line with `part` of a file that the compiler wrote.
  std::string line_with(const std::string& path, const std::string& part) const {
    std::istringstream lines(live::slurp(path));
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      const std::size_t begin = line.find_first_not_of(' ');
      if (line.find(part) != std::string::npos) return path + ":" + std::to_string(number) + ": " + line.substr(begin);
    }
    return "no line of " + path + " with " + part;
  }
  std::string folder(const std::string& service) const { return config_.config_dir + "/server_web1/" + service + "/"; }
};

TEST_F(Explain, TellsTheChangeThatMadeIt) {
  EXPECT_THAT(
      explain("http://first.example/"),
      ContainsRegex("\nchange +[0-9]+ of [0-9-]+ [0-9:]+ UTC by [^ ]+: aegirc import [^ ]+ \\(.*first.example"));
  set_state("first.example", "maintenance");
  EXPECT_THAT(explain("http://first.example/"),
              AllOf(ContainsRegex("\nanswer +the site\n"),
                    ContainsRegex("\nnot_published +change [0-9]+: `aegirc diff` shows it\n")));
  expect("publish", 0, "Published");
  EXPECT_THAT(explain("http://first.example/"),
              AllOf(ContainsRegex("\nanswer +503, in maintenance\n"), Not(HasSubstr("not_published")),
                    ContainsRegex("\nchange .*state.json")));
}

TEST_F(Explain, TellsFileAndLine) {
  const std::string shown = explain("http://first.example/files/a.png");
  EXPECT_THAT(shown, HasSubstr(" " + line_with(folder("apache") + "aegir.conf", "AegirEngine On") + "\n"));
  EXPECT_THAT(shown, HasSubstr(" " + line_with(folder("apache") + "platform.d/d10.conf", "<Directory ") + "\n"));
  EXPECT_THAT(shown, HasSubstr(" " + line_with(folder("apache") + "platform.d/d10.conf", "/sites/*/files") + "\n"));
  EXPECT_THAT(shown, HasSubstr(" " + line_with(folder("nginx") + "aegir.conf", "aegir platforms;") + "\n"));
  EXPECT_THAT(shown, HasSubstr(" " + line_with(folder("nginx") + "platform.d/d10.conf", "aegir_platform ") + "\n"));
  EXPECT_THAT(shown, HasSubstr(" " + line_with(folder("nginx") + "platform.d/d10.conf", "/files/ {") + "\n"));
  EXPECT_THAT(explain("http://first.example/robots.txt"),
              HasSubstr(" " + line_with(folder("nginx") + "platform.d/d10.conf", "location = /robots.txt {") + "\n"));
  EXPECT_THAT(explain("http://first.example/index.php/x"),
              HasSubstr(" " + line_with(folder("nginx") + "platform.d/d10.conf", "index|update") + "\n"));
  EXPECT_THAT(explain("http://first.example/node/1"),
              HasSubstr(" " + line_with(folder("nginx") + "platform.d/d10.conf", "location / {") + "\n"));
}

TEST_F(Explain, TellsWhatPeopleWrote) {
  live::put(folder("apache") + "platform.d/d10.htaccess", "# x\nRewriteEngine on\n\nRewriteRule ^ index.php [L]\n");
  live::put(folder("nginx") + "platform.d/d10.local.conf", "location /own {\n}\n");
  const std::string shown = explain("http://first.example/");
  EXPECT_THAT(shown,
              HasSubstr(" " + folder("apache") + "platform.d/d10.htaccess:2-4: its rewrite rules; which of them"));
  EXPECT_THAT(shown, HasSubstr(" " + folder("nginx") +
                               "platform.d/d10.local.conf: written by people, 2 lines, not in force yet\n"));
}

TEST_F(Explain, TellsWhatOfThatIsRefused) {
  const std::string local = folder("nginx") + "platform.d/d10.local.conf";
  const std::string htaccess = config_.aegir_root + "/platforms/d10/.htaccess";
  live::put(local, "nonsense;\n");
  live::put(htaccess, "Nonsense on\n");
  expect("verify --server web1", 0, "put right");
  refuse_for_nginx(local);
  const std::string shown = explain("http://first.example/");
  EXPECT_THAT(shown, HasSubstr(" " + local + ": written by people, 1 line, not in force: refused by its server\n"));
  EXPECT_THAT(shown, ContainsRegex("\napache_not_in_force +" + htaccess + ": differs from what is in force, .*" +
                                   "`aegirc verify --platform d10`"));
  fs::remove(htaccess);
  live::put(local, "# mended\n");
  expect("verify --platform d10", 0, "put right");
  EXPECT_THAT(explain("http://first.example/"),
              AllOf(HasSubstr(" " + local + ": written by people, 1 line\n"), Not(HasSubstr("not_in_force"))));
}

TEST_F(Explain, KnowsANameThatOnlyTheRegistryHas) {
  import_site("second.example");
  set_state("second.example", "installing");
  expect("publish", 0, "Published");
  const std::string installing =
      "\nregistry +site second.example, which is in state installing and so not in the map; .*\nchange +[0-9]+ of ";
  EXPECT_THAT(explain("http://second.example:8080/"), ContainsRegex(installing));
  EXPECT_THAT(aegirc("lookup second.example").output, ContainsRegex(installing));
  set_state("second.example", "disabled");
  set_state("second.example", "deleted");
  expect("publish", 0, "");
  EXPECT_THAT(
      explain("http://second.example/"),
      ContainsRegex("\nregistry +site second.example was deleted\nchange +[0-9]+ of .* by [^ ]+: aegirc import"));
  EXPECT_THAT(explain("http://nobody.example/"), Not(HasSubstr("\nregistry")));
}

TEST_F(Explain, KnowsTheRedirectsOfAnHtaccessAndThatNginxDoesNot) {
  const std::string htaccess = folder("apache") + "platform.d/d10.htaccess";
  live::put(
      htaccess,
      "# Redirect 410 /gone-a\n<IfModule mod_alias.c>\n  Redirect 410 /gone-a\n</IfModule>\n"
      "RedirectMatch  permanent ^/old/(.*)$ \\\n  https://other.example/$1\nRedirect /gone https://other.example/\n");
  const std::string gone = htaccess + ":3: Redirect 410 /gone-a";
  std::string shown = explain("http://first.example/gone-a?x=y");
  EXPECT_THAT(shown, ContainsRegex("\napache_redirect +" + gone + " \\(nginx does not obey it\\)\n"));
  EXPECT_THAT(shown, ContainsRegex("\nnginx_does_not_obey +" + gone + ", "));
  EXPECT_THAT(explain("http://first.example/gone-a/b"), HasSubstr(gone + " ("));
  EXPECT_THAT(explain("http://first.example/old/x"),
              HasSubstr(htaccess + ":5: RedirectMatch permanent ^/old/(.*)$ https://other.example/$1 ("));
  shown = explain("http://first.example/gone-ab");
  EXPECT_THAT(shown, Not(HasSubstr("apache_redirect")));
  EXPECT_THAT(shown, HasSubstr("nginx_does_not_obey")) << "every answer of the platform is another one there";
}

TEST_F(Explain, KnowsPortsOfHttpsAndWhetherAnybodyListens) {
  const std::string deaf = explain("https://first.example/");
  EXPECT_THAT(deaf, ContainsRegex("\nanswer +none: nobody listens for https of this server\n"));
  EXPECT_THAT(deaf, ContainsRegex("\napache_https +nobody listens"));
  EXPECT_THAT(deaf, ContainsRegex("\nnginx_https +nobody listens"));
  live::put(file("https.json"), R"({"sites": {"first.example": {"https": "required"}}})");
  expect("import " + file("https.json"), 0, "Imported");
  expect("publish", 0,
         "https is required of first.example, and on server web1 nobody listens for https of Apache and nginx");
  expect("verify --site first.example", 0, "nobody listens for https of Apache and nginx; next: ");
  EXPECT_THAT(explain("http://first.example:8081/"), ContainsRegex("\nanswer +301 to https://first.example:8444/\n"));
  EXPECT_THAT(explain("http://first.example:8080/"), ContainsRegex("\nanswer +301 to https://first.example:8443/\n"));
  EXPECT_THAT(explain("--service nginx http://first.example/"),
              ContainsRegex("\nanswer +301 to https://first.example:8444/\n"));
}

TEST_F(Explain, KnowsForWhichNamesThereAreCertificates) {
  live::put(file("https.json"),
            R"({"sites": {"first.example": {"https": "required", "aliases": {"www.first.example": {}}}}})");
  expect("import " + file("https.json"), 0, "Imported");
  expect(
      "verify --server web1", 0,
      "https is required of first.example, and on server web1 browsers warn, since no certificate of Apache and nginx "
      "is for that name; next: ");
  EXPECT_THAT(explain("https://first.example/"), AllOf(ContainsRegex("\nanswer +the site\n"),
                                                       ContainsRegex("\napache_https +port 8443, .*browsers warn\n"),
                                                       ContainsRegex("\nnginx_https +port 8444, .*browsers warn\n")));
  const std::string folder = config_.config_dir + "/ssl.d/first.example";
  fs::create_directory(folder);
  const auto put_certificate = [&](const std::string& name) {
    const live::Finished made =
        live::run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=" + name,
                   "-keyout", folder + "/openssl.key", "-out", folder + "/openssl.crt"});
    ASSERT_EQ(made.status, 0) << made.output;
  };
  put_certificate("other.example");
  expect("verify --server web1", 65,
         folder +
             "/openssl.crt: the certificate is for other.example and not for any name of site first.example; "
             "https goes on without it\n  next: put the one of first.example there");
  put_certificate("first.example");
  const live::Finished done = aegirc("verify --server web1");
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, Not(HasSubstr("https is required")));
  EXPECT_THAT(explain("https://first.example:8444/"),
              AllOf(ContainsRegex("\nnginx_https +port 8444, with a certificate for this name\n"),
                    Not(HasSubstr("apache_https"))));
}

TEST_F(Explain, ShowsNoPassword) {
  const auto store =
      registry::Store::open(config_.registry, registry::Store::Mode::kRead, KeyRing::read(config_.registry_key).value())
          .value();
  const std::string password = store->find_site("first.example").value().value().database.password;
  ASSERT_GE(password.size(), 16U);
  const std::string shown = explain("http://first.example/");
  EXPECT_THAT(shown, ContainsRegex("\ndb_passwd +\\*{8}\n"));
  EXPECT_THAT(shown, Not(HasSubstr(password)));
}

}  // namespace
}  // namespace aegir::cli
