<?php
# Written by aegirc at each Verify. Changes are lost: what you add belongs into local.settings.php beside this file.
# Cloaked: the credentials come with each request from the web server, and are taken away after use.
if (PHP_SAPI === 'cli' && empty($_SERVER['db_name'])) {
  # Only aegir and the site itself can read this file.
  $aegir_file = '/var/aegir/config/cli/' . basename(__DIR__) . '.php';
  if (is_readable($aegir_file)) {
    include $aegir_file;
  }
}
if (!empty($_SERVER['db_name'])) {
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
}
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
$drupal_hash_salt = 'salt\'of\\this$site';
$conf['install_profile'] = 'standard';
if ($aegir_host !== NULL) {
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
ini_set('session.cookie_lifetime', 2000000);

# For all sites, for the platform's, and for this one.
$aegir_docroot = dirname(dirname(__DIR__));
foreach (array(
  '/var/aegir/config/includes/global.inc',
  $aegir_docroot . '/sites/all/platform.settings.php',
  __DIR__ . '/local.settings.php',
) as $aegir_file) {
  if (is_readable($aegir_file)) {
    include_once $aegir_file;
  }
}

# An Aegir that looks whether this site is whole asks for it.
if (PHP_SAPI !== 'cli' && !empty($_SERVER['AEGIR_PROBE']) && isset($databases['default']['default']['database'])) {
  header('X-Aegir-Settings: ' . rawurlencode(basename(__DIR__)) . '; database=' .
    rawurlencode($databases['default']['default']['database']));
}
unset($aegir_host, $aegir_directory, $aegir_docroot, $aegir_file);
