#include "sidecar/drush/php.hpp"

namespace aegir::drush {
namespace {

// Without a database Drush evaluates all the same, with nothing bootstrapped: then this ends with an error.
constexpr std::string_view kFacts8 = R"php(
$info = \Drupal\Core\Database\Database::getConnectionInfo();
$facts = array(
  'version' => \Drupal::VERSION,
  'site' => \Drupal::getContainer()->getParameter('site.path'),
  'database' => $info['default']['database'],
  'profile' => \Drupal::installProfile(),
  'language' => \Drupal::languageManager()->getDefaultLanguage()->getId(),
  'maintenance' => (bool) \Drupal::state()->get('system.maintenance_mode'),
  'cron' => (int) \Drupal::state()->get('system.cron_last'),
);
)php";

// The name of the profile is what settings.php says; that it is installed says the database.
constexpr std::string_view kFacts7 = R"php(
$info = Database::getConnectionInfo();
$facts = array(
  'version' => VERSION,
  'site' => conf_path(),
  'database' => $info['default']['database'],
  'profile' => (string) db_query("SELECT name FROM {system} WHERE type = 'module' AND status = 1 AND name = :name",
    array(':name' => drupal_get_profile()))->fetchField(),
  'language' => language_default('language'),
  'maintenance' => (bool) variable_get('maintenance_mode', 0),
  'cron' => (int) variable_get('cron_last', 0),
);
)php";

constexpr std::string_view kFactsBackdrop = R"php(
$info = Database::getConnectionInfo();
$facts = array(
  'version' => BACKDROP_VERSION,
  'site' => preg_replace('#^\./#', '', conf_path()),
  'database' => $info['default']['database'],
  'profile' => config_get('system.core', 'install_profile'),
  'language' => config_get('system.core', 'language_default'),
  'maintenance' => (bool) state_get('maintenance_mode', FALSE),
  'cron' => (int) state_get('cron_last', 0),
);
)php";

// Drupal before 8.8 has not all of these services.
constexpr std::string_view kPackages8 = R"php(
$modules = \Drupal::hasService('extension.list.module')
  ? \Drupal::service('extension.list.module')->getList() : system_rebuild_module_data();
$themes = \Drupal::hasService('extension.list.theme')
  ? \Drupal::service('extension.list.theme')->getList() : \Drupal::service('theme_handler')->rebuildThemeData();
$schemas = \Drupal::keyValue('system.schema')->getAll();
$facts['packages'] = array();
foreach (array_merge(array_values($modules), array_values($themes)) as $item) {
  $name = $item->getName();
  if (!empty($item->info['hidden']) && empty($item->status)) continue;
  $facts['packages'][] = array(
    'type' => $item->getType(),
    'name' => $name,
    'title' => isset($item->info['name']) ? (string) $item->info['name'] : NULL,
    'version' => isset($item->info['version']) ? (string) $item->info['version'] : NULL,
    'path' => $item->getPath(),
    'enabled' => !empty($item->status),
    'schema' => $item->getType() !== 'theme' && isset($schemas[$name]) && $schemas[$name] >= 0 ? (int) $schemas[$name] : NULL,
  );
}
)php";

// Of both Drupal 7 and Backdrop.
constexpr std::string_view kPackages7 = R"php(
$facts['packages'] = array();
foreach (array('module' => system_rebuild_module_data(), 'theme' => system_rebuild_theme_data()) as $type => $found) {
  foreach ($found as $name => $item) {
    if (!empty($item->info['hidden']) && empty($item->status)) continue;
    $file = isset($item->uri) ? $item->uri : $item->filename;
    $facts['packages'][] = array(
      'type' => substr($file, -8) === '.profile' ? 'profile' : $type,
      'name' => $name,
      'title' => isset($item->info['name']) ? (string) $item->info['name'] : NULL,
      'version' => isset($item->info['version']) ? (string) $item->info['version'] : NULL,
      'path' => dirname($file),
      'enabled' => !empty($item->status),
      'schema' => $type === 'module' && isset($item->schema_version) && $item->schema_version >= 0
        ? (int) $item->schema_version : NULL,
    );
  }
}
)php";

// A title in another encoding is no reason to know nothing of a site.
constexpr std::string_view kPrint = "print json_encode($facts, JSON_INVALID_UTF8_SUBSTITUTE);\n";

std::string_view gather_facts(registry::Cms cms) {
  switch (cms) {
    case registry::Cms::kDrupal7:
      return kFacts7;
    case registry::Cms::kBackdrop:
      return kFactsBackdrop;
    default:
      return kFacts8;
  }
}

