<?php
# Written by aegirc at each Verify. Changes are lost: what you add belongs into local.settings.php beside this file.
# Plain: $options['provision_db_cloaking'] = FALSE; stands in drushrc.php. Without it Verify cloaks again.
$databases['default']['default'] = array(
  'driver' => 'mysql',
  'database' => 'shopexamplecom',
  'username' => 'shop',
  'password' => 'pass\'wo\\rd$x',
  'host' => 'localhost',
  'port' => '3306',
  'prefix' => '',
  'charset' => 'utf8mb4',
  'collation' => 'utf8mb4_general_ci',
);
if (PHP_SAPI !== 'cli') {
  foreach (array('db_type', 'db_name', 'db_user', 'db_passwd', 'db_host', 'db_port') as $aegir_name) {
    unset($_SERVER[$aegir_name], $_SERVER['REDIRECT_' . $aegir_name], $_ENV[$aegir_name]);
  }
  unset($aegir_name);
}

umask(0002);
$aegir_host = NULL;
if (PHP_SAPI === 'cli') {
  $aegir_host = basename(__DIR__);
}
elseif (!empty($_SERVER['AEGIR_HOST'])) {
  $aegir_host = $_SERVER['AEGIR_HOST'];
}
$aegir_directory = 'sites/' . basename(__DIR__);
$settings['hash_salt'] = 'salt\'of\\this$site';
if ($aegir_host !== NULL) {
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
}

# For all sites, for the platform's, and for this one.
$aegir_docroot = dirname(dirname(__DIR__));
foreach (array(
  '/var/aegir/config/includes/global.inc',
  $aegir_docroot . '/sites/all/platform.settings.php',
  __DIR__ . '/local.settings.php',
) as $aegir_file) {
  if (is_readable($aegir_file)) {
    include $aegir_file;
  }
}

# An Aegir that looks whether this site is whole asks for it.
if (PHP_SAPI !== 'cli' && !empty($_SERVER['AEGIR_PROBE']) && isset($databases['default']['default']['database'])) {
  header('X-Aegir-Settings: ' . rawurlencode(basename(__DIR__)) . '; database=' .
    rawurlencode($databases['default']['default']['database']));
}
unset($aegir_host, $aegir_directory, $aegir_docroot, $aegir_file);
