// Hostile values in every field that gets into a file of Drupal's or Drush's: php reads each file, and finds the
// values.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <sstream>

#include "compiler/emit/drupal.hpp"
#include "compiler/emit/escape.hpp"
#include "tests/live/harness/process.hpp"
#include "tests/live/harness/temp_dir.hpp"

namespace aegir::live {
namespace {

using namespace std::string_literals;

std::string hostile() {
  static const std::vector<std::string> kPieces = {"'",        "\"",
                                                   "\\",       "$",
                                                   "%",        "${x}",
                                                   "{$x}",     "<?php",
                                                   "?>",       "\n",
                                                   "\r",       "\0"s,
                                                   "*/",       "//",
                                                   "#",        "a",
                                                   "\xff",     "; ",
                                                   "=> ",      "\xe2\x80\xae",
                                                   "\xd7\xa9", ")",
                                                   "(",        "EOF",
                                                   "`id`",     std::string(300, 'x')};
  std::string value;
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(kPieces)))
    value += piece;
  return value;
}

// Includes what a site has, as PHP of the web and of Drush would, and prints what came of it, hexadecimal.
constexpr const char* kReader = R"php(
class Drupal { const VERSION = '10.6.15'; }
function say($name, $value) { echo $name, '=', bin2hex((string) $value), "\n"; }
function settings($file) {
  include $file;
  $d = $databases['default']['default'];
  foreach (array('driver', 'database', 'username', 'password', 'host', 'port') as $k) say("settings $k", $d[$k]);
  say('settings salt', isset($drupal_hash_salt) ? $drupal_hash_salt : $settings['hash_salt']);
}
function drushrc($file) {
  include $file;
  foreach (array('db_type', 'db_name', 'db_user', 'db_passwd', 'db_host', 'db_port') as $k) {
    say("drushrc $k", $options[$k]);
    say("server $k", $_SERVER[$k]);
    $_SERVER[$k] = NULL;
  }
  foreach (array('client_name', 'language', 'profile', 'redirection') as $k) say("drushrc $k", $options[$k]);
  say('drushrc alias', $options['aliases'][0]);
  say('drushrc kept', $options['kept']);
}
function alias($file) {
  include $file;
  $a = $aliases['shop.example.com'];
  foreach (array('client_name', 'language', 'profile', 'redirection', 'cron_key', 'root') as $k) say("alias $k", $a[$k]);
  say('alias alias', $a['aliases'][0]);
}
function cli($file) {
  include $file;
  foreach (array('db_type', 'db_name', 'db_user', 'db_passwd', 'db_host', 'db_port') as $k) say("cli $k", $_SERVER[$k]);
}
settings("$argv[1]/settings.php");
drushrc("$argv[1]/drushrc.php");
alias("$argv[1]/alias.php");
cli("$argv[1]/cli.php");
)php";

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return text;
}

RC_GTEST_PROP(DrupalValues, PhpFindsThemInEveryFile, ()) {
  emit::SiteFacts facts;
  facts.platform.name = "d10";
  facts.platform.server = "local";
  facts.platform.docroot = "/srv/" + hostile();
  facts.platform.cms = *rc::gen::element(registry::Cms::kDrupal7, registry::Cms::kDrupal8, registry::Cms::kBackdrop);
  facts.database = registry::DatabaseService{hostile(), hostile(), *rc::gen::arbitrary<std::uint16_t>()};
  registry::Site& site = facts.site;
  site.uri = "shop.example.com";
  site.cloaking = false;
  site.client = hostile();
  site.profile = hostile();
  site.language = hostile();
  site.redirect_to = 'x' + hostile();
  site.cron_key = hostile();
  site.hash_salt = hostile();
  site.aliases = {{hostile(), ""}};
  site.database = {"local", hostile(), hostile(), hostile()};
  const std::string kept = hostile();
  Config config = parse_config("", "test.conf").value();
  config.config_dir = "/none/" + hostile();

  const TempDir directory;
  put(directory.path("settings.php"), emit::settings_php(config, facts).value());
  put(directory.path("drushrc.php"),
      emit::site_drushrc(facts, php::parse("<?php $options['kept'] = " + emit::php(kept) + ";", "kept").value()).text);
  put(directory.path("alias.php"), emit::site_alias(facts));
  put(directory.path("cli.php"), emit::cli_php(facts));
  put(directory.path("reader.php"), "<?php\n"s + kReader);
  const Finished done = run({"php", "-n", "-d", "display_errors=1", directory.path("reader.php"), directory.path()});
  RC_LOG() << done.output;
  RC_ASSERT(done.status == 0);

  const std::string port = std::to_string(facts.database->port);
  const std::vector<std::pair<std::string, std::string>> credentials = {
      {"db_type", facts.database->type},     {"db_name", site.database.name},   {"db_user", site.database.user},
      {"db_passwd", site.database.password}, {"db_host", facts.database->host}, {"db_port", port}};
  std::map<std::string, std::string> expected = {{"settings driver", facts.database->type},
                                                 {"settings database", site.database.name},
                                                 {"settings username", site.database.user},
                                                 {"settings password", site.database.password},
                                                 {"settings host", facts.database->host},
                                                 {"settings port", port},
                                                 {"settings salt", site.hash_salt},
                                                 {"drushrc alias", site.aliases[0].host},
                                                 {"drushrc kept", kept},
                                                 {"alias alias", site.aliases[0].host},
                                                 {"alias cron_key", site.cron_key},
                                                 {"alias root", facts.platform.docroot}};
  for (const auto& [name, value] : credentials) {
    for (const char* file : {"drushrc ", "server ", "cli "}) expected[file + name] = value;
  }
  for (const char* file : {"drushrc ", "alias "}) {
    expected[file + "client_name"s] = site.client;
    expected[file + "language"s] = site.language;
    expected[file + "profile"s] = site.profile;
    expected[file + "redirection"s] = site.redirect_to;
  }
  std::map<std::string, std::string> found;
  std::istringstream lines(done.output);
  for (std::string line; std::getline(lines, line);) {
    found[line.substr(0, line.find('='))] = line.substr(std::min(line.find('=') + 1, line.size()));
  }
  RC_ASSERT(found.size() == expected.size());
  for (const auto& [name, value] : expected) {
    RC_LOG() << name << '\n';
    RC_ASSERT(found[name] == hex(value));
  }
}

}  // namespace
}  // namespace aegir::live
