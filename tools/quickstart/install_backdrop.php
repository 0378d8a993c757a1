<?php
// Installs Backdrop with the settings.php that is there, in the docroot: install_backdrop.php HOST TITLE.
define('BACKDROP_ROOT', getcwd());
define('MAINTENANCE_MODE', 'install');
$_SERVER['HTTP_HOST'] = $argv[1];
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
$_SERVER['REQUEST_URI'] = '/';
$_SERVER['REMOTE_ADDR'] = '127.0.0.1';
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['SERVER_SOFTWARE'] = NULL;
require_once './core/includes/install.core.inc';
try {
  install_backdrop([
    'parameters' => ['profile' => 'standard', 'langcode' => 'en'],
    'forms' => [
      'install_configure_form' => [
        'site_name' => $argv[2],
        'site_mail' => 'admin@example.com',
        'account' => ['name' => 'admin', 'mail' => 'admin@example.com', 'pass' => bin2hex(random_bytes(16))],
        'update_status_module' => [],
        'clean_url' => '1',
        'op' => 'Save and continue',
      ],
    ],
  ]);
}
catch (Exception $error) {
  // Backdrop's own handler would end with 0.
  fwrite(STDERR, $error->getMessage() . "\n");
  exit(1);
}
