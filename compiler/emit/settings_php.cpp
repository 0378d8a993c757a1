// settings.php of Drupal 7, of Drupal 8 and later, and of Backdrop. It knows its site by the directory it lies in, so
// that a copy of the directory is right at its new place too.
#include "compiler/emit/drupal.hpp"
#include "compiler/emit/escape.hpp"
#include "compiler/emit/php_text.hpp"

namespace aegir::emit {
namespace {

constexpr Literal kCloaked =
    "# Cloaked: the credentials come with each request from the web server, and are taken away after use.";
constexpr Literal kPlain =
    "# Plain: $options['provision_db_cloaking'] = FALSE; stands in drushrc.php. Without it Verify cloaks again.";

constexpr Literal kFromServer = R"(if (!empty($_SERVER['db_name'])) {
  $databases['default']['default'] = array(
    'driver' => $_SERVER['db_type'],
    'database' => $_SERVER['db_name'],
    'username' => $_SERVER['db_user'],
    'password' => $_SERVER['db_passwd'],
    'host' => $_SERVER['db_host'],
    'port' => (string) $_SERVER['db_port'],
    'prefix' => '',
    'charset' => 'utf8mb4',
    'collation' => 'utf8mb4_general_ci',
  );
})";

// Not on a command line: a Drush that starts another Drush hands on what is in $_SERVER.
constexpr Literal kTakeAway = R"(if (PHP_SAPI !== 'cli') {
  foreach (array('db_type', 'db_name', 'db_user', 'db_passwd', 'db_host', 'db_port') as $aegir_name) {
    unset($_SERVER[$aegir_name], $_SERVER['REDIRECT_' . $aegir_name], $_ENV[$aegir_name]);
  }
  unset($aegir_name);
})";

// The module passes the host that it has accepted, whatever the site's aliases are; a command line has the site's own.
constexpr Literal kHost = R"($aegir_host = NULL;
if (PHP_SAPI === 'cli') {
  $aegir_host = basename(__DIR__);
}
elseif (!empty($_SERVER['AEGIR_HOST'])) {
  $aegir_host = $_SERVER['AEGIR_HOST'];
}
$aegir_directory = 'sites/' . basename(__DIR__);)";

constexpr Literal kDrupal7 = R"(if ($aegir_host !== NULL) {
  $conf['trusted_host_patterns'] = array('^' . preg_quote($aegir_host) . '\.?$');
}
$conf['file_public_path'] = $aegir_directory . '/files';
$conf['file_private_path'] = $aegir_directory . '/private/files';
$conf['file_temporary_path'] = $aegir_directory . '/private/temp';
$conf['allow_authorize_operations'] = FALSE;
$conf['clean_url'] = 1;
$update_free_access = FALSE;
ini_set('session.gc_probability', 1);
ini_set('session.gc_divisor', 100);
ini_set('session.gc_maxlifetime', 200000);
ini_set('session.cookie_lifetime', 2000000);)";

// The places of temporary files and of configuration have had other names before Drupal 8.8. Since Drupal 9.4 a
// database driver lies in a module; where it is there, its place is named as Drupal's own installer names it.
constexpr Literal kDrupal8 = R"(if ($aegir_host !== NULL) {
  $settings['trusted_host_patterns'] = array('^' . preg_quote($aegir_host) . '\.?$');
}
$settings['file_public_path'] = $aegir_directory . '/files';
$settings['file_private_path'] = $aegir_directory . '/private/files';
$settings['file_temp_path'] = $aegir_directory . '/private/temp';
$settings['config_sync_directory'] = $aegir_directory . '/private/config/sync';
if (version_compare(\Drupal::VERSION, '8.8', '<')) {
  $config['system.file']['path']['temporary'] = $aegir_directory . '/private/temp';
  $config_directories['sync'] = $aegir_directory . '/private/config/sync';
}
# Compiled PHP is for nobody else, and not for the web.
$settings['php_storage']['default']['directory'] = $aegir_directory . '/private';
$settings['php_storage']['twig']['directory'] = $aegir_directory . '/private';
$settings['allow_authorize_operations'] = FALSE;
$settings['update_free_access'] = FALSE;
$settings['file_scan_ignore_directories'] = array('node_modules', 'bower_components');
$settings['container_yamls'][] = __DIR__ . '/services.yml';
if (isset($databases['default']['default']['driver'])) {
  $aegir_driver = $databases['default']['default']['driver'];
  $aegir_place = 'core/modules/' . $aegir_driver . '/src/Driver/Database/' . $aegir_driver . '/';
  if (is_dir(dirname(dirname(__DIR__)) . '/' . $aegir_place)) {
    $databases['default']['default']['namespace'] = 'Drupal\\' . $aegir_driver . '\\Driver\\Database\\' . $aegir_driver;
    $databases['default']['default']['autoload'] = $aegir_place;
  }
  unset($aegir_driver, $aegir_place);
})";