constexpr std::string_view kBackdropLogin = R"php(
print json_encode(array('link' => user_pass_reset_url(user_load(1)) . '/login'));
)php";

constexpr std::string_view kBackdropUpdates = R"php(
require_once BACKDROP_ROOT . '/core/includes/install.inc';
require_once BACKDROP_ROOT . '/core/includes/update.inc';
backdrop_load_updates();
$updates = array();
foreach (update_get_update_list() as $module => $list) {
  if (!empty($list['warning'])) {
    $updates[$module] = array('module' => $module, 'update_id' => 'warning', 'description' => strip_tags($list['warning']));
  }
  foreach (isset($list['pending']) ? $list['pending'] : array() as $number => $text) {
    $updates[$module . '_' . $number] = array('module' => $module, 'update_id' => $number, 'description' => strip_tags($text));
  }
}
print json_encode(array('updates' => (object) $updates));
)php";

constexpr std::string_view kBackdropCron = R"php(
print json_encode(array('done' => (bool) backdrop_cron_run()));
)php";

constexpr std::string_view kBackdropCaches = R"php(
backdrop_flush_all_caches();
print json_encode(array('done' => TRUE));
)php";

// What a web server would say, and where Backdrop looks for the site's directory.
constexpr std::string_view kBackdropRequest = R"php(
define('BACKDROP_ROOT', getcwd());
$_SERVER['HTTP_HOST'] = $argv[1];
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
$_SERVER['REQUEST_URI'] = '/';
$_SERVER['REMOTE_ADDR'] = '127.0.0.1';
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['SERVER_SOFTWARE'] = NULL;
)php";

// Backdrop's own bootstrap would refuse a site without configuration.
constexpr std::string_view kBackdropStatus = R"php(
require_once './core/includes/bootstrap.inc';
require_once './core/includes/config.inc';
require_once './core/includes/database/database.inc';
backdrop_settings_initialize();
$info = Database::getConnectionInfo();
$status = array(
  'drupal-version' => BACKDROP_VERSION,
  'site' => preg_replace('#^\./#', '', conf_path()),
  'db-name' => isset($info['default']['database']) ? $info['default']['database'] : NULL,
);
try {
  if (db_table_exists('system')) {
    backdrop_bootstrap(BACKDROP_BOOTSTRAP_DATABASE);
    $status += array(
      'db-status' => 'Connected',
      'bootstrap' => 'Successful',
      'install-profile' => config_get('system.core', 'install_profile'),
    );
  }
}
catch (Exception $error) {
  file_put_contents("php://stderr", $error->getMessage() . "\n");
}
print json_encode($status);
)php";

// Backdrop's own handler of exceptions would end with 0.
constexpr std::string_view kBackdropInstall = R"php(
define('MAINTENANCE_MODE', 'install');
require_once './core/includes/install.core.inc';
try {
  install_backdrop(array(
    'parameters' => array('profile' => $argv[2], 'langcode' => $argv[3]),
    'forms' => array('install_configure_form' => array(
      'site_name' => $argv[4],
      'site_mail' => $argv[5],
      'account' => array('name' => $argv[6], 'mail' => $argv[7], 'pass' => bin2hex(random_bytes(16))),
      'update_status_module' => array(),
      'clean_url' => '1',
      'op' => 'Save and continue',
    )),
  ));
}
catch (Exception $error) {
  file_put_contents("php://stderr", $error->getMessage() . " [error]\n");
  exit(1);
}
)php";

}  // namespace

std::string facts_source(registry::Cms cms) { return std::string(gather_facts(cms)) + std::string(kPrint); }

std::string inventory_source(registry::Cms cms) {
  const bool eight = cms != registry::Cms::kDrupal7 && cms != registry::Cms::kBackdrop;
  return std::string(gather_facts(cms)) + std::string(eight ? kPackages8 : kPackages7) + std::string(kPrint);
}

std::string_view backdrop_login_source() { return kBackdropLogin; }
std::string_view backdrop_updates_source() { return kBackdropUpdates; }
std::string_view backdrop_cron_source() { return kBackdropCron; }
std::string_view backdrop_caches_source() { return kBackdropCaches; }
std::string backdrop_status_source() { return std::string(kBackdropRequest) + std::string(kBackdropStatus); }
std::string backdrop_install_source() { return std::string(kBackdropRequest) + std::string(kBackdropInstall); }

}  // namespace aegir::drush
