<?php
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