// Backdrop compares with the port. Its configuration directories are relative to this file.
constexpr Literal kBackdrop = R"(if ($aegir_host !== NULL) {
  $settings['trusted_host_patterns'] = array('^' . preg_quote($aegir_host) . '\.?(:[0-9]+)?$');
}
$config_directories['active'] = 'private/config/active';
$config_directories['staging'] = 'private/config/staging';
$config['system.core']['file_public_path'] = $aegir_directory . '/files';
$config['system.core']['file_private_path'] = $aegir_directory . '/private/files';
$config['system.core']['file_temporary_path'] = $aegir_directory . '/private/temp';
$settings['allow_authorize_operations'] = FALSE;
$settings['update_free_access'] = FALSE;
$settings['backdrop_drupal_compatibility'] = TRUE;
ini_set('session.gc_probability', 1);
ini_set('session.gc_divisor', 100);
ini_set('session.gc_maxlifetime', 200000);
ini_set('session.cookie_lifetime', 2000000);)";

void credentials(Text& text, const Config& config, const SiteFacts& facts) {
  if (!facts.database) {
    text.line("# Without a database of Aegir's.");
    return;
  }
  if (facts.site.cloaking) {
    text.line(kCloaked);
    text.line("if (PHP_SAPI === 'cli' && empty($_SERVER['db_name'])) {");
    text.line("  # Only aegir and the site itself can read this file.");
    text.line("  $aegir_file = ", Value{config.config_dir + "/cli/", "config_dir"}, " . basename(__DIR__) . '.php';");
    text.line("  if (is_readable($aegir_file)) {");
    text.line("    include $aegir_file;");
    text.line("  }");
    text.line("}");
    text.line(kFromServer);
  } else {
    const registry::Database& database = facts.site.database;
    text.line(kPlain);
    text.line("$databases['default']['default'] = array(");
    text.line("  'driver' => ", Value{facts.database->type, "type"}, ",");
    text.line("  'database' => ", Value{database.name, "name"}, ",");
    text.line("  'username' => ", Value{database.user, "user"}, ",");
    text.line("  'password' => ", Value{database.password, "password"}, ",");
    text.line("  'host' => ", Value{facts.database->host, "host"}, ",");
    text.line("  'port' => ", Value{std::to_string(facts.database->port), "port"}, ",");
    text.line("  'prefix' => '',");
    text.line("  'charset' => 'utf8mb4',");
    text.line("  'collation' => 'utf8mb4_general_ci',");
    text.line(");");
  }
  text.line(kTakeAway);
}

/// What an administrator has added, the more special the later. `Literal` is "include" or "include_once".
void additions(Text& text, const Config& config, Literal include) {
  text.line();
  text.line("# For all sites, for the platform's, and for this one.");
  text.line("$aegir_docroot = dirname(dirname(__DIR__));");
  text.line("foreach (array(");
  text.line("  ", Value{config.config_dir + "/includes/global.inc", "config_dir"}, ",");
  text.line("  $aegir_docroot . '/sites/all/platform.settings.php',");
  text.line("  __DIR__ . '/local.settings.php',");
  text.line(") as $aegir_file) {");
  text.line("  if (is_readable($aegir_file)) {");
  text.line("    ", include, " $aegir_file;");
  text.line("  }");
  text.line("}");
}

constexpr Literal kProbe = R"(
# An Aegir that looks whether this site is whole asks for it.
if (PHP_SAPI !== 'cli' && !empty($_SERVER['AEGIR_PROBE']) && isset($databases['default']['default']['database'])) {
  header('X-Aegir-Settings: ' . rawurlencode(basename(__DIR__)) . '; database=' .
    rawurlencode($databases['default']['default']['database']));
}
unset($aegir_host, $aegir_directory, $aegir_docroot, $aegir_file);)";

}  // namespace

std::string site_path(const SiteFacts& facts) { return facts.platform.docroot + "/sites/" + facts.site.uri; }

Result<std::string> settings_php(const Config& config, const SiteFacts& facts) {
  const registry::Cms cms = facts.platform.cms;
  if (cms == registry::Cms::kOther) {
    return fail(Code::kInvalid, "platform " + facts.platform.name + " has no CMS that Aegir writes settings for");
  }
  Text text = php_text(
      "# Written by aegirc at each Verify. Changes are lost: what you add belongs into local.settings.php beside this "
      "file.");
  credentials(text, config, facts);
  text.line();
  text.line("umask(0002);");
  text.line(kHost);
  text.line(cms == registry::Cms::kDrupal7 ? Literal("$drupal_hash_salt = ") : Literal("$settings['hash_salt'] = "),
            Value{facts.site.hash_salt, "hash_salt"}, ";");
  switch (cms) {
    case registry::Cms::kDrupal7:
      text.line("$conf['install_profile'] = ", Value{facts.site.profile, "profile"}, ";");
      text.line(kDrupal7);
      break;
    case registry::Cms::kBackdrop:
      text.line(kBackdrop);
      break;
    case registry::Cms::kDrupal8:
    case registry::Cms::kOther:
      text.line(kDrupal8);
      break;
  }
  // Drupal 8 reads settings.php more than once in one process; functions of older additions must not come twice.
  additions(text, config, cms == registry::Cms::kDrupal8 ? Literal("include") : Literal("include_once"));
  text.line(kProbe);
  return std::move(text).take();
}

std::optional<bool> is_cloaked(std::string_view settings_php) {
  const std::size_t begin = settings_php.find("\n# ", settings_php.find("# Written by aegirc"));
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view line = settings_php.substr(begin + 1, settings_php.find('\n', begin + 1) - begin - 1);
  if (line == kCloaked.view()) return true;
  if (line == kPlain.view()) return false;
  return std::nullopt;
}

std::string sites_php() {
  return R"(<?php
# Written by aegirc, the same for every platform. What you add belongs into local.sites.php beside this file.
if (is_readable(__DIR__ . '/local.sites.php')) {
  include __DIR__ . '/local.sites.php';
}
if (PHP_SAPI === 'cli') {
  # A command line names the site's own host. Backdrop looks for its directory only when something stands here.
  $sites['aegir.invalid'] = 'aegir.invalid';
}
elseif (!empty($_SERVER['AEGIR_SITE_DIR'])) {
  # Whatever name the web server has accepted. Drupal 7 has it in $_SERVER alone.
  $aegir_host = isset($http_host) ? $http_host : $_SERVER['HTTP_HOST'];
  $sites[implode('.', array_reverse(explode(':', rtrim($aegir_host, '.'))))] = $_SERVER['AEGIR_SITE_DIR'];
}
)";
}

std::string cli_php(const SiteFacts& facts) {
  std::string text = "<?php\n# Written by aegirc from the registry. Changes are lost.\n";
  for (const auto& [name, value] : credentials_of(facts)) {
    text += "$_SERVER[" + php(name) + "] = " + php(value) + ";\n";
  }
  return text;
}

}  // namespace aegir::emit
